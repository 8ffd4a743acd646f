"""Elements and slices by their positions."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, public, public_with_short_cut
from . import moves
from .elementwise import array_of

__all__ = [
    "gather", "index_select", "take", "take_along_dim", "masked_select", "index_put", "index_put_", "nonzero", "argwhere",
    "nonzero_static", "unravel_index",
]  # fmt: skip
METHODS = [name for name in __all__ if name != "unravel_index"]


def _vector(x: Tensor) -> Tensor:
    return x if x.ndim else x.reshape(1)


@public
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Of each index the element of ``input`` at that position along ``dim``; index has the input's rank, or one of them is 0-d."""
    if input.ndim and index.ndim:
        return _ops.gather(input, index, dim)
    return _ops.gather(_vector(input), _vector(index), dim).reshape(index.shape)


@public_with_short_cut
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices at the positions ``index`` (a vector of int64 or int32, or a 0-d tensor) along ``dim``."""
    if input.ndim:
        return _ops.index_select(input, index.reshape(1) if index.ndim == 0 else index, dim)
    if index.numel() != 1:
        raise IndexError(
            f"[index_select] of a 0-d tensor there is one element; got index of shape {list(index.shape)}; pass one index"
        )
    return _ops.index_select(input.reshape(1), index.reshape(1), dim).reshape(())


index_put_ = _C.index_put_


@public
def index_put(input: Tensor, indices: Sequence[Tensor], values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of the input in which input[indices] = values; with ``accumulate`` they are added, in order."""
    return _C.index_put_(input.clone(), indices, values, accumulate)


@public
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Positions of the nonzero elements, one a row; or as a tuple of one vector a dimension."""
    import numpy

    array = array_of(input)
    if as_tuple:
        return tuple(_factories.from_numpy(found).to(input.device) for found in numpy.nonzero(numpy.atleast_1d(array)))
    return _factories.from_numpy(numpy.argwhere(array).astype(numpy.int64)).to(input.device)


@public
def argwhere(input: Tensor) -> Tensor:
    """Positions of the nonzero elements, int64 [count, input.ndim], in row-major order."""
    return nonzero(input)


@public
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at the positions ``index`` (int64; negative ones count from the end) of the input in row-major order."""
    positions = _ops.where(_ops.lt(index, 0), _ops.add(index, input.numel()), index)
    return _ops.index_select(input.reshape(-1), positions.reshape(-1), 0).reshape(index.shape)


@public
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """``gather`` of operands that broadcast but along ``dim``; without a ``dim`` of the input and the indices in row-major order."""
    if dim is None:
        return _ops.gather(input.reshape(-1), indices.reshape(-1), 0)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"[take_along_dim] input and indices must have equally many axes; got shapes {list(input.shape)} and "
            f"{list(indices.shape)}; unsqueeze one of them"
        )
    axis = moves.axis_of(input, dim)
    if not input.ndim:
        return gather(input, axis, indices)
    common = [m if n == 1 else n for n, m in zip(input.shape, indices.shape)]
    sizes = [[x.shape[a] if a == axis else n for a, n in enumerate(common)] for x in (input, indices)]
    return _ops.gather(input.expand(sizes[0]), indices.expand(sizes[1]), axis)


@public
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is true, a vector in row-major order; input and mask (bool) broadcast."""
    if mask.dtype is not _C.bool:
        raise RuntimeError(f"[masked_select] the mask must be bool; got {mask.dtype}; use .bool()")
    x, where = _C.broadcast_tensors(input, mask)
    return _ops.index_select(x.reshape(-1), nonzero(where.reshape(-1)).reshape(-1), 0)


@public
def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """Positions of the first ``size`` nonzero elements, int64 [size, input.ndim], in row-major order; rows that are left are ``fill_value``."""
    if size < 0:
        raise RuntimeError(f"[nonzero_static] size must not be negative; got {size}")
    found = _ops.ne(input.reshape(-1), 0)
    rank = _ops.sub(_ops.cumsum(found.to(_C.int64), 0), 1)
    place = _ops.where(_ops.logical_and(found, _ops.lt(rank, size)), rank, size)  # what is not wanted goes behind
    slots = _C.full((size + 1,), -1, _C.int64, input.device)
    slots = _ops.scatter(slots, place, _C.arange(0, found.shape[0], 1, _C.int64, input.device), 0).narrow(0, 0, size)
    columns = _unravelled(_ops.clamp_min(slots, 0), tuple(input.shape))
    empty = _ops.lt(slots, 0)
    columns = [_ops.where(empty, fill_value, column).unsqueeze(1) for column in columns]
    return _ops.concatenate(columns, 1) if columns else _C.empty((size, 0), _C.int64, input.device)


def _unravelled(index: Tensor, shape: tuple[int, ...]) -> list[Tensor]:
    columns = []
    for length in reversed(shape):
        columns.append(_ops.remainder(index, max(length, 1)))
        index = _ops.floor_divide(index, max(length, 1))
    return columns[::-1]


@public
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in row-major order (integers; negative ones count from the end) as one tensor an axis of ``shape``, each of the indices'
    shape. ValueError for a position outside, and for negative sizes; TypeError for dtypes that are no integers."""
    if indices.dtype.is_floating_point or indices.dtype.is_complex or indices.dtype is _C.bool:
        raise TypeError(f"[unravel_index] indices must be integers; got {indices.dtype}; use .long()")
    if not isinstance(shape, (int, tuple, list, Tensor)):
        raise TypeError(f"[unravel_index] shape must be an int or a sequence of ints; got {type(shape).__name__}")
    sizes = (
        (shape,)
        if isinstance(shape, int)
        else tuple(shape.reshape(-1).tolist() if isinstance(shape, Tensor) else shape)
    )
    if any(not isinstance(size, int) for size in sizes):
        raise TypeError(f"[unravel_index] shape must be an int or a sequence of ints; got {shape!r}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"[unravel_index] sizes must not be negative; got {sizes}")
    count = 1
    for size in sizes:
        count *= size
    if indices.numel():
        low, high = int(indices.min().item()), int(indices.max().item())
        if low < -count or high >= count:
            raise ValueError(
                f"[unravel_index] positions must be of [{-count}, {count}); got {low} to {high} for shape {sizes}"
            )
    return tuple(_unravelled(_ops.where(_ops.lt(indices, 0), _ops.add(indices, count), indices), sizes))
