"""make_tensor: random tensors for tests."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor


def _bounds(dtype: Any, low: Any, high: Any) -> tuple[float, float]:
    least: float
    most: float
    if dtype is weft.bool:
        least, most, usual = 0, 2, (0, 2)
    elif dtype.is_floating_point or dtype.is_complex:
        limits = weft.finfo(dtype)
        least, most, usual = limits.min, limits.max, (-9, 9)
    else:
        integers = weft.iinfo(dtype)
        least, most, usual = integers.min, integers.max + 1, (0 if integers.min == 0 else -9, 10)
    low, high = usual[0] if low is None else low, usual[1] if high is None else high
    if math.isnan(low) or math.isnan(high) or not low < high:
        raise ValueError(f"[make_tensor] low must be below high; got {low} and {high}")
    low, high = max(low, least), min(high, most)
    if not (dtype.is_floating_point or dtype.is_complex):
        low, high = math.ceil(low), math.ceil(high)
    if not low < high:
        raise ValueError(f"[make_tensor] {dtype} has no number of [low, high); got {low} and {high}")
    return low, high


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Random numbers of [low, high), by default of [-9, 9), of complex ones both parts; for integers [-9, 10), uint8 [0, 10) and bool [0, 2).

    ``noncontiguous``: every second of a wider tensor's. ``exclude_zero``: zeros become the dtype's least positive number. ValueError for
    an empty range, and where an integer tensor is to require grad.
    """
    if memory_format is not None:
        raise NotImplementedError("[make_tensor] there is one memory format; leave memory_format out")
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    if requires_grad and not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(f"[make_tensor] {dtype} cannot require grad; pass a floating-point dtype")
    low, high = _bounds(dtype, low, high)
    wide = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and math.prod(sizes) > 1 else sizes
    if dtype.is_complex:
        result = weft.view_as_complex(weft.empty((*wide, 2), dtype=dtype.to_real(), device=device).uniform_(low, high))
    elif dtype.is_floating_point:
        result = weft.empty(wide, dtype=dtype, device=device).uniform_(low, high)
    else:
        result = weft.randint(int(low), int(high), wide, dtype=dtype, device=device)
    if wide != sizes:
        result = result[..., ::2]
    if exclude_zero:
        least = weft.finfo(dtype).tiny if dtype.is_floating_point or dtype.is_complex else 1
        result[result == 0] = least
    return result.requires_grad_() if requires_grad else result
