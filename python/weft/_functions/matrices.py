"""PyTorch's older names of linear algebra; ``weft.linalg`` is where it is."""

from __future__ import annotations

from .. import _factories, _ops, linalg, return_types
from .._C import Tensor
from .._public import Any, public
from ..linalg._common import check_matrices, identity, named, side_by_side, transposed
from ..linalg.factorisations import factors_of, permutation, reflected, solve_triangular, triangles
from ..linalg.products import powers
from ..linalg.solving import inverse_of
from ..linalg.spectra import decomposed, pseudo_inverse
from . import elementwise, moves, reductions

__all__ = [
    "cholesky", "cholesky_inverse", "cholesky_solve", "cross", "inverse", "logdet", "lu", "lu_solve", "lu_unpack", "matrix_power", "orgqr",
    "ormqr", "pca_lowrank", "pinverse", "qr", "svd", "svd_lowrank", "triangular_solve", "vander",
]  # fmt: skip
METHODS = [name for name in __all__ if name not in ("lu_unpack", "pca_lowrank", "svd_lowrank", "vander")]

_Svd = named("svd", "U S V")
_LuUnpack = named("lu_unpack", "P L U")
_TriangularSolve = named("triangular_solve", "solution cloned_coefficient")


@public
def inverse(input: Tensor) -> Tensor:
    """``linalg.inv``."""
    return inverse_of("inverse", input)


@public
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """``linalg.pinv`` with singular values up to ``rcond`` times the greatest counting as 0."""
    return pseudo_inverse("pinverse", input, None, rcond, False)


@public
def logdet(input: Tensor) -> Tensor:
    """The logarithms of the determinants of matrices [..., n, n]: NaN of negative ones, -inf of 0."""
    sign, logarithm = _ops.slogdet(input)
    return elementwise.where(_ops.lt(sign, 0), float("nan"), logarithm)


@public
def matrix_power(input: Tensor, n: int) -> Tensor:
    """``linalg.matrix_power``."""
    return linalg.matrix_power(input, n)


@public
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """``linalg.cross``, along the first axis of size 3 by default."""
    if dim is None:
        axes = [axis for axis, size in enumerate(input.shape) if size == 3]
        if not axes:
            raise RuntimeError(
                f"[cross] no axis has size 3; got shape {list(input.shape)}; vectors have three elements"
            )
        dim = axes[0]
    return linalg.cross(input, other, dim=dim)


@public
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of the elements of a vector [n], N - 1 to 0, or with ``increasing`` 0 to N - 1: [n, N], N being n by default."""
    if x.ndim != 1:
        raise RuntimeError(f"[vander] needs a vector; got shape {list(x.shape)}; linalg.vander takes batches")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError(f"[vander] N must not be negative; got {N}")
    made = powers(x, max(count, 1))[:, :count]
    return made if increasing else moves.fliplr(made)


# ---------------------------------------------------------------- Cholesky


@public
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """``linalg.cholesky``."""
    return linalg.cholesky(input, upper=upper)


@public
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverses of the matrices whose Cholesky factors [..., n, n] these are; not finite where a factor is singular."""
    half = solve_triangular(input, identity(input.detach(), *input.shape[-2:]), upper=upper)
    return half @ transposed(half) if upper else transposed(half) @ half


@public
def cholesky_solve(input: Tensor, input2: Tensor, upper: bool = False) -> Tensor:
    """X with A X = input, [..., n, k], where ``input2`` is A's Cholesky factor [..., n, n]; leading axes broadcast."""
    factor, right = side_by_side("cholesky_solve", input2, input)
    half = _ops.solve_triangular(factor, right, upper, upper, False)
    return _ops.solve_triangular(factor, half, upper, not upper, False)


# ---------------------------------------------------------------- LU


