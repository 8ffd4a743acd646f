"""``grad``, ``vjp``, ``jvp`` and their like, on the tape.

An argument by which is differentiated is a tensor of the call's own: a leaf, or, where what is outside differentiates by it too, a view of it. So
calls nest, and each has the derivative by its own arguments alone. What a call returns has a history where it depends on others' leaves.
"""

from __future__ import annotations

import functools

from .. import _C, _factories, _pytree
from .._C import Tensor
from .._layouts import check_dense


class Level:
    """One call: its primals, and what of the outside there is to keep."""

    def __init__(self, op, primals):
        self.op = op
        self.recording = _C.grad_enabled()
        self.since = _C.tape_order()
        self.given, self.structure = _pytree.flatten(primals)
        for leaf in self.given:
            if not isinstance(leaf, Tensor):
                raise ValueError(f"[{op}] differentiates by tensors; got {type(leaf).__name__} among the arguments")
            check_dense(op, leaf)
            if not (leaf.dtype.is_floating_point or leaf.dtype.is_complex):
                raise RuntimeError(
                    f"[{op}] only tensors of a float or complex dtype have gradients; got {leaf.dtype}; convert it"
                )
        self.inputs = [self._own(leaf) for leaf in self.given]

    def _own(self, tensor):
        if self.recording and tensor.requires_grad:
            with _C.GradMode(True):
                return tensor.view_as(tensor)
        return tensor.detach().requires_grad_()

    @property
    def primals(self):
        return _pytree.unflatten(self.inputs, self.structure)

    def run(self, func, args, kwargs, has_aux, forward=False):
        """The function's result, and what stands beside it. forward: tangents() follows."""
        with _C.GradMode(True), _C.forward_scope() if forward else _C.GradMode(True):
            result = func(*args, **kwargs)
        if not has_aux:
            return result, None
        if not isinstance(result, tuple) or len(result) != 2:
            raise RuntimeError(
                f"[{self.op}] with has_aux the function returns (output, aux); got {type(result).__name__}"
            )
        return result

    def depends_outside(self, tensors):
        return self.recording and _C.depends_on_others(tensors, self.inputs)

    def cotangents(self, outputs, given, retain):
        """Of the inputs, zeros where an output does not depend on one. given: of the outputs; () for ones."""
        pairs = [(o, g) for o, g in zip(outputs, given or [None] * len(outputs)) if o.requires_grad]
        taped = [o for o, _ in pairs]
        create = _C.grad_enabled() and (
            self.depends_outside(taped) or any([g is not None and g.requires_grad for _, g in pairs])
        )
        found = [None] * len(self.inputs)
        if taped:
            found = _C.grad(taped, self.inputs, [g for _, g in pairs], retain or create, create, True)
        return [_factories.zeros_like(x) if g is None else g for g, x in zip(found, self.given)]

    def tangents(self, outputs, given):
        """Of the outputs, from those of the inputs."""
        taped = [o for o in outputs if o.requires_grad]
        create = _C.grad_enabled() and (self.depends_outside(taped) or any([t.requires_grad for t in given]))
        found = iter(_C.push_forward(taped, self.inputs, given, create) if taped else ())
        return [next(found) if o.requires_grad else _factories.zeros_like(o) for o in outputs]

    def released(self, tree):
        """The tree for the caller: without the history that is this call's alone."""

        leaves, structure = _pytree.flatten(tree)
        taped = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.requires_grad]
        outside = self.depends_outside(taped)

        def released(leaf):
            if not isinstance(leaf, Tensor) or not leaf.requires_grad or (outside and self.depends_outside([leaf])):
                return leaf
            return leaf.detach()

        return _pytree.unflatten([released(leaf) for leaf in leaves], structure)

    def end(self, tree):
        """The same where no more is differentiated: what histories are left do not hold on to this call's own leaves."""
        tree = self.released(tree)
        taped = [leaf for leaf in _pytree.flatten(tree)[0] if isinstance(leaf, Tensor) and leaf.requires_grad]
        _C.release_leaves(taped, self.inputs, self.since)
        return tree


def _chosen(op, argnums, args):
    """The arguments of those numbers."""
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    if not numbers:
        raise RuntimeError(f"[{op}] argnums must not be empty; pass the numbers of the arguments to differentiate by")
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise RuntimeError(f"[{op}] argnums must be an int or a tuple of ints; got {argnums}")
        if not -len(args) <= number < len(args):
            raise RuntimeError(f"[{op}] argnum {number} names no argument; got {len(args)} positional arguments")
    numbers = tuple([number % len(args) for number in numbers])
    if len(set(numbers)) != len(numbers):
        raise RuntimeError(f"[{op}] argnums must be distinct; got {argnums}")
    chosen = tuple([args[number] for number in numbers])
    return chosen if isinstance(argnums, tuple) else chosen[0], numbers


