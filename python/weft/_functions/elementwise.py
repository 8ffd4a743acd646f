"""Functions of one element each, and comparisons of whole tensors."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, Number, Operand, public
from . import reductions

__all__ = ["add", "sub", "div", "round", "clamp", "where", "masked_fill", "allclose", "equal"]
METHODS = ["add", "sub", "div", "round", "clamp", "clamp_", "masked_fill", "allclose", "equal"]


def scaled(name: str, input: Any, other: Any, legacy: tuple[Any, ...], alpha: Any) -> Any:
    """alpha · other. PyTorch's old form is (input, alpha, other)."""
    if legacy:
        if len(legacy) > 1 or alpha != 1:
            raise TypeError(f"[{name}] takes 2 operands; got {2 + len(legacy)}; pass the factor as alpha=")
        other, alpha = legacy[0], other
        if not isinstance(alpha, (int, float)) or not isinstance(other, (Tensor, int, float)):
            raise TypeError(
                f"[{name}] takes (input, other, alpha=) or (input, alpha, other), alpha a number; got "
                f"{type(alpha).__name__} and {type(other).__name__}"
            )
    if alpha == 1 and alpha is not True:
        return other
    if isinstance(alpha, float) and not any(_is_real(operand) for operand in (input, other)):
        raise RuntimeError(
            f"[{name}] alpha of integer operands must be an integer; got {alpha}; convert an operand with .float()"
        )
    return other * alpha


def _is_real(operand: Any) -> bool:
    return operand.dtype.is_floating_point if isinstance(operand, Tensor) else isinstance(operand, float)


@public
def add(input: Operand, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input + alpha · other, elementwise."""
    return _ops.add(input, scaled("add", input, other, legacy, alpha))


@public
def sub(input: Operand, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input - alpha · other, elementwise."""
    return _ops.sub(input, scaled("sub", input, other, legacy, alpha))


@public
def div(input: Operand, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """The quotient, elementwise; ``rounding_mode`` "floor" rounds it down, "trunc" towards zero."""
    if rounding_mode is None:
        return _ops.div(input, other)
    if rounding_mode == "floor":
        return _ops.floor_divide(input, other)
    if rounding_mode != "trunc":
        raise RuntimeError(f"[div] rounding_mode must be None, 'floor' or 'trunc'; got {rounding_mode!r}")
    common = _C.result_type(input, other)
    if common.is_floating_point:
        return _ops.trunc(_ops.div(input, other))
    if common is _C.bool:
        return _ops.floor_divide(input, other)
    if isinstance(input, Tensor) and input.dtype is _C.bool:
        input = input.to(common)
    return _ops.floor_divide(_ops.sub(input, _ops.fmod(input, other)), other)


@public
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or number of so many decimals; halves to the even one."""
    if decimals == 0:
        return _ops.round(input)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[round] decimals need a floating-point dtype; got {input.dtype}; use .float()")
    unit = 10.0 ** abs(decimals)
    if decimals > 0:
        return _ops.div(_ops.round(_ops.mul(input, unit)), unit)
    return _ops.mul(_ops.round(_ops.div(input, unit)), unit)


@public
def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Limited to [min, max]; either may be None, a number or a tensor."""
    return _clamped("clamp", (_ops.clamp, _ops.clamp_min, _ops.clamp_max), input, min, max)


@public
def clamp_(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """``clamp`` written into this tensor."""
    return _clamped("clamp_", (_ops.clamp_, _ops.clamp_min_, _ops.clamp_max_), input, min, max)


def _clamped(name: str, ops: Any, input: Tensor, min: Operand | None, max: Operand | None) -> Tensor:
    both, least, most = ops
    if max is not None:
        return most(input, max) if min is None else both(input, min, max)
    if min is None:
        raise RuntimeError(f"[{name}] needs at least one of min and max; got neither; pass min=, max= or both")
    return least(input, min)


@public
def where(condition: Tensor, input: Operand | None = None, other: Operand | None = None) -> Any:
    """``input`` where the condition holds, else ``other``; of the condition alone the positions where it holds."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if input is None or other is None:
        raise TypeError("[where] needs input and other, or neither; got one; pass both")
    if condition.dtype is _C.uint8:
        condition = condition.to(_C.bool)
    if condition.dtype is not _C.bool:
        raise RuntimeError(f"[where] the condition must be of dtype bool; got {condition.dtype}; use condition != 0")
    return _ops.where(condition, input, other)


masked_fill = _C.masked_fill


@public
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether |input - other| <= atol + rtol |other| everywhere."""
    import numpy

    if input.dtype is not other.dtype:
        raise RuntimeError(
            f"[allclose] both must have one dtype; got {input.dtype} and {other.dtype}; convert one by .to()"
        )
    input, other = _C.broadcast_tensors(input, other)
    return bool(numpy.allclose(array_of(input), array_of(other), rtol, atol, equal_nan))


@public
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape and equal elements."""
    return input.shape == other.shape and bool(reductions.all(_ops.eq(input, other)))


def array_of(tensor: Tensor) -> Any:
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype is _C.bfloat16 else tensor).numpy()
