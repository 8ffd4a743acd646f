"""Pooling."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten

MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
AVERAGE = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def whole(numbers, axes):
    """One number an axis, of a list that may have one for all."""
    numbers = [numbers] if isinstance(numbers, int) else list(numbers)
    return numbers * axes if len(numbers) == 1 else numbers


def max_pool_with_indices(axes, x, kernel, stride=(), padding=0, dilation=1, ceil_mode=False, indices=True):
    kernel = whole(kernel, axes)
    rest = whole(stride, axes) if stride else kernel, whole(padding, axes), whole(dilation, axes)
    return MAX[axes](x, kernel, *rest, ceil_mode=ceil_mode, return_indices=indices)


def max_pool(axes, x, kernel, stride=(), padding=0, dilation=1, ceil_mode=False):
    return max_pool_with_indices(axes, x, kernel, stride, padding, dilation, ceil_mode, indices=False)


def average_pool(axes, x, kernel, stride=(), padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    kernel = whole(kernel, axes)
    numbers = kernel, whole(stride, axes) if stride else kernel, whole(padding, axes), ceil_mode, count_include_pad
    if axes == 1:
        return functional.avg_pool1d(x, *numbers)
    return AVERAGE[axes](x, *numbers, divisor_override)


for _axes in (2, 3):
    aten(f"max_pool{_axes}d_with_indices")(lambda x, *args, axes=_axes: max_pool_with_indices(axes, x, *args))
for _axes in (1, 2, 3):
    aten(f"max_pool{_axes}d")(lambda x, *args, axes=_axes: max_pool(axes, x, *args))
    aten(f"avg_pool{_axes}d")(lambda x, *args, axes=_axes: average_pool(axes, x, *args))


@aten("_adaptive_avg_pool2d", "adaptive_avg_pool2d")
def adaptive_avg_pool2d(x, size):
    return functional.adaptive_avg_pool2d(x, tuple(size))


@aten("_adaptive_avg_pool3d", "adaptive_avg_pool3d")
def adaptive_avg_pool3d(x, size):
    return functional.adaptive_avg_pool3d(x, tuple(size))


@aten("adaptive_avg_pool1d")
def adaptive_avg_pool1d(x, size):
    return functional.adaptive_avg_pool1d(x, size[0])


@aten("adaptive_max_pool2d")
def adaptive_max_pool2d(x, size):
    return tuple(functional.adaptive_max_pool2d(x, tuple(size), return_indices=True))


@aten("adaptive_max_pool3d")
def adaptive_max_pool3d(x, size):
    return tuple(functional.adaptive_max_pool3d(x, tuple(size), return_indices=True))


@aten("fractional_max_pool2d")
def fractional_max_pool2d(x, kernel, size, samples):
    return tuple(
        functional.fractional_max_pool2d(x, list(kernel), list(size), return_indices=True, _random_samples=samples)
    )


def scatter_to_windows(gradient, x, indices, axes):
    """The gradient of maxima at their places in the last axes."""
    flat = x.shape[:-axes] + (-1,)
    zeros = weft.zeros(x.shape, dtype=x.dtype).reshape(flat)
    return zeros.scatter_add(-1, indices.reshape(flat), gradient.reshape(flat)).reshape(x.shape)
