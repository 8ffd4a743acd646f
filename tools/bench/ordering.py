"""Scans, order, and positions that are data."""

from __future__ import annotations

from typing import Any

import numpy as np
from libraries import Library, Run, data

COUNT = 10**6


def integers(seed: int, high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape)


def cumsum_rows(lib: Library) -> Run:
    """Sums along the rows of 4096 x 1024."""
    return lib.call(lambda x: lib.torch_like.cumsum(x, 1), data(0, 4096, 1024))


def cumsum_columns(lib: Library) -> Run:
    """Sums down the columns of 4096 x 1024."""
    return lib.call(lambda x: lib.torch_like.cumsum(x, 0), data(0, 4096, 1024))


def cumsum_vector(lib: Library) -> Run:
    """Sums along a million numbers."""
    return lib.call(lambda x: lib.torch_like.cumsum(x, 0), data(0, COUNT))


def cummax_rows(lib: Library) -> Run:
    """The values of maxima along the rows of 4096 x 1024."""
    return lib.call(lambda x: lib.torch_like.cummax(x, 1)[0], data(0, 4096, 1024))


def logcumsumexp_rows(lib: Library) -> Run:
    """Along the rows of 1024 x 1024."""
    return lib.call(lambda x: lib.torch_like.logcumsumexp(x, 1), data(0, 1024, 1024))


def sort(lib: Library) -> Run:
    """A million numbers, and where they were."""
    return eager(lib, lambda x: lib.torch_like.sort(x)[0], data(0, COUNT))


def topk(lib: Library) -> Run:
    """The 50 greatest of each of 4096 rows of 32,000."""
    return eager(lib, lambda x: lib.torch_like.topk(x, 50)[0], data(0, 4096, 32000))


def bincount(lib: Library) -> Run:
    """How often each of 1000 numbers is among a million."""
    return eager(lib, lambda x: lib.torch_like.bincount(x), integers(0, 1000, COUNT))


def histc(lib: Library) -> Run:
    """A million numbers in 100 bins."""
    return eager(lib, lambda x: lib.torch_like.histc(x, 100, -3, 3), data(0, COUNT))


def scatter_add(lib: Library) -> Run:
    """A million numbers added at random positions of a million."""
    positions, t = integers(1, COUNT, COUNT), lib.torch_like
    return lib.call(lambda x, i, s: t.scatter_add(x, 0, i, s), data(0, COUNT), positions, data(2, COUNT))


def scatter_amax(lib: Library) -> Run:
    """The maxima of a million numbers at random positions of a million."""
    positions = integers(1, COUNT, COUNT)
    return lib.call(lambda x, i, s: x.scatter_reduce(0, i, s, "amax"), data(0, COUNT), positions, data(2, COUNT))


def masked_select(lib: Library) -> Run:
    """Half of a million numbers."""
    return eager(lib, lambda x: lib.torch_like.masked_select(x, x > 0), data(0, COUNT))


def nonzero(lib: Library) -> Run:
    """The positions of half of a million numbers."""
    return eager(lib, lambda x: lib.torch_like.nonzero(x > 0), data(0, COUNT))


def unique(lib: Library) -> Run:
    """Of a million integers."""
    return eager(lib, lambda x: lib.torch_like.unique(x), integers(0, COUNT, COUNT))


def searchsorted(lib: Library) -> Run:
    """The places of a million numbers among 1000."""
    return lib.call(lambda s, x: lib.torch_like.searchsorted(s, x), np.sort(data(0, 1000)), data(1, COUNT))


def embedding_bag(lib: Library) -> Run:
    """Sums of 10,000 bags of 20 rows of 64 of a table of 100,000."""
    offsets = np.arange(0, 200_000, 20)
    bags = lib.torch_like.nn.functional.embedding_bag
    return eager(
        lib, lambda i, w, o: bags(i, w, o, mode="sum"), integers(1, 100_000, 200_000), data(0, 100_000, 64), offsets
    )


def embedding_bag_wide(lib: Library) -> Run:
    """Sums of 2,000 bags of 50 rows of 256 of a table of 50,000."""
    offsets = np.arange(0, 100_000, 50)
    bags = lib.torch_like.nn.functional.embedding_bag
    return eager(
        lib, lambda i, w, o: bags(i, w, o, mode="sum"), integers(1, 50_000, 100_000), data(0, 50_000, 256), offsets
    )


def eager(lib: Library, function: Any, *arrays: np.ndarray) -> Run:
    """Shapes that are data: called as it is."""
    tensors = [lib.tensor(array) for array in arrays]
    return lambda: function(*tensors)


CASES = (
    cumsum_rows,
    cumsum_columns,
    cumsum_vector,
    cummax_rows,
    logcumsumexp_rows,
    sort,
    topk,
    bincount,
    histc,
    scatter_add,
    scatter_amax,
    masked_select,
    nonzero,
    unique,
    searchsorted,
    embedding_bag,
    embedding_bag_wide,
)