@public
def lu(input: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """(LU, pivots) of ``linalg.lu_factor``, with ``get_infos`` (LU, pivots, info) of ``linalg.lu_factor_ex``."""
    result = factors_of("lu", input, pivot, not get_infos)
    return tuple(result) if get_infos else tuple(result[:2])


@public
def lu_solve(input: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """``linalg.lu_solve`` with the right side first."""
    return linalg.lu_solve(LU_data, LU_pivots, input)


@public
def lu_unpack(LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """(P, L, U) of what ``linalg.lu_factor`` gives; without ``unpack_data`` L and U are empty, without ``unpack_pivots`` P is."""
    check_matrices("lu_unpack", LU_data)
    if LU_pivots.ndim == 0 or LU_pivots.shape[-1] != min(LU_data.shape[-2:]):
        raise RuntimeError(
            f"[lu_unpack] LU_pivots must have shape [..., min(m, n)] for LU_data [..., m, n]; got {list(LU_pivots.shape)} "
            f"for {list(LU_data.shape)}"
        )
    none = LU_data.new_empty(0)
    P = permutation(LU_data, LU_pivots) if unpack_pivots else none
    return _LuUnpack(P, *(triangles(LU_data) if unpack_data else (none, none)))


@public
def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """(solution, A): X with A X = input, of a triangle A [..., n, n], or of its transpose; leading axes broadcast."""
    triangle, right = side_by_side("triangular_solve", A, input)
    solution = _ops.solve_triangular(triangle, right, upper, transpose, unitriangular)
    return _TriangularSolve(solution, triangle.clone())


# ---------------------------------------------------------------- QR


@public
def qr(input: Tensor, some: bool = True) -> Any:
    """``linalg.qr``, complete without ``some``."""
    return return_types.qr(*_ops.qr(input, not some))


@public
def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """``linalg.householder_product``."""
    return linalg.householder_product(input, input2)


@public
def ormqr(input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """The product Q of the reflections that ``geqrf`` gives as [..., m, k] and tau [..., k], or Q's transpose, times ``input3``; without
    ``left`` the other way round."""
    size = input3.shape[-2 if left else -1] if input3.ndim > 1 else -1
    if input.ndim < 2 or size != input.shape[-2] or input3.shape[:-2] != input.shape[:-2]:
        raise RuntimeError(
            f"[ormqr] the product does not fit; got reflections {list(input.shape)} and matrices {list(input3.shape)}, left={left}"
        )
    if left:
        return reflected("ormqr", input, input2, input3, transpose)
    return transposed(reflected("ormqr", input, input2, transposed(input3), not transpose))


# ---------------------------------------------------------------- Singular values


@public
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) with input = U diag(S) V^T: ``linalg.svd``, reduced if ``some``; without ``compute_uv`` U and V are zeros."""
    U, S, Vh = decomposed("svd", input, not some and compute_uv)
    if not compute_uv:
        rows, columns = input.shape[-2:]
        batch = input.shape[:-2]
        return _Svd(input.new_zeros(*batch, rows, rows), S, input.new_zeros(*batch, columns, columns))
    return _Svd(U, S, transposed(Vh))


@public
def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> Any:
    """(U [..., m, q], S [..., q], V [..., n, q]) of about the q greatest singular values of A - M, by random products.

    Halko, Martinsson and Tropp, "Finding structure with randomness", 2009, 5.1; ``niter`` subspace iterations. A RuntimeError
    where q is more than the smaller of m and n.
    """
    q = 6 if q is None else q
    A = A if M is None else A - M
    if A.ndim < 2 or not 0 <= q <= min(A.shape[-2:]):
        raise RuntimeError(f"[svd_lowrank] q must be from 0 to the smaller size; got q={q} for shape {list(A.shape)}")
    wide = A.shape[-2] < A.shape[-1]
    B = transposed(A) if wide else A
    Q = _ops.qr(B @ _factories.randn(*B.shape[:-2], B.shape[-1], q, dtype=A.dtype, device=A.device), False)[0]
    for _ in range(2 if niter is None else niter):
        Q = _ops.qr(transposed(B) @ Q, False)[0]
        Q = _ops.qr(B @ Q, False)[0]
    U, S, Vh = decomposed("svd_lowrank", transposed(Q) @ B, False)
    left, right = Q @ U, transposed(Vh)
    return (right, S, left) if wide else (left, S, right)


@public
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """``svd_lowrank`` of A [..., m, n] less the mean of its rows (with ``center``); q is the smaller of m, n and 6 by default."""
    if A.ndim < 2:
        raise RuntimeError(f"[pca_lowrank] must be batches of matrices; got shape {list(A.shape)}")
    q = min(6, *A.shape[-2:]) if q is None else q
    return svd_lowrank(A - reductions.mean(A, -2, keepdim=True) if center else A, q, niter)
