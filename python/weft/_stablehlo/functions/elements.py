"""Operations of one element of each operand."""

import weft

from .bit_patterns import SIGNED


def convert(x, dtype):
    if x.is_complex() and not dtype.is_complex:
        x = weft.real(x)
    return x.to(dtype)


def _by_integers(function, x, y, by_zero, known):
    """A quotient or remainder of integers. weft asks of a divisor that it is not 0, which can be seen of these; known: of y, too."""
    if known:
        return function(x, y)
    one = weft.ones((), dtype=y.dtype)
    positive = function(x, weft.maximum(y, one))
    if y.dtype not in SIGNED:
        positive = weft.where(y < 0, function(x, weft.minimum(y, -one)), positive)
    return weft.where(y == 0, by_zero, positive)


def divide(x, y, known=False):
    """Integers by 0 give -1, and the least one by -1 itself. known: y is not 0."""
    if x.is_floating_point() or x.is_complex():
        return x / y
    return _by_integers(lambda a, b: weft.div(a, b, rounding_mode="trunc"), x, y, ~weft.zeros((), dtype=x.dtype), known)


def remainder(x, y, known=False):
    return weft.fmod(x, y) if x.is_floating_point() else _by_integers(weft.fmod, x, y, x, known)


def cbrt(x):
    return weft.sign(x) * weft.abs(x) ** (1 / 3)


def round_away(x):
    return weft.trunc(x + weft.copysign(weft.full_like(x, 0.5), x))


def sign(x):
    if x.is_complex():
        return weft.sgn(x)
    return weft.where(x != x, x, weft.sign(x)) if x.is_floating_point() else weft.sign(x)


def reduce_precision(x, exponent, mantissa):
    return x.to({(8, 7): weft.bfloat16, (5, 10): weft.float16, (8, 23): weft.float32}[exponent, mantissa]).to(x.dtype)
