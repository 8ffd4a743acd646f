"""Arithmetic, comparisons, logic and bits, elementwise."""

import functools
import struct

import weft

from ..table import operator
from ..values import dtype_of


def _sign(x):
    return weft.where(weft.isnan(x), x, weft.sign(x)) if x.dtype.is_floating_point else weft.sign(x)


def _unary(function):
    return lambda x: function(x)


def _binary(function):
    return lambda a, b: function(a, b)


for _name, _since, _function in (
    ("Abs", (6, 13), weft.abs),
    ("Acos", (7, 22), weft.acos),
    ("Acosh", (9, 22), weft.acosh),
    ("Asin", (7, 22), weft.asin),
    ("Asinh", (9, 22), weft.asinh),
    ("Atan", (7, 22), weft.atan),
    ("Atanh", (9, 22), weft.atanh),
    ("BitwiseNot", (18,), weft.bitwise_not),
    ("Ceil", (6, 13), weft.ceil),
    ("Cos", (7, 22), weft.cos),
    ("Cosh", (9, 22), weft.cosh),
    ("Erf", (9, 13), weft.erf),
    ("Exp", (6, 13), weft.exp),
    ("Floor", (6, 13), weft.floor),
    ("IsNaN", (9, 13, 20), weft.isnan),
    ("Log", (6, 13), weft.log),
    ("Neg", (6, 13), weft.neg),
    ("Not", (1,), weft.logical_not),
    ("Reciprocal", (6, 13), weft.reciprocal),
    ("Round", (11, 22), weft.round),
    ("Sigmoid", (6, 13), weft.sigmoid),
    ("Sign", (9, 13), _sign),
    ("Sin", (7, 22), weft.sin),
    ("Sinh", (9, 22), weft.sinh),
    ("Sqrt", (6, 13), weft.sqrt),
    ("Tan", (7, 22), weft.tan),
    ("Tanh", (6, 13), weft.tanh),
):
    operator(_name, *_since)(_unary(_function))

for _name, _versions, _of_two in (
    ("Add", (7, 13, 14), weft.add),
    ("And", (7,), weft.logical_and),
    ("BitwiseAnd", (18,), weft.bitwise_and),
    ("BitwiseOr", (18,), weft.bitwise_or),
    ("BitwiseXor", (18,), weft.bitwise_xor),
    ("Equal", (7, 11, 13, 19), weft.eq),
    ("Greater", (7, 9, 13), weft.gt),
    ("GreaterOrEqual", (12, 16), weft.ge),
    ("Less", (7, 9, 13), weft.lt),
    ("LessOrEqual", (12, 16), weft.le),
    ("Mul", (7, 13, 14), weft.mul),
    ("Or", (7,), weft.logical_or),
    ("Sub", (7, 13, 14), weft.sub),
    ("Xor", (7,), weft.logical_xor),
):
    operator(_name, *_versions)(_binary(_of_two))


@operator("Div", 7, 13, 14)
def div(a, b):
    """Of integers truncated; division by 0 is an error."""
    return weft.div(a, b) if a.dtype.is_floating_point else weft.div(a, b, rounding_mode="trunc")


@operator("Mod", 10, 13, 28)
def mod(a, b, *, fmod=0):
    """Without fmod of the divisor's sign, zeros too."""
    if fmod:
        return weft.fmod(a, b)
    rest = weft.remainder(a, b)
    if not rest.dtype.is_floating_point:
        return rest
    return weft.where(rest == 0, weft.copysign(weft.zeros_like(rest), b), rest)


@operator("Pow", 7, 12, 13, 15)
def power(x, y):
    """In the base's dtype. An integer to a negative power is 0, but for the bases 1 and -1."""
    if x.dtype.is_floating_point or y.dtype.is_floating_point:
        return weft.pow(x, y).to(x.dtype) if x.dtype.is_floating_point else weft.pow(x.double(), y.double()).to(x.dtype)
    result = weft.pow(x, weft.clamp(y, min=0).to(x.dtype))
    if not y.dtype.is_signed:
        return result
    unit = weft.where(weft.eq(x, 1) | (weft.eq(x, -1) & weft.eq(y % 2, 0)), 1, weft.where(weft.eq(x, -1), -1, 0))
    return weft.where(weft.lt(y, 0), unit.to(x.dtype), result)


def _folded(function):
    def fold(first, *others):
        return functools.reduce(function, others, first)

    return fold


operator("Sum", 6, 8, 13)(_folded(weft.add))
operator("Max", 6, 8, 12, 13)(_folded(weft.maximum))
operator("Min", 6, 8, 12, 13)(_folded(weft.minimum))


@operator("Mean", 6, 8, 13)
def mean(first, *others):
    return functools.reduce(weft.add, others, first) / (len(others) + 1)


@operator("IsInf", 10, 20)
def is_inf(x, *, detect_negative=1, detect_positive=1):
    result = weft.isinf(x)
    if not detect_negative:
        result = result & (x > 0)
    return result if detect_positive else result & (x < 0)


@operator("BitShift", 11, 28)
def bit_shift(x, y, *, direction):
    """By the width or more: 0, or of negative numbers to the right -1."""
    width = x.dtype.itemsize * 8
    within = weft.lt(y, width)
    by = weft.where(within, y, weft.zeros_like(y))
    if direction == "LEFT":
        return weft.where(within, weft.bitwise_left_shift(x, by), weft.zeros_like(x))
    beyond = weft.where(weft.lt(x, 0), -1, 0).to(x.dtype) if x.dtype.is_signed else weft.zeros_like(x)
    return weft.where(within, weft.bitwise_right_shift(x, by), beyond)


@operator("Where", 9, 16)
def where(condition, x, y):
    return weft.where(condition, x, y)


@operator("Clip", 11, 12, 13)
def clip(x, low=None, high=None):
    """``high`` where it is less than ``low``; NaN where a bound is NaN."""
    x = x if low is None else weft.maximum(x, low)
    return x if high is None else weft.minimum(x, high)


@operator("Clip", 6)
def clip_by_attributes(x, *, min=-3.4028234663852886e38, max=3.4028234663852886e38):
    return weft.clamp(x, min, max)


@operator("Cast", 6, 9, 13, 19, 21, 23, 24, 25, 28, raw=True)
def cast(x, *, to, saturate=1, round_mode="up"):
    """Floats to integers are truncated; what does not fit is as the processor has it."""
    dtype = dtype_of(to, "the type to cast to")
    return _tensor(x).to(dtype)


@operator("CastLike", 15, 19, 21, 23, 24, 25)
def cast_like(x, like, *, saturate=1, round_mode="up"):
    return x.to(like.dtype)


@operator("BitCast", 26)
def bit_cast(x, *, to):
    return x.view(dtype_of(to, "the type to cast to"))


def _tensor(x):
    from .. import host
    from ..values import to_tensor

    return to_tensor(x) if host.is_known(x) else x


def single(number):
    """An attribute rounded to float32, as which the file holds it."""
    return struct.unpack("f", struct.pack("f", number))[0]
