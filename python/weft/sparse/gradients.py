"""Sparse gradients: of rows that are looked up in a table, and what optimizers do with them."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._functions import indexing
from .._public import Any
from ..autograd.function import Function
from .tensor import COO, coalesced, coo, make, parts_of


class _Rows(Function):
    """Rows of a leaf, whose gradient names those that were read, in order."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, index: Tensor, padding: int | None) -> Tensor:  # type: ignore[override]
        ctx._gives_sparse = True
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(index)
        ctx.padding, ctx.shape = padding, weight.shape
        return _ops.embedding(index, weight, -1)

    @staticmethod
    def backward(ctx: Any, ct: Tensor | None) -> Any:  # type: ignore[override]
        if ct is None:
            return None, None, None
        (index,) = ctx.saved_tensors
        index, values = index.reshape(-1).to(_C.int64), ct.reshape(-1, ctx.shape[1])
        if ctx.padding is not None:
            kept = indexing.nonzero(_ops.ne(index, ctx.padding)).reshape(-1)
            index, values = _ops.index_select(index, kept, 0), _ops.index_select(values, kept, 0)
        return make(ctx.shape, COO, (index.reshape(1, -1), values)), None, None


def rows(op: str, weight: Tensor, index: Tensor, padding: int | None) -> Tensor:
    if not weight.is_leaf or weight.dtype.is_complex:
        raise NotImplementedError(
            f"[{op}] sparse gradients are those of real leaves; got a weight of {weight.dtype} made by an operation; pass sparse=False"
        )
    return _Rows.apply(weight, index, padding)


def places(gradient: Any) -> tuple[tuple[Tensor, ...], Tensor]:
    """(index, values) of a gradient, each place once: index has a list of positions for each sparse dimension."""
    indices, values = parts_of(coalesced(coo(gradient)))
    return tuple(indices.unbind(0)), values


def add_at(x: Tensor, index: tuple[Tensor, ...], values: Tensor) -> None:
    """Adds to a dense tensor, in place; each place comes once."""
    x[index] = x[index] + values
