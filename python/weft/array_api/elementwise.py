"""Functions of each element, by the standard's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import weft

from .._C import Tensor
from .dtypes import isdtype, result_type

# By the standard's name: weft's, where that is another.
_OF_ONE = (
    "abs acos acosh asin asinh atan atanh bitwise_invert=bitwise_not conj=conj_physical cos cosh exp expm1 imag isfinite isinf isnan log log1p log2 log10 "
    "logical_not negative real reciprocal signbit sin sinh square sqrt tan tanh"
)
_OF_TWO = (
    "add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal=eq greater "
    "greater_equal less less_equal logical_and logical_or logical_xor maximum minimum multiply not_equal=ne pow "
    "subtract"
)
_OF_TENSORS = "hypot logaddexp nextafter"  # no numbers
_ROUNDINGS = "ceil floor round trunc"  # integers are whole

__all__ = ["clip", "floor_divide", "positive", "remainder", "sign"]


def together(*operands: Any) -> list[Any]:
    """The operands with the arrays in one dtype, that of all: those of no dimensions promote as others do."""
    dtype = result_type(*operands)
    return [x.to(dtype) if isinstance(x, Tensor) else x for x in operands]


def _export(names: str, wrap: Callable[[Any], Any]) -> None:
    for pair in names.split():
        name, _, ours = pair.partition("=")
        function = wrap(getattr(weft, ours or name))
        function.__name__ = function.__qualname__ = name
        function.__doc__ = f"``weft.{ours or name}`` of each element."
        globals()[name] = function
        __all__.append(name)


def _of_one(function: Any) -> Any:
    return lambda x, /: function(x)


def _of_two(function: Any) -> Any:
    return lambda x1, x2, /: function(*together(x1, x2))


def _of_tensors(function: Any) -> Any:
    return lambda x1, x2, /: function(*arrays_of(x1, x2))


def arrays_of(*operands: Any) -> list[Tensor]:
    """The operands as arrays of the dtype of all; ValueError where none is an array."""
    dtype = result_type(*operands)
    device = next(x.device for x in operands if isinstance(x, Tensor))
    return [x.to(dtype) if isinstance(x, Tensor) else weft.full((), x, dtype=dtype, device=device) for x in operands]


def _rounding(function: Any) -> Any:
    return lambda x, /: function(x) if isdtype(x.dtype, ("real floating", "complex floating")) else positive(x)


def floor_divide(x1: Any, x2: Any, /) -> Tensor:
    """The quotient's floor; of infinities the infinite quotient, where ``weft.floor_divide`` has NaN."""
    x1, x2 = arrays_of(x1, x2)
    floor = weft.floor_divide(x1, x2)
    if not isdtype(floor.dtype, "real floating"):
        return floor
    return weft.where(weft.logical_and(weft.isfinite(x1), weft.isfinite(x2)), floor, weft.floor(x1 / x2))


def remainder(x1: Any, x2: Any, /) -> Tensor:
    """What is left of x1, with the sign of x2, zeros too."""
    x1, x2 = arrays_of(x1, x2)
    left = weft.remainder(x1, x2)
    return weft.where(left == 0, weft.copysign(left, x2), left) if isdtype(left.dtype, "real floating") else left


def positive(x: Tensor, /) -> Tensor:
    """A copy."""
    return x.clone()


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1, and NaN of NaN; of a complex number, the number of its direction."""
    if isdtype(x.dtype, "complex floating"):
        return weft.sgn(x)
    return weft.where(weft.isnan(x), x, weft.sign(x)) if isdtype(x.dtype, "real floating") else weft.sign(x)


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """Elements below min as min, above max as max; the dtype stays. Arrays broadcast."""
    if min is None and max is None:
        return x.clone()
    limits = [limit.to(x.dtype) if isinstance(limit, Tensor) else limit for limit in (min, max)]
    return weft.clamp(x, *limits)


_export(_OF_ONE, _of_one)
_export(_OF_TWO, _of_two)
_export(_OF_TENSORS, _of_tensors)
_export(_ROUNDINGS, _rounding)
