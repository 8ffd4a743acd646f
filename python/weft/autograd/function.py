"""``Function``: an operation with a derivative of its own.

The tape holds a node for a call of it (``_C.FunctionContext``, frontend/autograd/CustomFunction.h). Forward and backward run as any other
Python: what they do with tensors is traced by ``compile`` and ``vmap``, and recorded under ``create_graph``.
"""

from __future__ import annotations

import functools
import warnings

from .. import _C, _factories
from .._C import Tensor

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]


class FunctionCtx(_C.FunctionContext):
    """What forward leaves for backward; it takes any attributes."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    _dirty: tuple = ()
    _constant: tuple = ()
    _for_forward: tuple | None = None

    def __init__(self):
        pass  # __new__ has made its value

    def save_for_backward(self, *tensors):
        """Keeps tensors, inputs and results among them, for ``saved_tensors``; None stays None."""
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"[save_for_backward] can only save tensors, but argument {i} is of type {type(tensor).__name__};"
                    " keep other values as attributes of ctx"
                )
        self._saved = tensors
        self._keep(tensors)

    def save_for_forward(self, *tensors):
        """Keeps tensors for ``saved_tensors`` in jvp()."""
        self._for_forward = tensors

    def mark_dirty(self, *tensors):
        """Says that forward wrote to these inputs. They must be among its results."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Says that these results have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value):
        """Whether backward() gets zeros, rather than None, for a result that nothing depends on."""
        self.materialize_grads = value

    @property
    def saved_tensors(self):
        """What save_for_backward() was given. Raises RuntimeError where backward() has given it up, or it was written to since."""
        return self._kept()

    def name(self):
        return self._function.__name__ + "Backward"

    # ---- Called by the tape.

    def _pull(self, cotangents):
        """The cotangents of the tensors among the arguments, from those of the results that are tensors."""
        if self.materialize_grads:
            cotangents = [
                _factories.zeros(shape, dtype=dtype, device=device) if given is None else given
                for given, (shape, dtype, device) in zip(cotangents, self._results)
            ]
        following = iter(cotangents)
        given = [next(following) if is_tensor else None for is_tensor in self._are_results]
        try:
            found = self._backward()(self, *given)
        except Exception:
            if _C.anomaly_mode()[0]:
                warnings.warn(f"Error detected in {self.name()}, of the forward call at {self._place()}", stacklevel=2)
            raise
        found = found if isinstance(found, tuple) else (found,)
        count = len(self._inputs)
        if len(found) < count or any([gradient is not None for gradient in found[count:]]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, got {len(found)});"
                " return one for each argument of forward, None for what is no tensor"
            )
        return [
            _fitting(self, i, gradient, like) if self.needs_input_grad[i] else None
            for i, (gradient, like) in enumerate(zip(found, self._inputs))
            if _is_expected(self, i, gradient, like)
        ]

    def _backward(self):
        function = self._function
        has_backward, has_vjp = function.backward is not Function.backward, function.vjp is not Function.vjp
        if has_backward and has_vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them."
            )
        if not has_backward and not has_vjp:
            raise NotImplementedError(
                "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
            )
        return function.backward if has_backward else function.vjp

    def _push(self, tangents):
        """The tangents of the results that are tensors, from those of the tensors among the arguments."""
        following = iter(tangents)
        given = [next(following) if like is not None else None for like in self._inputs]
        if self._for_forward is not None:
            self._keep(self._for_forward)
        pushed = self._function.jvp(self, *given)
        pushed = pushed if isinstance(pushed, tuple) else (pushed,)
        if len(pushed) != len(self._are_results):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of tangents (expected {len(self._are_results)}, got {len(pushed)})"
            )
        return [tangent for tangent, is_tensor in zip(pushed, self._are_results) if is_tensor]


def _is_expected(ctx, position, gradient, like):
    """Whether the argument is a tensor, which alone may have a gradient."""
    if gradient is not None and not isinstance(gradient, Tensor):
        raise RuntimeError(f"expected a tensor or None as a gradient of {ctx.name()} (got {type(gradient).__name__})")
    if gradient is not None and like is None:
        raise RuntimeError(
            f"function {ctx.name()} returned a gradient different from None at position {position + 1}, but the corresponding"
            " forward input was not a tensor"
        )
    return like is not None


def _fitting(ctx, position, gradient, like):
    """The gradient in the shape and dtype of the argument, to whose shape it may have to be summed."""
    if gradient is None:
        return None
    shape, dtype, device = like
    name = f"Function {ctx.name()} returned an invalid gradient at index {position}"
    if gradient.shape != shape:
        added = gradient.ndim - len(shape)
        sizes = (1,) * added + tuple(shape)
        if added < 0 or any([size not in (1, of) for size, of in zip(sizes, gradient.shape)]):
            raise RuntimeError(f"{name} - got {list(gradient.shape)} but expected shape compatible with {list(shape)}")
        spread = tuple([i for i, size in enumerate(sizes) if size == 1 and (i < added or gradient.shape[i] != 1)])
        gradient = gradient.sum(spread, keepdim=True).reshape(shape)
    if gradient.device != device:
        raise RuntimeError(f"{name} - expected device {device} but got {gradient.device}")
    return gradient.to(dtype)


