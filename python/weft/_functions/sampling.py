"""Sampling at coordinates, and pooling at random places."""

from __future__ import annotations

import itertools

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public
from ..amp.autocast_mode import in_float32
from .convolution import per_axis

__all__ = []
METHODS = ()

MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")


def _clipped(at, size):
    """Within [0, size - 1], 0 where it is NaN; without a slope at the ends and beyond."""
    return _ops.where(at > 0.0, _ops.where(at < float(size - 1), at, float(size - 1)), 0.0)


def _padded(at, size, padding_mode, align_corners):
    """Where a coordinate beyond the elements is taken from."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        low, span = (0.0, float(size - 1)) if align_corners else (-0.5, float(size))
        if span == 0:
            return at * 0.0
        distance = _ops.where(at < low, low - at, at - low)
        extra, turns = _ops.fmod(distance, span), _ops.floor(distance.detach() / span)
        at = _ops.where(_ops.fmod(turns, 2.0) == 0.0, extra, span - extra) + low
    return _clipped(at, size)


def _along(at, size):
    """Of whole coordinates along an axis: which are elements, and these."""
    at = at.detach()
    inside = (at >= 0.0) & (at <= float(size - 1))
    return inside, _ops.where(inside, at, 0.0).to(_C.int64)


def _elements(flat, sizes, places):
    """Of the elements (N, C, all) those at ``places``, one _along() (N, 1, count) an axis; zero outside."""
    inside, index = places[0]
    for size, (within, position) in zip(sizes[1:], places[1:]):
        inside, index = inside & within, index * size + position
    shape = (*flat.shape[:2], index.shape[2])
    return _ops.where(inside.expand(shape), _ops.gather(flat, index.expand(shape), 2), 0.0)


def _total(parts):
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _linear(flat, sizes, at):
    """The sum over the corners around each place, the last axis first."""
    low = [_ops.floor(a.detach()) for a in at]
    along = [(_along(a, n), _along(a + 1.0, n)) for a, n in zip(low, sizes)]
    weights = [(1.0 - (a - l), a - l) for a, l in zip(at, low)]
    parts = []
    for corner in itertools.product((0, 1), repeat=len(at)):
        weight = weights[0][corner[0]]
        for own, side in zip(weights[1:], corner[1:]):
            weight = weight * own[side]
        parts.append(_elements(flat, sizes, [own[side] for own, side in zip(along, corner)]) * weight)
    return _total(parts)


def _cubic_weights(part):
    """Of the four elements around a place that is ``part`` behind the second (Keys, "Cubic convolution interpolation for digital
    image processing", 1981, with a = -0.75)."""
    a = -0.75

    def near(t):
        return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0

    def far(t):
        return ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a

    return far(part + 1.0), near(part), near(1.0 - part), far(2.0 - part)


def _cubic(flat, sizes, at, padding_mode, align_corners):
    low = [_ops.floor(a.detach()) for a in at]
    along = [
        [_along(_padded(a + float(tap), n, padding_mode, align_corners), n) for tap in range(-1, 3)]
        for a, n in zip(low, sizes)
    ]
    rows, columns = (_cubic_weights(a - l) for a, l in zip(at, low))
    return _total(
        _total(_elements(flat, sizes, (row, column)) * weight for column, weight in zip(along[1], columns)) * of_row
        for row, of_row in zip(along[0], rows)
    )


def _check_grid(input, grid, mode):
    shapes = f"got {input.dtype} {list(input.shape)} and {grid.dtype} {list(grid.shape)}"
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            f"[grid_sample] the input must be (N, C, *sizes) of 2 or 3 sizes, the grid (N, *sizes, 2 or 3); {shapes}"
        )
    axes = input.ndim - 2
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[grid_sample] needs a floating-point dtype; {shapes}; use .float()")
    if grid.dtype is not input.dtype:
        raise RuntimeError(f"[grid_sample] input and grid must have one dtype; {shapes}; convert one of them")
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"[grid_sample] input and grid must have one batch size; {shapes}; expand one of them")
    if grid.shape[-1] != axes:
        raise RuntimeError(
            f"[grid_sample] the grid's last dimension must have size {axes}; {shapes}; it is (x, y) or (x, y, z)"
        )
    if 0 in input.shape[2:]:
        raise RuntimeError(f"[grid_sample] the sizes of the input must not be 0; {shapes}")
    if mode == "bicubic" and axes != 2:
        raise RuntimeError(f"[grid_sample] mode 'bicubic' is for 4D input; {shapes}; take 'bilinear'")


