"""Tensors of positions and of combinations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from .. import _C
from .._C import Tensor, device, dtype
from .._public import Any, public

__all__ = ["meshgrid", "cartesian_prod", "combinations", "tril_indices", "triu_indices"]
METHODS: list[str] = []


@public
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Views of vectors [n], [m] … (or numbers) as grids [n, m, …]; with ``indexing="xy"`` [m, n, …]. All of one dtype."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    _check_vectors("meshgrid", tensors, 1)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f"[meshgrid] indexing must be 'ij' or 'xy'; got {indexing!r}")
    for tensor in tensors:
        if tensor.dtype is not tensors[0].dtype:
            raise RuntimeError(
                f"[meshgrid] all must have one dtype; got {tensors[0].dtype} and {tensor.dtype}; convert one by .to()"
            )
    grids = _grids(tensors)
    if indexing == "xy" and len(grids) > 1:
        swapped = _grids([tensors[1], tensors[0], *tensors[2:]])
        return (swapped[1], swapped[0], *swapped[2:])
    return grids


def _check_vectors(op: str, tensors: Sequence[Any], most: int) -> None:
    if not tensors:
        raise RuntimeError(f"[{op}] needs at least one tensor; got none; pass vectors")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"[{op}] needs tensors; got {type(tensor).__name__} at position {i}; use weft.tensor")
        if tensor.ndim > most:
            raise RuntimeError(f"[{op}] needs vectors; got shape {list(tensor.shape)} at position {i}; flatten() it")


def _grids(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    sizes = [tensor.numel() for tensor in tensors]
    count = len(tensors)
    return tuple(
        tensor.reshape([sizes[i] if axis == i else 1 for axis in range(count)]).expand(sizes)
        for i, tensor in enumerate(tensors)
    )


@public
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Rows of one element of each vector, in the order of ``itertools.product``; of one vector itself."""
    _check_vectors("cartesian_prod", tensors, 1)
    for tensor in tensors:
        if tensor.ndim != 1:
            raise RuntimeError("[cartesian_prod] needs vectors; got shape []; unsqueeze it")
    if len(tensors) == 1:
        return tensors[0]
    return _stacked([grid.reshape(-1) for grid in meshgrid(*tensors)])


def _stacked(columns: Sequence[Tensor]) -> Tensor:
    from .._factories import stack  # it uses this package

    return stack(columns, 1)


@public
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Rows of ``r`` elements of a vector, in the order of ``itertools.combinations``."""
    if input.ndim != 1 or r < 0:
        raise RuntimeError(f"[combinations] needs a vector and r >= 0; got shape {list(input.shape)} and r={r}")
    if r == 0:
        return _C.empty((0,), input.dtype, input.device)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = [place for row in choose(range(input.shape[0]), r) for place in row]
    index = _C.from_nested(places, _C.int64).to(input.device)
    return input.index_select(0, index).reshape(len(places) // r, r)


def _positions(
    op: str,
    rows: range,
    count: int,
    dtype: dtype | None,
    device: Any,
    requires_grad: bool,
    columns: Callable[[int], range],
) -> Tensor:
    """[2, count]: the positions in the given columns of each row, of which none is empty."""
    if dtype not in (None, _C.int16, _C.int32, _C.int64):
        raise NotImplementedError(f"[{op}] positions are int16, int32 or int64; got {dtype}; convert the result")
    _C.empty((2, count), _C.int64, device)  # what does not fit fails at once
    found = _C.from_nested([[r for r in rows for _ in columns(r)], [c for r in rows for c in columns(r)]], _C.int64)
    found = found.to(device=device, dtype=dtype)
    return found.requires_grad_() if requires_grad else found


def _below(row: int, col: int, offset: int) -> int:
    """The number of elements of a [row, col] matrix on and below a diagonal."""
    first, full = max(0, -offset), min(row, max(0, col - offset - 1))
    part = max(0, full - first)
    return part * (first + full + 2 * offset + 1) // 2 + (row - max(full, min(first, row))) * col


def _check_sizes(op: str, row: int, col: int) -> None:
    if row < 0 or col < 0:
        raise RuntimeError(f"[{op}] row and col must not be negative; got {row} and {col}; pass a matrix's sizes")


@public
def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """[2, n]: rows and columns of the elements of a [row, col] matrix on and below a diagonal, in row-major order; int64."""
    _check_sizes("tril_indices", row, col)
    return _positions(
        "tril_indices",
        range(max(0, -offset) if col else row, row),
        _below(row, col, offset),
        dtype,
        device,
        requires_grad,
        lambda r: range(min(col, max(0, r + offset + 1))),
    )


@public
def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """[2, n]: rows and columns of the elements of a [row, col] matrix on and above a diagonal, in row-major order; int64."""
    _check_sizes("triu_indices", row, col)
    return _positions(
        "triu_indices",
        range(min(row, max(0, col - offset))),
        row * col - _below(row, col, offset - 1),
        dtype,
        device,
        requires_grad,
        lambda r: range(min(col, max(0, r + offset)), col),
    )
