"""Operators of opset 6 and before: an operand is spread over the other only where the node says so, from an axis on."""

import weft

from ..table import operator
from .activations import prelu
from .contractions import gemm
from .elementwise import div
from .norms import batch_normalization
from .pooling import average_pool


def _placed(a, b, axis, broadcast):
    """b with axes of size 1 behind its own, so that these are a's from ``axis`` on."""
    if not broadcast or axis is None or b.ndim == 0:
        return b
    return b.reshape([*b.shape, *[1] * (a.ndim - axis % a.ndim - b.ndim)])


def _arithmetic(function):
    def apply(a, b, *, axis=None, broadcast=0, consumed_inputs=None):
        return function(a, _placed(a, b, axis, broadcast))

    return apply


operator("Add", 1, 6)(_arithmetic(weft.add))
operator("Sub", 1, 6)(_arithmetic(weft.sub))
operator("Mul", 1, 6)(_arithmetic(weft.mul))
operator("Div", 1, 6)(_arithmetic(div))
operator("Pow", 1)(_arithmetic(weft.pow))
operator("PRelu", 6)(
    lambda x, slope: prelu(x, slope if slope.numel() == 1 else slope.reshape([-1, *[1] * (x.ndim - 2)]))
)


@operator("Gemm", 6)
def gemm_of_6(a, b, c, *, alpha=1.0, beta=1.0, broadcast=0, transA=0, transB=0):
    return gemm(a, b, c, alpha=alpha, beta=beta, transA=transA, transB=transB)


@operator("BatchNormalization", 6)
def batch_normalization_of_6(x, scale, b, mean, var, *, epsilon=1e-5, is_test=0, momentum=0.9, spatial=1):
    if not is_test or not spatial:
        raise NotImplementedError(
            "training and statistics an element are not supported; supported is is_test = 1 with spatial = 1"
        )
    return batch_normalization(x, scale, b, mean, var, epsilon=epsilon)


@operator("AveragePool", 1)
def average_pool_of_1(x, *, kernel_shape, auto_pad="NOTSET", pads=None, strides=None):
    return average_pool(x, kernel_shape=kernel_shape, auto_pad=auto_pad, pads=pads, strides=strides)
