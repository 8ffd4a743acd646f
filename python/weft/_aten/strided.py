"""Operators that address memory: PyTorch's strides are known of a traced graph, and weft's tensors need not have them.

`order`: the axes of the operand by their strides in PyTorch's memory, the largest first; its elements lie densely from `start` on.
"""

from __future__ import annotations

import weft

from .table import require


def _in_memory(x, order):
    return x.permute(order).reshape(-1)


def _dense_axes(size, stride):
    """The axes by their strides, the largest first, if that describes elements that lie densely; else None."""
    axes = sorted(range(len(size)), key=lambda axis: (size[axis] != 1, -stride[axis]))
    step = 1
    for axis in reversed(axes):
        if size[axis] != 1 and stride[axis] != step:
            return None
        step *= size[axis]
    return axes


def _inverse(axes):
    return sorted(range(len(axes)), key=axes.__getitem__)


def _places(flat, size, stride, offset):
    last = offset + sum((n - 1) * step for n, step in zip(size, stride))
    require(0 in size or 0 <= offset <= last < flat.shape[0], "elements of the memory that are not the operand's")
    places = weft.full((), offset, dtype=weft.int64)
    for axis, (n, step) in enumerate(zip(size, stride)):
        places = places + (weft.arange(n) * step).reshape((n,) + (1,) * (len(size) - axis - 1))
    return places.reshape(-1)


def as_strided(x, order, start, size, stride, offset=None):
    flat, offset = _in_memory(x, order), 0 if offset is None else offset - start
    axes = _dense_axes(size, stride)
    if axes is None:
        return flat.index_select(0, _places(flat, size, stride, offset)).reshape(size)
    sizes = [size[axis] for axis in axes]
    count = 1
    for n in sizes:
        count *= n
    return flat.narrow(0, offset, count).reshape(sizes).permute(_inverse(axes))


def as_strided_scatter(x, source, order, start, size, stride, offset=None):
    """A copy of x with the source in place of what as_strided would show."""
    flat, offset = _in_memory(x, order), 0 if offset is None else offset - start
    axes = _dense_axes(size, stride)
    if axes is None:
        flat = flat.index_copy(0, _places(flat, size, stride, offset), source.to(x.dtype).reshape(-1))
    else:
        part = source.to(x.dtype).permute(axes).reshape(-1)
        end = offset + part.shape[0]
        flat = weft.cat([flat.narrow(0, 0, offset), part, flat.narrow(0, end, flat.shape[0] - end)])
    return flat.reshape([x.shape[axis] for axis in order]).permute(_inverse(order))
