"""Differences, sums and statistics made of reductions."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor, dtype
from .._public import Any, Number, public
from . import elementwise, moves, products, reductions
from .complex_numbers import conj

__all__ = [
    "diff", "logsumexp", "trapezoid", "trapz", "cumulative_trapezoid", "gradient", "aminmax", "count_nonzero", "nansum", "nanmean", "cov", "corrcoef",
]  # fmt: skip
METHODS = [name for name in __all__ if name not in ("trapezoid", "trapz", "cumulative_trapezoid", "gradient")]

_Extrema: Any = collections.namedtuple("aminmax", ["min", "max"])  # type: ignore[name-match]


@public
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th differences of neighbours along ``dim``, of bools whether they differ; ``prepend`` and ``append`` join in first."""
    if input.ndim == 0 or n < 0:
        raise RuntimeError(f"[diff] needs an axis and n >= 0; got shape {list(input.shape)} and n={n}")
    axis = moves.axis_of(input, dim)
    parts = [part for part in (prepend, input, append) if part is not None]
    if any(part.ndim != input.ndim for part in parts):
        raise RuntimeError(f"[diff] prepend and append must have {input.ndim} axes as the input; unsqueeze them")
    x = _ops.concatenate(parts, axis) if len(parts) > 1 else input
    if n >= x.shape[axis]:
        return x.narrow(axis, 0, 0).clone() if n else x.clone()
    for _ in range(n):
        size = x.shape[axis] - 1
        later, earlier = x.narrow(axis, 1, size), x.narrow(axis, 0, size)
        x = _ops.ne(later, earlier) if x.dtype is _C.bool else _ops.sub(later, earlier)
    return x


@public
def logsumexp(input: Tensor, dim: int | Sequence[int], keepdim: bool = False) -> Tensor:
    """log(sum(exp(input))) along ``dim`` without overflow; -inf of no elements. Integers are taken in the default dtype."""
    x = input if input.dtype.is_floating_point else input.to(_C.default_dtype())
    axes = moves.axes_of(x, moves.ints(dim))
    if any(x.shape[axis] == 0 for axis in axes if x.ndim) or x.numel() == 0:
        return _ops.log(reductions.sum(_ops.exp(x), axes if x.ndim else (), keepdim))
    greatest = reductions.amax(x, axes if x.ndim else (), True).detach()
    greatest = elementwise.where(_ops.isfinite(greatest), greatest, 0.0)
    total = _ops.log(reductions.sum(_ops.exp(_ops.sub(x, greatest)), axes if x.ndim else (), keepdim))
    return _ops.add(total, greatest.reshape(total.shape))


@public
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number = 1, dim: int = -1) -> Tensor:
    """The integral along ``dim`` by the trapezoidal rule, at the places x (a vector, or of y's rank) or dx apart."""
    if y.ndim == 0:
        raise IndexError("[trapezoid] needs at least one axis; got shape []; unsqueeze it")
    axis = moves.axis_of(y, dim) - y.ndim  # from behind, as x may have more axes
    if y.shape[axis] == 0:
        return reductions.sum(y.to(_C.result_type(y, 1.0)), axis)
    areas, factor = _areas("trapezoid", y, x, dx, axis)
    total = reductions.sum(areas, axis)
    return _ops.div(total if factor is None else _ops.mul(total, factor), 2.0)


def _areas(op: str, y: Tensor, x: Tensor | None, dx: Number, axis: int) -> tuple[Tensor, Number | None]:
    """Twice the areas between neighbours, and the factor that they still need."""
    size = y.shape[axis]
    if x is not None and x.ndim == 1 and x.shape[0] != size:
        raise RuntimeError(f"[{op}] needs a place for each sample; got {x.shape[0]} for shape {list(y.shape)}")
    sums = _ops.add(y.narrow(axis, 1, size - 1), y.narrow(axis, 0, size - 1))
    if x is None:
        return sums, dx
    if x.ndim == 1:
        x = x.reshape([size] + [1] * (-1 - axis))
    return _ops.mul(diff(x, 1, axis), sums), None


