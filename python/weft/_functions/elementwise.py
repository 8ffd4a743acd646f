"""Functions of one element each, and comparisons of whole tensors."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, Number, Operand, public, public_with_short_cut
from . import reductions

__all__ = ["add", "sub", "div", "round", "clamp", "where", "masked_fill", "allclose", "equal", "isclose"]
METHODS = [*(name for name in __all__ if name != "where"), "clamp_"]


def add_scaled(add: Any, both: Any, sign: int, input: Any, other: Any, legacy: tuple[Any, ...], alpha: Any) -> Tensor:
    """input + sign · alpha · other: ``add`` does it where alpha is 1, else ``both``. PyTorch's old form is (input, alpha, other)."""
    name = add.__name__
    if legacy:
        if len(legacy) > 1 or alpha != 1:
            raise TypeError(f"[{name}] takes 2 operands; got {2 + len(legacy)}; pass the factor as alpha=")
        other, alpha = legacy[0], other
        if not isinstance(alpha, (int, float)) or not isinstance(other, (Tensor, int, float)):
            raise TypeError(
                f"[{name}] takes (input, other, alpha=) or (input, alpha, other), alpha a number; got "
                f"{type(alpha).__name__} and {type(other).__name__}"
            )
    if alpha is True or alpha is False:
        if not all(_is_bool(operand) for operand in (input, other)):
            raise RuntimeError(f"[{name}] alpha is a bool, but the operands are not; pass alpha={int(alpha)}")
    elif alpha == 1:
        return add(input, other)
    elif isinstance(alpha, float) and not any(_is_real(operand) for operand in (input, other)):
        raise RuntimeError(
            f"[{name}] alpha of integer operands must be an integer; got {alpha}; convert an operand with .float()"
        )
    if sign < 0 and any(_is_bool(operand) for operand in (input, other)):
        return add(input, other)  # which refuses
    return both(input, other, sign * alpha if sign < 0 else alpha)


def _is_real(operand: Any) -> bool:
    if isinstance(operand, Tensor):
        return operand.dtype.is_floating_point or operand.dtype.is_complex
    return isinstance(operand, (float, complex))


def _is_bool(operand: Any) -> bool:
    return operand.dtype is _C.bool if isinstance(operand, Tensor) else isinstance(operand, bool)


@public_with_short_cut
def add(input: Operand, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input + alpha · other, elementwise."""
    return add_scaled(_ops.add, _ops.add_scaled, 1, input, other, legacy, alpha)


@public_with_short_cut
def sub(input: Operand, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input - alpha · other, elementwise."""
    return add_scaled(_ops.sub, _ops.add_scaled, -1, input, other, legacy, alpha)


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
        if common.itemsize > 2:
            return _ops.trunc(_ops.div(input, other))
        # A quotient that is rounded to 16 bits may be the next integer.
        wide = [x.to(_C.float32) if isinstance(x, Tensor) else x for x in (input, other)]
        return _ops.trunc(_ops.div(*wide)).to(common)
    if common is _C.bool:
        return _ops.floor_divide(input, other)
    dividend: Tensor = input if isinstance(input, Tensor) else _C.full((), input, common, None)
    if dividend.dtype is _C.bool:
        dividend = dividend.to(common)
    return _ops.floor_divide(_ops.sub(dividend, _ops.fmod(dividend, other)), other)


@public
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, or number of so many decimals; halves to the even one."""
    if decimals == 0:
        return _ops.round(input)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[round] decimals need a floating-point dtype; got {input.dtype}; use .float()")
    largest = 308 if input.dtype is _C.float64 else 38  # power of ten that the computation holds
    if decimals < -largest:  # more than twice any number
        return _ops.where(_ops.isfinite(input), _ops.mul(input, 0.0), input)
    if decimals > largest and input.dtype is not _C.float64:
        return round(input.to(_C.float64), decimals=decimals).to(input.dtype)
    units = [10.0 ** abs(decimals)] if abs(decimals) <= largest else [1e308, 10.0 ** (min(decimals, 340) - 308)]
    if decimals < 0:
        return _ops.mul(_ops.round(_ops.div(input, units[0])), units[0])
    scaled = input
    for unit in units:
        scaled = _ops.mul(scaled, unit)
    result = _ops.round(scaled)
    for unit in reversed(units):
        result = _ops.div(result, unit)
    # From here on every number is an integer: the input has no further decimals.
    integers = 2.0 ** {8: 53, 4: 24, 2: 11}[input.dtype.itemsize]
    return _ops.where(_ops.lt(_ops.abs(scaled), integers), result, input)


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


def _close(op: str, input: Tensor, other: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    if input.dtype is not other.dtype:
        raise RuntimeError(
            f"[{op}] both must have one dtype; got {input.dtype} and {other.dtype}; convert one by .to()"
        )
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not tolerance >= 0:
            raise RuntimeError(f"[{op}] {name} must be at least 0; got {tolerance}")
    same = _ops.eq(input, other)
    if input.dtype.is_floating_point or input.dtype.is_complex:
        if equal_nan:
            same = _ops.logical_or(same, _ops.logical_and(_ops.isnan(input), _ops.isnan(other)))
        if input.dtype.itemsize < 4:
            input, other = input.float(), other.float()
        distance = _ops.abs(_ops.sub(input, other))
        near = _ops.logical_and(_ops.isfinite(distance), _ops.le(distance, _allowed(other, rtol, atol)))
    else:
        # Differences of integers are exact modulo 2^64, in which they fit.
        first, second = input.long(), other.long()
        if input.dtype is _C.uint64:  # past int64
            first, second = _ops.bitwise_xor(first, -(2**63)), _ops.bitwise_xor(second, -(2**63))
        signed = _ops.sub(_ops.maximum(first, second), _ops.minimum(first, second))
        distance = _ops.add(signed.double(), _ops.mul(_ops.lt(signed, 0).double(), 2.0**64))
        near = _ops.le(distance, _allowed(other.double(), rtol, atol))
    return _ops.logical_or(same, near)


def _allowed(other: Tensor, rtol: float, atol: float) -> Tensor:
    return _ops.add(_ops.mul(_ops.abs(other), rtol), atol)


@public
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Whether |input - other| <= atol + rtol |other|, elementwise, as bool; infinities are close to themselves, NaNs with ``equal_nan``. RuntimeError for
    two dtypes and negative tolerances."""
    return _close("isclose", input, other, rtol, atol, equal_nan)


@public
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether ``isclose`` holds everywhere."""
    return bool(_close("allclose", input, other, rtol, atol, equal_nan).all())


@public
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape and equal elements."""
    return input.shape == other.shape and bool(reductions.all(_ops.eq(input, other)))


def array_of(tensor: Tensor) -> Any:
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype is _C.bfloat16 else tensor).numpy()
