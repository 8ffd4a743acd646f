"""Operators that move elements, and those that make them."""

import math

import weft
from weft.nn import functional as F

from .. import host
from ..table import operator
from ..values import CHARACTERS, dtype_of, numbers, to_tensor


@operator("Identity", 1, 13, 14, 16, 19, 21, 23, 24, 25, raw=True)
def identity(x):
    return x


@operator("Shape", 1, 13, 15, 19, 21, 23, 24, 25, raw=True)
def shape(x, *, start=0, end=None):
    import numpy

    return numpy.array(tuple(x.shape)[start:end], numpy.int64)


@operator("Size", 1, 13, 19, 21, 23, 24, 25, raw=True)
def size(x):
    import numpy

    return numpy.array(math.prod(x.shape), numpy.int64)


@operator("Reshape", 5, 13, 14, 19, 21, 23, 24, 25, host=("shape",))
def reshape(x, shape, *, allowzero=0):
    return x.reshape(host.target_shape(x.shape, numbers(shape), allowzero))


@operator("Flatten", 1, 9, 11, 13, 21, 23, 24, 25)
def flatten(x, *, axis=1):
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Transpose", 1, 13, 21, 23, 24, 25)
def transpose(x, *, perm=None):
    return x.permute(*(reversed(range(x.ndim)) if perm is None else perm))


def _squeezed(x, axes):
    if axes is None:
        return x.reshape([s for s in x.shape if s != 1])
    axes = {a % x.ndim for a in axes}
    if any(x.shape[a] != 1 for a in axes):
        raise ValueError(f"the axes {sorted(axes)} of shape {list(x.shape)} must have size 1")
    return x.reshape([s for a, s in enumerate(x.shape) if a not in axes])


def _unsqueezed(x, axes):
    rank = x.ndim + len(axes)
    axes = {a % rank for a in axes}
    sizes = iter(x.shape)
    return x.reshape([1 if a in axes else next(sizes) for a in range(rank)])


@operator("Squeeze", 1, 11)
def squeeze_by_attribute(x, *, axes=None):
    return _squeezed(x, axes)


@operator("Squeeze", 13, 21, 23, 24, 25, host=("axes",))
def squeeze(x, axes=None):
    return _squeezed(x, None if axes is None else numbers(axes))


@operator("Unsqueeze", 1, 11)
def unsqueeze_by_attribute(x, *, axes):
    return _unsqueezed(x, axes)


@operator("Unsqueeze", 13, 21, 23, 24, 25, host=("axes",))
def unsqueeze(x, axes):
    return _unsqueezed(x, numbers(axes))


@operator("Concat", 4, 11, 13)
def concat(*tensors, axis):
    return weft.cat(tensors, axis)


