"""Pooling over windows, and its inverse."""

import math

import weft
from weft import _ops

from ..table import operator
from ..values import numbers
from .convolution import padded, window


def _counts(x, kernel, strides, dilations, low, high, ceil_mode):
    """How many windows there are along each axis: with ceil_mode one that begins in the input or the padding before it may go beyond."""
    counts = []
    for size, k, s, d, before, after in zip(x.shape[2:], kernel, strides, dilations, low, high):
        room = size + before + after - (k - 1) * d - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= size + before:
            count -= 1
        counts.append(max(count, 0))
    return counts


def _reach(x, counts, kernel, strides, dilations, low, high):
    """The padding behind such that the last window fits."""
    return [
        max(after, (n - 1) * s + (k - 1) * d + 1 - before - size)
        for after, n, s, k, d, before, size in zip(high, counts, strides, kernel, dilations, low, x.shape[2:])
    ]


def _windows(x, kernel, strides, dilations, low, counts, value):
    """(N, C, windows by axis, elements by axis)."""
    high = [
        (n - 1) * s + (k - 1) * d + 1 - before - size
        for n, s, k, d, before, size in zip(counts, strides, kernel, dilations, low, x.shape[2:])
    ]
    x = padded(x, low, high, value)
    for axis, (k, s, d) in enumerate(zip(kernel, strides, dilations)):
        x = x.unfold(axis + 2, (k - 1) * d + 1, s)[..., ::d]
    return x


@operator("MaxPool", 1, 8, 10, 11, 12, 22)
def max_pool(
    x, *, outputs, kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, pads=None, storage_order=0, strides=None
):  # fmt: skip
    """(y, where in the flattened input each is). A NaN wins."""
    strides, dilations, low, high = window(x, kernel_shape, auto_pad, dilations, pads, strides)
    counts = _counts(x, kernel_shape, strides, dilations, low, high, ceil_mode)
    high = _reach(x, counts, kernel_shape, strides, dilations, low, high)
    wide = x if x.dtype.is_floating_point else x.float()  # which holds 8-bit integers
    description = list(kernel_shape), strides, low, high, dilations
    y = _ops.max_pool(wide, *description).to(x.dtype)
    if outputs == 1:
        return y
    return y, _flat_positions(x, _ops.max_pool_index(wide, *description), storage_order)


def _flat_positions(x, place, storage_order):
    """In the flattened input the positions that are given in planes; with a storage order of 1 these are stored columns first."""
    space = x.shape[2:]
    if storage_order:
        turned, rest, step = 0, place, math.prod(space)
        for size in reversed(space):
            step = step // size
            turned = turned + rest % size * step
            rest = weft.div(rest, size, rounding_mode="trunc")
        place = turned
    planes = weft.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * len(space))
    return place + planes * math.prod(space)


@operator("AveragePool", 7, 10, 11, 19, 22)
def average_pool(
    x, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, count_include_pad=0, dilations=None, pads=None, strides=None
):  # fmt: skip
    strides, dilations, low, high = window(x, kernel_shape, auto_pad, dilations, pads, strides)
    count = len(kernel_shape)
    counts = _counts(x, kernel_shape, strides, dilations, low, high, ceil_mode)
    if all([d == 1 for d in dilations]) and (low == high or not count_include_pad):
        reach = _reach(x, counts, kernel_shape, strides, dilations, low, high)
        return _ops.avg_pool(x, list(kernel_shape), strides, low, reach, dilations, bool(count_include_pad), 0)
    parts = _windows(x, kernel_shape, strides, dilations, low, counts, 0.0)
    total = weft.sum(parts, tuple(range(2 + count, 2 + 2 * count)))
    number = weft.ones((), dtype=x.dtype)
    for axis in range(count):
        size, first = x.shape[2 + axis], -low[axis]
        begin, end = (first, size + high[axis]) if count_include_pad else (0, size)
        within = [
            sum(begin <= first + w * strides[axis] + k * dilations[axis] < end for k in range(kernel_shape[axis]))
            for w in range(counts[axis])
        ]
        number = number.unsqueeze(-1) * weft.tensor(within, dtype=x.dtype)
    return total / number


@operator("LpPool", 2, 11, 18, 22)
def lp_pool(x, *, kernel_shape, auto_pad="NOTSET", ceil_mode=0, dilations=None, p=2, pads=None, strides=None):
    strides, dilations, low, high = window(x, kernel_shape, auto_pad, dilations, pads, strides)
    counts = _counts(x, kernel_shape, strides, dilations, low, high, ceil_mode)
    parts = weft.abs(_windows(x, kernel_shape, strides, dilations, low, counts, 0.0))
    axes = tuple(range(2 + len(counts), 2 + 2 * len(counts)))
    if p == 1:
        return weft.sum(parts, axes)
    return weft.pow(weft.sum(weft.pow(parts, p), axes), 1.0 / p)


def _space(x):
    if x.ndim < 3:
        raise ValueError(f"needs axes of positions after batch and channels; got shape {list(x.shape)}")
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool", 1, 22)
def global_average_pool(x):
    return weft.mean(x, _space(x), True)


@operator("GlobalMaxPool", 1, 22)
def global_max_pool(x):
    return weft.amax(x, _space(x), True)


@operator("GlobalLpPool", 2, 22)
def global_lp_pool(x, *, p=2):
    return weft.pow(weft.sum(weft.pow(weft.abs(x), p), _space(x), True), 1.0 / p)


