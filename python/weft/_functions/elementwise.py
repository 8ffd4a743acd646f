"""Functions of one element each, and comparisons of whole tensors."""

from .. import _C, _ops
from .._C import Tensor
from . import reductions

__all__ = ["clamp", "where", "masked_fill", "allclose", "equal"]
METHODS = ("clamp", "masked_fill", "allclose", "equal")


def clamp(input, min=None, max=None):
    """Limited to [min, max]; either may be None, a number or a tensor."""
    op, operands = _clamping(input, min, max)
    return getattr(_ops, op)(*operands)


def clamp_(input, min=None, max=None):
    """``clamp`` written into this tensor."""
    op, operands = _clamping(input, min, max)
    return _C.in_place(op, *operands)


def _clamping(input, min, max):
    """The op that clamps, and its operands."""
    if min is None and max is None:
        raise RuntimeError("[clamp] needs at least one of min and max; got neither; pass min=, max= or both")
    if max is None:
        return "maximum", (input, min)
    if min is None:
        return "minimum", (input, max)
    return "clamp", (input, min, max)


def where(condition, input=None, other=None):
    """``input`` where the condition holds, else ``other``."""
    if input is None:
        raise NotImplementedError("[where] needs condition, input and other; use condition.nonzero() for positions")
    if isinstance(condition, Tensor) and condition.dtype is not _C.bool:
        condition = condition.to(_C.bool)
    return _ops.where(condition, input, other)


def masked_fill(input, mask, value):
    """``value``, a number or a 0-d tensor, in the input's dtype where the mask holds, else the input."""
    return _C.masked_fill(input, mask, value)


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol |other| everywhere."""
    import numpy

    return bool(numpy.allclose(array_of(input), array_of(other), rtol, atol, equal_nan))


def equal(input, other):
    """Whether both have one shape and equal elements."""
    return input.shape == other.shape and bool(reductions.all(_ops.eq(input, other)))


def array_of(tensor):
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype is _C.bfloat16 else tensor).numpy()
