"""Tensors joined in the usual ways, and cut in the usual ways: cuts are views."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public
from . import moves, shapes
from .arguments import ints

__all__ = [
    "hstack", "vstack", "row_stack", "dstack", "column_stack", "tensor_split", "hsplit", "vsplit", "dsplit",
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag",
]  # fmt: skip
METHODS = ["tensor_split", "hsplit", "vsplit", "dsplit"]


def _each(function: Callable[[Tensor], Tensor], tensors: tuple[Any, ...]) -> Any:
    """Of one tensor a tensor, of several or of a sequence a tuple."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return function(tensors[0])
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"[atleast] needs tensors; got {type(tensor).__name__} at position {i}; use weft.tensor")
    return tuple(map(function, tensors))


def _one_axis(x: Tensor) -> Tensor:
    return x if x.ndim else x.reshape(1)


def _two_axes(x: Tensor) -> Tensor:
    return x if x.ndim > 1 else _one_axis(x).unsqueeze(0)


def _three_axes(x: Tensor) -> Tensor:
    return x if x.ndim > 2 else _two_axes(x).unsqueeze(-1)


@public
def atleast_1d(*tensors: Any) -> Any:
    """Views with at least one axis, a tuple of them of several tensors."""
    return _each(_one_axis, tensors)


@public
def atleast_2d(*tensors: Any) -> Any:
    """Views with at least two axes: [n] is [1, n]; a tuple of them of several tensors."""
    return _each(_two_axes, tensors)


@public
def atleast_3d(*tensors: Any) -> Any:
    """Views with at least three axes: [n] is [1, n, 1], [m, n] is [m, n, 1]; a tuple of them of several tensors."""
    return _each(_three_axes, tensors)


def _joined(op: str, tensors: Sequence[Tensor], prepared: Callable[[Tensor], Tensor], axis: int | None) -> Tensor:
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"[{op}] tensors must be a list or tuple of tensors; got {type(tensors).__name__}; put them in one"
        )
    if not tensors:
        raise RuntimeError(f"[{op}] needs at least one tensor; got none; pass a non-empty sequence")
    parts = [prepared(tensor) for tensor in tensors]
    return shapes.cat(parts, (0 if parts[0].ndim == 1 else 1) if axis is None else axis)


@public
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along axis 1, vectors and numbers along axis 0."""
    return _joined("hstack", tensors, _one_axis, None)


@public
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along axis 0, vectors [n] as rows [1, n]."""
    return _joined("vstack", tensors, _two_axes, 0)


@public
def row_stack(tensors: Sequence[Tensor]) -> Tensor:
    """``vstack`` by another name."""
    return _joined("row_stack", tensors, _two_axes, 0)


@public
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along axis 2, after ``atleast_3d``."""
    return _joined("dstack", tensors, _three_axes, 2)


@public
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Joined along axis 1, vectors [n] as columns [n, 1]."""
    return _joined("column_stack", tensors, lambda x: x if x.ndim > 1 else x.reshape(-1, 1), 1)


@public
def tensor_split(input: Tensor, tensor_indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> Any:
    """Views along ``dim``: as many as said, of sizes that differ by one at most; or cut before the given indices.

    A tensor of indices is read. A RuntimeError for a 0-d input or less than one section.
    """
    if input.ndim == 0:
        raise RuntimeError("[tensor_split] needs at least one axis; got shape []; unsqueeze it")
    cuts: Any = tensor_indices_or_sections
    if isinstance(cuts, Tensor):
        if cuts.dtype is not _C.int64 or cuts.ndim > 1:
            raise RuntimeError(
                f"[tensor_split] indices must be int64, a vector or a number; got {cuts.dtype}, shape {list(cuts.shape)}; use .long()"
            )
        cuts = cuts.tolist()
    axis = moves.axis_of(input, dim)
    size = input.shape[axis]
    if hasattr(cuts, "__len__"):
        cuts = ints("tensor_split", "indices_or_sections", cuts)
    else:
        cuts = operator.index(cuts)
        if cuts < 1:
            raise RuntimeError(f"[tensor_split] needs at least one section; got {cuts} for shape {list(input.shape)}")
        each, larger = divmod(size, cuts)
        cuts = [i * each + min(i, larger) for i in range(1, cuts)]
    # As the indices of slices: from the end where negative, and limited to the axis.
    places = [slice(cut, None).indices(size)[0] for cut in cuts]
    starts, ends = [0, *places], [*places, size]
    return tuple(input.narrow(axis, a, max(b - a, 0)) for a, b in zip(starts, ends))


def _split(op: str, input: Tensor, cuts: tuple[Any, ...], rank: int, axis: int) -> Any:
    if input.ndim < rank:
        raise RuntimeError(f"[{op}] needs at least {rank} axes; got shape {list(input.shape)}; use tensor_split")
    where = cuts[0] if len(cuts) == 1 else cuts
    if isinstance(where, int) and (where < 1 or input.shape[axis] % where):
        raise RuntimeError(
            f"[{op}] the axis must divide into sections of one size; got {where} for axis {axis} of shape {list(input.shape)}; use "
            "tensor_split"
        )
    return tensor_split(input, where, axis)


@public
def hsplit(input: Tensor, *sections: Any) -> Any:
    """Views along axis 1, of a vector along axis 0: so many of one size, or cut before the given indices."""
    return _split("hsplit", input, sections, 1, 0 if input.ndim == 1 else 1)


@public
def vsplit(input: Tensor, *sections: Any) -> Any:
    """Views along axis 0: so many of one size, or cut before the given indices."""
    return _split("vsplit", input, sections, 2, 0)


@public
def dsplit(input: Tensor, *sections: Any) -> Any:
    """Views along axis 2: so many of one size, or cut before the given indices."""
    return _split("dsplit", input, sections, 3, 2)


@public
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the matrices along its diagonal, each from where the last one ends, and 0 elsewhere.

    Vectors are rows, numbers of size [1, 1]; the dtype is the common one. A RuntimeError for three axes or more.
    """
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"[block_diag] needs tensors; got {type(tensor).__name__} at position {i}; use weft.tensor")
        if tensor.ndim > 2:
            raise RuntimeError(f"[block_diag] needs matrices; got shape {list(tensor.shape)} at position {i}")
    if not tensors:
        return _C.full((1, 0), 0.0, None, None)
    blocks = [_two_axes(tensor) for tensor in tensors]
    common = blocks[0].dtype
    for block in blocks:
        common = _C.promote_types(common, block.dtype)
    width = sum(block.shape[1] for block in blocks)
    rows, start = [], 0
    for block in blocks:
        end = width - start - block.shape[1]
        rows.append(_ops.pad(block.to(common), [0, start], [0, end], [0, 0]))
        start += block.shape[1]
    return _ops.concatenate(rows, 0)
