"""Writes at positions that are data: copies of the input, and the same in place."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, Number, Operand, in_place, public
from . import elementwise
from .moves import axis_of

__all__ = [
    "scatter", "scatter_add", "scatter_reduce", "index_add", "index_copy", "index_fill", "masked_scatter", "put",
]  # fmt: skip
METHODS = [*__all__, *(f"{name}_" for name in __all__)]


def _vector(x: Tensor) -> Tensor:
    return x if x.ndim else x.reshape(1)


def _scattered(op: Any, input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The op on operands of at least one axis, and of the source the part that has the index's shape."""
    axis = axis_of(input, dim)
    x, index, source = _vector(input), _vector(index), _vector(source)
    if index.numel() == 0:
        return input.clone()
    if source.ndim == index.ndim and source.shape != index.shape:
        for a, size in enumerate(index.shape):
            if source.shape[a] > size:
                source = source.narrow(a, 0, size)
    return op(x, index, source, axis).reshape(input.shape)


@public
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Operand | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> Tensor:
    """A copy of the input with ``src`` (or a number) at the positions ``index`` along ``dim``; of equal positions the last stays.

    index: int64 of the input's rank; src: the input's dtype, at least of the index's shape. With ``reduce`` "add" or "multiply" it is
    added or multiplied, in order.
    """
    if (src is None) == (value is None):
        raise TypeError(f"[scatter] takes src or value; got {'neither' if src is None else 'both'}; pass one of them")
    source: Any = value if src is None else src
    if not isinstance(source, Tensor):
        source = _factories.full(index.shape, source, dtype=input.dtype, device=input.device)
    if reduce is None:
        return _scattered(_ops.scatter, input, dim, index, source)
    if reduce not in ("add", "multiply"):
        raise RuntimeError(f"[scatter] reduce must be 'add' or 'multiply'; got {reduce!r}; scatter_reduce knows more")
    return _scattered(_ops.scatter_add if reduce == "add" else _ops.scatter_prod, input, dim, index, source)


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """The input with the elements of ``src`` added at the positions ``index`` along ``dim``, in order."""
    return _scattered(_ops.scatter_add, input, dim, index, src)


_IDENTITIES = {"sum": 0, "mean": 0, "prod": 1}


def _identity(reduce: str, input: Tensor) -> Number:
    if reduce in _IDENTITIES:
        return _IDENTITIES[reduce]
    if input.dtype.is_floating_point:
        return float("-inf" if reduce == "amax" else "inf")
    if input.dtype is _C.bool:
        return reduce == "amin"
    unsigned = input.dtype is _C.uint8
    bits = 8 * input.dtype.itemsize
    least, greatest = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return least if reduce == "amax" else greatest


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """The input reduced with the elements of ``src`` at the positions ``index`` along ``dim``, in order.

    ``reduce``: "sum", "prod", "mean" (of integers rounded down), "amax" or "amin". Without ``include_self`` the input counts only where
    no position is. Equal extrema share the gradient evenly.
    """
    ops = {"sum": _ops.scatter_add, "mean": _ops.scatter_add, "prod": _ops.scatter_prod,
           "amax": _ops.scatter_amax, "amin": _ops.scatter_amin}  # fmt: skip
    if reduce not in ops:
        raise RuntimeError(
            f"[scatter_reduce] reduce must be one of {', '.join(ops)}; got {reduce!r}; choose one of them"
        )
    base = input if include_self else scatter(input, dim, index, _identity(reduce, input))
    result = _scattered(ops[reduce], base, dim, index, src)
    if reduce != "mean":
        return result
    ones = _factories.ones(index.shape, dtype=input.dtype, device=input.device)
    count = _factories.ones(input.shape, dtype=input.dtype, device=input.device)
    if not include_self:
        count = scatter(count, dim, index, 0)
    count = _scattered(_ops.scatter_add, count, dim, index, ones)
    return _ops.div(result, count) if input.dtype.is_floating_point else _ops.floor_divide(result, count)


