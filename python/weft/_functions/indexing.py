"""Elements and slices by their positions."""

from .. import _factories, _ops
from .elementwise import array_of

__all__ = ["gather", "index_select", "scatter_add", "nonzero"]
METHODS = __all__


def gather(input, dim, index):
    return _ops.gather(input, index, dim)


def index_select(input, dim, index):
    return _ops.index_select(input, index, dim)


def scatter_add(input, dim, index, src):
    return _ops.scatter_add(input, index, src, dim)


def nonzero(input):
    """Positions of the nonzero elements, one a row."""
    import numpy

    return _factories.from_numpy(numpy.stack(numpy.nonzero(array_of(input)), 1).astype(numpy.int64))
