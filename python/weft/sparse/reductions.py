"""Sums and softmax of sparse tensors."""

from __future__ import annotations

import math

from .. import _C, _factories, _ops
from .._C import Tensor, dtype
from .._functions import counting
from .._functions.arguments import integer, ints
from .._public import Any, public
from .tensor import COO, coalesced, coo, flat, is_sparse, make, parts_of, values_of


def _axes(op: str, x: Any, dim: Any) -> list[int]:
    axes = []
    for d in ints(op, "dim", dim):
        if not -x.ndim <= d < x.ndim:
            raise IndexError(
                f"[{op}] Dimension out of range (expected to be in range of [{-x.ndim}, {x.ndim - 1}], but got {d})"
            )
        axes.append(d % x.ndim)
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"[{op}] a dimension appears twice in {dim}")
    return axes


def chosen(indices: Tensor, rows: list[int]) -> Tensor:
    return _ops.index_select(indices, _factories.tensor(rows, dtype=_C.int64, device=indices.device), 0)


def total(op: str, x: Any, dim: Any, dtype: Any = None) -> Any:
    """Dense where no sparse dimension is left."""
    if dim is None or (isinstance(dim, (list, tuple)) and not dim):
        values = values_of(x)
        return values.sum() if dtype is None else values.sum(dtype=dtype)
    axes = _axes(op, x, dim)
    indices, values = parts_of(coo(x))
    count = indices.shape[0]
    inner = [a - count + 1 for a in axes if a >= count]
    kept = [a for a in range(count) if a not in axes]
    if dtype is not None:
        values = values.to(dtype)
    if inner:
        values = values.sum(inner)
    if not kept:
        return values.sum(0)
    shape = [n for a, n in enumerate(x.shape) if a not in axes]
    if len(kept) == count:
        return make(shape, COO, (indices, values), x.is_sparse and x.is_coalesced())
    return coalesced(make(shape, COO, (chosen(indices, kept), values)))


@public
def sum(input: Tensor, dim: Any = None, dtype: dtype | None = None) -> Any:
    """The sum over ``dim`` of a sparse tensor: sparse, or dense where no sparse dimension is left."""
    if not is_sparse(input):
        raise RuntimeError(f"[sum] takes a sparse tensor; got a dense one of shape {list(input.shape)}; use weft.sum")
    return total("sum", input, dim, dtype)


def _normalised(op: str, input: Any, dim: int, dtype: Any, logarithm: bool) -> Any:
    if not is_sparse(input) or not input.is_sparse:
        raise NotImplementedError(f"[{op}] takes a COO tensor; got {input.layout}; use to_sparse_coo()")
    (axis,) = _axes(op, input, integer(op, "dim", dim))
    x = coalesced(input)
    indices, values = parts_of(x)
    count = indices.shape[0]
    if dtype is not None:
        values = values.to(dtype)
    if axis >= count:
        along = axis - count + 1
        return make(x.shape, COO, (indices, values.log_softmax(along) if logarithm else values.softmax(along)), True)
    kept = [a for a in range(count) if a != axis]
    if values.shape[0] == 0:
        return make(x.shape, COO, (indices, values), True)
    keys = flat(chosen(indices, kept), [x.shape[a] for a in kept])
    _, group = counting.unique(keys, return_inverse=True)
    groups = int(group.max().item()) + 1
    rows = values.reshape(values.shape[0], math.prod(values.shape[1:]))
    index = group.reshape(-1, 1).expand(*rows.shape)
    shape = (groups, rows.shape[1])
    least = _factories.full(shape, float("-inf"), dtype=rows.dtype, device=rows.device)
    greatest = _ops.gather(_ops.scatter_amax(least, index, rows.detach(), 0), index, 0)
    shifted = _ops.sub(rows, greatest)
    powers = _ops.exp(shifted)
    sums = _ops.scatter_add(_factories.zeros(*shape, dtype=rows.dtype, device=rows.device), index, powers, 0)
    result = (
        _ops.sub(shifted, _ops.gather(_ops.log(sums), index, 0))
        if logarithm
        else _ops.div(powers, _ops.gather(sums, index, 0))
    )
    return make(x.shape, COO, (indices, result.reshape(values.shape)), True)


@public
def softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Any:
    """The softmax along ``dim`` of the elements that a COO tensor keeps; the others count as minus infinity."""
    return _normalised("softmax", input, dim, dtype, False)


@public
def log_softmax(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Any:
    """The logarithm of ``softmax``, at the same places."""
    return _normalised("log_softmax", input, dim, dtype, True)
