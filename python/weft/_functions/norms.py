"""Norms and distances. Sums of 16-bit floats are taken in float32."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor, dtype
from .._dtypes import INF
from .._public import Any, in_place, public
from . import elementwise, grids, moves, reductions

__all__ = [
    "renorm",
    "norm_except_dim",
    "nuclear_norm",
    "frobenius_norm",
    "norm",
    "dist",
    "cdist",
    "cosine_similarity",
    "pdist",
]
METHODS = ["norm", "dist", "renorm", "renorm_"]


def vector(op: str, x: Tensor, p: float, dim: Any, keepdim: bool, dtype: dtype | None = None) -> Tensor:
    """The p-norm along axes; the gradient where it is 0 is 0."""
    if x.dtype.is_complex:
        x, dtype = _ops.abs(x), None if dtype is None else dtype.to_real()
    if not x.dtype.is_floating_point and (dtype is None or not dtype.is_floating_point):
        raise RuntimeError(
            f"[{op}] needs a floating-point dtype; got {x.dtype} of shape {list(x.shape)}; use .float() or dtype="
        )
    result = x.dtype if dtype is None else dtype
    if x.dtype.is_floating_point and _C.promote_types(x.dtype, result) is not result:
        raise RuntimeError(f"[{op}] dtype must hold that of the input; got {result} for {x.dtype}; convert the result")
    axes = () if dim is None else tuple(moves.axes_of(x, moves.ints(dim)))
    if x.ndim == 0:
        axes = ()
    if (p < 0 or p == INF) and any(x.shape[axis] == 0 for axis in axes or range(x.ndim)):
        raise RuntimeError(f"[{op}] there is no norm of order {p} of no elements; got shape {list(x.shape)}")
    x = x.to(result if result.itemsize > 2 else _C.float32)
    return _powers(x, p, axes, keepdim).to(result)


def _powers(x: Tensor, p: float, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    if p == 0:
        return reductions.sum(_ops.ne(x, 0).to(x.dtype), axes, keepdim)
    size = _ops.abs(x)
    if p == INF:
        return reductions.amax(size, axes, keepdim)
    if p == -INF:
        return reductions.amin(size, axes, keepdim)
    if p == 1:
        return reductions.sum(size, axes, keepdim)
    if p == 2:
        total = reductions.sum(_ops.square(x), axes, keepdim)
    elif p < 0:
        return _ops.pow(reductions.sum(_ops.pow(size, p), axes, keepdim), 1 / p)
    else:
        none = _ops.eq(size, 0)
        powers = _ops.pow(elementwise.where(none, 1.0, size), p)
        total = reductions.sum(elementwise.where(none, 0.0, powers), axes, keepdim)
    none = _ops.eq(total, 0)
    total = elementwise.where(none, 1.0, total)
    return elementwise.where(none, 0.0, _ops.sqrt(total) if p == 2 else _ops.pow(total, 1 / p))


def matrix(op: str, x: Tensor, order: Any, dim: Sequence[int], keepdim: bool, dtype: dtype | None = None) -> Tensor:
    """The norm of the matrices of two axes."""
    dim = moves.ints(dim)
    if x.ndim < 2 or len(dim) != 2:
        raise RuntimeError(f"[{op}] needs matrices on two axes; got shape {list(x.shape)} and dim {dim}; pass two")
    rows, columns = moves.axes_of(x, dim)
    if order == "fro":
        return vector(op, x, 2, (rows, columns), keepdim, dtype)
    if order not in ("nuc", 1, -1, 2, -2, INF, -INF):
        raise RuntimeError(f"[{op}] the order must be 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2; got {order!r}")
    if not x.dtype.is_floating_point and (dtype is None or not dtype.is_floating_point):
        raise RuntimeError(f"[{op}] needs a floating-point dtype; got {x.dtype} of shape {list(x.shape)}; use .float()")
    x = moves.movedim(x if dtype is None else x.to(dtype), (rows, columns), (-2, -1))
    if isinstance(order, complex):
        raise RuntimeError(f"[{op}] the order must be a real number; got {order}; pass one as 2 or inf")
    if order in ("nuc", 2, -2):
        _, sizes, _, info = _ops.svd_ex(x, False)
        _C.check_info(info, op, "finite")
    else:
        sizes = reductions.sum(_ops.abs(x), -2 if abs(order) == 1 else -1)
    if order == "nuc" or (order > 0 and sizes.shape[-1] == 0):  # the greatest of nothing is 0
        result = reductions.sum(sizes, -1)
    else:
        result = (reductions.amax if order > 0 else reductions.amin)(sizes, -1)
    for axis in sorted((rows, columns)) if keepdim else ():
        result = result.unsqueeze(axis)
    return result


@public
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    dtype: dtype | None = None,
) -> Tensor:
    """The p-norm of the elements along ``dim``, by default of all; "fro" is 2, "nuc" the nuclear norm of matrices on two axes.

    Floating-point dtypes, or integers with ``dtype``; a RuntimeError else, and for an order that is none.
    """
    if p == "nuc":
        return matrix("norm", input, "nuc", range(input.ndim) if dim is None else dim, keepdim, dtype)  # type: ignore[arg-type]
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"[norm] p must be a number, 'fro' or 'nuc'; got {p!r}")
    return vector("norm", input, 2 if p is None or isinstance(p, str) else p, dim, keepdim, dtype)


@public
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other, which broadcast; 0-d."""
    return vector("dist", _ops.sub(input, other), p, None, False)


