"""Sparse tensors from their parts."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor, device, dtype
from .._functions import moves
from .._functions.arguments import integer, ints
from .._public import Any, public
from .tensor import COO, CSC, CSR, coalesced, make, parts_of, sparse_dims


def _values(data: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """With its history; a leaf of its own where it has none or is asked to be one."""
    x = _factories.as_tensor(data, dtype=dtype, device=device)
    if requires_grad or not x.requires_grad:
        return x.detach().requires_grad_(requires_grad)
    return x.view(x.shape)


def _integers(op: str, name: str, data: Any, like: Tensor) -> Tensor:
    x = _factories.as_tensor(data, device=like.device)
    if x.dtype.is_floating_point or x.dtype.is_complex or x.dtype is _C.bool:
        if x.numel():
            raise RuntimeError(
                f"[{op}] {name} must be an int tensor; got {x.dtype} of shape {list(x.shape)}; use .long()"
            )
    return x.detach().to(_C.int64)


def _sizes(op: str, size: Any) -> tuple[int, ...]:
    sizes = tuple(ints(op, "size", size))
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"[{op}] sizes must not be negative; got {list(sizes)}")
    return sizes


@public
def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Any:
    """A COO tensor with ``values`` [n, ...] at ``indices`` [sparse dims, n]; values at one place are added up.

    size: by default as small as the indices let it be. With ``indices`` alone, they are the size of a tensor without elements. Indices
    outside are a RuntimeError; that they are coalesced (in order, each once) is believed. Gradients go to ``values``.
    """
    op = "sparse_coo_tensor"
    if values is None:
        sizes = _sizes(op, indices if size is None else size)
        places = _factories.zeros(len(sizes), 0, dtype=_C.int64, device=device)
        return make(sizes, COO, (places, _values([], dtype or _C.default_dtype(), device, requires_grad)), True)
    data = _values(values, dtype, device, requires_grad)
    if data.ndim == 0:
        data = data.reshape(1)
    places = _integers(op, "indices", indices, data)
    if places.ndim == 1 and places.numel() == 0:
        places = places.reshape(0 if size is None else len(size) - data.ndim + 1, 0)
    if places.ndim != 2 or places.shape[1] != data.shape[0]:
        raise RuntimeError(
            f"[{op}] indices must be [sparse dims, n] and values [n, ...]; got shapes {list(places.shape)} and {list(data.shape)}"
        )
    count = places.shape[0]
    any_there = places.numel() > 0
    least = places.amin(1).tolist() if any_there else [0] * count
    greatest = places.amax(1).tolist() if any_there else [-1] * count
    sizes = tuple(n + 1 for n in greatest) + tuple(data.shape[1:]) if size is None else _sizes(op, size)
    if len(sizes) != count + data.ndim - 1 or sizes[count:] != tuple(data.shape[1:]):
        raise RuntimeError(
            f"[{op}] the size must be that of {count} sparse dimensions and those of a value, {list(data.shape[1:])}; got {list(sizes)}"
        )
    for axis in range(count):
        if least[axis] < 0:
            raise RuntimeError(f"[{op}] found negative index {least[axis]} in dimension {axis}")
        if greatest[axis] >= sizes[axis]:
            raise RuntimeError(
                f"[{op}] size is inconsistent with indices: for dim {axis}, size is {sizes[axis]} but found index {greatest[axis]}"
            )
    return make(sizes, COO, (places, data), bool(is_coalesced) or data.shape[0] < 2)


def _compressed(op: str, layout: int, begins: Any, inner: Any, values: Any, size: Any, options: Any) -> Any:
    data = _values(values, *options)
    starts, places = _integers(op, "where rows begin", begins, data), _integers(op, "indices", inner, data)
    if starts.ndim != 1 or places.ndim != 1 or data.ndim != 1 or places.shape != data.shape or not starts.shape[0]:
        raise RuntimeError(
            f"[{op}] takes vectors [rows + 1], [n] and [n]; got shapes {list(starts.shape)}, {list(places.shape)} and {list(data.shape)}"
        )
    lines = starts.shape[0] - 1
    low, high = (int(places.min().item()), int(places.max().item())) if places.shape[0] else (0, -1)
    if size is None:
        size = (lines, high + 1) if layout == CSR else (high + 1, lines)
    sizes = _sizes(op, size)
    if len(sizes) != 2 or sizes[layout == CSC] != lines:
        raise RuntimeError(f"[{op}] the size must be that of a matrix of {lines} lines; got {list(sizes)}")
    if low < 0 or high >= sizes[layout == CSR]:
        raise RuntimeError(f"[{op}] indices must be in [0, {sizes[layout == CSR]}); got {low if low < 0 else high}")
    ascends = bool(_ops.ge(starts.narrow(0, 1, lines), starts.narrow(0, 0, lines)).all().item()) if lines else True
    if int(starts[0].item()) != 0 or int(starts[lines].item()) != data.shape[0] or not ascends:
        raise RuntimeError(f"[{op}] where rows begin must ascend from 0 to the number of values, {data.shape[0]}")
    return make(sizes, layout, (starts, places, data))


@public
def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Any:
    """A CSR matrix: ``values`` [n] in columns ``col_indices`` [n], row i having those from ``crow_indices``[i] to [i + 1]."""
    options = (dtype, device, requires_grad)
    return _compressed("sparse_csr_tensor", CSR, crow_indices, col_indices, values, size, options)


@public
def sparse_csc_tensor(
    ccol_indices: Any,
    row_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Any:
    """A CSC matrix: ``values`` [n] in rows ``row_indices`` [n], column i having those from ``ccol_indices``[i] to [i + 1]."""
    options = (dtype, device, requires_grad)
    return _compressed("sparse_csc_tensor", CSC, ccol_indices, row_indices, values, size, options)


@public
def spdiags(diagonals: Tensor, offsets: Tensor, shape: Any, layout: Any = None) -> Any:
    """A matrix with row i of ``diagonals`` [k, n] on the diagonal ``offsets``[i]; element j of it is in column j. layout: COO, CSR or CSC."""
    sizes = _sizes("spdiags", shape)
    if len(sizes) != 2:
        raise RuntimeError(f"[spdiags] shape must be that of a matrix; got {list(sizes)}; pass (rows, columns)")
    rows, columns = sizes
    if offsets.dtype is not _C.int64:
        raise RuntimeError(f"[spdiags] offsets must be int64; got {offsets.dtype}; use .long()")
    lists = diagonals if diagonals.ndim == 2 else diagonals.reshape(1, -1)
    steps = offsets.reshape(-1).tolist()
    if lists.shape[0] != len(steps) or len(set(steps)) != len(steps):
        raise RuntimeError(
            f"[spdiags] there must be one offset a diagonal, each once; got {steps} for {list(lists.shape)}"
        )
    ends = [(max(0, o), min(columns, lists.shape[1], rows + o)) for o in steps]
    ranges = [_factories.arange(low, max(low, high), device=lists.device) for low, high in ends]
    column = _ops.concatenate(ranges, 0)
    row = _ops.concatenate([_ops.sub(r, o) for r, o in zip(ranges, steps)], 0)
    values = _ops.concatenate([lists[i].narrow(0, low, max(0, high - low)) for i, (low, high) in enumerate(ends)], 0)
    result = coalesced(
        make((rows, columns), COO, (_ops.concatenate([row.reshape(1, -1), column.reshape(1, -1)], 0), values))
    )
    return result if layout is None else result.to_sparse(layout=layout)


def stacked(tensors: Any, dim: int) -> Any:
    """Along a sparse dimension that there is: ``cat``."""
    axis = moves.axis_of(tensors[0], dim)
    count = sparse_dims(tensors[0])
    if any(t.ndim != tensors[0].ndim or sparse_dims(t) != count for t in tensors):
        raise RuntimeError("[cat] sparse tensors must have the same numbers of sparse and dense dimensions")
    for t in tensors:
        if [n for i, n in enumerate(t.shape) if i != axis] != [n for i, n in enumerate(tensors[0].shape) if i != axis]:
            raise RuntimeError(f"[cat] sizes must be equal but along {axis}; got {[list(t.shape) for t in tensors]}")
    shape = list(tensors[0].shape)
    shape[axis] = sum(t.shape[axis] for t in tensors)
    if axis >= count:
        raise NotImplementedError(f"[cat] dimension {axis} is dense; there are {count} sparse ones; use to_dense()")
    moved, offset = [], 0
    for t in tensors:
        indices = parts_of(t)[0]
        step = _factories.tensor([offset if i == axis else 0 for i in range(count)], device=indices.device)
        moved.append(_ops.add(indices, step.reshape(-1, 1)))
        offset += t.shape[axis]
    values = _ops.concatenate([parts_of(t)[1] for t in tensors], 0)
    return make(shape, COO, (_ops.concatenate(moved, 1), values), axis == 0 and all(t.is_coalesced() for t in tensors))


def unsqueezed(x: Any, dim: int) -> Any:
    indices, values = parts_of(x)
    rank, dim = x.ndim + 1, integer("unsqueeze", "dim", dim)
    if not -rank <= dim < rank:
        raise IndexError(
            f"[unsqueeze] dim {dim} is out of range for shape {list(x.shape)}; use a value of [{-rank}, {rank - 1}]"
        )
    axis = dim % rank
    count, shape = indices.shape[0], list(x.shape)
    shape.insert(axis, 1)
    if axis > count:
        return make(shape, COO, (indices, values.unsqueeze(axis - count + 1)), x.is_coalesced())
    zeros = _factories.zeros(1, indices.shape[1], dtype=_C.int64, device=indices.device)
    rows = [indices.narrow(0, 0, axis), zeros, indices.narrow(0, axis, count - axis)]
    return make(shape, COO, (_ops.concatenate(rows, 0), values), x.is_coalesced())