trapz = trapezoid


@public
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: Number = 1, dim: int = -1) -> Tensor:
    """The integrals of ``trapezoid`` from the first sample to each of the others: one fewer along ``dim``."""
    if y.ndim == 0:
        raise IndexError("[cumulative_trapezoid] needs at least one axis; got shape []; unsqueeze it")
    axis = moves.axis_of(y, dim) - y.ndim
    if y.shape[axis] == 0:
        return y.to(_C.result_type(y, 1.0))
    areas, factor = _areas("cumulative_trapezoid", y, x, dx, axis)
    total = _ops.cumsum(areas, areas.ndim + axis)
    return _ops.div(total if factor is None else _ops.mul(total, factor), 2.0)


@public
def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimates of the derivatives along axes (``dim``, or all), of second order inside and of ``edge_order`` 1 or 2 at the ends.

    ``spacing``: the distance of samples, 1 by default; a sequence of one an axis; or one vector of places an axis. RuntimeError where
    numbers of axes, spacings and samples do not fit.
    """
    axes = moves.axes_of(input, range(input.ndim) if dim is None else moves.ints(dim))
    if edge_order not in (1, 2):
        raise RuntimeError(f"[gradient] edge_order must be 1 or 2; got {edge_order}")
    if input.dtype in (_C.uint8, _C.bool):
        raise RuntimeError(f"[gradient] is not of {input.dtype}, where differences wrap; use .float()")
    if spacing is None or isinstance(spacing, (int, float, complex)):
        spacings: list[Any] = [1.0 if spacing is None else spacing] * len(axes)
    else:
        if not isinstance(spacing, (tuple, list)):
            raise TypeError(f"[gradient] spacing must be a number or a sequence; got {type(spacing).__name__}")
        spacings = list(spacing)
    if len(spacings) != len(axes):
        raise RuntimeError(f"[gradient] needs a spacing for each axis; got {len(spacings)} for {len(axes)} axes")
    x = input if input.dtype.is_floating_point or input.dtype.is_complex else input.to(_C.default_dtype())
    return tuple([_slopes(x, axis, step, edge_order) for axis, step in zip(axes, spacings)])


def _slopes(x: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    size = x.shape[axis]
    if size <= edge_order:
        raise RuntimeError(
            f"[gradient] needs more than {edge_order} samples along axis {axis}; got shape {list(x.shape)}"
        )
    rises = diff(x, 1, axis)
    if isinstance(spacing, Tensor) and spacing.ndim:
        if spacing.shape != (size,):
            raise RuntimeError(f"[gradient] needs {size} places along axis {axis}; got shape {list(spacing.shape)}")
        steps = diff(spacing.to(x.dtype), 1, 0).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    else:
        steps = _C.full([size - 1 if a == axis else 1 for a in range(x.ndim)], 1.0, x.dtype, x.device)
        steps = _ops.mul(steps, spacing)
    slopes = _ops.div(rises, steps)
    first, last = slopes.narrow(axis, 0, 1), slopes.narrow(axis, size - 2, 1)
    before, after = slopes.narrow(axis, 0, size - 2), slopes.narrow(axis, 1, size - 2)
    width, following = steps.narrow(axis, 0, size - 2), steps.narrow(axis, 1, size - 2)
    inner = _ops.div(_ops.add(_ops.mul(before, following), _ops.mul(after, width)), _ops.add(width, following))
    if edge_order == 2:
        # A parabola's slopes at both ends of a step have the step's slope as their mean.
        first = _ops.sub(_ops.mul(first, 2.0), inner.narrow(axis, 0, 1))
        last = _ops.sub(_ops.mul(last, 2.0), inner.narrow(axis, size - 3, 1))
    return _ops.concatenate([first, inner, last], axis)


@public
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(min, max) along ``dim``, by default of all; of no elements a RuntimeError, with ``dim`` an IndexError."""
    if input.ndim == 0 and dim is not None:
        moves.axis_of(input, dim)
        dim = None
    if dim is None and input.numel() == 0:
        raise RuntimeError(
            f"[aminmax] needs elements; got shape {list(input.shape)}; reduce along an axis that has some"
        )
    return _Extrema(reductions.amin(input, dim, keepdim), reductions.amax(input, dim, keepdim))