@operator("MaxUnpool", 9, 11, 22, host=("output_shape",))
def max_unpool(x, indices, output_shape=None, *, kernel_shape, pads=None, strides=None):
    """Zeros with the elements at their places in the smallest input that pools to this size; output_shape widens it at the ends."""
    count = len(kernel_shape)
    strides = [1] * count if strides is None else strides
    pads = [0] * (2 * count) if pads is None else pads
    space = [
        (x.shape[2 + i] - 1) * strides[i] + kernel_shape[i] - pads[i] - pads[count + i] for i in range(count)
    ]  # fmt: skip
    shape = [*x.shape[:2], *space]
    flat = weft.scatter(weft.zeros(math.prod(shape), dtype=x.dtype), 0, indices.reshape(-1), x.reshape(-1))
    result = flat.reshape(shape)
    if output_shape is None:
        return result
    return padded(result, [0] * count, [wanted - own for wanted, own in zip(numbers(output_shape)[2:], space)])


@operator("RoiAlign", 10, host=("rois", "batch_indices"))
def roi_align_of_10(
    x, rois, batch_indices, *, mode="avg", output_height=1, output_width=1, sampling_ratio=0, spatial_scale=1.0
):
    return roi_align(
        x, rois, batch_indices, coordinate_transformation_mode="output_half_pixel", mode=mode, output_height=output_height,
        output_width=output_width, sampling_ratio=sampling_ratio, spatial_scale=spatial_scale,
    )  # fmt: skip


@operator("RoiAlign", 16, 22, host=("rois", "batch_indices"))
def roi_align(
    x, rois, batch_indices, *, coordinate_transformation_mode="half_pixel", mode="avg", output_height=1, output_width=1,
    sampling_ratio=0, spatial_scale=1.0,
):  # fmt: skip
    """The mean (or maximum) of points between elements in each part of a box."""
    import numpy

    height, width = x.shape[2:]
    shift = 0.5 if coordinate_transformation_mode == "half_pixel" else 0.0
    results = []
    for box, image in zip(rois.astype(numpy.float64), numbers(batch_indices)):
        left, top, right, bottom = (box * spatial_scale - shift).tolist()
        tall, wide = bottom - top, right - left
        if not shift:
            tall, wide = max(tall, 1.0), max(wide, 1.0)
        rows = sampling_ratio if sampling_ratio > 0 else max(math.ceil(tall / output_height), 0)
        columns = sampling_ratio if sampling_ratio > 0 else max(math.ceil(wide / output_width), 0)
        ys = top + (numpy.arange(output_height * rows) + 0.5) * tall / output_height / max(rows, 1)
        xs = left + (numpy.arange(output_width * columns) + 0.5) * wide / output_width / max(columns, 1)
        low_y, high_y, down = _corners(ys, height)
        low_x, high_x, along = _corners(xs, width)
        inside = _within(ys, height)[:, None] & _within(xs, width)[None, :]
        parts = []
        for y, wy in ((low_y, 1 - down), (high_y, down)):
            for z, wx in ((low_x, 1 - along), (high_x, along)):
                place = weft.tensor((y[:, None] * width + z[None, :]).reshape(-1).tolist(), dtype=weft.int64)
                weight = weft.tensor((wy[:, None] * wx[None, :] * inside).reshape(-1).tolist(), dtype=x.dtype)
                parts.append(weft.index_select(x[image].reshape(x.shape[1], -1), 1, place) * weight)
        if mode == "max":
            points = weft.maximum(weft.maximum(parts[0], parts[1]), weft.maximum(parts[2], parts[3]))
        else:
            points = parts[0] + parts[1] + parts[2] + parts[3]
        points = points.reshape(x.shape[1], output_height, rows, output_width, columns)
        results.append(
            weft.amax(points, (2, 4)) if mode == "max" else weft.sum(points, (2, 4)) / max(rows * columns, 1)
        )
    if not results:
        return weft.zeros((0, x.shape[1], output_height, output_width), dtype=x.dtype)
    return weft.stack(results)


def _within(at, size):
    return (at >= -1.0) & (at <= size)


def _corners(at, size):
    """(element before, element after, share of the latter)."""
    import numpy

    at = numpy.clip(at, 0, size - 1)
    low = numpy.floor(at).astype(numpy.int64)
    return low, numpy.minimum(low + 1, size - 1), at - low


@operator("MaxRoiPool", 1, 22, host=("rois",))
def max_roi_pool(x, rois, *, pooled_shape, spatial_scale=1.0):
    """The maximum of each part of a box, whose corners are rounded."""
    results = []
    for image, *box in rois.tolist():
        left, top, right, bottom = (int(math.floor(c * spatial_scale + 0.5)) for c in box)
        tall, wide = max(bottom - top + 1, 1), max(right - left + 1, 1)
        rows = _bins(top, tall, pooled_shape[0], x.shape[2])
        columns = _bins(left, wide, pooled_shape[1], x.shape[3])
        plane = x[int(image)]
        cells = [
            weft.amax(plane[:, a:b, c:d], (1, 2)) if a < b and c < d else weft.zeros(x.shape[1], dtype=x.dtype)
            for a, b in rows
            for c, d in columns
        ]
        results.append(weft.stack(cells, 1).reshape(x.shape[1], *pooled_shape))
    return weft.stack(results) if results else weft.zeros((0, x.shape[1], *pooled_shape), dtype=x.dtype)


def _bins(start, length, count, size):
    step = length / count
    edges = [(math.floor(i * step) + start, math.ceil((i + 1) * step) + start) for i in range(count)]
    return [(min(max(a, 0), size), min(max(b, 0), size)) for a, b in edges]
