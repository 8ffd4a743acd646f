"""Integers that stand for real numbers: scale · (q - zero point)."""

import weft

from ..table import operator
from ..values import dtype_of
from .convolution import conv

_RANGES = {weft.uint8: (0, 255), weft.int8: (-128, 127), weft.int16: (-32768, 32767), weft.uint16: (0, 65535)}


def _spread(parameter, x, axis, block_size=0):
    """A scale or zero point in the shape that broadcasts with x: of all, of slices along an axis, or of blocks along it."""
    if parameter.ndim == 0 or (parameter.ndim == 1 and parameter.shape[0] == 1 and not block_size):
        return parameter.reshape(())
    axis = axis % x.ndim
    if block_size:
        wide = weft.repeat_interleave(parameter, block_size, axis)
        return wide.narrow(axis, 0, x.shape[axis])
    return parameter.reshape([-1 if a == axis else 1 for a in range(x.ndim)])


def _saturated(x, dtype):
    """Rounded half to even into the integers' range; NaN gives the least."""
    if dtype not in _RANGES:
        raise NotImplementedError(
            f"quantizing to {dtype.name} is not supported; supported are uint8, int8, uint16, int16"
        )
    low, high = _RANGES[dtype]
    return weft.clamp(weft.where(weft.isnan(x), float(low), x), low, high).to(weft.int32).to(dtype)


def _quantized(x, scale, zero, dtype):
    """x, scale: of one dtype; zero: integer or None. Rounds before the zero point is added."""
    y = weft.round(x / scale)
    return _saturated(y if zero is None else y + zero.to(y.dtype), dtype)


def _target(zero, output_dtype):
    if zero is not None:
        return zero.dtype
    return dtype_of(output_dtype, "output_dtype") if output_dtype else weft.uint8


@operator("QuantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def quantize_linear(x, scale, zero=None, *, axis=1, block_size=0, output_dtype=0, precision=0, saturate=1):
    dtype = _target(zero, output_dtype)
    if not x.dtype.is_floating_point:
        x = x.float()
    wide = dtype_of(precision, "precision") if precision else (x.dtype if x.dtype is scale.dtype else weft.float32)
    wide = weft.float32 if wide.itemsize < 4 and dtype.itemsize == 2 else wide
    scale = _spread(scale, x, axis, block_size)
    zero = None if zero is None else _spread(zero, x, axis, block_size)
    y = weft.round((x.to(wide) / scale.to(wide)).float())
    return _saturated(y if zero is None else y + zero.float(), dtype)


@operator("DequantizeLinear", 10, 13, 19, 21, 23, 24, 25, 28)
def dequantize_linear(x, scale, zero=None, *, axis=1, block_size=0, output_dtype=0):
    result = dtype_of(output_dtype, "output_dtype") if output_dtype else scale.dtype
    wide = x.to(weft.int32)
    if zero is not None:
        wide = wide - _spread(zero, x, axis, block_size).to(weft.int32)
    return (wide.float() * _spread(scale, x, axis, block_size).float()).to(result)


@operator("DynamicQuantizeLinear", 11)
def dynamic_quantize_linear(x):
    """(uint8, scale, zero point) over the range of x with 0; where that is 0 the scale is 1. NaN is left out of the range."""
    there = weft.where(weft.isnan(x), 0.0, x)
    high, low = weft.clamp(weft.amax(there.reshape(-1), 0), min=0), weft.clamp(weft.amin(there.reshape(-1), 0), max=0)
    scale = (high - low) / 255
    scale = weft.where(scale == 0, weft.ones_like(scale), scale)
    zero = _saturated(weft.round(-low / scale), weft.uint8)
    return _quantized(x, scale, zero, weft.uint8), scale, zero


def _centred(x, zero, rows):
    """x less its zero point; a vector is one a row (of the last axis but one) or one a column."""
    x = x.to(weft.int32)
    if zero is None:
        return x
    zero = zero.to(weft.int32)
    if zero.ndim == 1 and zero.shape[0] > 1 and rows:
        zero = zero.unsqueeze(1)
    return x - (zero.reshape(()) if zero.numel() == 1 else zero)


def integer_product(a, a_zero, b, b_zero):
    """int32, exact."""
    return weft.matmul(_centred(a, a_zero, True), _centred(b, b_zero, False))


def rescaled(total, factor, zero):
    """Integers times a factor (of all, or one a column) as integers around a zero point."""
    y = weft.round(total.float() * (factor.reshape(()) if factor.numel() == 1 else factor))
    return _saturated(y + zero.float(), zero.dtype)


@operator("MatMulInteger", 10)
def matmul_integer(a, b, a_zero=None, b_zero=None):
    return integer_product(a, a_zero, b, b_zero)


@operator("QLinearMatMul", 10, 21)
def qlinear_matmul(a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero):
    rows = a_scale.float()
    if rows.ndim == 1 and rows.shape[0] > 1:
        rows = rows.unsqueeze(1)
    return rescaled(integer_product(a, a_zero, b, b_zero), rows * b_scale.float() / y_scale.float(), y_zero)


def _integer_conv(x, x_zero, w, w_zero, window):
    """The exact sums, in float64, whose integers hold them: padding is with the zero point."""
    x, w = x.double(), w.double()
    if x_zero is not None:
        x = x - x_zero.double().reshape(())
    if w_zero is not None:
        zero = w_zero.double()
        w = w - (zero.reshape(()) if zero.numel() == 1 else zero.reshape(-1, *[1] * (w.ndim - 1)))
    return conv(x, w, None, **window)


@operator("ConvInteger", 10)
def conv_integer(
    x, w, x_zero=None, w_zero=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None
):  # fmt: skip
    window = {
        "auto_pad": auto_pad,
        "dilations": dilations,
        "group": group,
        "kernel_shape": kernel_shape,
        "pads": pads,
        "strides": strides,
    }
    return _integer_conv(x, x_zero, w, w_zero, window).to(weft.int32)


@operator("QLinearConv", 10)
def qlinear_conv(
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None,
    pads=None, strides=None,
):  # fmt: skip
    window = {
        "auto_pad": auto_pad,
        "dilations": dilations,
        "group": group,
        "kernel_shape": kernel_shape,
        "pads": pads,
        "strides": strides,
    }
    total = _integer_conv(x, x_zero, w, w_zero, window)
    channels = (-1, *[1] * (x.ndim - 2))
    if b is not None:
        total = total + b.double().reshape(channels)
    factor = x_scale.float() * w_scale.float() / y_scale.float()
    return rescaled(total, factor if factor.numel() == 1 else factor.reshape(channels), y_zero)