@public
def count_nonzero(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """How many elements along ``dim`` are not 0, by default of all; NaN is not. int64."""
    return reductions.sum(_ops.ne(input, 0), None if input.ndim == 0 else dim)


@public
def nansum(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """``sum`` with NaN as 0."""
    return reductions.sum(_without_nan(input), dim, keepdim, dtype=dtype)


def _without_nan(x: Tensor) -> Tensor:
    return elementwise.where(_ops.isnan(x), 0.0, x) if x.dtype.is_floating_point else x


@public
def nanmean(
    input: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Tensor:
    """The mean of what is not NaN, NaN of nothing. Floating-point dtypes, else a RuntimeError."""
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"[nanmean] needs a floating-point dtype; got {input.dtype}; use .float()")
    x = input if dtype is None else input.to(dtype)
    wide = x.to(_C.float32) if x.dtype.itemsize < 4 else x
    count = reductions.sum(_ops.logical_not(_ops.isnan(input)), dim, keepdim)
    return _ops.div(reductions.sum(_without_nan(wide), dim, keepdim), count).to(x.dtype)


def _check_weights(name: str, weights: Tensor | None, floating: bool, count: int) -> None:
    if weights is None:
        return
    if weights.dtype.is_floating_point is not floating:
        raise RuntimeError(
            f"[cov] {name} must be {'floating-point' if floating else 'integers'}; got {weights.dtype}; convert them"
        )
    if weights.shape != (count,):
        raise RuntimeError(
            f"[cov] {name} must be one for each of {count} observations; got shape {list(weights.shape)}"
        )


@public
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariances [n, n] of n variables (rows) with observations as columns; of one row or a vector its variance (0-d).

    fweights: how often each observation counts, integers; aweights: how much, floats. Both [observations], not negative, which is not
    checked. A RuntimeError where shapes or dtypes do not fit.
    """
    if input.ndim > 2 or input.dtype is _C.bool:
        raise RuntimeError(f"[cov] needs a matrix of numbers; got {input.dtype}, shape {list(input.shape)}")
    inexact = input.dtype.is_floating_point or input.dtype.is_complex
    x = input if inexact else input.to(_C.default_dtype())
    x = x.reshape(1, -1) if x.ndim < 2 else x
    count = x.shape[1]
    _check_weights("fweights", fweights, False, count)
    _check_weights("aweights", aweights, True, count)
    if fweights is None and aweights is None:
        centred = _ops.sub(x, _ops.div(reductions.sum(x, 1, True), float(count)) if count else x.sum(1, True))
        left, norm = centred, _C.full((), float(max(count - correction, 0)), x.dtype.to_real(), x.device)
    else:
        parts = [w.to(x.dtype.to_real()) for w in (fweights, aweights) if w is not None]
        weights = parts[0] if len(parts) == 1 else _ops.mul(*parts)
        total = reductions.sum(weights)
        lost = total if aweights is None else reductions.sum(_ops.mul(weights, aweights.to(x.dtype.to_real())))
        norm = _ops.sub(total, _ops.mul(_ops.div(lost, total), correction))
        norm = _ops.clamp_min(norm, 0.0)
        centred = _ops.sub(x, _ops.div(reductions.sum(_ops.mul(x, weights), 1, True), total))
        left = _ops.mul(centred, weights)
    result = _ops.div(products.matmul(left, conj(centred).transpose(0, 1)), norm)
    return result.reshape(()) if result.shape == (1, 1) else result


@public
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlations [n, n] of n variables (rows), within [-1, 1]; of one row or a vector 1 (0-d)."""
    covariance = cov(input)
    if covariance.ndim == 0:
        return _ops.div(covariance, covariance)
    deviations = _ops.sqrt(moves.diagonal(covariance))
    return _ops.clamp(_ops.div(_ops.div(covariance, deviations.unsqueeze(1)), deviations), -1.0, 1.0)
