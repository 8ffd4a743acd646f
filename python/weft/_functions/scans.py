"""Scans along an axis: element i of the result is what the elements 0 to i come to, in an order that depends on i alone."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor, dtype
from .._public import Any, in_place, public
from .moves import axis_of

__all__ = ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"]
METHODS = [*__all__, "cumsum_", "cumprod_"]


def _scan(op: Any, input: Tensor, dim: int) -> Any:
    """Of a 0-d tensor: as of a vector of one element."""
    axis = axis_of(input, dim)
    if input.ndim:
        return op(input, axis)
    results = op(input.reshape(1), axis)
    if isinstance(results, Tensor):
        return results.reshape(())
    return type(results)(*(result.reshape(()) for result in results))


def _converted(op: Any, input: Tensor, dim: int, dtype: dtype | None) -> Tensor:
    if dtype is _C.bool:
        raise RuntimeError(
            f"[{op.__name__}] bools have no sums or products; got dtype=bool; leave it out, or choose int64"
        )
    if dtype is not None:
        return _scan(op, input.to(dtype), dim).to(dtype)
    return _scan(op, input.to(_C.int64) if input.dtype is _C.bool else input, dim)


@public
def cumsum(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """The sums of the elements up to each along ``dim``; of bools and integers in int64 without a ``dtype``."""
    return _converted(_ops.cumsum, input, dim, dtype)


@public
def cumprod(input: Tensor, dim: int, *, dtype: dtype | None = None) -> Tensor:
    """The products of the elements up to each along ``dim``; of bools and integers in int64 without a ``dtype``."""
    return _converted(_ops.cumprod, input, dim, dtype)


@public
def cummax(input: Tensor, dim: int) -> Any:
    """The maxima of the elements up to each along ``dim``, and where they are: of equal ones the last. A NaN is the greatest."""
    return _scan(_ops.cummax, input, dim)


@public
def cummin(input: Tensor, dim: int) -> Any:
    """The minima of the elements up to each along ``dim``, and where they are: of equal ones the last. A NaN is the least."""
    return _scan(_ops.cummin, input, dim)


@public
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithms of the sums of exp(input) over the elements up to each along ``dim``, without overflow; float."""
    return _scan(_ops.logcumsumexp, input, dim)


cumsum_, cumprod_ = in_place(cumsum), in_place(cumprod)
