"""Operators of the domain com.microsoft that ONNX Runtime's quantizer writes (its format QOperator)."""

import weft

from ..table import operator
from .activations import leaky_relu, softmax
from .pooling import average_pool, global_average_pool
from .quantized import dequantize_linear, integer_product, quantize_linear, rescaled

DOMAIN = "com.microsoft"


@operator("QGemm", 1, domain=DOMAIN)
def qgemm(a, a_scale, a_zero, b, b_scale, b_zero, c=None, y_scale=None, y_zero=None, *, alpha=1.0, transA=0, transB=0):
    """float32 without a scale of the result."""
    total = integer_product(a.t() if transA else a, a_zero, b.t() if transB else b, b_zero)
    if c is not None:
        total = total + c
    factor = alpha * a_scale * b_scale
    if y_scale is None:
        return total.float() * (factor.reshape(()) if factor.numel() == 1 else factor)
    return rescaled(total, factor / y_scale, y_zero)


def _of_reals(function):
    """The function of the real numbers that the operands stand for; each is a tensor, its scale and its zero point."""

    def apply(x, x_scale, x_zero, y_scale, y_zero=None, **attributes):
        result = function(dequantize_linear(x, x_scale, x_zero), **attributes)
        return quantize_linear(result, y_scale, y_zero)

    return apply


def _of_two(function):
    def apply(a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero=None):
        result = function(dequantize_linear(a, a_scale, a_zero), dequantize_linear(b, b_scale, b_zero))
        return quantize_linear(result, c_scale, c_zero)

    return apply


operator("QLinearAdd", 1, domain=DOMAIN)(_of_two(weft.add))
operator("QLinearMul", 1, domain=DOMAIN)(_of_two(weft.mul))


@operator("QLinearSigmoid", 1, domain=DOMAIN)
def qlinear_sigmoid(x, x_scale, x_zero, y_scale, y_zero=None):
    return _of_reals(weft.sigmoid)(x, x_scale, x_zero, y_scale, y_zero)


@operator("QLinearLeakyRelu", 1, domain=DOMAIN)
def qlinear_leaky_relu(x, x_scale, x_zero, y_scale, y_zero=None, *, alpha=0.01):
    return _of_reals(leaky_relu)(x, x_scale, x_zero, y_scale, y_zero, alpha=alpha)


@operator("QLinearSoftmax", 1, domain=DOMAIN)
def qlinear_softmax(x, x_scale, x_zero, y_scale, y_zero=None, *, axis=-1, opset=13):
    if opset < 13 and axis not in (-1, x.ndim - 1):
        raise NotImplementedError(f"axis {axis} as opset {opset} has it is not supported; supported is the last axis")
    return _of_reals(softmax)(x, x_scale, x_zero, y_scale, y_zero, axis=axis)


@operator("QLinearGlobalAveragePool", 1, domain=DOMAIN)
def qlinear_global_average_pool(x, x_scale, x_zero, y_scale, y_zero=None, *, channels_last=0):
    if channels_last:
        raise NotImplementedError("channels_last is not supported; supported are channels in axis 1")
    return _of_reals(global_average_pool)(x, x_scale, x_zero, y_scale, y_zero)


@operator("QLinearAveragePool", 1, domain=DOMAIN)
def qlinear_average_pool(
    x, x_scale, x_zero, y_scale, y_zero=None, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, channels_last=0, count_include_pad=0,
    pads=None, strides=None,
):  # fmt: skip
    if channels_last:
        raise NotImplementedError("channels_last is not supported; supported are channels in axis 1")
    return _of_reals(average_pool)(
        x, x_scale, x_zero, y_scale, y_zero, kernel_shape=kernel_shape, auto_pad=auto_pad, ceil_mode=ceil_mode,
        count_include_pad=count_include_pad, pads=pads, strides=strides,
    )  # fmt: skip


@operator("QLinearConcat", 1, domain=DOMAIN)
def qlinear_concat(y_scale, y_zero, *tensors, axis):
    """``tensors``: each with its scale and zero point."""
    parts = [dequantize_linear(*tensors[i : i + 3]) for i in range(0, len(tensors), 3)]
    return quantize_linear(weft.cat(parts, axis), y_scale, y_zero)
