"""Derivatives of functions of tensors, as tuples: PyTorch's older interface to what ``weft.func`` does.

``inputs`` is a tensor or a tuple of tensors, and so is what ``func`` returns. With ``create_graph`` the results have a history. With
``strict`` it is an error that a result does not depend on an input; else its derivative is zero.
"""

from __future__ import annotations

from .. import _C, _factories
from .._C import Tensor
from .._ops import concatenate
from ..func import jacfwd
from ..func import vmap as batched
from ._backward import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(op, what, value):
    """(is it one tensor, the tensors)."""
    values = (value,) if isinstance(value, Tensor) else value
    if not isinstance(values, tuple) or not all(isinstance(item, Tensor) for item in values):
        raise TypeError(f"[{op}] the {what} must be either a tensor or a tuple of tensors; got {type(value).__name__}")
    return isinstance(value, Tensor), values


class _Call:
    """One call of the user's function on leaves of its own; of views of the inputs with create_graph, so that history leads to them."""

    def __init__(self, op, func, inputs, create_graph, strict):
        self.op, self.create_graph, self.strict = op, create_graph, strict
        self.one_input, given = _tuple(op, "inputs", inputs)
        self.inputs = tuple(
            [x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given]
        )
        self.result = func(*self.inputs)
        self.one_output, self.outputs = _tuple(op, "outputs of the function", self.result)
        for i, output in enumerate(self.outputs):
            if strict and not output.requires_grad:
                raise RuntimeError(
                    f"[{op}] output {i} of the function does not depend on the inputs, which strict=True does not allow"
                )

    def pull(self, outputs, cotangents, inputs=None, create_graph=None):
        """The cotangents of the inputs, zeros where there are none."""
        inputs = self.inputs if inputs is None else inputs
        create = self.create_graph if create_graph is None else create_graph
        pairs = [(o, c) for o, c in zip(outputs, cotangents) if o.requires_grad]
        found = [None] * len(inputs)
        if pairs:
            found = grad(*map(tuple, (
                [o for o, _ in pairs], inputs, [c for _, c in pairs]
            )), retain_graph=True, create_graph=create, allow_unused=True)  # fmt: skip
        for i, gradient in enumerate(found):
            if self.strict and gradient is None:
                raise RuntimeError(
                    f"[{self.op}] the function is independent of input {i}, which strict=True does not allow"
                )
        return tuple([_factories.zeros_like(x) if g is None else g for g, x in zip(found, inputs)])

    def given(self, what, vectors, like):
        """``v``, or a one where there is one number to be had."""
        if vectors is None:
            if len(like) != 1 or like[0].numel() != 1:
                raise RuntimeError(
                    f"[{self.op}] the vector v can only be None if the {what} is a single tensor of one element"
                )
            return (_factories.ones_like(like[0]),)
        _, vectors = _tuple(self.op, "vector v", vectors)
        if len(vectors) != len(like):
            raise RuntimeError(f"[{self.op}] v must have {len(like)} tensors, as the {what}; got {len(vectors)}")
        for vector, of in zip(vectors, like):
            if vector.shape != of.shape:
                raise RuntimeError(
                    f"[{self.op}] v has invalid size: should be {list(of.shape)} but got {list(vector.shape)}"
                )
        return vectors

    def released(self, tensors, one):
        tensors = tensors if self.create_graph else tuple([tensor.detach() for tensor in tensors])
        return tensors[0] if one else tensors

    def scalar(self):
        if not self.one_output or self.outputs[0].numel() != 1:
            raise RuntimeError(f"[{self.op}] the function must return one tensor with a single element")
        return self.outputs[0]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), the product of ``v`` with the Jacobian). v: of the outputs' shapes; may be left out where that is one number."""
    with _C.GradMode(True):
        call = _Call("vjp", func, inputs, create_graph, strict)
        found = call.pull(call.outputs, call.given("output of the function", v, call.outputs))
    return call.released(call.outputs, call.one_output), call.released(found, call.one_input)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), the product of the Jacobian with ``v``). v: of the inputs' shapes."""
    with _C.GradMode(True):
        call = _Call("jvp", func, inputs, create_graph, strict)
        vectors = call.given("input", v, call.inputs)
        # The derivative of the pullback, which is linear, by its cotangents.
        cotangents = tuple([_factories.zeros_like(o).requires_grad_() for o in call.outputs])
        pulled = call.pull(call.outputs, cotangents, create_graph=True)
        found = _Pushed(call).pull(pulled, vectors, cotangents)
    return call.released(call.outputs, call.one_output), call.released(found, call.one_output)


