"""Distinct elements, and how many there are of each."""

from __future__ import annotations

import collections

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, Number, public
from . import indexing, moves, ordering
from .arguments import numbers

__all__ = ["unique", "unique_consecutive", "bincount", "histc", "histogram", "histogramdd"]
METHODS = __all__[:-1]

_MANY, _PARTS = 1 << 17, 64  # positions that are worth threads, and into how many parts they go

_Histogramdd: Any = collections.namedtuple("histogramdd", ["hist", "bin_edges"])  # type: ignore[name-match]
_Histogram: Any = collections.namedtuple("histogram", ["hist", "bin_edges"])  # type: ignore[name-match]


def _positions(n: int, like: Tensor) -> Tensor:
    return _ops.iota((n,), 0, _C.int64).to(like.device)


def _runs(differs: Tensor, order: Tensor | None, inverse: bool, counts: bool) -> tuple[Tensor, list[Tensor]]:
    """Where runs of equal elements begin, and what was asked for besides: of each element its run, and the lengths of the runs.

    differs: of each element but the first whether it differs from the one before; order: where the elements were.
    """
    n = differs.shape[0] + 1
    begins = _ops.concatenate([_factories.ones(1, dtype=_C.bool, device=differs.device), differs], 0)
    first = indexing.nonzero(begins).reshape(-1)
    extra = []
    if inverse:
        run = _ops.sub(_ops.cumsum(begins.to(_C.int64), 0), 1)
        extra.append(run if order is None else _ops.scatter(run, order, run, 0))
    if counts:
        end = _factories.full((1,), n, dtype=_C.int64, device=differs.device)
        extra.append(_ops.sub(_ops.concatenate([first.narrow(0, 1, first.shape[0] - 1), end], 0), first))
    return first, extra


def _differ(x: Tensor) -> Tensor:
    """Of each slice along the first axis but the first whether it differs from the one before."""
    n = x.shape[0] - 1
    different = _ops.ne(x.narrow(0, 1, n), x.narrow(0, 0, n))
    return different if x.ndim == 1 else _ops.any(different.reshape(n, -1), (1,), False)


def _unique(op: str, input: Tensor, inverse: bool, counts: bool, dim: int | None, ordered: bool) -> Any:
    x = input.reshape(-1) if dim is None else moves.movedim(input, moves.axis_of(input, dim), 0)
    if x.shape[0] == 0:
        empty = _factories.zeros(0, dtype=_C.int64, device=x.device)
        first, extra = empty, [empty] * (inverse + counts)
    elif not ordered:
        first, extra = _runs(_differ(x), None, inverse, counts)
    elif x.ndim == 1:
        x, order = ordering.sort(x)
        first, extra = _runs(_differ(x), order, inverse, counts)
    else:
        order = _lexicographic(x.reshape(x.shape[0], -1))
        x = _ops.index_select(x, order, 0)
        first, extra = _runs(_differ(x), order, inverse, counts)
    values = _ops.index_select(x, first, 0)
    if dim is not None:
        values = moves.movedim(values, 0, moves.axis_of(input, dim))
    elif inverse:
        extra[0] = extra[0].reshape(input.shape)
    return (values, *extra) if extra else values


def _lexicographic(rows: Tensor) -> Tensor:
    """The order of rows by their first elements, where these are equal by their second ones, and so on."""
    order = _positions(rows.shape[0], rows)
    for column in range(rows.shape[1] - 1, -1, -1):
        keys = _ops.index_select(rows.select(1, column), order, 0)
        order = _ops.index_select(order, ordering.argsort(keys), 0)
    return order


@public
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, or with ``dim`` the distinct slices along it, in order; each NaN is one of its own.

    With ``return_inverse`` also where each element is among them (int64), with ``return_counts`` how often each comes (int64): a tuple.
    """
    return _unique("unique", input, return_inverse, return_counts, dim, True)


@public
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or with ``dim`` the slices along it, but for those equal to the one before; the rest is as of ``unique``."""
    return _unique("unique_consecutive", input, return_inverse, return_counts, dim, False)


