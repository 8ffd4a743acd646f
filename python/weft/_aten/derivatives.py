"""Backward operators that decompositions leave: by weft's own derivatives."""

from __future__ import annotations

import weft

from ..nn import functional
from . import contractions, indexing, pooling, shapes
from .table import aten, require


def pullback(function, primals, cotangent):
    return weft.func.vjp(function, *primals)[1](cotangent)


@aten("convolution_backward")
def convolution_backward(
    gradient, x, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, mask
):
    def forward(x, weight):
        return contractions.convolution(x, weight, None, stride, padding, dilation, transposed, output_padding, groups)

    by_input = by_weight = by_bias = None
    if mask[0] and mask[1]:
        by_input, by_weight = pullback(forward, (x, weight), gradient)
    elif mask[0]:
        (by_input,) = pullback(lambda x: forward(x, weight), (x,), gradient)
    elif mask[1]:
        (by_weight,) = pullback(lambda weight: forward(x, weight), (weight,), gradient)
    if mask[2]:
        by_bias = gradient.sum((0, *range(2, gradient.ndim)))
    return by_input, by_weight, by_bias


def max_pool_backward(axes, gradient, x, kernel, stride, padding, dilation, ceil_mode, indices):
    (result,) = pullback(
        lambda x: pooling.max_pool(axes, x, kernel, stride, padding, dilation, ceil_mode), (x,), gradient
    )
    return result


def average_pool_backward(axes, gradient, x, *args):
    (result,) = pullback(lambda x: pooling.average_pool(axes, x, *args), (x,), gradient)
    return result


for _axes in (2, 3):
    aten(f"max_pool{_axes}d_with_indices_backward")(lambda *args, axes=_axes: max_pool_backward(axes, *args))
    aten(f"avg_pool{_axes}d_backward")(lambda *args, axes=_axes: average_pool_backward(axes, *args))


@aten("adaptive_max_pool2d_backward")
def adaptive_max_pool2d_backward(gradient, x, indices):
    return pooling.scatter_to_windows(gradient, x, indices, 2)


@aten("adaptive_max_pool3d_backward")
def adaptive_max_pool3d_backward(gradient, x, indices):
    return pooling.scatter_to_windows(gradient, x, indices, 3)


@aten("_adaptive_avg_pool2d_backward")
def adaptive_avg_pool2d_backward(gradient, x):
    (result,) = pullback(lambda x: pooling.adaptive_avg_pool2d(x, gradient.shape[-2:]), (x,), gradient)
    return result


@aten("_adaptive_avg_pool3d_backward")
def adaptive_avg_pool3d_backward(gradient, x):
    (result,) = pullback(lambda x: pooling.adaptive_avg_pool3d(x, gradient.shape[-3:]), (x,), gradient)
    return result


@aten("replication_pad1d_backward", "replication_pad2d_backward", "replication_pad3d_backward")
def replication_pad_backward(gradient, x, padding):
    (result,) = pullback(lambda x: functional.pad(x, list(padding), "replicate"), (x,), gradient)
    return result


@aten("_cdist_backward")
def cdist_backward(gradient, x, y, p, distances):
    (result,) = pullback(lambda x: weft.cdist(x, y, p), (x,), gradient)
    return result


@aten("_pdist_backward")
def pdist_backward(gradient, x, p, distances):
    (result,) = pullback(lambda x: weft.pdist(x, p), (x,), gradient)
    return result


@aten("masked_scatter_backward")
def masked_scatter_backward(gradient, mask, sizes):
    zeros = weft.zeros(sizes, dtype=gradient.dtype)
    (result,) = pullback(lambda source: weft.masked_scatter(gradient, mask, source), (zeros,), gradient)
    return result


@aten("slice_backward")
def slice_backward(gradient, sizes, dim, start, end, step):
    dim %= len(sizes)
    start, end = shapes.bounds(sizes[dim], start, end)
    if step != 1:
        return shapes.slice_scatter(weft.zeros(sizes, dtype=gradient.dtype), gradient, dim, start, end, step)
    # By a concatenation, whose other sizes may vary from call to call.
    widths = (start, sizes[dim] - end)
    before, after = (
        weft.zeros([*sizes[:dim], n, *sizes[dim + 1 :]], dtype=gradient.dtype) if n else None for n in widths
    )
    parts = [part for part in (before, gradient, after) if part is not None]
    return weft.cat(parts, dim) if len(parts) > 1 else gradient


@aten("select_backward")
def select_backward(gradient, sizes, dim, index):
    dim, index = dim % len(sizes), index % sizes[dim]
    return slice_backward(gradient.unsqueeze(dim), sizes, dim, index, index + 1, 1)


@aten("_weight_norm_interface_backward")
def weight_norm_backward(gradient, v, g, norms, dim):
    """Of v * g / norms, the norms of all but the axis dim: by v and g."""
    others = tuple(axis for axis in range(v.ndim) if axis != dim % v.ndim)
    by_scale = (gradient * v).sum(others, keepdim=True) / norms
    return (gradient - v * (by_scale / norms)) * (g / norms), by_scale


# ---------------------------------------------------------------- Attention


def attention_backward(gradient, query, key, value, is_causal=False, attn_mask=None, scale=None):
    """The fused operator's derivative: by query, key and value. weft's own derivative needs nothing kept of the forward."""

    def forward(query, key, value):
        return _attention(query, key, value, attn_mask, is_causal, scale)

    return pullback(forward, (query, key, value), gradient)


def _attention(query, key, value, mask, is_causal, scale):
    groups = query.shape[1] != key.shape[1]
    return functional.scaled_dot_product_attention(query, key, value, mask, 0.0, is_causal, scale, groups)


@aten("_scaled_dot_product_flash_attention_for_cpu")
def flash_attention(query, key, value, dropout_p=0.0, is_causal=False, attn_mask=None, scale=None):
    """(result, None): the logarithms that PyTorch's own backward would take are not for weft's (weft/torch/backend.py)."""
    require(dropout_p == 0, "random numbers are the caller's")
    return _attention(query, key, value, attn_mask, is_causal, scale), None


@aten("grid_sampler_2d_backward", "grid_sampler_3d_backward")
def grid_sampler_backward(gradient, x, grid, mode, padding, align_corners, mask):
    def forward(*given):
        given = iter(given)
        return indexing.grid_sampler(
            next(given) if mask[0] else x, next(given) if mask[1] else grid, mode, padding, align_corners
        )

    wanted = [tensor for tensor, needed in zip((x, grid), mask) if needed]
    found = iter(pullback(forward, tuple(wanted), gradient))
    return tuple(next(found) if needed else None for needed in mask)