@public
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input (N, C, H, W) or (N, C, D, H, W) between its elements, at the places of the grid (N, *sizes, 2 or 3): (N, C, *sizes).

    A place is (x, y) or (x, y, z), x along W: -1 and 1 are the outer edges of the first and last elements, or their centres with
    ``align_corners``. ``mode`` "bilinear" (in three dimensions trilinear), "nearest" or "bicubic"; ``padding_mode``, beyond the edges:
    "zeros", "border" (the element at the edge; the first where a coordinate is NaN) or "reflection". Both are of one float dtype.
    """
    for name, value, known in (("mode", mode, MODES), ("padding_mode", padding_mode, PADDING_MODES)):
        if value not in known:
            raise ValueError(f"[grid_sample] {name} must be one of {', '.join(known)}; got {value!r}")
    input, grid = in_float32(input, grid)
    _check_grid(input, grid, mode)
    sizes, axes, wanted = input.shape[2:], input.ndim - 2, input.dtype
    if wanted.itemsize == 2:
        input, grid = input.float(), grid.float()
    places = grid.flatten(1, -2).unsqueeze(1)
    at = []
    for axis, size in enumerate(sizes):
        c = places[..., axes - 1 - axis] + 1.0
        at.append(c * 0.5 * float(size - 1) if align_corners else (c * float(size) - 1.0) * 0.5)
    if mode != "bicubic":
        at = [_padded(a, n, padding_mode, align_corners) for a, n in zip(at, sizes)]
    flat = input.flatten(2)
    if mode == "bilinear":
        result = _linear(flat, sizes, at)
    elif mode == "bicubic":
        result = _cubic(flat, sizes, at, padding_mode, align_corners)
    else:
        result = _elements(flat, sizes, [_along(_ops.round(a.detach()), n) for a, n in zip(at, sizes)])
        if grid.requires_grad:  # its gradient is zero, and not absent
            result = result - _ops.relu(_ops.sign(at[0])) * 0.0
    return result.reshape(*input.shape[:2], *grid.shape[1:-1]).to(wanted)


def _centres(size, align_corners, dtype, device):
    """Where the elements of an axis are, from -1 to 1."""
    if size == 1:
        return _C.full((1,), 0.0, dtype, device)
    along = (_C.arange(0, size, 1, _C.int64, device).to(_C.float64) * 2 - (size - 1)) / (size - 1)
    return (along if align_corners else along * ((size - 1) / size)).to(dtype)


@public
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The grid for grid_sample with which a result of ``size`` (N, C, H, W) or (N, C, D, H, W) is the input under the maps theta
    (N, 2, 3) or (N, 3, 4): (N, H, W, 2) or (N, D, H, W, 3), float as theta is."""
    if not theta.dtype.is_floating_point:
        raise ValueError(f"[affine_grid] theta must be of a float dtype; got {theta.dtype}; use .float()")
    sizes = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if not isinstance(size, (tuple, list)) or any(not isinstance(n, int) or isinstance(n, bool) for n in sizes):
        raise TypeError(f"[affine_grid] size must be a sequence of ints; got {size!r}")
    axes = len(sizes) - 2
    if axes not in (2, 3):
        raise NotImplementedError(
            f"[affine_grid] size must have 4 or 5 elements; got {list(sizes)}; pass (N, C, *sizes)"
        )
    if theta.ndim != 3 or theta.shape[1:] != (axes, axes + 1):
        raise ValueError(
            f"[affine_grid] theta must be (N, {axes}, {axes + 1}) for size {list(sizes)}; got shape {list(theta.shape)}"
        )
    if min(sizes) < 1:
        raise ValueError(f"[affine_grid] sizes must be positive; got {list(sizes)}")
    if theta.shape[0] != sizes[0]:
        raise RuntimeError(
            f"[affine_grid] theta must have {sizes[0]} maps for size {list(sizes)}; got shape {list(theta.shape)}"
        )
    columns = []
    for axis in reversed(range(axes)):
        along = _centres(sizes[2 + axis], bool(align_corners), theta.dtype, theta.device)
        columns.append(along.reshape([-1 if a == axis else 1 for a in range(axes)]).expand(*sizes[2:]).reshape(-1, 1))
    base = _ops.concatenate([*columns, _C.full(columns[0].shape, 1.0, theta.dtype, theta.device)], 1)
    return _ops.matmul(base, theta.transpose(1, 2)).reshape(sizes[0], *sizes[2:], axes)


