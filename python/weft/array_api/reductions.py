"""Sums, products, extrema, means, and sums on the way."""

from __future__ import annotations

import math
from typing import Any

import weft

from .._C import Tensor
from .dtypes import isdtype

__all__ = ["all", "any", "cumulative_prod", "cumulative_sum", "diff", "max", "mean", "min", "prod", "std", "sum", "var"]


def _axes(x: Tensor, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)


def _of_sum(x: Tensor, dtype: Any) -> Any:
    """What sums and products are computed in: integers in the widest of their sign."""
    if dtype is not None or not isdtype(x.dtype, ("integral", "bool")):
        return dtype or x.dtype
    return weft.uint64 if isdtype(x.dtype, "unsigned integer") else weft.int64


def sum(x: Tensor, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """Sums over the axes; None: all."""
    dtype = _of_sum(x, dtype)
    axes = _axes(x, axis)
    return weft.sum(x.to(dtype), axes, keepdims, dtype=dtype) if axes else x.to(dtype, copy=True)


def prod(x: Tensor, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """Products over the axes; None: all."""
    dtype = _of_sum(x, dtype)
    result = x.to(dtype, copy=True)
    for a in sorted((a % x.ndim for a in _axes(x, axis)), reverse=True):
        result = weft.prod(result, a, keepdims, dtype=dtype)
    return result


def max(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The greatest over the axes; None: all. NaN where there is one."""
    axes = _axes(x, axis)
    return weft.amax(x, axes, keepdims) if axes else x.clone()


def min(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The least over the axes; None: all. NaN where there is one."""
    axes = _axes(x, axis)
    return weft.amin(x, axes, keepdims) if axes else x.clone()


def mean(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Means over the axes; None: all."""
    axes = _axes(x, axis)
    return weft.mean(x, axes, keepdims) if axes else x.clone()


def var(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variances over the axes, of n - correction degrees of freedom."""
    axes = _axes(x, axis)
    if not axes:
        return x - x  # NaN of what is no number
    if correction == int(correction):
        return weft.var(x, axes, correction=int(correction), keepdim=keepdims)
    count = math.prod(x.shape[a] for a in axes)
    return weft.var(x, axes, correction=0, keepdim=keepdims) * (count / (count - correction))


def std(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Square roots of the variances."""
    return weft.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _truth(function: Any, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    x = x.to(weft.bool, copy=True)
    for a in sorted((a % x.ndim for a in _axes(x, axis)), reverse=True):
        x = function(x, a, keepdims)
    return x


def all(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all over the axes are other than zero."""
    return _truth(weft.all, x, axis, keepdims)


def any(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether one over the axes is other than zero."""
    return _truth(weft.any, x, axis, keepdims)


def _cumulative(function: Any, first: int, x: Tensor, axis: int | None, dtype: Any, include_initial: bool) -> Tensor:
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"[cumulative_{function.__name__[3:]}] needs axis= for an array of shape {list(x.shape)}")
        axis = 0
    dtype = _of_sum(x, dtype)
    if x.ndim == 0:
        x = x.reshape(1)
    result = function(x, axis, dtype=dtype)
    if include_initial:
        shape = list(x.shape)
        shape[axis] = 1
        result = weft.cat([weft.full(shape, first, dtype=dtype, device=x.device), result], axis)
    return result


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """Sums of the elements so far along an axis; with include_initial, 0 first."""
    return _cumulative(weft.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """Products of the elements so far along an axis; with include_initial, 1 first."""
    return _cumulative(weft.cumprod, 1, x, axis, dtype, include_initial)


def diff(x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along an axis, n times."""
    return weft.diff(x, n, axis, prepend, append)
