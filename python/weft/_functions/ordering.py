"""Elements in order, and where they are. A NaN counts as the greatest; of equal elements the first comes first."""

from __future__ import annotations

import collections

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, Number, public
from . import moves

__all__ = [
    "sort",
    "msort",
    "argsort",
    "topk",
    "kthvalue",
    "median",
    "nanmedian",
    "mode",
    "quantile",
    "nanquantile",
    "searchsorted",
    "bucketize",
]
METHODS = [name for name in __all__ if name not in ("searchsorted", "bucketize")]


def _along(op: Any, input: Tensor, *attributes: Any) -> Any:
    """Of a 0-d tensor: the op on its one element."""
    if input.ndim:
        return op(input, *attributes)
    results = op(input.reshape(1), *attributes)
    return type(results)(*(result.reshape(()) for result in results))


@public
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """The elements along ``dim`` in order, and where they were; always stable."""
    return _along(_ops.sort, input, dim, descending)


@public
def msort(input: Tensor) -> Tensor:
    """The elements in order along the first axis."""
    return sort(input, 0).values


@public
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """Where the elements along ``dim`` are, in order; always stable."""
    return sort(input, dim, descending).indices


@public
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The ``k`` greatest (or smallest) elements along ``dim``, in order, and where they are."""
    if k < 0:
        raise RuntimeError(f"[topk] k must not be negative; got {k} and shape {list(input.shape)}")
    return _along(_ops.topk, input, k, dim, largest)


# ---------------------------------------------------------------- One element of each row


def _named(name: str) -> Any:
    return collections.namedtuple(name, ["values", "indices"])


_Kthvalue, _Median, _Nanmedian, _Mode = map(_named, ("kthvalue", "median", "nanmedian", "mode"))


def _sorted_last(op: str, input: Tensor, dim: int) -> tuple[int, Any]:
    """The axis, and the elements with it as the last one in order."""
    axis = moves.axis_of(input, dim)
    if input.ndim and input.shape[axis] == 0:
        raise IndexError(f"[{op}] axis {axis} has no elements; got shape {list(input.shape)}; choose one that has some")
    x = input if input.ndim else input.reshape(1)
    return axis, _ops.sort(moves.movedim(x, axis, -1), x.ndim - 1, False)


def _chosen(made: Any, input: Tensor, axis: int, keepdim: bool, ordered: Any, place: Tensor) -> Any:
    """Of each row the element at its place in the order; place: int64 of size 1 in the last axis."""
    if not input.ndim:
        return made(*(x.reshape(()) for x in ordered))
    parts = (_ops.gather(x, place, x.ndim - 1) for x in ordered)
    return made(*(moves.movedim(x, -1, axis) if keepdim else x.squeeze(-1) for x in parts))


def _numbers(values: Tensor) -> Tensor:
    """How many elements of a row are not NaN."""
    if not values.dtype.is_floating_point:
        return _factories.full((*values.shape[:-1], 1), values.shape[-1], dtype=_C.int64, device=values.device)
    isnumber = _ops.logical_not(_ops.isnan(values))
    return _ops.sum(isnumber.to(_C.int64), (values.ndim - 1,), True)


@public
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The ``k``-th smallest element along ``dim`` (1: the smallest), and where it is: of equal ones as in their order."""
    axis, ordered = _sorted_last("kthvalue", input, dim)
    size = ordered.values.shape[-1]
    if not 1 <= k <= size:
        raise RuntimeError(
            f"[kthvalue] k must be of [1, {size}]; got {k} and shape {list(input.shape)}; choose one of them"
        )
    place = _factories.full((*ordered.values.shape[:-1], 1), k - 1, dtype=_C.int64, device=input.device)
    return _chosen(_Kthvalue, input, axis, keepdim, ordered, place)


_MANY = 1 << 16  # elements of which it is quicker to sort few


