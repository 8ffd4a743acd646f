"""Reductions, and softmax, which is made of them. dim is an int, a sequence of ints, or None for all axes."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor, dtype
from .._public import Any, public, public_with_short_cut

__all__ = [
    "sum", "prod", "mean", "var", "std", "var_mean", "std_mean", "amax", "amin", "any", "all", "argmax", "argmin", "max", "min", "softmax",
    "log_softmax",
]  # fmt: skip
METHODS = [name for name in __all__ if name not in ("var_mean", "std_mean")]

_StdMean: Any = collections.namedtuple("std_mean", ["std", "mean"])  # type: ignore[name-match]


def _axes(dim: Any) -> Any:
    return () if dim is None else dim


def _converted(op: Any, input: Tensor, dim: Any, keepdim: bool, dtype: dtype | None) -> Tensor:
    """The reduction in a dtype, which is the result's, too; integers are reduced in int64 without one."""
    if dtype is None:
        return op(input, _axes(dim), keepdim)
    return op(input.to(dtype), _axes(dim), keepdim).to(dtype)


@public_with_short_cut
def sum(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    return _converted(_ops.sum, input, dim, keepdim, dtype)


@public
def prod(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    return _converted(_ops.prod, input, dim, keepdim, dtype)


@public_with_short_cut
def mean(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    x = input if dtype is None else input.to(dtype)
    if not (x.dtype.is_floating_point or x.dtype.is_complex):
        raise RuntimeError(
            f"[mean] needs a floating-point or complex dtype; got {x.dtype} of shape {list(x.shape)}; pass dtype=weft.float32"
        )
    return _ops.mean(x, _axes(dim), keepdim)


def _correction(op: str, dim: Any, unbiased: bool | None, correction: int | None) -> tuple[Any, int]:
    """dim and correction of var's three forms: (unbiased), (dim, unbiased, keepdim), (dim, correction=, keepdim=)."""
    if dim is True or dim is False:
        if unbiased is not None:
            raise TypeError(f"[{op}] dim must be an int, a sequence of ints or None; got bool; pass dim=0")
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"[{op}] takes unbiased or correction; got both; pass correction=0 or correction=1")
    if unbiased is not None:
        correction = int(unbiased)
    return _axes(dim), 1 if correction is None else correction


@public
def var(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Tensor:
    """The mean squared distance from the mean, divided by n - correction; unbiased=False is correction=0."""
    dim, correction = _correction("var", dim, unbiased, correction)
    return _ops.var(input, dim, correction, keepdim)


@public
def std(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Tensor:
    """The square root of var."""
    dim, correction = _correction("std", dim, unbiased, correction)
    if input.dtype.is_complex:
        return _ops.sqrt(_ops.var(input, dim, correction, keepdim))
    return _ops.std(input, dim, correction, keepdim)


@public
def var_mean(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Any:
    """(var, mean) of the same arguments."""
    dim, correction = _correction("var_mean", dim, unbiased, correction)
    return _ops.var_mean(input, dim, correction, keepdim)


@public
def std_mean(
    input: Tensor,
    dim: int | Sequence[int] | bool | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int | None = None,
) -> Any:
    """(std, mean) of the same arguments."""
    axes, correction = _correction("std_mean", dim, unbiased, correction)
    mean = _ops.var_mean(input, axes, correction, keepdim)[1]
    return _StdMean(std(input, None if axes == () else axes, None, keepdim, correction=correction), mean)


@public
def amax(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    return _ops.amax(input, _axes(dim), keepdim)


@public
def amin(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    return _ops.amin(input, _axes(dim), keepdim)


@public
def any(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    return _ops.any(input.to(_C.bool), _axes(dim), keepdim)


@public
def all(input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor:
    return _ops.all(input.to(_C.bool), _axes(dim), keepdim)


def _arg(op: Any, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is None:
        flat = op(input.reshape(-1), (0,), False)
        return flat.reshape((1,) * input.ndim) if keepdim else flat
    if input.ndim == 0:
        return op(input.reshape(1), dim, False)
    return op(input, dim, keepdim)


def _refuse_bools(op: str, input: Tensor) -> None:
    if input.dtype is _C.bool:
        raise RuntimeError(f"[{op}] bools have no order; got {list(input.shape)} of them; use .int()")


@public
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    _refuse_bools("argmax", input)
    return _arg(_ops.argmax, input, dim, keepdim)


@public
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    _refuse_bools("argmin", input)
    return _arg(_ops.argmin, input, dim, keepdim)


def _extremum(input: Tensor, dim: Any, keepdim: bool, elementwise: Any, reduce: Any, along: Any) -> Any:
    if dim is None:
        return reduce(input, (), False)
    if isinstance(dim, Tensor):
        return elementwise(input, dim)
    return along(input, dim, keepdim) if input.ndim else along(input.reshape(1), dim, False)


@public
def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise maximum."""
    return _extremum(input, dim, keepdim, _ops.maximum, _ops.amax, _ops.max)


@public
def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Any:
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise minimum."""
    return _extremum(input, dim, keepdim, _ops.minimum, _ops.amin, _ops.min)


def _normalised(op: Any, input: Tensor, dim: int, dtype: dtype | None) -> Tensor:
    x = input if dtype is None else input.to(dtype)
    return op(x, dim) if x.ndim else op(x.reshape(1), dim).reshape(())


@public
def softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    return _normalised(_ops.softmax, input, dim, dtype)


@public
def log_softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    return _normalised(_ops.log_softmax, input, dim, dtype)
