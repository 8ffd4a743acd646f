"""Products with sparse matrices. A row of the result is added up in the order of the sparse row's stored elements."""

from __future__ import annotations

from .. import _factories, _ops
from .._C import Tensor
from .._functions.arguments import number, tensors
from .._public import Any, Number, public
from .tensor import (
    COO,
    CSR,
    begins,
    by_rows,
    coalesced,
    compressed,
    coo,
    flat,
    is_sparse,
    layout_of,
    make,
    parts_of,
    positions,
    spread,
    transposed,
)


def check(op: str, a: Tensor, b: Tensor, dims: int = 2) -> None:
    tensors(op, mat1=a, mat2=b)
    if a.ndim != dims or b.ndim != dims or a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
        raise RuntimeError(f"[{op}] the sizes of matrices must fit; got shapes {list(a.shape)} and {list(b.shape)}")
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"[{op}] the operands must have one dtype; got {a.dtype} and {b.dtype}; convert one with .to(dtype)"
        )
    for x in (a, b):
        if is_sparse(x) and x.dense_dim():
            raise RuntimeError(
                f"[{op}] a sparse operand must have no dense dimensions; got {x.dense_dim()} in shape {list(x.shape)}"
            )


def rows_times(starts: Tensor, columns: Tensor, values: Tensor, right: Tensor) -> Tensor:
    """Rows in CSR times a dense matrix."""
    count = starts.shape[0] - 1
    if values.dtype.is_floating_point:
        return _ops.embedding_bag(right, columns, starts.narrow(0, 0, count), values)
    parts = _ops.mul(_ops.index_select(right, columns, 0), values.reshape(-1, 1))
    result = _factories.zeros(count, right.shape[1], dtype=right.dtype, device=right.device)
    if not parts.numel():
        return result
    return _ops.scatter_add(result, spread(starts, columns.shape[0]).reshape(-1, 1).expand(*parts.shape), parts, 0)


def product(op: str, a: Any, b: Any) -> Any:
    check(op, a, b)
    if is_sparse(a):
        return sparse_times_sparse(a, b) if is_sparse(b) else rows_times(*by_rows(a), b)
    return rows_times(*by_rows(transposed(b, 0, 1)), a.t()).t().contiguous()


def batched(op: str, a: Any, b: Tensor) -> Tensor:
    """[n, rows, k], of three sparse dimensions, times [n, k, columns]."""
    check(op, a, b, 3)
    count, rows, inner = a.shape
    indices, values = parts_of(coalesced(a))
    row = flat(indices.narrow(0, 0, 2), (count, rows))
    column = _ops.add(_ops.mul(indices.select(0, 0), inner), indices.select(0, 2))
    result = rows_times(begins(row, count * rows), column, values, b.reshape(count * inner, b.shape[2]))
    return result.reshape(count, rows, b.shape[2])


def sparse_times_sparse(a: Any, b: Any) -> Any:
    """In COO where a is, else in CSR."""
    indices, left = parts_of(coalesced(coo(a)))
    starts, columns, right = by_rows(b)
    inner = indices.select(0, 1)
    first = _ops.index_select(starts, inner, 0)
    lengths = _ops.sub(_ops.index_select(starts, _ops.add(inner, 1), 0), first)
    ends = _ops.cumsum(lengths, 0)
    count = int(ends[-1].item()) if ends.shape[0] else 0
    # Of each product which element of a takes part, and of b the how manieth of its row.
    place = positions(count, indices)
    of_a = _ops.index_select(positions(left.shape[0], indices), spread(_ops.sub(ends, lengths), count), 0)
    of_b = _ops.add(place, _ops.index_select(_ops.add(_ops.sub(first, ends), lengths), of_a, 0))
    values = _ops.mul(_ops.index_select(left, of_a, 0), _ops.index_select(right, of_b, 0))
    rows = [_ops.index_select(indices.select(0, 0), of_a, 0), _ops.index_select(columns, of_b, 0)]
    shape = (a.shape[0], b.shape[1])
    result = coalesced(make(shape, COO, (_ops.concatenate([r.reshape(1, -1) for r in rows], 0), values)))
    return result if layout_of(a) == COO else compressed(result, CSR)


def vector_product(op: str, a: Any, x: Tensor) -> Tensor:
    tensors(op, input=a, vec=x)
    if x.ndim != 1:
        raise RuntimeError(f"[{op}] takes a matrix and a vector; got shapes {list(a.shape)} and {list(x.shape)}")
    return product(op, a, x.reshape(-1, 1)).reshape(-1)


def matmul(a: Any, b: Any) -> Any:
    tensors("matmul", input=a, other=b)
    if is_sparse(a) and b.ndim == 1:
        return vector_product("matmul", a, b)
    if is_sparse(b) and a.ndim == 1:
        return vector_product("matmul", transposed(b, 0, 1), a)
    return batched("matmul", a, b) if a.ndim == 3 and is_sparse(a) else product("matmul", a, b)


def added(op: str, input: Any, a: Any, b: Any, beta: Number, alpha: Number) -> Any:
    tensors(op, input=input)
    number(op, "beta", beta), number(op, "alpha", alpha)
    result = product(op, a, b)
    result = result if alpha == 1 else result * alpha
    if beta == 0:
        return result
    start = input if beta == 1 else input * beta
    if is_sparse(start) != is_sparse(result):
        raise RuntimeError(
            f"[{op}] what is added must be sparse where the product is; got {input.layout} and {result.layout}"
        )
    return start + result


@public
def mm(sparse: Tensor, dense: Tensor, reduce: str | None = None) -> Any:
    """The product of a sparse matrix and a dense one, dense; of two sparse ones sparse. Gradients go to both, to the sparse one at its places."""
    if reduce not in (None, "sum"):
        raise NotImplementedError(f"[mm] rows are summed; got reduce={reduce!r}; leave it out")
    return product("mm", sparse, dense)


@public
def addmm(input: Tensor, sparse: Tensor, dense: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Any:
    """beta · input + alpha · ``mm``(sparse, dense)."""
    return added("addmm", input, sparse, dense, beta, alpha)


@public
def sampled_addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Any:
    """alpha times the product of two dense matrices at the places of a CSR matrix, plus beta times that: a CSR matrix."""
    if not is_sparse(input):
        raise RuntimeError(
            f"[sampled_addmm] input must be sparse; got a dense tensor of shape {list(input.shape)}; use addmm"
        )
    check("sampled_addmm", mat1, mat2)
    starts, columns, values = by_rows(input)
    rows = _ops.index_select(mat1, spread(starts, columns.shape[0]), 0)
    at = _ops.sum(_ops.mul(rows, _ops.index_select(mat2.t(), columns, 0)), (1,), False)
    return make(input.shape, CSR, (starts, columns, _ops.add(_ops.mul(at, alpha), _ops.mul(values, beta))))