def _middle_of_many(x: Tensor) -> Tensor | None:
    """The median of a vector without NaN, the element that sorting all would find; None where a sample misses it.

    Floyd and Rivest, "Expected time bounds for selection", 1975: a sample in order says between which values it is, and these are sorted.
    """
    size, many = x.shape[0], 1 << 13
    sample = _ops.sort(x.detach()[:: size // many].contiguous(), 0, False).values
    middle = (size - 1) // 2
    center, margin = sample.shape[0] // 2, 200  # more than four standard deviations of where it is in the sample
    low, high = sample.select(0, center - margin), sample.select(0, center + margin)
    inside = _ops.logical_and(_ops.ge(x, low), _ops.le(x, high))
    near = x[inside]
    below = int(_ops.sum(_ops.lt(x, low).to(_C.int64), (), False).item())
    above = int(_ops.sum(_ops.gt(x, high).to(_C.int64), (), False).item())
    if below + near.shape[0] + above < size or not below <= middle < below + near.shape[0]:
        return None
    return _ops.sort(near, 0, False).values.select(0, middle - below)


def _median(op: str, made: Any, input: Tensor, dim: int | None, keepdim: bool, skips: bool) -> Any:
    if dim is None:
        if input.numel() == 0:
            return _factories.full((), float("nan"), dtype=input.dtype, device=input.device)
        x = input.reshape(-1)
        found = _middle_of_many(x) if x.shape[0] >= _MANY and not _C.tracing() else None
        return _median(op, made, x, 0, False, skips).values if found is None else found
    axis, ordered = _sorted_last(op, input, dim)
    size = ordered.values.shape[-1]
    numbers = _numbers(ordered.values)
    middle = _ops.clamp_min(_ops.floor_divide(_ops.sub(numbers, 1), 2), 0)
    place = middle if skips else _ops.where(_ops.lt(numbers, size), numbers, middle)
    return _chosen(made, input, axis, keepdim, ordered, place)


@public
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median, of two middle elements the lower one; with a ``dim`` along it, and where it is. A NaN is the median."""
    return _median("median", _Median, input, dim, keepdim, False)


@public
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """``median`` of the elements that are not NaN; NaN where there are none."""
    return _median("nanmedian", _Nanmedian, input, dim, keepdim, True)


@public
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent element along ``dim``, of several the least, and where it is last."""
    axis, ordered = _sorted_last("mode", input, dim)
    values = ordered.values
    last = values.ndim - 1
    size = values.shape[last]
    place = _ops.iota((size,), 0, _C.int64).to(input.device).expand(values.shape)
    differs = _ops.ne(values.narrow(last, 1, size - 1), values.narrow(last, 0, size - 1))
    begins = _ops.concatenate([_ops.ne(place.narrow(last, 0, 1), place.narrow(last, 0, 1)), differs], last)
    run = _ops.cummax(_ops.where(begins, place, 0), last).values
    best = _ops.argmax(_ops.sub(place, run), (last,), True)
    return _chosen(_Mode, input, axis, keepdim, ordered, best)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    op: str, input: Tensor, q: Tensor | Number, dim: int | None, keepdim: bool, interpolation: str, skips: bool
) -> Tensor:
    if input.dtype not in (_C.float32, _C.float64):
        raise RuntimeError(f"[{op}] the input must be float32 or float64; got {input.dtype}; use .float()")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"[{op}] interpolation must be one of {', '.join(_INTERPOLATIONS)}; got {interpolation!r}; choose one"
        )
    if input.numel() == 0:
        raise RuntimeError(f"[{op}] needs elements; got shape {list(input.shape)}; pass some")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"[{op}] q must be of [0, 1]; got {q}; pass a fraction")
        q = _factories.full((), q, dtype=input.dtype, device=input.device)
    if q.ndim > 1 or q.dtype is not input.dtype:
        raise RuntimeError(
            f"[{op}] q must be a number or a vector of the input's dtype {input.dtype}; got {q.dtype} of shape {list(q.shape)}"
        )
    x = input.reshape(-1) if dim is None else input
    axis, ordered = _sorted_last(op, x, 0 if dim is None else dim)
    values = ordered.values
    numbers = _numbers(values)
    if not skips:  # a NaN is all quantiles
        hasnan = _ops.lt(numbers, values.shape[-1])
        numbers = _ops.where(hasnan, values.shape[-1], numbers)
    rank = _ops.mul(_ops.clamp_min(_ops.sub(numbers, 1), 0).to(x.dtype), q.reshape(-1))
    if interpolation == "nearest":
        rank = _ops.round(rank)
    below, above = _ops.floor(rank), _ops.ceil(rank)
    if interpolation == "lower":
        above = below
    elif interpolation == "higher":
        below = above
    last = values.ndim - 1
    low, high = (_ops.gather(values, place.to(_C.int64), last) for place in (below, above))
    weight: Any = 0.5 if interpolation == "midpoint" else _ops.sub(rank, below)
    if interpolation == "midpoint":
        weight = _ops.where(_ops.eq(below, above), 0.0, 0.5)
    result = _ops.add(low, _ops.mul(weight, _ops.sub(high, low)))
    result = _ops.where(_ops.eq(low, high), low, result)  # infinities have no difference
    if not skips:
        result = _ops.where(hasnan.expand(result.shape), float("nan"), result)
    result = moves.movedim(result, -1, 0)  # [q, other axes]
    if keepdim:
        sizes = [1] * input.ndim if dim is None else [1 if a == axis else n for a, n in enumerate(input.shape)]
        result = result.reshape(result.shape[0], *sizes)
    elif not x.ndim:
        result = result.reshape(-1)
    return result if q.ndim else result.squeeze(0)


