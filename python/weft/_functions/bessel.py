"""Bessel functions, Airy's, and the scaled complementary error function.

Each is a polynomial of special_tables.py (which says of what, and where) or an amplitude and a phase (Abramowitz and Stegun, Handbook of
Mathematical Functions, 9.1.11, 9.2.5, 9.6.11, 9.7.2, 10.4.59 and 10.4.60), in float64. The branch that is not taken is of a harmless
argument, so that its gradient, which is that of the polynomials, is finite.
"""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._dtypes import INF
from .._public import Any, public
from . import special_tables as tables

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "erfcx", "log_ndtr", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
]  # fmt: skip

NAN = float("nan")
_SQRT_PI = 1.7724538509055160273
_2_PI = 0.63661977236758134308
_SQRT_HALF = 0.70710678118654752440


def polynomial(t: Tensor, coefficients: Any) -> Tensor:
    """The sum of coefficients[i] t^i."""
    result = _ops.add_scaled(coefficients[-2], t, coefficients[-1])
    for c in coefficients[-3::-1]:
        result = _ops.add_scaled(c, result, t)
    return result


def in_float64(op: str, input: Tensor, body: Any) -> Tensor:
    """The body's result of the input as float64, in the input's dtype; of integers in the default dtype."""
    if input.dtype.is_complex:
        raise NotImplementedError(f"[{op}] takes no complex numbers; got {input.dtype}; use .real")
    dtype = input.dtype if input.dtype.is_floating_point else _C.default_dtype()
    return body(input.to(_C.float64)).to(dtype)


def _near_t(x: Tensor) -> Tensor:
    return _ops.sub(_ops.mul(_ops.square(x), 1 / 32), 1.0)