def _replaced(args, numbers, primals, several):
    args = list(args)
    for number, value in zip(numbers, primals if several else (primals,)):
        args[number] = value
    return args


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives the gradient of ``func``, which returns a tensor of one element, and its value: (gradient, value).

    argnums: the positional argument to differentiate by, a tensor or a tree of tensors of a float dtype, or a tuple of several. The
    gradient has its structure, shapes and dtypes. has_aux: ``func`` returns (output, aux), and the result is (gradient, (output, aux)).

    Raises RuntimeError where ``func`` returns something else, or argnums name no argument.
    """

    @functools.wraps(func)
    def differentiated(*args, **kwargs):
        primals, numbers = _chosen("grad", argnums, args)
        level = Level("grad", primals)
        args = _replaced(args, numbers, level.primals, isinstance(argnums, tuple))
        output, aux = level.run(func, args, kwargs, has_aux)
        if not isinstance(output, Tensor):
            raise RuntimeError(f"[grad] the function must return a tensor; got {type(output).__name__}")
        if output.ndim:
            raise RuntimeError(
                f"[grad] the function must return a tensor of no dimensions; got shape {list(output.shape)}; reduce it, or use vjp() or jacrev()"
            )
        gradients = _pytree.unflatten(level.cotangents([output], (), has_aux), level.structure)
        return level.end((gradients, (output, aux) if has_aux else output))

    return differentiated


def grad(func, argnums=0, has_aux=False):
    """A function that gives the gradient of ``func``, which returns a tensor of one element; with has_aux, (gradient, aux).

    Arguments and errors as of ``grad_and_value``. It nests: grad(grad(f)) is the second derivative.
    """

    @functools.wraps(func)
    def differentiated(*args, **kwargs):
        gradients, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return differentiated


def _tensors(op, result):
    outputs, structure = _pytree.flatten(result)
    if not outputs:
        raise RuntimeError(f"[{op}] the function must return at least one tensor; got {result!r}")
    for output in outputs:
        if not isinstance(output, Tensor):
            raise RuntimeError(f"[{op}] the function must return tensors only; got {type(output).__name__}")
    return outputs, structure


def vjp(func, *primals, has_aux=False):
    """The result of ``func(*primals)`` and a function from its cotangents to those of the primals.

    The result is a tensor or a tree of tensors; ``vjp_fn(cotangents)`` takes the same structure and gives a tuple with an entry a
    primal. With has_aux: (output, vjp_fn, aux). Raises RuntimeError where structures or shapes do not fit.
    """
    _, released, vjp_fn, aux = pullback("vjp", func, primals, has_aux)
    return (released, vjp_fn, aux) if has_aux else (released, vjp_fn)


def pullback(op, func, primals, has_aux):
    """The level, and what vjp gives: result, vjp_fn, aux."""
    level = Level(op, primals)
    result, aux = level.run(func, level.primals, {}, has_aux)
    outputs, structure = _tensors(op, result)

    def vjp_fn(cotangents):
        given, shape = _pytree.flatten(cotangents)
        if shape != structure:
            raise RuntimeError(
                f"[{op}] the cotangents must have the structure of the results; got {_pytree.text(shape)} for {_pytree.text(structure)}"
            )
        return level.released(_pytree.unflatten(level.cotangents(outputs, given, True), level.structure))

    return level, level.released(result), vjp_fn, level.released(aux)


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """The result of ``func(*primals)`` and its tangent in the direction ``tangents``, by forward mode.

    primals, tangents: tuples of the same structure; a tangent has its primal's shape and dtype. strict: that a result does not depend on
    the primals is an error, else its tangent is zero. With has_aux: (output, tangent, aux).
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(f"[jvp] primals must be a tuple, as in func(*primals); got {type(primals).__name__}")
    level, outputs, structure, aux = _linear("jvp", func, primals, has_aux)
    if strict and not all([output.requires_grad for output in outputs]):
        raise RuntimeError("[jvp] a result does not depend on the primals, which strict=True does not allow")
    pushed = level.tangents(outputs, _directions("jvp", level, tangents))
    result, pushed = _pytree.unflatten(outputs, structure), _pytree.unflatten(pushed, structure)
    return level.end((result, pushed, aux) if has_aux else (result, pushed))


def _linear(op, func, primals, has_aux=False):
    """The level, the results and their structure, aux."""
    level = Level(op, primals)
    result, aux = level.run(func, level.primals, {}, has_aux, forward=True)
    return (level, *_tensors(op, result), aux)


def _directions(op, level, tangents):
    given, shape = _pytree.flatten(tangents)
    if shape != level.structure:
        raise RuntimeError(
            f"[{op}] tangents must have the structure of the primals; got {_pytree.text(shape)} for {_pytree.text(level.structure)}"
        )
    return given


def linearize(func, *primals):
    """The result of ``func(*primals)`` and a function from tangents of the primals to those of the result, at that point."""
    _, result, jvp_fn = pushforward("linearize", func, primals)
    return result, jvp_fn


def pushforward(op, func, primals):
    """The level, and what linearize gives: result, jvp_fn."""
    level, outputs, structure, _ = _linear(op, func, primals)

    def jvp_fn(*tangents):
        pushed = level.tangents(outputs, _directions(op, level, tangents))
        return level.released(_pytree.unflatten(pushed, structure))

    return level, level.released(_pytree.unflatten(outputs, structure)), jvp_fn
