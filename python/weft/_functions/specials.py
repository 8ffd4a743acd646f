"""Special functions, and the parts of floating-point numbers."""

from __future__ import annotations

import collections

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, in_place, public
from . import elementwise

__all__ = [
    "digamma", "polygamma", "mvlgamma", "logit", "logaddexp2", "nextafter", "ldexp", "frexp", "heaviside", "gcd", "lcm",
]  # fmt: skip
METHODS = [
    *(name for name in __all__ if name != "polygamma"), "digamma_", "mvlgamma_", "logit_", "nextafter_", "ldexp_", "heaviside_", "gcd_", "lcm_", 
]  # fmt: skip

_Frexp: Any = collections.namedtuple("frexp", ["mantissa", "exponent"])  # type: ignore[name-match]


@public
def digamma(input: Tensor) -> Tensor:
    """The derivative of lgamma, elementwise; integers give floats. At 0 an infinity, at negative integers NaN."""
    return _ops.polygamma(input, 0)


@public
def polygamma(n: int, input: Tensor) -> Tensor:
    """The ``n``-th derivative of digamma, elementwise; integers give floats. At 0 and negative integers an infinity."""
    most = 60
    if not 0 <= n <= most:
        raise RuntimeError(f"[polygamma] n must be of [0, {most}]; got {n}; negative orders are no derivatives")
    return _ops.polygamma(input, n)


@public
def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of ``p`` dimensions, elementwise, for elements over (p - 1) / 2."""
    most = 1000
    if not 1 <= p <= most:
        raise RuntimeError(f"[mvlgamma] p must be of [1, {most}]; got {p}; pass a number of dimensions")
    x = input if input.dtype.is_floating_point else input.to(_C.default_dtype())
    result: Any = 0.57236494292470008707 * p * (p - 1) / 2  # log(pi) / 2
    for i in range(p):
        result = _ops.add(_ops.lgamma(_ops.sub(x, i / 2)), result)
    return result


@public
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), elementwise, of numbers limited to [eps, 1 - eps]; integers give floats."""
    if eps is None:
        return _ops.logit(input)
    x = input if input.dtype.is_floating_point else input.to(_C.default_dtype())
    return _ops.logit(elementwise.clamp(x, eps, 1 - eps))


@public
def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^input + 2^other) without overflow; floating-point dtypes."""
    both_infinite = _ops.logical_and(_ops.eq(input, other), _ops.isinf(input))
    distance = _ops.abs(elementwise.where(both_infinite, 0.0, _ops.sub(input, other)))
    return _ops.add(
        _ops.maximum(input, other), _ops.mul(_ops.log1p(_ops.exp2(_ops.neg(distance))), 1.4426950408889634074)
    )


@public
def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The number next to each of the input towards ``other``; float32 or float64."""
    common = _C.result_type(input, other)
    if common not in (_C.float32, _C.float64):
        raise NotImplementedError(f"[nextafter] takes float32 and float64; got {common}; use .float()")
    return _ops.nextafter(input, other)


@public
def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input · 2^other, elementwise; integers give floats."""
    exponent = other if other.dtype.is_floating_point else other.to(_C.default_dtype())
    return _ops.mul(input, _ops.exp2(exponent))


@public
def frexp(input: Tensor) -> Any:
    """(mantissa, exponent) with input = mantissa · 2^exponent and 1/2 <= |mantissa| < 1; float, exponent: int32.

    Of a zero, an infinity or NaN the mantissa is that, and the exponent 0.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"[frexp] takes floating-point dtypes; got {input.dtype}; use .float()")
    exponent = _ops.binary_exponent(input)
    half = _ops.floor_divide(exponent, 2)  # 2^-exponent itself may be beyond the dtype
    wide = input if input.dtype.itemsize > 2 else input.to(_C.float32)
    mantissa = _ops.mul(wide, _ops.exp2(_ops.neg(half).to(wide.dtype)))
    mantissa = _ops.mul(mantissa, _ops.exp2(_ops.sub(half, exponent).to(wide.dtype)))
    return _Frexp(mantissa.to(input.dtype), exponent.to(_C.int32))


@public
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 of negative elements and NaN, 1 of positive ones, ``values`` (of the input's dtype, broadcasts) of zeros."""
    if input.dtype is not values.dtype:
        raise RuntimeError(
            f"[heaviside] input and values must have one dtype; got {input.dtype} and {values.dtype}; use .to(dtype)"
        )
    return elementwise.where(_ops.eq(input, 0), values, _ops.gt(input, 0).to(input.dtype))


def _by_numpy(name: str, input: Tensor, other: Tensor) -> Tensor:
    import numpy

    common = _C.result_type(input, other)
    if common.is_floating_point or common is _C.bool:
        raise NotImplementedError(f"[{name}] takes integers; got {input.dtype} and {other.dtype}; use .long()")
    a, b = (elementwise.array_of(x.to(common)) for x in _C.broadcast_tensors(input, other))
    return _factories.from_numpy(numpy.asarray(getattr(numpy, name)(a, b)))


@public
def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers, elementwise, not negative; that of 0 and 0 is 0."""
    return _by_numpy("gcd", input, other)


@public
def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers, elementwise, not negative; 0 where one is 0."""
    return _by_numpy("lcm", input, other)


digamma_, mvlgamma_, logit_ = in_place(digamma), in_place(mvlgamma), in_place(logit)
nextafter_, ldexp_, heaviside_ = in_place(nextafter), in_place(ldexp), in_place(heaviside)
gcd_, lcm_ = in_place(gcd), in_place(lcm)