def _split(x, sizes, axis, parts):
    axis = axis % x.ndim
    if sizes is None:
        piece = -(-x.shape[axis] // parts)
        sizes = [max(min(piece, x.shape[axis] - i * piece), 0) for i in range(parts)]
    return tuple(weft.split(x, sizes, axis))


@operator("Split", 2, 11)
def split_by_attribute(x, *, outputs, axis=0, split=None):
    return _split(x, None if split is None else list(split), axis, outputs)


@operator("Split", 13, 18, host=("split",))
def split(x, split=None, *, outputs, axis=0, num_outputs=None):
    if num_outputs not in (None, outputs):
        raise ValueError(f"num_outputs is {num_outputs}, and the node has {outputs}")
    return _split(x, None if split is None else numbers(split), axis, outputs)


def sliced(x, where):
    """A slice by Python's slices, whose steps may be negative."""
    turned = [a for a, s in enumerate(where) if s.step is not None and s.step < 0]
    if turned:
        where = list(where)
        for axis in turned:
            s, size = where[axis], x.shape[axis]
            last = -1 if s.stop is None else s.stop
            where[axis] = slice(size - 1 - s.start, size - 1 - last, -s.step)
        x = weft.flip(x, turned)
    return x[tuple(where)] if x.ndim else x


@operator("Slice", 10, 11, 13, host=("starts", "ends", "axes", "steps"))
def slice_(x, starts, ends, axes=None, steps=None):
    return sliced(x, host.slices(x.shape, *(None if a is None else numbers(a) for a in (starts, ends, axes, steps))))


@operator("Slice", 1)
def slice_by_attributes(x, *, starts, ends, axes=None):
    return sliced(x, host.slices(x.shape, starts, ends, axes, None))


@operator("Expand", 8, 13, host=("shape",))
def expand(x, shape):
    return x.expand(weft.broadcast_shapes(tuple(x.shape), tuple(numbers(shape))))


@operator("Tile", 6, 13, host=("repeats",))
def tile(x, repeats):
    return weft.tile(x, numbers(repeats))


def _pad(x, pads, value, axes, mode):
    axes = list(range(x.ndim)) if axes is None else [a % x.ndim for a in axes]
    if len(pads) != 2 * len(axes):
        raise ValueError(f"pads must have two numbers an axis; got {pads} for axes {axes} of shape {list(x.shape)}")
    low, high = dict(zip(axes, pads)), dict(zip(axes, pads[len(axes) :]))
    if mode == "constant":
        both = [n for a in reversed(range(x.ndim)) for n in (low.get(a, 0), high.get(a, 0))]
        return F.pad(x, both, "constant", value)
    for axis in axes:
        before, after, size = low[axis], high[axis], x.shape[axis]
        if before or after:
            positions = [_mirrored(i, size, mode) for i in range(-before, size + after)]
            x = weft.index_select(x, axis, weft.tensor(positions, dtype=weft.int64))
    return x


def _mirrored(position, size, mode):
    if size == 0:
        raise ValueError(f"an axis of no elements cannot be padded in mode {mode!r}")
    if mode == "edge":
        return min(max(position, 0), size - 1)
    if mode == "wrap":
        return position % size
    if mode != "reflect":
        raise NotImplementedError(f"the mode {mode!r} is not supported; supported are constant, reflect, edge, wrap")
    period = max(2 * size - 2, 1)
    position %= period
    return min(position, period - position) if size > 1 else 0


@operator("Pad", 11, 13, 18, 19, 21, 23, 24, 25, host=("pads", "constant_value", "axes"))
def pad(x, pads, constant_value=None, axes=None, *, mode="constant"):
    """Reflection goes on where the padding is longer than the axis; negative padding cuts off."""
    value = 0 if constant_value is None or not constant_value.size else constant_value.reshape(-1)[0].item()
    return _pad(x, numbers(pads), value, None if axes is None else numbers(axes), mode)


@operator("Pad", 2)
def pad_by_attributes(x, *, pads, mode="constant", value=0.0):
    return _pad(x, list(pads), value, None, mode)


@operator("DepthToSpace", 1, 11, 13, 28)
def depth_to_space(x, *, blocksize, mode="DCR"):
    n, c, *space = x.shape
    rest, block, count = c // blocksize ** len(space), [blocksize] * len(space), len(space)
    axes = range(count)
    if mode == "DCR":
        y = x.reshape(n, *block, rest, *space)
        order = [0, 1 + count] + [p for a in axes for p in (2 + count + a, 1 + a)]
    else:
        y = x.reshape(n, rest, *block, *space)
        order = [0, 1] + [p for a in axes for p in (2 + count + a, 2 + a)]
    return y.permute(*order).reshape(n, rest, *(s * blocksize for s in space))


@operator("SpaceToDepth", 1, 13, 28)
def space_to_depth(x, *, blocksize, mode="DCR"):
    n, c, *space = x.shape
    count = len(space)
    y = x.reshape(n, c, *(p for s in space for p in (s // blocksize, blocksize)))
    blocks, places = [3 + 2 * a for a in range(count)], [2 + 2 * a for a in range(count)]
    order = [0, *blocks, 1, *places] if mode == "DCR" else [0, 1, *blocks, *places]
    return y.permute(*order).reshape(n, c * blocksize**count, *(s // blocksize for s in space))


@operator("ConstantOfShape", 9, 20, 21, 23, 24, 25, host=("shape",))
def constant_of_shape(shape, *, value=None):
    if value is None:
        return weft.zeros(numbers(shape), dtype=weft.float32)
    return to_tensor(value).reshape(()).expand(numbers(shape))


@operator("Range", 11, 27, host=("start", "limit", "delta"))
def range_(start, limit, delta, *, stash_type=1):
    """start + i · delta, as many as fit."""
    first, last, step = (a.reshape(()).item() for a in (start, limit, delta))
    count = max(math.ceil((last - first) / step), 0)
    dtype = CHARACTERS[start.dtype.char]
    if dtype in (weft.float16, weft.bfloat16):
        return (weft.arange(count, dtype=weft.float32) * step + first).to(dtype)
    return weft.arange(count, dtype=dtype) * step + first


@operator("EyeLike", 9, 22)
def eye_like(x, *, dtype=None, k=0):
    rows, columns = x.shape
    wanted = x.dtype if dtype is None else dtype_of(dtype, "the result")
    row, column = weft.arange(rows).unsqueeze(1), weft.arange(columns)
    return weft.eq(row + k, column).to(wanted)


@operator("Trilu", 14, host=("k",))
def trilu(x, k=None, *, upper=1):
    offset = 0 if k is None else int(k.reshape(-1)[0])
    return (weft.triu if upper else weft.tril)(x, offset)


@operator("ReverseSequence", 10, 28)
def reverse_sequence(x, sequence_lens, *, batch_axis=1, time_axis=0):
    steps = weft.arange(x.shape[time_axis])
    lengths = sequence_lens.to(weft.int64).unsqueeze(1)
    index = weft.where(steps < lengths, lengths - 1 - steps, steps)  # (batch, time)
    index = index if batch_axis < time_axis else index.transpose(0, 1)
    index = index.reshape([x.shape[a] if a in (batch_axis, time_axis) else 1 for a in range(x.ndim)])
    return weft.gather(x, time_axis, index.expand(x.shape))


@operator("CenterCropPad", 18, host=("shape",))
def center_crop_pad(x, shape, *, axes=None):
    axes = range(x.ndim) if axes is None else [a % x.ndim for a in axes]
    for axis, wanted in zip(axes, numbers(shape)):
        own = x.shape[axis]
        if own > wanted:
            x = x.narrow(axis, (own - wanted) // 2, wanted)
        elif own < wanted:
            low = (wanted - own) // 2
            x = _pad(x, [low, wanted - own - low], 0, [axis], "constant")
    return x


@operator("OneHot", 9, 11, 28, host=("depth",))
def one_hot(indices, depth, values, *, axis=-1):
    """A row of the off value where an index is beyond the depth; negative ones count from the end."""
    depth = int(depth.reshape(-1)[0])
    axis = axis % (indices.ndim + 1)
    indices = indices.to(weft.int64).unsqueeze(axis)
    classes = weft.arange(depth).reshape([depth if a == axis else 1 for a in range(indices.ndim)])
    chosen = weft.eq(weft.where(indices < 0, indices + depth, indices), classes)
    return weft.where(chosen, values[1], values[0])
