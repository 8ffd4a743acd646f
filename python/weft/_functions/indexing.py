"""Elements and slices by their positions."""

from __future__ import annotations

from .. import _factories, _ops
from .._C import Tensor
from .._public import Any, public
from .elementwise import array_of

__all__ = ["gather", "index_select", "scatter_add", "nonzero"]
METHODS = __all__


@public
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    return _ops.gather(input, index, dim)


@public
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
    return _ops.scatter_add(input, index, src, dim)


@public
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Positions of the nonzero elements, one a row; or as a tuple of one vector a dimension."""
    import numpy

    array = array_of(input)
    if as_tuple:
        return tuple(map(_factories.from_numpy, numpy.nonzero(numpy.atleast_1d(array))))
    return _factories.from_numpy(numpy.argwhere(array).astype(numpy.int64))