def _waves(a: Tensor, p: Any, q: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """P, Q, sin(a) and cos(a), of a from 8 on, all over sqrt(pi a)."""
    inverse = _ops.reciprocal(a)
    t = _ops.sub(_ops.mul(_ops.square(inverse), 128.0), 1.0)
    scale = _ops.reciprocal(_ops.mul(_ops.sqrt(a), _SQRT_PI))
    sine, cosine = _ops.mul(_ops.sin(a), scale), _ops.mul(_ops.cos(a), scale)
    return polynomial(t, p), _ops.mul(polynomial(t, q), inverse), sine, cosine


def _combined(x: Tensor, y: Tensor, p: Tensor, q: Tensor) -> Tensor:
    return _ops.add(_ops.mul(x, p), _ops.mul(y, q))


def _parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where |x| is below 8, x there, and |x| elsewhere."""
    size = _ops.abs(x)
    small = _ops.lt(size, 8.0)
    outside = _ops.logical_or(small, _ops.logical_not(_ops.isfinite(x)))
    return small, _ops.where(small, x, 1.0), _ops.where(outside, 8.0, size)


def _limited(result: Tensor, x: Tensor, at_infinity: float = 0.0) -> Tensor:
    """With the limit at infinities, and NaN of NaN."""
    result = _ops.where(_ops.isinf(x), at_infinity, result)
    return _ops.where(_ops.isnan(x), x, result)


def _j0(x: Tensor) -> Tensor:
    small, near, a = _parts(x)
    p, q, sine, cosine = _waves(a, tables.P0, tables.Q0)
    far = _combined(_ops.add(cosine, sine), _ops.sub(cosine, sine), p, q)
    return _limited(_ops.where(small, polynomial(_near_t(near), tables.J0), far), x)


def _j1(x: Tensor) -> Tensor:
    small, near, a = _parts(x)
    p, q, sine, cosine = _waves(a, tables.P1, tables.Q1)
    far = _combined(_ops.sub(sine, cosine), _ops.add(sine, cosine), p, q)
    far = _ops.where(_ops.lt(x, 0), _ops.neg(far), far)
    return _limited(_ops.where(small, _ops.mul(near, polynomial(_near_t(near), tables.J1)), far), x)


def _of_positive(result: Tensor, x: Tensor, at_zero: float) -> Tensor:
    result = _ops.where(_ops.eq(x, 0), at_zero, result)
    return _ops.where(_ops.lt(x, 0), NAN, result)


def _y0(x: Tensor) -> Tensor:
    small, near, a = _parts(_ops.where(_ops.gt(x, 0), x, 1.0))
    p, q, sine, cosine = _waves(a, tables.P0, tables.Q0)
    far = _combined(_ops.sub(sine, cosine), _ops.add(sine, cosine), p, q)
    t = _near_t(near)
    logarithm = _ops.mul(_ops.log(near), _2_PI)
    close = _ops.add(_ops.mul(logarithm, polynomial(t, tables.J0)), polynomial(t, tables.Y0))
    return _of_positive(_limited(_ops.where(small, close, far), x), x, -INF)


def _y1(x: Tensor) -> Tensor:
    small, near, a = _parts(_ops.where(_ops.gt(x, 0), x, 1.0))
    p, q, sine, cosine = _waves(a, tables.P1, tables.Q1)
    far = _combined(_ops.sub(sine, cosine), _ops.add(sine, cosine), q, _ops.neg(p))
    t = _near_t(near)
    logs = _ops.sub(_ops.mul(_ops.log(near), _ops.mul(near, polynomial(t, tables.J1))), _ops.reciprocal(near))
    close = _ops.add(_ops.mul(logs, _2_PI), _ops.mul(near, polynomial(t, tables.Y1)))
    return _of_positive(_limited(_ops.where(small, close, far), x), x, -INF)


def _k(x: Tensor, order: int, scaled: bool) -> Tensor:
    small = _ops.logical_and(_ops.gt(x, 0), _ops.le(x, 2.0))
    near, far = _ops.where(small, x, 1.0), _ops.where(_ops.gt(x, 2.0), x, 2.0)
    t = _ops.sub(_ops.mul(_ops.square(near), 0.5), 1.0)
    logarithm = _ops.log(_ops.mul(near, 0.5))
    if order == 0:
        close = _ops.sub(polynomial(t, tables.K0), _ops.mul(logarithm, _ops.i0(near)))
    else:
        close = _ops.add(_ops.mul(logarithm, _ops.i1(near)), _ops.mul(near, polynomial(t, tables.K1)))
        close = _ops.add(close, _ops.reciprocal(near))
    tail = polynomial(_ops.sub(_ops.div(4.0, far), 1.0), tables.K1_TAIL if order else tables.K0_TAIL)
    tail = _ops.div(tail, _ops.sqrt(far))
    if scaled:
        close = _ops.mul(close, _ops.exp(near))
    else:  # in two steps: the first alone may underflow
        half = _ops.exp(_ops.mul(far, -0.5))
        tail = _ops.mul(_ops.mul(tail, half), half)
    return _of_positive(_limited(_ops.where(small, close, tail), x), x, INF)


def _airy(x: Tensor) -> Tensor:
    left = _ops.where(_ops.logical_and(_ops.ge(x, -5.0), _ops.lt(x, -1.5)), x, -2.0)
    right = _ops.where(_ops.logical_and(_ops.ge(x, -1.5), _ops.le(x, 2.0)), x, 0.0)
    result = _ops.where(
        _ops.lt(x, -1.5),
        polynomial(_ops.div(_ops.add(left, 3.25), 1.75), tables.AIRY_LEFT),
        polynomial(_ops.div(_ops.sub(right, 0.25), 1.75), tables.AIRY_RIGHT),
    )
    a = _ops.where(_ops.logical_and(_ops.gt(x, 2.0), _ops.lt(x, 1e200)), x, 2.0)
    power = _ops.mul(a, _ops.sqrt(a))
    tail = polynomial(_ops.sub(_ops.div(4 * 2**0.5, power), 1.0), tables.AIRY_TAIL)
    half = _ops.exp(_ops.mul(power, -1 / 3))  # in two steps: the first alone may underflow
    tail = _ops.mul(_ops.mul(_ops.div(tail, _ops.sqrt(_ops.sqrt(a))), half), half)
    a = _ops.where(_ops.logical_and(_ops.lt(x, -5.0), _ops.gt(x, -1e200)), _ops.neg(x), 5.0)
    power = _ops.mul(a, _ops.sqrt(a))
    z = _ops.mul(power, 2 / 3)
    t = _ops.sub(_ops.div(250.0, _ops.square(power)), 1.0)
    scale = _ops.reciprocal(_ops.mul(_ops.sqrt(_ops.sqrt(a)), _SQRT_PI / _SQRT_HALF))
    sine, cosine = _ops.mul(_ops.sin(z), scale), _ops.mul(_ops.cos(z), scale)
    q = _ops.div(polynomial(t, tables.AIRY_Q), power)
    wave = _combined(_ops.add(sine, cosine), _ops.sub(sine, cosine), polynomial(t, tables.AIRY_P), q)
    result = _ops.where(_ops.gt(x, 2.0), tail, _ops.where(_ops.lt(x, -5.0), wave, result))
    return _limited(_ops.where(_ops.ge(_ops.abs(x), 1e200), 0.0, result), x)


def _erfcx(x: Tensor) -> Tensor:
    a = _ops.where(_ops.lt(x, 0), _ops.neg(x), x)  # whose slope at 0 is 1
    finite = _ops.where(_ops.isfinite(a), a, 0.0)
    t = _ops.div(_ops.sub(finite, 3.75), _ops.add(finite, 3.75))
    right = _ops.div(polynomial(t, tables.ERFCX), _ops.add_scaled(1.0, finite, 2.0))
    right = _ops.where(_ops.isinf(a), 0.0, right)
    # exp(x^2) without the rounding error of x^2.
    negative = _ops.where(_ops.lt(x, 0), _ops.clamp_min(x, -30.0), 0.0)
    coarse = _ops.mul(_ops.trunc(_ops.mul(negative, 16.0)), 1 / 16).detach()
    rest = _ops.mul(_ops.sub(negative, coarse), _ops.add(negative, coarse))
    left = _ops.sub(_ops.mul(_ops.mul(_ops.exp(_ops.square(coarse)), _ops.exp(rest)), 2.0), right)
    return _ops.where(_ops.isnan(x), x, _ops.where(_ops.lt(x, 0), left, right))


def _log_ndtr(x: Tensor) -> Tensor:
    low = _ops.lt(x, -1.0)
    left, right = _ops.where(low, x, -1.0), _ops.where(low, -1.0, x)
    tail = _ops.log(_ops.mul(_erfcx(_ops.mul(left, -_SQRT_HALF)), 0.5))
    tail = _ops.sub(tail, _ops.mul(_ops.square(left), 0.5))
    tail = _ops.where(_ops.isinf(x), -INF, tail)
    rest = _ops.log1p(_ops.mul(_ops.erfc(_ops.mul(right, _SQRT_HALF)), -0.5))
    return _ops.where(low, tail, rest)


def _spherical_j0(x: Tensor) -> Tensor:
    small = _ops.lt(_ops.abs(x), 1.0)
    near = _ops.square(_ops.where(small, x, 0.0))
    coefficients = [1.0]
    for k in range(1, 11):
        coefficients.append(-coefficients[-1] / (2 * k * (2 * k + 1)))
    far = _ops.where(_ops.logical_or(small, _ops.logical_not(_ops.isfinite(x))), 1.0, x)
    return _limited(_ops.where(small, polynomial(near, coefficients), _ops.div(_ops.sin(far), far)), x)


@public
def bessel_j0(input: Tensor) -> Tensor:
    """The Bessel function of the first kind of order 0, elementwise; integers give floats."""
    return in_float64("bessel_j0", input, _j0)


@public
def bessel_j1(input: Tensor) -> Tensor:
    """The Bessel function of the first kind of order 1, elementwise; integers give floats."""
    return in_float64("bessel_j1", input, _j1)


@public
def bessel_y0(input: Tensor) -> Tensor:
    """The Bessel function of the second kind of order 0, elementwise: -inf at 0, NaN below. Integers give floats."""
    return in_float64("bessel_y0", input, _y0)


@public
def bessel_y1(input: Tensor) -> Tensor:
    """The Bessel function of the second kind of order 1, elementwise: -inf at 0, NaN below. Integers give floats."""
    return in_float64("bessel_y1", input, _y1)


@public
def modified_bessel_k0(input: Tensor) -> Tensor:
    """The modified Bessel function of the second kind of order 0, elementwise: inf at 0, NaN below. Integers give floats."""
    return in_float64("modified_bessel_k0", input, lambda x: _k(x, 0, False))


@public
def modified_bessel_k1(input: Tensor) -> Tensor:
    """The modified Bessel function of the second kind of order 1, elementwise: inf at 0, NaN below. Integers give floats."""
    return in_float64("modified_bessel_k1", input, lambda x: _k(x, 1, False))


@public
def scaled_modified_bessel_k0(x: Tensor) -> Tensor:
    """exp(x) times ``modified_bessel_k0``, elementwise; integers give floats."""
    return in_float64("scaled_modified_bessel_k0", x, lambda x: _k(x, 0, True))


@public
def scaled_modified_bessel_k1(x: Tensor) -> Tensor:
    """exp(x) times ``modified_bessel_k1``, elementwise; integers give floats."""
    return in_float64("scaled_modified_bessel_k1", x, lambda x: _k(x, 1, True))


@public
def spherical_bessel_j0(x: Tensor) -> Tensor:
    """sin(x) / x, 1 at 0, elementwise: by its power series below 1. Integers give floats."""
    return in_float64("spherical_bessel_j0", x, _spherical_j0)


@public
def airy_ai(x: Tensor) -> Tensor:
    """Airy's function Ai, elementwise; 0 beyond 10^200. Integers give floats."""
    return in_float64("airy_ai", x, _airy)


@public
def erfcx(input: Tensor) -> Tensor:
    """exp(x²) erfc(x) without overflow for positive x, elementwise. Integers give floats.

    A polynomial of (x - 3.75) / (x + 3.75) (Shepherd and Laframboise, 1981); left of 0 it is 2 exp(x²) - erfcx(-x)."""
    return in_float64("erfcx", input, _erfcx)


@public
def log_ndtr(input: Tensor) -> Tensor:
    """The logarithm of ``ndtr``, elementwise, also where that underflows. Integers give floats."""
    return in_float64("log_ndtr", input, _log_ndtr)
