"""Functions between layers, elementwise or of rows."""

import weft
from weft.nn import functional as F

from ..table import operator


@operator("Relu", 6, 13, 14)
def relu(x):
    return weft.relu(x)


@operator("Elu", 6, 22)
def elu(x, *, alpha=1.0):
    return F.elu(x, alpha)


@operator("Selu", 6, 22)
def selu(x, *, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875):
    return gamma * (weft.clamp(x, min=0) + alpha * weft.expm1(weft.clamp(x, max=0)))


@operator("Celu", 12, 28)
def celu(x, *, alpha=1.0):
    return F.celu(x, alpha)


@operator("LeakyRelu", 6, 16)
def leaky_relu(x, *, alpha=0.01):
    return F.leaky_relu(x, alpha)


@operator("PRelu", 7, 9, 16)
def prelu(x, slope):
    return weft.where(x < 0, slope * x, x)


@operator("ThresholdedRelu", 10, 22)
def thresholded_relu(x, *, alpha=1.0):
    return weft.where(x > alpha, x, 0)


@operator("HardSigmoid", 6, 22)
def hard_sigmoid(x, *, alpha=0.2, beta=0.5):
    return weft.clamp(alpha * x + beta, 0, 1)


@operator("HardSwish", 14, 22)
def hard_swish(x):
    return F.hardswish(x)


@operator("Softplus", 1, 22)
def softplus(x):
    return F.softplus(x, threshold=1e30) if x.dtype is weft.float64 else weft.logaddexp(x, weft.zeros_like(x))


@operator("Softsign", 1, 22)
def softsign(x):
    return F.softsign(x)


@operator("Gelu", 20)
def gelu(x, *, approximate="none"):
    return F.gelu(x, approximate=approximate)


@operator("Mish", 18, 22)
def mish(x):
    return F.mish(x)


@operator("Swish", 24)
def swish(x, *, alpha=1.0):
    return F.silu(x) if alpha == 1.0 else x * weft.sigmoid(alpha * x)


@operator("Shrink", 9)
def shrink(x, *, bias=0.0, lambd=0.5):
    return weft.where(x < -lambd, x + bias, weft.where(x > lambd, x - bias, weft.zeros_like(x))).to(x.dtype)


def _of_rows(function):
    """Of opset 12 and before: the axis and all that follow are one."""

    def flattened(x, *, axis=1):
        shape = x.shape
        axis = axis % x.ndim if x.ndim else 0
        rows = 1
        for size in shape[:axis]:
            rows *= size
        return function(x.reshape(rows, -1) if x.numel() else x.reshape(rows, 0), axis=1).reshape(shape)

    return flattened


@operator("Softmax", 13)
def softmax(x, *, axis=-1):
    return weft.softmax(x, axis)


@operator("LogSoftmax", 13)
def log_softmax(x, *, axis=-1):
    return weft.log_softmax(x, axis)


@operator("Hardmax", 13)
def hardmax(x, *, axis=-1):
    """1 at the first of the greatest elements, else 0."""
    best = weft.argmax(x, dim=axis, keepdim=True)
    return weft.scatter(weft.zeros_like(x), axis, best, weft.ones_like(best).to(x.dtype))


operator("Softmax", 1, 11)(_of_rows(softmax))
operator("LogSoftmax", 1, 11)(_of_rows(log_softmax))
operator("Hardmax", 1, 11)(_of_rows(hardmax))
