"""Elements and slices by their positions."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, public, public_with_short_cut
from .elementwise import array_of

__all__ = ["gather", "index_select", "scatter_add", "index_put", "index_put_", "nonzero"]
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


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The input with the elements of ``src`` added at the positions ``index`` along ``dim``."""
    if input.ndim and index.ndim and src.ndim:
        return _ops.scatter_add(input, index, src, dim)
    return _ops.scatter_add(_vector(input), _vector(index), _vector(src), dim).reshape(input.shape)


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
        return tuple(map(_factories.from_numpy, numpy.nonzero(numpy.atleast_1d(array))))
    return _factories.from_numpy(numpy.argwhere(array).astype(numpy.int64))
