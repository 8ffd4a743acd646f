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
]  # fmt: skip
METHODS = __all__


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