class _Pushed(_Call):
    def __init__(self, call):
        self.op, self.create_graph, self.strict = call.op, call.create_graph, False


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), the product of ``v`` with the Hessian) of a function whose result is one number."""
    with _C.GradMode(True):
        call = _Call("vhp", func, inputs, create_graph, strict)
        output = call.scalar()
        vectors = call.given("input", v, call.inputs)
        gradients = call.pull((output,), (None,), create_graph=True)
        found = call.pull(gradients, vectors)
    return call.released((output,), True), call.released(found, call.one_input)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(*inputs), the product of the Hessian with ``v``) of a function whose result is one number."""
    with _C.GradMode(True):
        call = _Call("hvp", func, inputs, create_graph, strict)
        output = call.scalar()
        vectors = call.given("input", v, call.inputs)
        gradients = call.pull((output,), (None,), create_graph=True)
        cotangents = tuple([_factories.zeros_like(g).requires_grad_() for g in gradients])
        pulled = call.pull(gradients, cotangents, create_graph=True)
        found = _Pushed(call).pull(pulled, vectors, cotangents)
    return call.released((output,), True), call.released(found, call.one_input)


def _rows(call, output, vectorize):
    """For each input the cotangents for all elements of the output, in one tensor of the shape output + input."""
    count = output.numel()
    flat = output.reshape(-1)
    basis = _factories.eye(count, dtype=output.dtype, device=output.device)
    if vectorize and output.requires_grad and not call.strict and count:
        stacked = batched(lambda row: call.pull((flat,), (row,)))(basis)
    else:
        rows = [call.pull((flat,), (basis[i],)) for i in range(count)]
        stacked = [
            concatenate([row[k].unsqueeze(0) for row in rows]) if rows else None for k in range(len(call.inputs))
        ]
    return tuple([
        _factories.zeros(*output.shape, *x.shape, dtype=x.dtype, device=x.device)
        if rows is None
        else rows.reshape(*output.shape, *x.shape)
        for rows, x in zip(stacked, call.inputs)
    ])  # fmt: skip


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The derivatives of all elements of the outputs by all elements of the inputs, each of the shape output + input: a tensor for one
    output and one input, a tuple for several of one, nested tuples (by output, then by input) for several of both.

    vectorize: all elements at once (``vmap``). strategy: "reverse-mode", or with vectorize "forward-mode".
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"[jacobian] strategy must be 'reverse-mode' or 'forward-mode'; got {strategy}")
    if strategy == "forward-mode":
        if not vectorize:
            raise NotImplementedError("[jacobian] strategy='forward-mode' takes vectorize=True")
        if strict:
            raise RuntimeError("[jacobian] strict=True takes strategy='reverse-mode'")
        one, tensors = _tuple("jacobian", "inputs", inputs)
        found = jacfwd(func, argnums=0 if one else tuple(range(len(tensors))))(*tensors)
        return found
    with _C.GradMode(True):
        call = _Call("jacobian", func, inputs, create_graph, strict)
        found = [call.released(_rows(call, output, vectorize), call.one_input) for output in call.outputs]
    return found[0] if call.one_output else tuple(found)


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The second derivatives of a function whose result is one number: jacobian() of its gradient, by input and input."""
    one, _ = _tuple("hessian", "inputs", inputs)

    def gradient(*args):
        call = _Call("hessian", func, args, True, strict)
        found = call.pull((call.scalar(),), (None,), create_graph=True)
        return found[0] if one else found

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
