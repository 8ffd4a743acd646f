"""Elements by their positions: gathered, scattered, chosen."""

import math

import weft

from ..table import operator


def _from_the_front(index, size):
    index = index.to(weft.int64)
    return weft.where(index < 0, index + size, index)


@operator("Gather", 1, 11, 13)
def gather(x, indices, *, axis=0):
    axis = axis % x.ndim
    index = _from_the_front(indices, x.shape[axis])
    picked = weft.index_select(x, axis, index.reshape(-1))
    return picked.reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


@operator("GatherElements", 11, 13)
def gather_elements(x, indices, *, axis=0):
    return weft.gather(x, axis, _from_the_front(indices, x.shape[axis]))


def _positions(shape, indices, batch_dims=0):
    """Of index tuples along the last axis the positions of the slices in row-major order, and the slices' shape."""
    depth = indices.shape[-1]
    sizes = shape[batch_dims : batch_dims + depth]
    place = None
    for i, size in enumerate(sizes):
        part = _from_the_front(indices[..., i], size)
        # index_select, which follows, sees an index that is out of bounds only in one axis: keep those apart.
        part = weft.where((part < 0) | (part >= size), 1 << 60, part)
        place = part if place is None else place * size + part
    if place is None:
        place = weft.zeros(indices.shape[:-1], dtype=weft.int64)
    for axis in range(batch_dims):
        rows = math.prod(sizes) * math.prod(shape[axis + 1 : batch_dims])
        steps = weft.arange(shape[axis]) * rows
        place = place + steps.reshape([-1 if a == axis else 1 for a in range(place.ndim)])
    return place, list(shape[batch_dims + depth :])


@operator("GatherND", 11, 12, 13)
def gather_nd(x, indices, *, batch_dims=0):
    place, rest = _positions(x.shape, indices, batch_dims)
    rows = x.reshape(-1, *rest) if x.numel() else x.reshape(math.prod(x.shape[: x.ndim - len(rest)]), *rest)
    return weft.index_select(rows, 0, place.reshape(-1)).reshape([*place.shape, *rest])


_REDUCED = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _scattered(x, axis, index, updates, reduction):
    if reduction == "none":
        return weft.scatter(x, axis, index, updates)
    if reduction not in _REDUCED:
        raise NotImplementedError(
            f"the reduction {reduction!r} is not supported; supported are none, {', '.join(_REDUCED)}"
        )
    return weft.scatter_reduce(x, axis, index, updates, _REDUCED[reduction])


@operator("ScatterElements", 11, 13, 16, 18)
@operator("Scatter", 9)
def scatter_elements(x, indices, updates, *, axis=0, reduction="none"):
    return _scattered(x, axis, _from_the_front(indices, x.shape[axis]), updates, reduction)


@operator("ScatterND", 11, 13, 16, 18)
def scatter_nd(x, indices, updates, *, reduction="none"):
    place, rest = _positions(x.shape, indices)
    width = math.prod(rest)
    index = place.reshape(-1, 1) * width + weft.arange(width)
    flat = _scattered(x.reshape(-1), 0, index.reshape(-1), updates.reshape(-1), reduction)
    return flat.reshape(x.shape)


@operator("TensorScatter", 24)
def tensor_scatter(past_cache, update, write_indices=None, *, axis=-2, mode="linear"):
    """The cache with the update's steps in the place of its own, from each example's write index on."""
    axis = axis % past_cache.ndim
    size, steps = past_cache.shape[axis], weft.arange(update.shape[axis])
    start = weft.zeros([past_cache.shape[0]], dtype=weft.int64) if write_indices is None else write_indices
    index = start.to(weft.int64).reshape(-1, 1) + steps
    if mode == "circular":
        index = index % size
    index = index.reshape([update.shape[a] if a in (0, axis) else 1 for a in range(update.ndim)])
    return weft.scatter(past_cache, axis, index.expand(update.shape), update)


@operator("Compress", 9, 11, 28)
def compress(x, condition, *, axis=None):
    """The slices where the condition holds; how many depends on values."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    chosen = weft.nonzero(condition).reshape(-1)
    return weft.index_select(x, axis, chosen)


@operator("NonZero", 9, 13)
def non_zero(x):
    if x.ndim == 0:
        return weft.zeros((0, 1 if x.item() else 0), dtype=weft.int64)
    return weft.nonzero(x).transpose(0, 1)


@operator("ArrayFeatureExtractor", 1, domain="ai.onnx.ml")
def array_feature_extractor(x, y):
    return weft.index_select(x, -1, y.reshape(-1)).reshape(-1, y.numel())