def _begin(samples, size, kernel, count):
    """Where ``count`` windows along an axis begin, by samples (N, C, 1): (N, C, count)."""
    last = float(size - kernel)
    if count == 1:
        return (samples * 0.0 + last).to(_C.int64)
    step = last / (count - 1)
    i = _C.arange(0, count, 1, _C.int64, samples.device)
    begin = _ops.trunc((i.to(samples.dtype) + samples) * step) - _ops.trunc(samples * step)
    return _ops.where(i == count - 1, last, _clipped(begin, size - kernel + 1)).to(_C.int64)


def _greatest(x, samples, kernel, sizes):
    """Where in the last axes, as one number, the first greatest element of each window is, or the last NaN: int64 (N, C, all)."""
    axes, given = len(kernel), x.shape[2:]
    wide = samples.float() if samples.dtype.itemsize == 2 else samples
    begin = []
    for axis in range(axes):
        which = axes - 1 - axis if axes == 2 else axis  # of two dimensions the first sample is the last one's
        along = _begin(wide[..., which : which + 1], given[axis], kernel[axis], sizes[axis])
        begin.append(along.reshape(*x.shape[:2], *(sizes[axis] if a == axis else 1 for a in range(axes))))
    flat, index, best = x.flatten(2), None, None
    for place in itertools.product(*map(range, kernel)):
        at = begin[0] + place[0]
        for size, along, step in zip(given[1:], begin[1:], place[1:]):
            at = at * size + (along + step)
        at = at.flatten(2)
        value = _ops.gather(flat, at, 2)
        if best is None:
            index, best = at, value
        else:
            better = (value > best) | (value != value)
            index, best = _ops.where(better, at, index), _ops.where(better, value, best)
    return index


def _fractional(axes, input, kernel_size, output_size, output_ratio, return_indices, samples):
    op = f"fractional_max_pool{axes}d"
    if input.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"[{op}] the input must be (N, C, *sizes) or (C, *sizes) with {axes} sizes; got shape {list(input.shape)}"
        )
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[{op}] needs a floating-point dtype; got {input.dtype}; use .float()")
    if any(n == 0 for n in input.shape[-axes - 1 :]):
        raise RuntimeError(f"[{op}] channels and sizes must not be 0; got shape {list(input.shape)}")
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"[{op}] either output_size or output_ratio must be given")
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * axes
        if len(ratios) != axes or any(not isinstance(r, (int, float)) or not 0 < r < 1 for r in ratios):
            raise ValueError(
                f"[{op}] output_ratio must be a number between 0 and 1, or {axes} of them; got {output_ratio!r}"
            )
        output_size = [int(n * r) for n, r in zip(input.shape[-axes:], ratios)]
    sizes = per_axis(op, "output_size", output_size, axes, 1)
    for n, k, m in zip(input.shape[-axes:], kernel, sizes):
        if m + k - 1 > n:
            raise RuntimeError(
                f"[{op}] {m} windows of {k} are too many for a dimension of size {n}; got shape {list(input.shape)}, "
                f"kernel_size={kernel_size!r} and output_size={output_size!r}; take fewer or smaller ones"
            )
    x = input if input.ndim == axes + 2 else input.unsqueeze(0)
    wanted = (*x.shape[:2], axes)
    if samples is None:
        samples = _C.rand(wanted, x.dtype, x.device)
    elif samples.dtype is not x.dtype or samples.shape != wanted:
        raise RuntimeError(
            f"[{op}] _random_samples must be {x.dtype} {list(wanted)}; got {samples.dtype} {list(samples.shape)}; give a number "
            "of [0, 1) for each channel and dimension"
        )
    index = _greatest(x.detach(), samples.detach(), kernel, sizes)
    shape = (*x.shape[:2], *sizes)
    result, index = _ops.gather(x.flatten(2), index, 2).reshape(shape), index.reshape(shape)
    if input.ndim != x.ndim:
        result, index = result.squeeze(0), index.squeeze(0)
    return (result, index) if return_indices else result


@public
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The greatest elements of windows at random places of (N, C, H, W) or (C, H, W), with ``return_indices`` also where they are.

    ``output_size`` says how many, or ``output_ratio`` (between 0 and 1) times the input's sizes. ``_random_samples`` (N, C, 2), of
    the input's dtype and [0, 1), decide where; they are drawn where they are not given.
    """
    return _fractional(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


@public
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """fractional_max_pool2d of (N, C, D, H, W) or (C, D, H, W), with ``_random_samples`` (N, C, 3)."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)