@public
def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """p-norms of the differences of all rows: [..., m, k] and [..., n, k] give [..., m, n]; leading axes broadcast.

    Differences are taken in each ``compute_mode``, which is more accurate than products. A RuntimeError where shapes, dtypes or p
    do not fit.
    """
    if compute_mode not in (
        None,
        "use_mm_for_euclid_dist_if_necessary",
        "use_mm_for_euclid_dist",
        "donot_use_mm_for_euclid_dist",
    ):
        raise ValueError(f"[cdist] compute_mode must be one of PyTorch's; got {compute_mode!r}; leave it out")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"[cdist] needs rows of one length; got shapes {list(x1.shape)} and {list(x2.shape)}; pass [..., m, k] and [..., n, k]"
        )
    for x in (x1, x2):
        if not x.dtype.is_floating_point:
            raise RuntimeError(f"[cdist] needs floating-point dtypes; got {x1.dtype} and {x2.dtype}; use .float()")
    if p < 0:
        raise RuntimeError(f"[cdist] p must not be negative; got {p}; use 2, 1, 0 or inf")
    difference = _ops.sub(x1.unsqueeze(-2), x2.unsqueeze(-3))
    if x1.shape[-1] == 0:
        return reductions.sum(difference, -1)
    return vector("cdist", difference, p, -1, False)


@public
def pdist(input: Tensor, p: float = 2) -> Tensor:
    """p-norms of the differences of each two rows of (N, M), the first with all after it, then the second: (N (N - 1) / 2).

    A RuntimeError for other shapes and dtypes, and for a negative p.
    """
    if input.ndim != 2 or not input.dtype.is_floating_point:
        raise RuntimeError(
            f"[pdist] needs floating-point rows (N, M); got {input.dtype} of shape {list(input.shape)}; reshape them"
        )
    if p < 0:
        raise RuntimeError(f"[pdist] p must not be negative; got {p}; use 2, 1, 0 or inf")
    first, second = grids.triu_indices(input.shape[0], input.shape[0], 1, device=input.device).unbind(0)
    difference = _ops.sub(input.index_select(0, first), input.index_select(0, second))
    return reductions.sum(difference, -1) if input.shape[1] == 0 else vector("pdist", difference, p, -1, False)


@public
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-08) -> Tensor:
    """x1 · x2 / (max(|x1|, eps) max(|x2|, eps)) along ``dim`` of both, which broadcast. Floating-point dtypes, else a RuntimeError."""
    common = _C.result_type(x1, x2)
    if not common.is_floating_point:
        raise RuntimeError(f"[cosine_similarity] needs a floating-point dtype; got {common}; use .float()")
    precise = common if common.itemsize > 2 else _C.float32
    a, b = _C.broadcast_tensors(x1.to(precise), x2.to(precise))
    axes = moves.axes_of(a, (dim,))
    return reductions.sum(_ops.mul(_ops.normalize(a, axes, 2, eps), _ops.normalize(b, axes, 2, eps)), dim).to(common)


@public
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The input with each slice along ``dim`` whose p-norm is above ``maxnorm`` scaled down to it. RuntimeError for fewer than two axes, a p
    that is not positive and a negative ``maxnorm``."""
    if not p > 0 or not maxnorm >= 0 or input.ndim < 2:
        raise RuntimeError(
            f"[renorm] needs two axes or more, p > 0 and maxnorm >= 0; got shape {list(input.shape)}, p={p} and maxnorm={maxnorm}"
        )
    axis = moves.axis_of(input, dim)
    others = tuple(a for a in range(input.ndim) if a != axis)
    real = input.dtype.to_real() if input.dtype.is_complex else input.dtype
    size = vector("renorm", input, p, others, True, _C.float32 if real.itemsize == 2 else None)
    factor = elementwise.where(_ops.gt(size, maxnorm), _ops.div(maxnorm, _ops.add(size, 1e-7)), 1.0)
    return _ops.mul(input, factor.to(real))


renorm_ = in_place(renorm)


@public
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The ``pow``-norms of the slices along ``dim``, whose other sizes become 1; with ``dim=-1`` the norm of all elements, 0-d."""
    if dim == -1:
        return vector("norm_except_dim", v, pow, None, False)
    axis = moves.axis_of(v, dim)
    return vector("norm_except_dim", v, pow, tuple(a for a in range(v.ndim) if a != axis), True)


@public
def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of a matrix, or of the matrices on two axes ``dim``."""
    if isinstance(dim, bool):  # (input, keepdim)
        dim, keepdim = None, dim
    if dim is None and input.ndim != 2:
        raise RuntimeError(f"[nuclear_norm] needs a matrix; got shape {list(input.shape)}; pass two axes as dim=")
    return matrix("nuclear_norm", input, "nuc", (0, 1) if dim is None else dim, keepdim)


@public
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The square root of the sum of squares along one or two axes, of all elements for ()."""
    axes = moves.ints(dim)
    if len(axes) > 2:
        raise RuntimeError(f"[frobenius_norm] takes at most two axes; got dim={dim}; use linalg.vector_norm")
    return vector("frobenius_norm", input, 2, axes or None, keepdim)
