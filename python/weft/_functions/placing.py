"""Copies of a tensor with a part of it replaced, and tensors of zeros with a part given."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _factories, _ops
from .._C import Tensor
from .._public import Any, in_place, public
from . import scattering
from .moves import axis_of

__all__ = [
    "diagflat", "select_scatter", "slice_scatter", "diagonal_scatter", "as_strided_scatter", "slice_inverse", "index_reduce",
]  # fmt: skip
METHODS = [*__all__, "index_reduce_"]


def _check_shape(op: str, view: Tensor, src: Tensor) -> None:
    if view.shape != src.shape:
        raise RuntimeError(
            f"[{op}] the source must have the shape {list(view.shape)} of what it replaces; got {list(src.shape)}; expand it"
        )


def _replaced(op: str, input: Tensor, src: Tensor, view: Any, positions: Any = None) -> Tensor:
    """The input with ``src`` at the elements that ``view`` shows of it."""
    _check_shape(op, view(input), src)
    places = (positions or view)(_factories.arange(input.numel(), device=input.device).reshape(input.shape))
    flat = _ops.scatter(input.reshape(-1), places.reshape(-1), src.to(input.dtype).reshape(-1), 0)
    return flat.reshape(input.shape)


@public
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A square matrix of zeros with the input's elements, in order, on the diagonal ``offset``."""
    flat = input.reshape(-1)
    count = flat.shape[0] + abs(offset)
    zeros = _factories.zeros((count, count), dtype=input.dtype, device=input.device)
    return _replaced("diagflat", zeros, flat, lambda x: x.diagonal(offset))


@public
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of the input with ``src`` in place of ``select(dim, index)``. RuntimeError for another shape."""
    return _replaced("select_scatter", input, src, lambda x: x.select(dim, index))


def _slice(x: Tensor, dim: int, start: int | None, end: int | None, step: int) -> Tensor:
    axis = axis_of(x, dim)
    if step < 1:
        raise ValueError(f"[slice_scatter] step must be at least 1; got {step}; flip the source")
    return x[(slice(None),) * axis + (slice(start, end, step),)]


@public
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of the input with ``src`` in place of the slice start:end:step along ``dim``. RuntimeError for another shape."""
    return _replaced("slice_scatter", input, src, lambda x: _slice(x, dim, start, end, step))


@public
def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A tensor of the shape of ``src`` that shows the input as its slice start:end:step along ``dim``: with zeros around it."""
    zeros = _factories.zeros(src.shape, dtype=input.dtype, device=input.device)
    return _replaced("slice_inverse", zeros, input, lambda x: _slice(x, dim, start, end, step))


@public
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of the input with ``src`` in place of ``diagonal(offset, dim1, dim2)``. RuntimeError for another shape."""
    return _replaced("diagonal_scatter", input, src, lambda x: x.diagonal(offset, dim1, dim2))


@public
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    """A contiguous copy of the input with ``src`` in place of ``as_strided(size, stride, storage_offset)`` of it. RuntimeError for
    another shape."""

    def view(x: Tensor) -> Tensor:
        return x.contiguous().as_strided(size, stride, 0 if storage_offset is None else storage_offset)

    return _replaced("as_strided_scatter", input, src, view)


_REDUCTIONS = {"prod": "prod", "mean": "mean", "amax": "amax", "amin": "amin"}


@public
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The input reduced with the slices of ``source`` at the positions ``index`` along ``dim``, in order.

    ``reduce``: "prod", "mean" (of integers rounded down), "amax" or "amin". Without ``include_self`` the input counts only where no
    position is. source: the input's dtype. RuntimeError for other reductions and shapes.
    """
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"[index_reduce] reduce must be one of {', '.join(_REDUCTIONS)}; got {reduce!r}")
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"[index_reduce] input and source must have one dtype; got {input.dtype} and {source.dtype}; use .to(dtype)"
        )
    x, axis, positions, source = scattering._rows("index_reduce", input, dim, index, source)
    return scattering.scatter_reduce(x, axis, positions, source, reduce, include_self=include_self).reshape(input.shape)


index_reduce_ = in_place(index_reduce)
