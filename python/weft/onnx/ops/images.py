"""Images: resized, sampled, and boxes in them."""

import math

import weft
from weft.nn import functional as F

from ..table import operator
from ..values import numbers


def _source(mode, own, scale, length, roi):
    """Where the elements of the result are along an axis of the input, as floats."""
    import numpy

    at, whole = numpy.arange(length, dtype=numpy.float64), scale * own
    if mode == "align_corners":
        return at * ((own - 1) / (length - 1)) if length > 1 else at * 0
    if mode == "asymmetric":
        return at / scale
    if mode == "tf_crop_and_resize":
        if length == 1:
            return at * 0 + (roi[0] + roi[1]) * (own - 1) / 2
        return at * (roi[1] - roi[0]) * (own - 1) / (length - 1) + roi[0] * (own - 1)
    if mode == "pytorch_half_pixel" and length == 1:
        return at * 0 - 0.5
    if mode in ("half_pixel", "pytorch_half_pixel", "tf_half_pixel_for_nn"):
        return (at + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return own / 2 * (1 - length / whole) + (at + 0.5) / scale - 0.5
    raise NotImplementedError(f"the coordinate_transformation_mode {mode!r} is not supported")


def _cubic(x, a):
    import numpy

    x = numpy.absolute(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return numpy.where(x <= 1, near, numpy.where(x < 2, far, 0.0))


def _taps(source, own, mode, scale, antialias, a, exclude_outside):
    """(positions, weights), each (length, taps): which elements each result is made of."""
    import numpy

    reach = 1 if mode == "linear" else 2
    stretch = min(scale, 1.0) if antialias else 1.0
    count = 2 * reach if stretch == 1.0 else 2 * math.ceil(reach / stretch) + 2
    # The first tap such that an element exactly at the source counts as one to the left.
    first = numpy.ceil(source).astype(numpy.int64) - count // 2
    places = first[:, None] + numpy.arange(count)
    distance = (places - source[:, None]) * stretch
    weights = numpy.maximum(1 - numpy.absolute(distance), 0) if mode == "linear" else _cubic(distance, a)
    if antialias:
        weights = weights / numpy.add.reduce(weights, 1, keepdims=True)
    if exclude_outside:
        weights = numpy.where((places < 0) | (places >= own), 0.0, weights)
        weights = weights / numpy.add.reduce(weights, 1, keepdims=True)
    return numpy.minimum(numpy.maximum(places, 0), own - 1), weights


_NEAREST = {
    "round_prefer_floor": lambda n, x: n.ceil(x - 0.5),
    "round_prefer_ceil": lambda n, x: n.floor(x + 0.5),
    "floor": lambda n, x: n.floor(x),
    "ceil": lambda n, x: n.ceil(x),
}


def _along(x, axis, places, weights):
    """Sums of elements along an axis: one index a tap."""
    total = None
    for tap in range(places.shape[1]):
        part = weft.index_select(x, axis, weft.tensor(places[:, tap].tolist(), dtype=weft.int64))
        if weights is not None:
            weight = weft.tensor(weights[:, tap].tolist(), dtype=x.dtype)
            part = part * weight.reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        total = part if total is None else total + part
    return total


def _resize(x, sizes, scales, roi, axes, mode, transformation, nearest, a, antialias, exclude_outside, extrapolation):
    import numpy

    outside = {}
    wide = x if mode == "nearest" or x.dtype.is_floating_point else x.float()
    for i, axis in enumerate(axes):
        own, length, scale = x.shape[axis], sizes[i], scales[i]
        crops = transformation == "tf_crop_and_resize"
        if own == length and scale == 1.0 and not (crops and roi[i] != (0.0, 1.0)):
            continue
        source = _source(transformation, own, scale, length, roi[i])
        if crops:
            beyond = (source < 0) | (source > own - 1)
            if True in beyond.tolist():
                outside[axis] = beyond
        if mode == "nearest":
            places = _NEAREST[nearest](numpy, source).astype(numpy.int64)
            places = numpy.minimum(numpy.maximum(places, 0), own - 1)[:, None]
            wide = _along(wide, axis, places, None)
        else:
            wide = _along(wide, axis, *_taps(source, own, mode, scale, antialias, a, exclude_outside))
    for axis, beyond in outside.items():
        mask = weft.tensor(beyond.tolist()).reshape([-1 if d == axis else 1 for d in range(x.ndim)])
        wide = weft.where(mask, extrapolation, wide)
    return wide if wide.dtype is x.dtype else weft.round(wide).to(x.dtype)


@operator("Resize", 11, 13, 18, 19, host=("roi", "scales", "sizes"))
def resize(
    x, roi=None, scales=None, sizes=None, *, antialias=0, axes=None, coordinate_transformation_mode="half_pixel", cubic_coeff_a=-0.75,
    exclude_outside=0, extrapolation_value=0.0, keep_aspect_ratio_policy="stretch", mode="nearest", nearest_mode="round_prefer_floor",
):  # fmt: skip
    axes = list(range(x.ndim)) if axes is None else [d % x.ndim for d in axes]
    own = [x.shape[d] for d in axes]
    if sizes is not None and sizes.size:
        lengths = numbers(sizes)
        factors = [length / size for length, size in zip(lengths, own)]
        if keep_aspect_ratio_policy != "stretch":
            factor = (min if keep_aspect_ratio_policy == "not_larger" else max)(factors)
            factors = [factor] * len(axes)
            lengths = [math.floor(factor * size + 0.5) for size in own]
    elif scales is not None and scales.size:
        factors = numbers(scales)
        lengths = [math.floor(size * f) for size, f in zip(own, factors)]
    else:
        raise ValueError("either scales or sizes must be given")
    corners = [(0.0, 1.0)] * len(axes)
    if roi is not None and roi.size and coordinate_transformation_mode == "tf_crop_and_resize":
        ends = numbers(roi)
        corners = list(zip(ends[: len(axes)], ends[len(axes) :]))
    if coordinate_transformation_mode == "tf_half_pixel_for_nn":
        coordinate_transformation_mode = "half_pixel"
    if mode not in ("nearest", "linear", "cubic") or nearest_mode not in _NEAREST:
        raise NotImplementedError(
            f"the mode {mode!r} ({nearest_mode!r}) is not supported; supported are nearest ({', '.join(_NEAREST)}), linear, cubic"
        )
    return _resize(
        x, lengths, factors, corners, axes, mode, coordinate_transformation_mode, nearest_mode, cubic_coeff_a, antialias, exclude_outside,
        extrapolation_value,
    )  # fmt: skip


@operator("Resize", 10, host=("scales",))
@operator("Upsample", 9, host=("scales",))
def upsample(x, scales, *, mode="nearest"):
    return _upsampled(x, numbers(scales), mode)


@operator("Upsample", 7)
def upsample_by_attribute(x, *, scales, mode="nearest"):
    return _upsampled(x, list(scales), mode)


def _upsampled(x, factors, mode):
    lengths = [math.floor(size * f) for size, f in zip(x.shape, factors)]
    corners = [(0.0, 1.0)] * x.ndim
    kind = "linear" if mode in ("linear", "bilinear") else "nearest"
    return _resize(x, lengths, factors, corners, list(range(x.ndim)), kind, "asymmetric", "floor", -0.75, 0, 0, 0.0)


_MODES = {"linear": "bilinear", "cubic": "bicubic", "bilinear": "bilinear", "bicubic": "bicubic", "nearest": "nearest"}


@operator("GridSample", 16, 20, 22)
def grid_sample(x, grid, *, align_corners=0, mode="linear", padding_mode="zeros"):
    if mode not in _MODES:
        raise NotImplementedError(f"the mode {mode!r} is not supported; supported are {', '.join(_MODES)}")
    return F.grid_sample(x, grid.to(x.dtype), _MODES[mode], padding_mode, bool(align_corners))


@operator("AffineGrid", 20, host=("size",))
def affine_grid(theta, size, *, align_corners=0):
    return F.affine_grid(theta, numbers(size), bool(align_corners))


@operator("NonMaxSuppression", 10, 11, host=("boxes", "scores", "most", "overlap", "least"))
def non_max_suppression(boxes, scores, most=None, overlap=None, least=None, *, center_point_box=0):
    """(chosen, 3): image, class and box; of each class the boxes of the highest scores that overlap none before by more than a share."""
    import numpy

    limit = 0 if most is None else int(most.reshape(-1)[0])
    share = 0.0 if overlap is None else float(overlap.reshape(-1)[0])
    chosen = []
    for image in range(scores.shape[0]):
        corners = boxes[image].astype(numpy.float64)
        if center_point_box:
            middle, half = corners[:, :2], corners[:, 2:] / 2
            low, high = middle - half, middle + half
        else:
            low, high = numpy.minimum(corners[:, :2], corners[:, 2:]), numpy.maximum(corners[:, :2], corners[:, 2:])
        area = (high - low).prod(1)
        for kind in range(scores.shape[1]):
            own = scores[image, kind]
            order = [
                i for i in numpy.argsort(-own, kind="stable").tolist() if least is None or own[i] > least.reshape(-1)[0]
            ]
            kept = []
            for i in order:
                if len(kept) >= limit:
                    break
                common = numpy.clip(
                    numpy.minimum(high[i], high[kept]) - numpy.maximum(low[i], low[kept]), 0, None
                ).prod(1)
                union = area[i] + area[kept] - common
                if not (common > share * union).any():
                    kept.append(i)
            chosen += [[image, kind, i] for i in kept]
    return weft.tensor(chosen, dtype=weft.int64).reshape(-1, 3)
