"""Where something is, what is different, in order."""

from __future__ import annotations

from typing import Any, NamedTuple

import weft

from .._C import Tensor
from .elementwise import together

__all__ = [
    "argmax", "argmin", "argsort", "count_nonzero", "nonzero", "searchsorted", "sort", "unique_all", "unique_counts", "unique_inverse",
    "unique_values", "where",
]  # fmt: skip


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the greatest along an axis, the first of several; None: of the array flattened."""
    return weft.argmax(x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the least along an axis, the first of several; None: of the array flattened."""
    return weft.argmin(x, axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """How many over the axes are other than zero."""
    axes = tuple(range(x.ndim)) if axis is None else axis
    return weft.sum((x != 0).to(weft.int64), axes, keepdims) if x.ndim else (x != 0).to(weft.int64)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The indices of what is other than zero, an array an axis."""
    if x.ndim == 0:
        raise ValueError("[nonzero] needs an array of one dimension at least; got shape []")
    return tuple(weft.nonzero(x, as_tuple=True))


def searchsorted(x1: Tensor, x2: Tensor, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Where in x1, sorted (by sorter), each of x2 belongs: before or behind equal ones."""
    x1, x2 = together(x1, x2)
    if sorter is not None:
        x1 = x1[sorter]
    return weft.searchsorted(x1, x2, side=side)


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    """x1 where the condition holds, else x2."""
    return weft.where(condition, *together(x1, x2))


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort along an axis; equal elements stay in order."""
    return weft.argsort(x, axis, descending, stable=True)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """In order along an axis."""
    return weft.sort(x, axis, descending, stable=True)[0]


class UniqueAll(NamedTuple):
    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAll:
    """The different elements in order, where each is first, which of them each element is, how often it is. A NaN is like no other."""
    values, inverse, counts = weft.unique(x, return_inverse=True, return_counts=True)
    first = weft.argsort(inverse.reshape(-1), stable=True)[weft.cumsum(counts, 0) - counts]
    return UniqueAll(values, first, inverse.reshape(x.shape), counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The different elements in order, and how often each is."""
    return UniqueCounts(*weft.unique(x, return_counts=True))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The different elements in order, and which of them each element is."""
    values, inverse = weft.unique(x, return_inverse=True)
    return UniqueInverse(values, inverse.reshape(x.shape))


def unique_values(x: Tensor, /) -> Tensor:
    """The different elements in order."""
    return weft.unique(x)
