"""Windows: pooling, running sums and extrema."""

import functools
import itertools
import math

import weft

from .moves import cut, pad


def cumulative(x, name, dim, reverse):
    if reverse:
        x = x.flip(dim)
    if name == "add":
        x = x.cumsum(dim, dtype=x.dtype)
    elif name == "multiply":
        x = x.cumprod(dim, dtype=x.dtype)
    else:
        x = (x.cummax(dim) if name == "maximum" else x.cummin(dim))[0]
    return x.flip(dim) if reverse else x


def _windows(x, sizes, strides, dilations):
    """Of each place in a window the elements there, in all windows."""
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape, sizes, strides, dilations)]
    for place in itertools.product(*map(range, sizes)):
        yield cut(x, [(p * d, p * d + (c - 1) * s + 1, s) for p, d, c, s in zip(place, dilations, counts, strides)])


def reduce_window(xs, inits, body, sizes, strides, base, dilations, low, high):
    """body: a function of two lists of tensors."""
    padded = [pad(x, init, low, high, [b - 1 for b in base]) for x, init in zip(xs, inits)]
    places = zip(*(_windows(x, sizes, strides, dilations) for x in padded))
    return functools.reduce(lambda a, b: [f.expand(x.shape) for f, x in zip(body(*a, *b), a)], map(list, places))


def select_and_scatter(x, source, init, sizes, strides, low, high, is_max):
    """Each element of the source, added where in x its window's first extremum is."""
    least = weft.full((), (-1 if is_max else 1) * math.inf, dtype=x.dtype) if x.is_floating_point() else None
    if least is None:
        info = weft.iinfo(x.dtype)
        least = weft.full((), info.min if is_max else info.max, dtype=x.dtype)
    ones, zeros = [1] * x.ndim, [0] * x.ndim
    padded = pad(x, least, low, high, zeros)
    parts = list(_windows(padded, sizes, strides, ones))
    best, where = parts[0], weft.zeros(parts[0].shape, dtype=weft.int64)
    for i, part in enumerate(parts[1:], 1):
        better = ~(best >= part if is_max else best <= part)
        best, where = weft.where(better, part, best), weft.where(better, i, where)
    zero = weft.zeros((), dtype=source.dtype)
    total = init.expand(padded.shape)
    for i, place in enumerate(itertools.product(*map(range, sizes))):
        part = weft.where(where == i, source, zero)
        after = [n - p - ((c - 1) * s + 1) for n, p, c, s in zip(padded.shape, place, part.shape, strides)]
        total = total + pad(part, zero, list(place), after, [s - 1 for s in strides])
    return pad(total, zero, [-v for v in low], [-v for v in high], zeros)