class Function:
    """An operation with a derivative of its own, by static methods of a sub-class.

    ``forward(ctx, *args)``, or ``forward(*args)`` with ``setup_context(ctx, inputs, output)``, gives a tensor or a tuple; it is run
    without recording. ``backward(ctx, *grad_outputs)`` gives the gradient of each argument, None for what is no tensor. ``jvp(ctx,
    *tangents)``, for ``weft.func.jvp``, gives the tangents of the results. Call ``apply``. Under ``vmap`` it is run once for all examples,
    as any function is, so that no vmap rule is needed.
    """

    generate_vmap_rule = False

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "[Function] an instance cannot be called; define static methods and call apply() of the class"
        )

    @staticmethod
    def forward(*args, **kwargs):
        """The results. Defined by sub-classes."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Leaves in ctx what backward needs; where it is defined, forward takes no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of the arguments. Defined by sub-classes."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def vjp(ctx, *grad_outputs):
        """Another name of backward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangents of the results from those of the arguments, None for one that has none."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args, **kwargs):
        """Calls forward, and has the tape remember the class. Keyword arguments are those of forward."""
        ctx = FunctionCtx()
        ctx._function = cls
        separate = cls.setup_context is not Function.setup_context
        if kwargs or separate:
            args = _bound(cls.forward, args, kwargs, separate)
        ctx.needs_input_grad = tuple([isinstance(value, Tensor) and value.requires_grad for value in args])
        with _C.GradMode(False):
            if separate:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args)
        single = not isinstance(output, tuple)
        results = _results(ctx, args, (output,) if single else output)
        return results[0] if single else results


def _bound(forward, args, kwargs, separate):
    """All arguments of forward by position, with its defaults."""
    code = getattr(forward, "__code__", None)
    missing = 0 if code is None else code.co_argcount - len(args)
    if not kwargs and missing <= 0:
        return args
    if not kwargs and missing <= len(forward.__defaults__ or ()):
        return args + forward.__defaults__[-missing:]
    import inspect  # late: it takes a part of the package's import

    given = args if separate else (None, *args)
    bound = inspect.signature(forward).bind(*given, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        raise TypeError(f"[Function] forward must not have keyword-only arguments; got {sorted(bound.kwargs)}")
    return bound.args if separate else bound.args[1:]


def _among(tensor, tensors):
    return any([tensor is other for other in tensors])


def _results(ctx, args, outputs):
    """The results with their history."""
    operands = [value for value in args if isinstance(value, Tensor)]
    tensors = [value for value in outputs if isinstance(value, Tensor)]
    for written in ctx._dirty:
        if not _among(written, tensors) or not _among(written, operands):
            raise RuntimeError(
                "[mark_dirty] Some elements marked as dirty during the forward method were not returned as output. The inputs that"
                " are modified inplace must all be outputs of the Function."
            )
    recorded = bool(tensors) and _C.grad_enabled() and any(ctx.needs_input_grad)
    if not recorded:
        return tuple([
            value.view_as(value)
            if isinstance(value, Tensor) and _among(value, operands) and not _among(value, ctx._dirty)
            else value
            for value in outputs
        ])  # fmt: skip
    if _C.differentiates_examples(operands):
        raise RuntimeError(
            f"[vmap] {ctx.name()} would be differentiated from outside of vmap, which sees the operations of forward alone; take the"
            " gradient within it, as vmap(grad(f)) or jacrev(f) do"
        )
    for written in ctx._dirty:
        _C.check_in_place(ctx._function.__name__, written)
    differentiable = [not _among(value, ctx._constant) for value in tensors]
    made = [_own(ctx, value, operands) for value in tensors]
    saved = getattr(ctx, "_saved", None)
    if saved is not None:
        ctx._keep([_replaced(value, tensors, made) for value in saved])
        del ctx._saved
    describe = [(value.shape, value.dtype, value.device) if isinstance(value, Tensor) else None for value in args]
    ctx._inputs = describe
    ctx._results = [(value.shape, value.dtype, value.device) for value in made]
    ctx._are_results = [isinstance(value, Tensor) for value in outputs]
    ctx._dirty = ctx._constant = ()  # they lead to the results, which lead here
    _C.record_function(ctx, operands, made, differentiable)
    following = iter(made)
    return tuple([next(following) if isinstance(value, Tensor) else value for value in outputs])


def _own(ctx, value, operands):
    """What is a result: another tensor where forward returned an argument, or what has a history or is a leaf."""
    if _among(value, ctx._dirty):
        return value
    if _among(value, operands) or value.requires_grad:
        return _C.function_view(value)
    return value


def _replaced(saved, before, after):
    for old, new in zip(before, after):
        if saved is old:
            return new
    return saved


class InplaceFunction(Function):
    """A Function whose instances say whether it works in place."""

    def __init__(self, inplace=False):
        self.inplace = inplace


class _Once(Function):
    """Results that are not to be differentiated."""

    @staticmethod
    def forward(ctx, count, *tensors):
        return tuple([tensor.detach() for tensor in tensors[:count]])

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(function):
    """Decorates a backward() whose operations are no derivative of themselves: to differentiate its gradients is an error."""

    @functools.wraps(function)
    def wrapper(ctx, *args):
        with _C.GradMode(False):
            found = function(ctx, *args)
        operands = [value for value in args if isinstance(value, Tensor) and value.requires_grad]
        if not _C.grad_enabled() or not operands:
            return found
        single = not isinstance(found, tuple)
        gradients = (found,) if single else found
        tensors = [value for value in gradients if isinstance(value, Tensor)]
        marked = iter(_Once.apply(len(tensors), *tensors, *operands))
        result = tuple([next(marked) if isinstance(value, Tensor) else value for value in gradients])
        return result[0] if single else result

    return wrapper
