"""Elements as they are in memory."""

import functools
import math

import weft

SIGNED = {weft.uint8: weft.int8, weft.uint16: weft.int16, weft.uint32: weft.int32, weft.uint64: weft.int64}
_UNSIGNED = {signed: unsigned for unsigned, signed in SIGNED.items()}
_BYTES = {
    weft.bool: 1, weft.int8: 1, weft.uint8: 1, weft.int16: 2, weft.uint16: 2, weft.float16: 2, weft.bfloat16: 2, weft.int32: 4, weft.uint32: 4,
    weft.float32: 4, weft.int64: 8, weft.uint64: 8, weft.float64: 8, weft.complex64: 8, weft.complex128: 16,
}  # fmt: skip
_OF_BYTES = {1: weft.uint8, 2: weft.uint16, 4: weft.uint32, 8: weft.uint64}
_FORMATS = {
    weft.float16: (10, 15),
    weft.bfloat16: (7, 127),
    weft.float32: (23, 127),
    weft.float64: (52, 1023),
}  # bits, bias


def bits(x, dtype, shape):
    """As it is in memory; elements of another width take or give the last axis. By arithmetic, of which every program can do, so that
    all NaNs are one."""
    if x.dtype == dtype:
        return x
    old, new = _BYTES[x.dtype], _BYTES[dtype]
    unsigned = _OF_BYTES[old]
    x = _bits_of_float(x) if x.is_floating_point() else x.to(unsigned)
    if old > new:
        x = weft.stack([x >> weft.full_like(x, 8 * new * i) for i in range(old // new)], -1).to(_OF_BYTES[new])
    elif old < new:
        x = x.reshape(*shape, new // old).to(_OF_BYTES[new])
        parts = [x[..., i] << weft.full(shape, 8 * old * i, dtype=x.dtype) for i in range(new // old)]
        x = functools.reduce(lambda a, b: a | b, parts)
    return _float_of_bits(x, dtype) if dtype.is_floating_point else x.to(dtype)


def _scaled(x, power):
    """x 2^power in two steps, neither of which leaves the range."""
    half = power // 2
    return x * 2.0**half * 2.0 ** (power - half)


def _bits_of_float(x):
    fraction, bias = _FORMATS[x.dtype]
    wide, integer = (x, weft.int64) if x.dtype == weft.float64 else (x.float(), weft.int64)
    size = weft.abs(wide)
    mantissa, exponent = weft.frexp(weft.where(size < math.inf, size, 1.0))
    biased = exponent.to(integer) + (bias - 1)
    normal = biased >= 1
    low = weft.where(
        normal, (mantissa * 2.0 - 1.0) * 2.0**fraction, _scaled(weft.where(normal, 0.0, size), bias - 1 + fraction)
    )
    found = (weft.where(normal, biased, 0) << fraction) + low.to(integer)
    most = ((2 * bias + 1) << fraction) + weft.where(wide != wide, 1 << (fraction - 1), 0)
    found = weft.where(size < math.inf, found, most)
    sign = weft.signbit(wide) & (wide == wide)
    return (found | (sign.to(integer) << (8 * _BYTES[x.dtype] - 1))).to(_OF_BYTES[_BYTES[x.dtype]])


def _float_of_bits(n, dtype):
    fraction, bias = _FORMATS[dtype]
    wide = weft.float64 if dtype == weft.float64 else weft.float32
    n = n.to(weft.int64)
    low, biased = n & ((1 << fraction) - 1), (n >> fraction) & (2 * bias + 1)
    normal = biased > 0
    mantissa = weft.where(normal, low + (1 << fraction), low).to(wide)
    power = weft.where(normal, biased, 1) - bias  # of 2: from a table, as it must be exact
    table = weft.tensor([2.0 ** min(max(p, 1 - bias), bias) for p in range(1 - bias, bias + 2)], dtype=wide)
    value = (
        mantissa
        * 2.0**-fraction
        * table.index_select(0, (power + (bias - 1)).clamp(0, 2 * bias).reshape(-1)).reshape(n.shape)
    )
    special = weft.where(low == 0, math.inf, math.nan).to(wide)
    value = weft.where(biased == 2 * bias + 1, special, value)
    return weft.where((n >> (8 * _BYTES[dtype] - 1)) & 1 != 0, -value, value).to(dtype)


def shift_right_logical(x, y):
    if x.dtype not in _UNSIGNED:
        return x >> y
    unsigned = _UNSIGNED[x.dtype]
    return (x.to(unsigned) >> y.to(unsigned)).to(x.dtype)


def shift_right_arithmetic(x, y):
    if x.dtype not in SIGNED:
        return x >> y
    signed = SIGNED[x.dtype]
    return (x.to(signed) >> y.to(signed)).to(x.dtype)


def count_bits(x):
    """How many bits are 1."""
    total = weft.zeros_like(x)
    for i in range(8 * _BYTES[x.dtype]):
        total = total + (shift_right_logical(x, weft.full_like(x, i)) & 1)
    return total


def leading_zeros(x):
    width = 8 * _BYTES[x.dtype]
    step = 1
    while step < width:  # all bits below the first 1 are 1
        x = x | shift_right_logical(x, weft.full_like(x, step))
        step *= 2
    return weft.full_like(x, width) - count_bits(x)


def total_order(x):
    """Integers in the order of the floats, -NaN first, -0 before 0, NaN last."""
    integer = {2: weft.int16, 4: weft.int32, 8: weft.int64}[_BYTES[x.dtype]]
    found = bits(x, integer, tuple(x.shape))
    return weft.where(found < 0, found ^ weft.iinfo(integer).max, found)
