"""Operators that move elements."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten

_TO_THE_END = 2**63 - 1


@aten("view", "reshape", "_unsafe_view", "view_copy", "_reshape_alias", "_reshape_copy", "prims.reshape")
def view(x, size, *strides):
    return x.reshape(size)


@aten("expand", "expand_copy")
def expand(x, size, implicit=False):
    return x.expand(size)


@aten("permute", "permute_copy", "prims.transpose")
def permute(x, dims):
    return x.permute(dims)


@aten("transpose.int")
def transpose(x, a, b):
    return x.transpose(a, b)


@aten("t")
def t(x):
    return x.t()


@aten("squeeze")
def squeeze(x):
    return x.squeeze()


@aten("squeeze.dim", "squeeze.dims", "squeeze_copy.dim", "squeeze_copy.dims")
def squeeze_dims(x, dims):
    return x.squeeze(dims if isinstance(dims, int) else tuple(dims)) if x.ndim else x


@aten("unsqueeze", "unsqueeze_copy")
def unsqueeze(x, dim):
    return x.unsqueeze(dim)


@aten("flatten.using_ints")
def flatten(x, start_dim=0, end_dim=-1):
    return x.flatten(start_dim, end_dim)


@aten("unflatten.int")
def unflatten(x, dim, sizes):
    return x.unflatten(dim, tuple(sizes))


@aten("movedim.int")
def movedim(x, source, destination):
    return x.movedim(source, destination)


def bounds(size, start, end):
    start, end = start or 0, _TO_THE_END if end is None else end
    start = min(max(start + size if start < 0 else start, 0), size)
    end = min(max(end + size if end < 0 else end, start), size)
    return start, end


def _part(x, dim, start, end, step=1):
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


@aten("slice.Tensor", "slice_copy.Tensor")
def slice_(x, dim=0, start=None, end=None, step=1):
    start, end = bounds(x.shape[dim], start, end)
    if step == 1:
        return x if end - start == x.shape[dim] else x.narrow(dim, start, end - start)
    return _part(x, dim, start, end, step)


@aten("narrow", "narrow_copy")
def narrow(x, dim, start, length):
    return x.narrow(dim, start, length)


@aten("select.int", "select_copy.int")
def select(x, dim, index):
    return x.select(dim, index)


@aten("slice_scatter")
def slice_scatter(x, source, dim=0, start=None, end=None, step=1):
    start, end = bounds(x.shape[dim], start, end)
    source = source.to(x.dtype)
    if step == 1:
        count = x.shape[dim] - end
        parts = [x.narrow(dim, 0, start), source, x.narrow(dim, end, count)]
        kept = [part for part in parts if part.shape[dim]]
        return kept[0] if len(kept) == 1 else weft.cat(kept, dim) if kept else x
    result = x.clone()
    result[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)] = source
    return result


@aten("select_scatter")
def select_scatter(x, source, dim, index):
    index = index % x.shape[dim]
    return slice_scatter(x, source.unsqueeze(dim), dim, index, index + 1)


@aten("split.Tensor")
def split(x, size, dim=0):
    return x.split(size, dim)


@aten("split_with_sizes", "split_with_sizes_copy", "split.sizes")
def split_with_sizes(x, sizes, dim=0):
    return x.split(list(sizes), dim)


@aten("chunk")
def chunk(x, chunks, dim=0):
    return x.chunk(chunks, dim)


@aten("unbind.int", "unbind_copy.int")
def unbind(x, dim=0):
    return weft.unbind(x, dim)


@aten("cat")
def cat(tensors, dim=0):
    # An empty vector stands for nothing, whatever the others' shape.
    kept = [x for x in tensors if x.ndim != 1 or x.shape[0]] or tensors[:1]
    dtype = tensors[0].dtype
    for x in tensors[1:]:
        dtype = weft.promote_types(dtype, x.dtype)
    kept = [x.to(dtype) for x in kept]
    return kept[0] if len(kept) == 1 else weft.cat(kept, dim)


@aten("stack")
def stack(tensors, dim=0):
    return weft.stack(tensors, dim)


@aten("repeat")
def repeat(x, repeats):
    return x.repeat(*repeats) if repeats else x


@aten("flip", "prims.rev")
def flip(x, dims):
    return weft.flip(x, dims)


@aten("roll")
def roll(x, shifts, dims=()):
    return weft.roll(x, tuple(shifts), tuple(dims)) if dims else weft.roll(x, tuple(shifts))


@aten("diagonal", "diagonal_copy")
def diagonal(x, offset=0, dim1=0, dim2=1):
    return weft.diagonal(x, offset, dim1, dim2)


@aten("diagonal_scatter")
def diagonal_scatter(x, source, offset=0, dim1=0, dim2=1):
    places = weft.diagonal(weft.arange(x.numel()).reshape(x.shape), offset, dim1, dim2)
    flat = x.reshape(-1).index_copy(0, places.reshape(-1), source.to(x.dtype).reshape(-1))
    return flat.reshape(x.shape)


@aten("constant_pad_nd", "pad")
def constant_pad_nd(x, pad, value=0, *rest):
    if isinstance(value, str):  # of aten.pad: the mode
        return functional.pad(x, list(pad), value, *rest)
    return functional.pad(x, list(pad), value=value)


@aten("pixel_shuffle")
def pixel_shuffle(x, factor):
    return weft.pixel_shuffle(x, factor)


@aten("pixel_unshuffle")
def pixel_unshuffle(x, factor):
    return weft.pixel_unshuffle(x, factor)


@aten("unfold")
def unfold(x, dimension, size, step):
    return x.unfold(dimension, size, step)
