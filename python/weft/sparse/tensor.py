"""``SparseTensor``: what the object is, and its layouts.

The front end holds the parts (frontend/tensor/Sparse.h): of COO indices int64 [sparse dims, n] and values [n, dense dims...]; of CSR where
rows begin, int64 [rows + 1], the columns, int64 [n], and values [n]; of CSC the same by columns.
"""

from __future__ import annotations

import math

from .. import _C, _factories, _layouts, _ops, _print
from .._C import Tensor
from .._functions import counting, indexing, ordering
from .._public import Any

COO, CSR, CSC = range(3)
LAYOUTS = (_layouts.sparse_coo, _layouts.sparse_csr, _layouts.sparse_csc)
PARTS = (("indices", "values"), ("crow_indices", "col_indices", "values"), ("ccol_indices", "row_indices", "values"))


def make(shape: Any, layout: int, parts: Any, coalesced: bool = False) -> Any:
    return _C.make_sparse(tuple(shape), layout, tuple(parts), coalesced)


def layout_of(x: Tensor) -> int:
    return _C.sparse_parts(x)[0]


def parts_of(x: Tensor) -> tuple[Tensor, ...]:
    return _C.sparse_parts(x)[2]


def values_of(x: Tensor) -> Tensor:
    return _C.sparse_parts(x)[2][-1]


def is_sparse(x: Any) -> bool:
    return isinstance(x, SparseTensor)


def with_values(x: Tensor, values: Tensor) -> Any:
    """The same places, other values."""
    layout, coalesced, parts = _C.sparse_parts(x)
    return make(x.shape, layout, (*parts[:-1], values), coalesced)


def mapped(x: Tensor, change: Any) -> Any:
    """The parts changed alike, as by a move to another device."""
    layout, coalesced, parts = _C.sparse_parts(x)
    return make(x.shape, layout, [change(part) for part in parts], coalesced)


def sparse_dims(x: Tensor) -> int:
    layout, _, parts = _C.sparse_parts(x)
    return parts[0].shape[0] if layout == COO else 2


def positions(count: int, like: Tensor) -> Tensor:
    return _ops.iota((count,), 0, _C.int64).to(like.device)


def flat(indices: Tensor, sizes: Any) -> Tensor:
    """One number for each column of the indices, in their lexicographic order."""
    result = _factories.zeros(indices.shape[1], dtype=_C.int64, device=indices.device)
    for axis, size in enumerate(sizes):
        result = _ops.add(_ops.mul(result, size), indices.select(0, axis))
    return result


# ---- Layouts


def begins(rows: Tensor, count: int) -> Tensor:
    """Where each of so many rows begins in an ascending list of rows, and its end."""
    return ordering.searchsorted(rows, positions(count + 1, rows))


def spread(starts: Tensor, count: int) -> Tensor:
    """Of each of so many elements its row, from where rows begin."""
    return _ops.sub(ordering.searchsorted(starts, positions(count, starts), right=True), 1)


def coo(x: Tensor) -> Any:
    layout, _, parts = _C.sparse_parts(x)
    if layout == COO:
        return x
    outer, inner = spread(parts[0], parts[1].shape[0]), parts[1]
    rows = _ops.concatenate([part.reshape(1, -1) for part in ((outer, inner) if layout == CSR else (inner, outer))], 0)
    if layout == CSR:
        return make(x.shape, COO, (rows, parts[2]), True)
    return coalesced(make(x.shape, COO, (rows, parts[2])))