def _count(positions: Tensor, bins: int) -> Tensor:
    """How often each of the numbers 0 to ``bins`` - 1 is among the positions (int64, a vector): int64.

    Many positions are counted by parts, which threads share: sums of integers are the same in any order.
    """
    n = positions.shape[0]

    def ones(*shape: int) -> Tensor:
        return _factories.ones(1, dtype=_C.int64, device=positions.device).expand(*shape)

    def zeros(*shape: int) -> Tensor:
        return _factories.zeros(*shape, dtype=_C.int64, device=positions.device)

    if n < _MANY or bins * _PARTS * 8 > n:
        return _ops.scatter_add(zeros(bins), positions, ones(n), 0)
    length = n // _PARTS
    parts = positions.narrow(0, 0, length * _PARTS).reshape(_PARTS, length)
    whole = _ops.sum(_ops.scatter_add(zeros(_PARTS, bins), parts, ones(_PARTS, length), 1), (0,), False)
    rest = n - length * _PARTS
    return _ops.scatter_add(whole, positions.narrow(0, n - rest, rest), ones(rest), 0) if rest else whole


@public
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer from 0 to the greatest comes in the input (a vector), or the sums of its ``weights``.

    The result has at least ``minlength`` elements: int64, or float32 for weights of float32, else float64.
    """
    if minlength < 0:
        raise RuntimeError(f"[bincount] minlength must not be negative; got {minlength}; pass a number of bins")
    if input.ndim != 1 or input.dtype.is_floating_point or input.dtype is _C.bool:
        raise RuntimeError(
            f"[bincount] takes a vector of integers; got {input.dtype} of shape {list(input.shape)}; use .long()"
        )
    if weights is not None and weights.shape != input.shape:
        raise RuntimeError(
            f"[bincount] input and weights must have one shape; got {list(input.shape)} and {list(weights.shape)}"
        )
    positions = input.to(_C.int64)
    bins = minlength
    if input.shape[0]:
        high = int(positions.view(_C.uint64).max().item())
        if high > 2**63 - 1:  # a negative number
            low = positions.min().item()
            raise RuntimeError(f"[bincount] the integers must not be negative; got {low}; subtract the least")
        bins = max(bins, high + 1)
    if weights is None:
        return _count(positions, bins)
    if weights.dtype is not _C.float32:
        weights = weights.to(_C.float64)
    return _ops.scatter_add(_factories.zeros(bins, dtype=weights.dtype, device=input.device), positions, weights, 0)


def _range(op: str, input: Tensor, low: Number, high: Number) -> tuple[float, float]:
    """That of the elements where it is empty; a whole unit to both sides where that is, too."""
    if low == high and input.numel():
        low, high = input.min().item(), input.max().item()
    if low == high:
        low, high = low - 1, high + 1
    if not (low < high and abs(low) != float("inf") and abs(high) != float("inf")):
        raise RuntimeError(f"[{op}] the range must be finite, its end not less than its begin; got [{low}, {high}]")
    return float(low), float(high)


def _check_histogram(op: str, input: Tensor, bins: int) -> None:
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[{op}] needs a floating-point dtype; got {input.dtype}; use .float()")
    if bins < 1:
        raise RuntimeError(f"[{op}] bins must be positive; got {bins}; pass a number of bins")


@public
def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many elements are in each of ``bins`` equal parts of [min, max] (of the elements' range where these are equal).

    input: float. A vector of its dtype. What is outside is not counted.
    """
    _check_histogram("histc", input, bins)
    low, high = _range("histc", input, min, max)
    x = input.reshape(-1)
    place = _ops.mul(_ops.div(_ops.sub(x, low), high - low), float(bins))
    place = _ops.clamp_max(place, float(bins - 1)).to(_C.int64)
    inside = _ops.logical_and(_ops.ge(x, low), _ops.le(x, high))
    return _count(_ops.where(inside, place, bins), bins + 1).narrow(0, 0, bins).to(x.dtype)


