"""Normalisations, and dropout."""

import weft
from weft.nn import functional as F

from ..table import operator
from .elementwise import single


@operator("BatchNormalization", 7, 9)
def batch_normalization_of_9(x, scale, b, mean, var, *, epsilon=1e-5, momentum=0.9, spatial=1):
    if not spatial:
        raise NotImplementedError(
            "statistics an element (spatial = 0) are not supported; supported are those a channel"
        )
    return batch_normalization(x, scale, b, mean, var, epsilon=epsilon)


@operator("BatchNormalization", 14, 15)
def batch_normalization(x, scale, b, mean, var, *, epsilon=1e-5, momentum=0.9, training_mode=0):
    """In training (y, running mean, running variance), of all elements of a channel."""
    if not training_mode:
        scale, b = scale.to(x.dtype), b.to(x.dtype)
        if mean.dtype is x.dtype:
            return F.batch_norm(x, mean, var, scale, b, False, 0.0, epsilon)
        return F.batch_norm(x.float(), mean.float(), var.float(), scale.float(), b.float(), False, 0.0, epsilon).to(
            x.dtype
        )
    axes = tuple(a for a in range(x.ndim) if a != 1)
    own_mean, own_var = weft.mean(x, axes), weft.var(x, axes, correction=0)
    y = F.batch_norm(x, own_mean, own_var, scale, b, False, 0.0, epsilon)
    return y, mean * momentum + own_mean * (1 - momentum), var * momentum + own_var * (1 - momentum)


@operator("InstanceNormalization", 6, 22)
def instance_normalization(x, scale, b, *, epsilon=1e-5):
    return F.instance_norm(x, None, None, scale, b, True, 0.0, epsilon)


@operator("LayerNormalization", 17)
def layer_normalization(x, scale, b=None, *, outputs, axis=-1, epsilon=1e-5, stash_type=1):
    """Computed in float32 at least. (y, mean, reciprocal deviation) where they are asked for."""
    axis = axis % x.ndim
    shape, axes = list(x.shape[axis:]), tuple(range(axis, x.ndim))
    if list(scale.shape) == shape and (b is None or list(b.shape) == shape):
        y = F.layer_norm(x, shape, scale, b, epsilon)
    else:
        y = F.layer_norm(x, shape, None, None, epsilon) * scale
        y = y if b is None else y + b
    if outputs == 1:
        return y
    wide = x.float() if x.dtype.itemsize < 4 else x
    deviation = weft.rsqrt(weft.var(wide, axes, correction=0, keepdim=True) + epsilon)
    return y, weft.mean(wide, axes, True), deviation


@operator("RMSNormalization", 23)
def rms_normalization(x, scale, *, axis=-1, epsilon=1e-5, stash_type=1):
    axis = axis % x.ndim
    wide = x.float() if x.dtype.itemsize < 4 else x
    mean = weft.mean(wide * wide, tuple(range(axis, x.ndim)), True)
    return (wide * weft.rsqrt(mean + epsilon)).to(x.dtype).mul(scale.to(x.dtype)).to(scale.dtype)


@operator("GroupNormalization", 18)
def group_normalization_of_18(x, scale, bias, *, num_groups, epsilon=1e-5):
    """Scale and bias are those of groups."""
    repeats = x.shape[1] // num_groups
    return F.group_norm(
        x, num_groups, weft.repeat_interleave(scale, repeats), weft.repeat_interleave(bias, repeats), epsilon
    )


@operator("GroupNormalization", 21)
def group_normalization(x, scale, bias, *, num_groups, epsilon=1e-5, stash_type=1):
    return F.group_norm(x, num_groups, scale, bias, epsilon)


@operator("LRN", 1, 13)
def local_response_normalization(x, *, size, alpha=1e-4, beta=0.75, bias=1.0):
    low = (size - 1) // 2
    squares = F.pad(x * x, [0, 0] * (x.ndim - 2) + [low, size - 1 - low])
    total = None
    for i in range(size):
        part = squares.narrow(1, i, x.shape[1])
        total = part if total is None else total + part
    return x / weft.pow(bias + (alpha / size) * total, beta)


@operator("LpNormalization", 1, 22)
def lp_normalization(x, *, axis=-1, p=2):
    """0 where the norm is 0."""
    norm = weft.sum(weft.abs(x), axis, True) if p == 1 else weft.sqrt(weft.sum(x * x, axis, True))
    return weft.where(norm == 0, weft.zeros_like(x), x / norm)


@operator("MeanVarianceNormalization", 9, 13)
def mean_variance_normalization(x, *, axes=(0, 2, 3)):
    mean = weft.mean(x, axes, True)
    deviation = weft.sqrt(weft.mean(x * x, axes, True) - mean * mean)
    return (x - mean) / (deviation + single(1e-9))


@operator("Dropout", 7, 10)
def dropout_of_10(x, *, outputs, ratio=0.5):
    return (x, weft.ones(x.shape, dtype=weft.bool)) if outputs > 1 else x


@operator("Dropout", 12, 13, 22, host=("ratio", "training_mode"))
def dropout(x, ratio=None, training_mode=None, *, outputs, seed=None):
    """(y, what was kept); random numbers are weft's own."""
    p = 0.5 if ratio is None else float(ratio.reshape(-1)[0])
    if training_mode is None or not bool(training_mode.reshape(-1)[0]) or p == 0:
        return (x, weft.ones(x.shape, dtype=weft.bool)) if outputs > 1 else x
    kept = weft.rand(x.shape) >= p
    y = weft.where(kept, x / (1 - p) if p < 1 else weft.zeros_like(x), weft.zeros_like(x))
    return (y, kept) if outputs > 1 else y
