"""Reads and writes at positions that are data."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten, require

aten("gather")(lambda x, dim, index, sparse_grad=False: weft.gather(x, dim, index))
aten("index_select")(weft.index_select)
aten("scatter_add")(weft.scatter_add)
aten("index_add")(weft.index_add)
aten("index_copy")(weft.index_copy)


def _places(indices):
    for index in indices:
        require(index is None or index.dtype not in (weft.bool, weft.uint8), "a mask, whose elements make the shape")
    return tuple(slice(None) if index is None else index for index in indices)


@aten("index.Tensor", "_unsafe_index.Tensor")
def index(x, indices):
    places = _places(indices)
    if len(places) == 1 and places[0].dtype == weft.int64 and x.ndim == 2 and places[0].ndim:
        return functional.embedding(places[0], x)
    return x[places]


@aten("index_put", "_unsafe_index_put")
def index_put(x, indices, values, accumulate=False):
    values = values.to(x.dtype)
    if all(index is not None for index in indices):
        _places(indices)
        return weft.index_put(x, tuple(indices), values, accumulate)
    places = _places(indices)
    result = x.clone()
    if accumulate:
        # Positions of the whole tensor, so that one that is named twice gets both.
        flat = weft.arange(x.numel()).reshape(x.shape)[places]
        return result.reshape(-1).index_add(0, flat.reshape(-1), values.expand(flat.shape).reshape(-1)).reshape(x.shape)
    result[places] = values
    return result


@aten("scatter.src")
def scatter(x, dim, index, source):
    return weft.scatter(x, dim, index, source)


@aten("scatter.value")
def scatter_value(x, dim, index, value):
    return weft.scatter(x, dim, index, value=value)


@aten("scatter.reduce")
def scatter_and_reduce(x, dim, index, source, reduce):
    return weft.scatter(x, dim, index, source, reduce=reduce)


@aten("scatter.value_reduce")
def scatter_value_and_reduce(x, dim, index, value, reduce):
    return weft.scatter(x, dim, index, value=value, reduce=reduce)


@aten("scatter_reduce.two")
def scatter_reduce(x, dim, index, source, reduce, include_self=True):
    return weft.scatter_reduce(x, dim, index, source, reduce, include_self=include_self)


@aten("embedding")
def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    if indices.ndim == 0:
        return weight.index_select(0, indices.reshape(1)).reshape(weight.shape[1:])
    return functional.embedding(indices.to(weft.int64), weight)


@aten("masked_scatter")
def masked_scatter(x, mask, source):
    return weft.masked_scatter(x, mask, source)


@aten("one_hot")
def one_hot(x, num_classes=-1):
    require(num_classes > 0, "as many classes as the values need")
    return functional.one_hot(x, num_classes)


@aten("put")
def put(x, index, source, accumulate=False):
    return weft.put(x, index, source, accumulate)


_MODES = ("bilinear", "nearest", "bicubic")
_PADDINGS = ("zeros", "border", "reflection")


@aten("grid_sampler_2d", "grid_sampler_3d")
def grid_sampler(x, grid, mode, padding, align_corners):
    return functional.grid_sample(x, grid, _MODES[mode], _PADDINGS[padding], align_corners)