@public
def quantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The ``q``-quantiles along ``dim`` (of all elements without one), those of a vector ``q`` in front; NaN where an element is.

    input: float32 or float64; q: of [0, 1]. Between two elements as ``interpolation`` says: "linear", "lower", "higher", "midpoint" or
    "nearest".
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@public
def nanquantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """``quantile`` of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


# ---------------------------------------------------------------- Places in an order


def _places(op: str, sequence: Tensor, values: Tensor | Number, right: bool, out_int32: bool) -> Tensor:
    if not isinstance(values, Tensor):
        values = _factories.full((), values, dtype=_C.result_type(sequence, values), device=sequence.device)
    common = _C.result_type(sequence, values)
    ordered, given = sequence.to(common), values.to(common)
    steps = sequence.shape[-1].bit_length()
    if sequence.ndim == 1:
        result = _ops.searchsorted(ordered, given.reshape(-1), steps, right).reshape(given.shape)
    elif list(sequence.shape[:-1]) == list(given.shape[:-1]) and given.ndim:
        result = _ops.searchsorted(ordered, given, steps, right)
    else:
        raise RuntimeError(
            f"[{op}] the sequence must be a vector, or have the values' axes but for the last; got shapes "
            f"{list(sequence.shape)} and {list(given.shape)}; expand one of them"
        )
    return result.to(_C.int32) if out_int32 else result


@public
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where in the sorted last axis of ``sorted_sequence`` each of ``input`` belongs: before equal elements, or with ``right`` behind.

    sorted_sequence: a vector, or of input's shape but for the last axis; input: a tensor or a number. ``side`` is "left" or "right";
    ``sorter`` holds the order of a sequence that is not sorted. A NaN is the greatest. The result is int64, or int32 with ``out_int32``.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"[searchsorted] side must be 'left' or 'right'; got {side!r}; choose one")
    if side == "left" and right:
        raise RuntimeError(
            "[searchsorted] side and right are opposites; got side='left' and right=True; pass one of them"
        )
    if sorted_sequence.ndim == 0:
        raise RuntimeError("[searchsorted] the sequence needs an axis; got shape []; use reshape(1)")
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape:
            raise RuntimeError(
                f"[searchsorted] sorter and sequence must have one shape; got {list(sorter.shape)} and "
                f"{list(sorted_sequence.shape)}; pass what argsort gives"
            )
        sorted_sequence = _ops.gather(sorted_sequence, sorter, sorted_sequence.ndim - 1)
    return _places("searchsorted", sorted_sequence, input, right or side == "right", out_int32)


@public
def bucketize(input: Tensor | float, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Between which of the sorted ``boundaries`` (a vector) each element is; one that equals a boundary below it, with ``right`` above."""
    if boundaries.ndim != 1:
        raise RuntimeError(
            f"[bucketize] the boundaries must be a vector; got shape {list(boundaries.shape)}; flatten them"
        )
    return _places("bucketize", boundaries, input, right, out_int32)
