"""Normalisations and the like, as PyTorch's graphs have them: with what their derivatives keep as further results."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten, require


@aten("_softmax", "softmax.int")
def softmax(x, dim, half_to_float=False):
    dtype = half_to_float if isinstance(half_to_float, weft.dtype) else None
    return weft.softmax(x, dim, dtype=weft.float32 if half_to_float is True else dtype)


@aten("_log_softmax", "log_softmax.int")
def log_softmax(x, dim, half_to_float=False):
    dtype = half_to_float if isinstance(half_to_float, weft.dtype) else None
    return weft.log_softmax(x, dim, dtype=weft.float32 if half_to_float is True else dtype)


def _wide(x):
    """16-bit floats are computed in float32."""
    return x.to(weft.float32) if x.dtype.itemsize == 2 else x


def _normalized(x, dims, eps):
    """x less its mean times rstd, and both."""
    mean = x.mean(dims, True)
    distance = x - mean
    rstd = weft.rsqrt((distance * distance).mean(dims, True) + eps)
    return distance * rstd, mean, rstd


@aten("native_layer_norm")
def native_layer_norm(x, normalized_shape, weight, bias, eps):
    dims = tuple(range(-len(normalized_shape), 0))
    y, mean, rstd = _normalized(_wide(x), dims, eps)
    if weight is not None:
        y = y * weight
    if bias is not None:
        y = y + bias
    return y.to(x.dtype), mean, rstd


@aten("layer_norm")
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5, cudnn_enable=True):
    return functional.layer_norm(x, tuple(normalized_shape), weight, bias, eps)


@aten("group_norm")
def group_norm(x, groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    return functional.group_norm(x, groups, weight, bias, eps)


@aten("native_group_norm")
def native_group_norm(x, weight, bias, n, c, size, groups, eps):
    y, mean, rstd = _normalized(_wide(x).reshape(n, groups, -1), (2,), eps)
    y = y.reshape(x.shape)
    shape = (c,) + (1,) * (x.ndim - 2)
    if weight is not None:
        y = y * weight.reshape(shape)
    if bias is not None:
        y = y + bias.reshape(shape)
    return y.to(x.dtype), mean.reshape(n, groups), rstd.reshape(n, groups)


def _per_channel(v, x):
    return v.reshape((-1,) + (1,) * (x.ndim - 2))


@aten("_native_batch_norm_legit_no_training")
def batch_norm_eval(x, weight, bias, mean, variance, momentum, eps):
    wide = _wide(x)
    scale = weft.rsqrt(variance + eps)
    if weight is not None:
        scale = scale * weight
    y = (wide - _per_channel(mean, x)) * _per_channel(scale, x)
    if bias is not None:
        y = y + _per_channel(bias, x)
    empty = weft.zeros([0], dtype=wide.dtype)
    return y.to(x.dtype), empty, empty


def _batch_norm(x, weight, bias, eps):
    wide = _wide(x)
    dims = (0, *range(2, x.ndim))
    mean = wide.mean(dims, True)
    distance = wide - mean
    variance = (distance * distance).mean(dims, True)
    rstd = weft.rsqrt(variance + eps)
    y = distance * rstd
    if weight is not None:
        y = y * _per_channel(weight, x)
    if bias is not None:
        y = y + _per_channel(bias, x)
    return y.to(x.dtype), mean.reshape(-1), rstd.reshape(-1), variance.reshape(-1)


@aten("_native_batch_norm_legit.no_stats")
def batch_norm_without_stats(x, weight, bias, training, momentum, eps):
    return _batch_norm(x, weight, bias, eps)[:3]


@aten("_native_batch_norm_legit_functional")
def batch_norm_functional(x, weight, bias, running_mean, running_var, training, momentum, eps):
    if not training:
        y, _, _ = batch_norm_eval(x, weight, bias, running_mean, running_var, momentum, eps)
        return y, running_mean, weft.rsqrt(running_var + eps), running_mean, running_var
    y, mean, rstd, variance = _batch_norm(x, weight, bias, eps)
    count = x.numel() // x.shape[1]
    unbiased = variance * (count / max(count - 1, 1))
    new_mean = running_mean * (1 - momentum) + mean * momentum
    new_var = running_var * (1 - momentum) + unbiased * momentum
    return y, mean, rstd, new_mean.to(running_mean.dtype), new_var.to(running_var.dtype)


@aten("batch_norm")
def batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled=True):
    return functional.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)


@aten("rms_norm")
def rms_norm(x, normalized_shape, weight=None, eps=None):
    return functional.rms_norm(x, tuple(normalized_shape), weight, eps)


def _interpolated(mode):
    def upsample(x, size, align_corners, *factors):
        for n, m, factor in zip(x.shape[2:], size, factors):
            require(factor is None or align_corners or n * factor == m, "a factor other than the sizes'")
        return functional.interpolate(x, list(size), mode=mode, align_corners=align_corners)

    return upsample


for _name, _mode in (
    ("bicubic2d", "bicubic"),
    ("bilinear2d", "bilinear"),
    ("trilinear3d", "trilinear"),
    ("linear1d", "linear"),
):
    aten(f"upsample_{_name}")(_interpolated(_mode))


def _resized(mode, takes_corners):
    """Of torch.export's graphs: (align_corners,) scale_factors."""

    def upsample(x, output_size, *rest):
        corners, factors = rest if takes_corners else (None, *rest)
        return functional.interpolate(x, _list(output_size), _list(factors), mode=mode, align_corners=corners)

    return upsample


for _name, _mode in (
    ("nearest1d", "nearest"),
    ("nearest2d", "nearest"),
    ("nearest3d", "nearest"),
    ("linear1d", "linear"),
    ("bilinear2d", "bilinear"),
    ("bicubic2d", "bicubic"),
    ("trilinear3d", "trilinear"),
):
    aten(f"upsample_{_name}.vec")(_resized(_mode, _mode != "nearest"))


def _list(values):
    return None if values is None else list(values)