@public
def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """(hist, bin_edges): how many elements, or what of their ``weight``, is in each bin; each has its lower edge, the last one both.

    input: float; bins: as many equal ones of ``range`` (that of the elements without one), or their edges, ascending, a vector of the
    input's dtype. With ``density`` the integral over the bins is 1.
    """
    _check_histogram("histogram", input, 1 if isinstance(bins, Tensor) else bins)
    x = input.reshape(-1)
    if isinstance(bins, Tensor):
        if bins.ndim != 1 or bins.dtype is not x.dtype or bins.shape[0] < 2:
            raise RuntimeError(
                f"[histogram] bins must be a number or a vector of two edges or more in {x.dtype}; got {bins.dtype} of shape "
                f"{list(bins.shape)}"
            )
        edges = bins
    else:
        low, high = _range("histogram", x, *((0, 0) if range is None else numbers("histogram", "range", range, 2)))
        edges = _factories.linspace(low, high, bins + 1, dtype=x.dtype, device=x.device)
    if weight is not None and weight.shape != input.shape:
        raise RuntimeError(
            f"[histogram] input and weight must have one shape; got {list(input.shape)} and {list(weight.shape)}"
        )
    count = edges.shape[0] - 1
    place = _ops.sub(ordering.searchsorted(edges, x, right=True), 1)
    first, last = edges.select(0, 0), edges.select(0, count)
    inside = _ops.logical_and(_ops.ge(x, first), _ops.le(x, last))
    place = _ops.clamp_max(_ops.where(inside, place, 0), count - 1)
    amount = inside.to(x.dtype)
    if weight is not None:
        amount = _ops.where(inside, weight.reshape(-1).to(x.dtype), 0.0)
    hist = _ops.scatter_add(_factories.zeros(count, dtype=x.dtype, device=x.device), place, amount, 0)
    if density:
        widths = _ops.sub(edges.narrow(0, 1, count), edges.narrow(0, 0, count))
        hist = _ops.div(hist, _ops.mul(_ops.sum(hist, (), False), widths))
    return _Histogram(hist, edges)


@public
def histogramdd(
    input: Tensor, bins: Any, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Any:
    """(hist, bin_edges): how many rows of the input [..., D], or what of their ``weight`` [...], is in each cell of a grid of D dimensions.

    bins: a number for all dimensions, or one for each, or edges for each (vectors of the input's dtype). range: low and high of each
    dimension, flat, where bins are numbers. Else as ``histogram``.
    """
    if input.ndim < 2 or not input.dtype.is_floating_point:
        raise RuntimeError(
            f"[histogramdd] needs floating-point rows [..., D]; got {input.dtype} of shape {list(input.shape)}; reshape them"
        )
    if not isinstance(bins, (int, tuple, list)) or not isinstance(range, (tuple, list, type(None))):
        raise TypeError(
            f"[histogramdd] bins must be an int or a sequence, and range a sequence; got {type(bins).__name__} and "
            f"{type(range).__name__}"
        )
    count = input.shape[-1]
    rows = input.reshape(-1, count)
    wanted = [bins] * count if isinstance(bins, int) else list(bins)
    if len(wanted) != count or (range is not None and len(range) != 2 * count):
        raise RuntimeError(
            f"[histogramdd] needs bins for each of {count} columns, and two numbers each as range; got {len(wanted)} and "
            f"{'none' if range is None else len(range)}"
        )
    if weight is not None and weight.shape != input.shape[:-1]:
        raise RuntimeError(
            f"[histogramdd] weight must have the shape {list(input.shape[:-1])} of the rows; got {list(weight.shape)}"
        )
    edges, sizes = [], []
    place = _factories.zeros(rows.shape[0], dtype=_C.int64, device=input.device)
    inside = _factories.ones(rows.shape[0], dtype=_C.bool, device=input.device)
    for column, bin in enumerate(wanted):
        x = rows.select(1, column).contiguous()
        limits = None if range is None or isinstance(bin, Tensor) else tuple(range[2 * column : 2 * column + 2])
        found = histogram(x, bin, range=limits)[1]
        size = found.shape[0] - 1
        at = _ops.sub(ordering.searchsorted(found, x, right=True), 1)
        within = _ops.logical_and(_ops.ge(x, found.select(0, 0)), _ops.le(x, found.select(0, size)))
        place = _ops.add(_ops.mul(place, size), _ops.clamp(_ops.where(within, at, 0), 0, size - 1))
        inside = _ops.logical_and(inside, within)
        edges.append(found)
        sizes.append(size)
    amount = inside.to(rows.dtype)
    if weight is not None:
        amount = _ops.where(inside, weight.reshape(-1).to(rows.dtype), 0.0)
    total = 1
    for size in sizes:
        total *= size
    hist = _ops.scatter_add(_factories.zeros(total, dtype=rows.dtype, device=input.device), place, amount, 0).reshape(
        sizes
    )
    if density:
        hist = _ops.div(hist, _ops.sum(hist, (), False))
        for axis, found in enumerate(edges):
            widths = _ops.sub(found.narrow(0, 1, sizes[axis]), found.narrow(0, 0, sizes[axis]))
            hist = _ops.div(hist, widths.reshape([-1 if a == axis else 1 for a, _ in enumerate(sizes)]))
    return _Histogramdd(hist, tuple(edges))