def _rows(op: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, int, Tensor, Tensor]:
    """Operands of a scatter of whole slices: index is a vector, or 0-d."""
    axis = axis_of(input, dim)
    x, index, source = _vector(input), _vector(index), _vector(source)
    if index.ndim != 1:
        raise IndexError(f"[{op}] the index must be a vector; got shape {list(index.shape)}; flatten it")
    shape = [index.shape[0] if a == axis else size for a, size in enumerate(x.shape)]
    if list(source.shape) != shape:
        raise RuntimeError(
            f"[{op}] the source must have shape {shape}, an entry of axis {axis} for each index; got {list(source.shape)}; "
            f"expand it"
        )
    along = [index.shape[0] if a == axis else 1 for a in range(x.ndim)]
    return x, axis, index.reshape(along).expand(shape), source


@public
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """The input with ``alpha`` times the slices of ``source`` added to those at the positions ``index`` along ``dim``, in order."""
    x, axis, positions, source = _rows("index_add", input, dim, index, source)
    return _ops.scatter_add(x, positions, source if alpha == 1 else _ops.mul(source, alpha), axis).reshape(input.shape)


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """The input with the slices of ``source`` in place of those at the positions ``index`` along ``dim``; of equal ones the last stays."""
    x, axis, positions, source = _rows("index_copy", input, dim, index, source)
    return _ops.scatter(x, positions, source, axis).reshape(input.shape)


@public
def index_fill(input: Tensor, dim: int, index: Tensor, value: Operand) -> Tensor:
    """The input with a number in the slices at the positions ``index`` (negative ones count from the end) along ``dim``."""
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(
            f"[index_fill] the value must be a number or 0-d; got shape {list(value.shape)}; use index_copy"
        )
    axis = axis_of(input, dim)
    x, index = _vector(input), _vector(index)
    if index.ndim != 1:
        raise IndexError(f"[index_fill] the index must be a vector; got shape {list(index.shape)}; flatten it")
    size = x.shape[axis]
    chosen = _ops.scatter(
        _factories.zeros(size, dtype=_C.bool, device=x.device),
        _from_the_front(index, size),
        _factories.ones(index.shape, dtype=_C.bool, device=x.device),
        0,
    )
    mask = chosen.reshape([size if a == axis else 1 for a in range(x.ndim)])
    return elementwise.masked_fill(x, mask, value).reshape(input.shape)


def _from_the_front(index: Tensor, size: int) -> Tensor:
    return _ops.where(_ops.lt(index, 0), _ops.add(index, size), index)


@public
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The input with the elements of ``source``, in order, where the mask is true; mask: bool, broadcasts with the input."""
    if mask.dtype is not _C.bool:
        raise RuntimeError(f"[masked_scatter] the mask must be bool; got {mask.dtype}; use .bool()")
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"[masked_scatter] input and source must have one dtype; got {input.dtype} and {source.dtype}; use .to(dtype)"
        )
    x, where = _C.broadcast_tensors(input, mask)
    if x.numel() == 0:
        return x.clone()
    places = _ops.cumsum(where.reshape(-1).to(_C.int64), 0)
    if source.numel() < x.numel() and (wanted := int(places[-1].item())) > source.numel():
        raise RuntimeError(
            f"[masked_scatter] the mask has {wanted} true elements, the source {source.numel()} elements; got shapes "
            f"{list(mask.shape)} and {list(source.shape)}; pass at least as many"
        )
    if source.numel() == 0:
        return x.clone()
    position = _ops.clamp_max(_ops.clamp_min(_ops.sub(places, 1), 0), source.numel() - 1)
    values = _ops.index_select(source.reshape(-1), position, 0).reshape(x.shape)
    return _ops.where(where, values, x)


@public
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """The input with ``source`` at the positions ``index`` of its elements in row-major order; added with ``accumulate``."""
    if index.numel() != source.numel():
        raise IndexError(
            f"[put] index and source must have equally many elements; got {index.numel()} and {source.numel()}; expand one"
        )
    positions = _from_the_front(index.reshape(-1), input.numel())
    op = _ops.scatter_add if accumulate else _ops.scatter
    return op(input.reshape(-1), positions, source.reshape(-1), 0).reshape(input.shape)


scatter_, scatter_add_, scatter_reduce_ = in_place(scatter), in_place(scatter_add), in_place(scatter_reduce)
index_add_, index_copy_, index_fill_ = in_place(index_add), in_place(index_copy), in_place(index_fill)
masked_scatter_, put_ = in_place(masked_scatter), in_place(put)