def by_rows(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(where rows begin, columns, values) of a matrix, in each row in the order in which they are stored."""
    layout, is_coalesced, parts = _C.sparse_parts(x)
    if layout == CSR:
        return parts
    indices, values = parts_of(coo(x))
    rows, columns = indices.select(0, 0), indices.select(0, 1)
    if layout == COO and not is_coalesced:
        rows, order = ordering.sort(rows, stable=True)
        columns, values = _ops.index_select(columns, order, 0), _ops.index_select(values, order, 0)
    return begins(rows, x.shape[0]), columns, values


def compressed(x: Tensor, layout: int) -> Any:
    """In CSR or CSC."""
    if layout_of(x) == layout:
        return x
    if x.ndim != 2 or sparse_dims(x) != 2:
        raise RuntimeError(
            f"[to_{LAYOUTS[layout]._name}] takes matrices without dense dimensions; got shape {list(x.shape)} with {sparse_dims(x)} sparse ones"
        )
    if layout == CSR:
        return make(x.shape, CSR, by_rows(coalesced(coo(x))))
    return make(x.shape, CSC, by_rows(coalesced(transposed(coo(x), 0, 1))))


def dense(x: Tensor) -> Tensor:
    indices, values = parts_of(coo(x))
    sizes, rest = x.shape[: indices.shape[0]], x.shape[indices.shape[0] :]
    truth = values.dtype is _C.bool
    rows = values.to(_C.int32) if truth else values
    rows = rows.reshape(rows.shape[0], math.prod(rest))
    result = _factories.zeros(math.prod(sizes), rows.shape[1], dtype=rows.dtype, device=rows.device)
    if rows.numel():
        index = flat(indices, sizes).reshape(-1, 1).expand(*rows.shape)
        result = _ops.scatter_add(result, index, rows, 0)
    return (_ops.ne(result, 0) if truth else result).reshape(x.shape)


def coalesced(x: Tensor) -> Any:
    """Indices in order, each once, with the sum of their values."""
    layout, done, (indices, values) = _C.sparse_parts(x)
    if done:
        return x
    keys, order = ordering.sort(flat(indices, x.shape[: indices.shape[0]]), stable=True)
    indices, values = _ops.index_select(indices, order, 1), _ops.index_select(values, order, 0)
    different, group, counts = counting.unique_consecutive(keys, return_inverse=True, return_counts=True)
    count = different.shape[0]
    if count < keys.shape[0]:
        first = _ops.sub(_ops.cumsum(counts, 0), counts)
        indices = _ops.index_select(indices, first, 1)
        truth = values.dtype is _C.bool
        rows = values.to(_C.int32) if truth else values
        index = group.reshape(-1, *[1] * (rows.ndim - 1)).expand(*rows.shape)
        zeros = _factories.zeros(count, *rows.shape[1:], dtype=rows.dtype, device=rows.device)
        values = _ops.scatter_add(zeros, index, rows, 0) if rows.numel() else zeros
        values = _ops.ne(values, 0) if truth else values
    return make(x.shape, layout, (indices, values), True)


def from_dense(x: Tensor, count: int) -> Any:
    """COO with so many sparse dimensions, of what is not 0."""
    there = _ops.ne(x, 0)
    if count < x.ndim:
        there = _ops.any(there, tuple(range(count, x.ndim)), False)
    where = indexing.nonzero(there)
    return make(x.shape, COO, (where.t().contiguous(), x[tuple(where.unbind(1))]), True)


def transposed(x: Tensor, first: int, second: int) -> Any:
    layout, _, parts = _C.sparse_parts(x)
    shape = list(x.shape)
    shape[first], shape[second] = shape[second], shape[first]
    if layout != COO:
        return x if first == second else make(shape, CSC if layout == CSR else CSR, parts)
    count = parts[0].shape[0]
    if (first < count) != (second < count):
        raise RuntimeError(f"[transpose] one of the dimensions {first} and {second} is sparse, the other dense")
    if first == second:
        return x
    if first >= count:
        return make(shape, COO, (parts[0], parts[1].transpose(first - count + 1, second - count + 1)), True)
    rows = list(range(count))
    rows[first], rows[second] = second, first
    order = _factories.tensor(rows, device=parts[0].device)
    return make(shape, COO, (_ops.index_select(parts[0], order, 0), parts[1]))


# ---- The object


def _not_in_memory(self: Tensor, *_: Any, **__: Any) -> Any:
    raise RuntimeError(
        f"[sparse] a {self.layout} tensor of shape {list(self.shape)} has no such value; call to_dense()"
    )


def _part(name: str) -> Any:
    def part(self: Any) -> Tensor:
        layout, is_coalesced, parts = _C.sparse_parts(self)
        if name not in PARTS[layout]:
            raise RuntimeError(f"[{name}] there are none in {LAYOUTS[layout]}; got one of shape {list(self.shape)}")
        if layout == COO and not is_coalesced:
            raise RuntimeError(f"[{name}] Cannot get {name} on an uncoalesced tensor, please call .coalesce() first")
        return parts[PARTS[layout].index(name)]

    part.__name__ = name
    part.__doc__ = f"The {name.replace('_', ' ')}."
    return part


class SparseTensor(Tensor):
    """A tensor of which chosen elements are kept, the others being 0. What is not made for it is a NotImplementedError."""

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        raise TypeError("[SparseTensor] is made by weft.sparse_coo_tensor, sparse_csr_tensor, or x.to_sparse()")

    @classmethod
    def __weft_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        from .calls import take_over

        return take_over(func, args, kwargs or {})

    indices, values = _part("indices"), _part("values")
    crow_indices, col_indices = _part("crow_indices"), _part("col_indices")
    ccol_indices, row_indices = _part("ccol_indices"), _part("row_indices")

    def _indices(self) -> Tensor:
        return parts_of(self)[0]

    def _values(self) -> Tensor:
        return values_of(self)

    def _nnz(self) -> int:
        """How many elements are kept."""
        return values_of(self).shape[0]

    def sparse_dim(self) -> int:
        return sparse_dims(self)

    def dense_dim(self) -> int:
        return self.ndim - sparse_dims(self)

    def is_coalesced(self) -> bool:
        layout, is_coalesced, _ = _C.sparse_parts(self)
        if layout != COO:
            raise RuntimeError(f"[is_coalesced] is of COO tensors; got {LAYOUTS[layout]}")
        return is_coalesced

    def coalesce(self) -> Any:
        """With indices in order, each once."""
        if layout_of(self) != COO:
            raise RuntimeError(f"[coalesce] is of COO tensors; got {self.layout}; use to_sparse_coo()")
        return coalesced(self)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        result = dense(self)
        return result if dtype is None else result.to(dtype)

    # ---- What the values know
    @property
    def layout(self) -> Any:  # type: ignore[override]
        return LAYOUTS[layout_of(self)]

    @property
    def is_sparse(self) -> bool:  # type: ignore[override]
        return layout_of(self) == COO

    @property
    def is_sparse_csr(self) -> bool:  # type: ignore[override]
        return layout_of(self) == CSR

    @property
    def requires_grad(self) -> bool:
        return values_of(self).requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        values_of(self).requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        values_of(self).requires_grad_(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:  # type: ignore[override]
        return values_of(self).is_leaf

    @property
    def grad_fn(self) -> Any:
        return values_of(self).grad_fn

    def retain_grad(self) -> None:
        values_of(self).retain_grad()

    @property
    def grad(self) -> Any:
        """Sparse, at the same places."""
        found = values_of(self).grad
        return None if found is None else with_values(self, found)

    @grad.setter
    def grad(self, value: Any) -> None:
        values_of(self).grad = None if value is None else values_of(value)

    @property
    def data(self) -> Any:  # type: ignore[override]
        return self.detach()

    def detach(self) -> Any:
        return with_values(self, values_of(self).detach())

    @property
    def T(self) -> Any:  # type: ignore[override]
        return transposed(self, 0, 1)

    mT = T

    # ---- Python's protocols
    def __repr__(self) -> str:
        return _repr(self)

    def __format__(self, spec: str) -> str:
        return object.__format__(repr(self), spec) if spec else repr(self)

    def __copy__(self) -> Any:
        return mapped(self, lambda part: part)

    def __deepcopy__(self, memo: Any) -> Any:
        from copy import deepcopy

        result = memo[id(self)] = mapped(self, lambda part: deepcopy(part, memo))
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        layout, is_coalesced, parts = _C.sparse_parts(self)
        return make, (tuple(self.shape), layout, parts, is_coalesced)

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __array__ = __dlpack__ = _not_in_memory
    __hash__ = Tensor.__hash__


def _repr(x: Any) -> str:
    layout, _, parts = _C.sparse_parts(x)
    texts = []
    for name, part in zip(PARTS[layout], parts):
        indent = len("tensor(" + name + "=")
        text = _print.tensor_repr(part.detach()).replace("\n", "\n" + " " * indent)
        said_once = [f"device='{part.device}'", *([f"dtype={part.dtype}"] if part is parts[-1] else [])]
        for said in said_once:
            text = text.replace(f", {said}", "").replace(f",\n{' ' * (indent + 7)}{said}", "")
        texts.append(f"{name}={text}")
    size = f"size={tuple(x.shape)}, nnz={parts[-1].shape[0]}"
    words = [] if x.device.type == "cpu" else [f"device='{x.device}'"]
    if x.dtype not in (_C.float32, _C.complex64, _C.int64, _C.bool) or not parts[-1].shape[0]:
        words += [f"dtype={x.dtype}"] if x.dtype is not _C.float32 else []
    words += [f"layout={x.layout}"]
    if x.grad_fn is not None:
        words.append(f"grad_fn={x.grad_fn}")
    elif x.requires_grad:
        words.append("requires_grad=True")
    between, last = ",\n       ", ", ".join(words)
    if layout == COO:
        return f"tensor({between.join([*texts, size])}, {last})"
    return f"tensor({between.join(texts)}, {size}{between}{last})"


_C.set_sparse_type(SparseTensor)  # type: ignore[misc]
