"""Factorisations into triangles and reflections, and what is solved by them."""

from __future__ import annotations

from .. import _C, _ops, return_types
from .._C import Tensor
from .._functions.shapes import tril, triu
from .._public import Any, public
from . import _complex
from ._common import check_matrices, identity, named, pivots_beside, side_by_side, transposed

__all__ = [
    "cholesky", "cholesky_ex", "householder_product", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lu", "lu_factor", "lu_factor_ex",
    "lu_solve", "qr", "solve_triangular",
]  # fmt: skip

_LuFactor = named("lu_factor", "LU pivots")
_Lu = named("lu", "P L U")
_LdlFactor = named("ldl_factor", "LD pivots")


# ---------------------------------------------------------------- Cholesky


def _cholesky(op: str, A: Tensor, upper: bool, check: bool) -> Any:
    factor, info = _complex.decomposed("cholesky_ex", _complex.adjoint(A) if upper else A)
    if check:
        _C.check_info(info, op, "positive")
    return return_types.cholesky_ex(_complex.adjoint(factor) if upper else factor, info)


@public
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): the lower triangle (or the upper) of positive definite matrices [..., n, n], of which that triangle is
    read; info is 0, or the order of the leading minor that is not positive."""
    return _cholesky("cholesky_ex", input, upper, check_errors)


@public
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """The factor of ``cholesky_ex``; a LinAlgError where a matrix is not positive definite."""
    return _cholesky("cholesky", input, upper, True)[0]


# ---------------------------------------------------------------- LU


def factors_of(op: str, A: Tensor, pivot: bool, check: bool) -> Any:
    """(LU, pivots, info)."""
    if not pivot:
        raise RuntimeError(f"[{op}] rows are exchanged for accuracy; got pivot=False; leave it out")
    result = return_types.lu_factor_ex(*_complex.decomposed("lu_factor_ex", A))
    if check:
        _C.check_info(result.info, op, "singular")
    return result


def _real(x: Tensor) -> Tensor:
    return x.real if x.dtype.is_complex else x


def permutation(like: Tensor, pivots: Tensor) -> Tensor:
    """The matrices P with P L U = A."""
    rows = like.shape[-2]
    eye = _ops.swap_rows(identity(_real(like.detach()), rows, rows), pivots_beside(like, pivots), True)
    return eye.to(like.dtype)


def triangles(LU: Tensor) -> tuple[Tensor, Tensor]:
    """(L, U) of what lu_factor gives."""
    rows, columns = LU.shape[-2:]
    size = min(rows, columns)
    lower = tril(LU[..., :size], -1) + identity(LU.detach(), rows, size)
    return lower, triu(LU[..., :size, :])


@public
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info) of matrices [..., m, n]: L below the diagonal, U from it on; row i was swapped with row pivots[i] - 1.

    pivots: int32 [..., min(m, n)]; info: int32 [...], 0 or the order of the first diagonal element of U that is 0. A LinAlgError
    there with ``check_errors``. float32 or float64; pivot=False is refused, as by PyTorch on a CPU.
    """
    return factors_of("lu_factor_ex", A, pivot, check_errors)


@public
def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """(LU, pivots) of ``lu_factor_ex``; a LinAlgError where an element of U's diagonal is 0."""
    return _LuFactor(*factors_of("lu_factor", A, pivot, True)[:2])


@public
def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """(P, L, U) with A = P L U for A [..., m, n]: P [..., m, m] orders rows, L [..., m, k], U [..., k, n], k the smaller of m and n."""
    LU, pivots, _ = factors_of("lu", A, pivot, False)
    return _Lu(permutation(LU, pivots), *triangles(LU))


@public
def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X with A X = B, or X A = B without ``left``, of what ``lu_factor`` makes of A; with ``adjoint`` A's transpose stands for A.

    LU: [..., n, n]; pivots: int32 [..., n]; B: [..., n, k] or [..., k, n]; leading axes broadcast.
    """
    if not left:
        return transposed(lu_solve(LU, pivots, transposed(B), adjoint=not adjoint))
    LU, B = side_by_side("lu_solve", LU, B)
    if LU.dtype.is_complex:
        P, L, U = permutation(LU, pivots), *triangles(LU)
        if adjoint:
            return P @ _complex.solved(_complex.adjoint(L), _complex.solved(_complex.adjoint(U), B)[0])[0]
        return _complex.solved(U, _complex.solved(L, transposed(P) @ B)[0])[0]
    return _ops.lu_solve(LU, pivots_beside(LU, pivots), B, adjoint)


# ---------------------------------------------------------------- Triangles


@public
def solve_triangular(
    input: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X with A X = B (left) or X A = B, where A [..., n, n] is a triangle; leading axes broadcast."""
    if not left:
        input, B, upper = transposed(input), transposed(B), not upper
    input, B = side_by_side("solve_triangular", input, B)
    if input.dtype.is_complex:
        triangle = (triu if upper else tril)(input, int(upper) * 2 - 1 if unitriangular else 0)
        if unitriangular:
            triangle = triangle + identity(input.detach(), *input.shape[-2:])
        x = _complex.solved(triangle, B)[0]
    else:
        x = _ops.solve_triangular(input, B, upper, False, unitriangular)
    return x if left else transposed(x)


# ---------------------------------------------------------------- L D L^T


def _ldl(op: str, A: Tensor, check: bool) -> Any:
    result = _ops.ldl_factor_ex(A)
    if check:
        _C.check_info(result.info, op, "singular")
    return result


@public
def ldl_factor_ex(input: Tensor, *, hermitian: bool = False, check_errors: bool = False) -> Any:
    """(LD, pivots, info) of symmetric matrices [..., n, n], of which the lower triangle is read, in the form of LAPACK's sytrf.

    pivots: int32 [..., n]; info: int32 [...], 0 or the order of the first block of D that is 0, a LinAlgError with
    ``check_errors``. float32 or float64. There is no gradient.
    """
    return _ldl("ldl_factor_ex", input, check_errors)


@public
def ldl_factor(input: Tensor, *, hermitian: bool = False) -> Any:
    """(LD, pivots) of ``ldl_factor_ex``; a LinAlgError where a block of D is 0."""
    return _LdlFactor(*_ldl("ldl_factor", input, True)[:2])


@public
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """X with A X = B, B [..., n, k], of what ``ldl_factor`` makes of A; leading axes broadcast. There is no gradient."""
    LD, B = side_by_side("ldl_solve", LD, B)
    return _ops.ldl_solve(LD, pivots_beside(LD, pivots), B)


# ---------------------------------------------------------------- QR


@public
def qr(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R, orthogonal columns and an upper triangle; A is [..., m, n], k the smaller of m and n.

    mode: "reduced", Q [..., m, k] and R [..., k, n]; "complete", Q [..., m, m] and R [..., m, n]; "r", only R, of the reduced
    form (Q is empty). A RuntimeError for the gradient of a complete Q of more rows than columns. float32 or float64.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"[qr] mode must be 'reduced', 'complete' or 'r'; got {mode!r}; 'reduced' is the usual one")
    Q, R = _complex.decomposed("qr", A, mode == "complete")
    return return_types.qr(A.new_empty(0) if mode == "r" else Q, R)


def _reflections(op: str, A: Tensor, tau: Tensor) -> tuple[Tensor, Tensor]:
    """(V, M): the product of the reflections is I - V M^-1 diag(tau) V^T, M being an upper triangle with ones on its diagonal."""
    count = tau.shape[-1] if tau.ndim else 0
    if tau.ndim + 1 != A.ndim or tau.shape[:-1] != A.shape[:-2] or count > A.shape[-1] or count > A.shape[-2]:
        raise RuntimeError(
            f"[{op}] tau must hold a number for each of the first columns; got shapes {list(A.shape)} and {list(tau.shape)}; "
            "pass what geqrf gives"
        )
    V = tril(A[..., :count], -1) + identity(A.detach(), A.shape[-2], count)
    return V, triu(tau.unsqueeze(-1) * (transposed(V) @ V), 1)


def reflected(op: str, A: Tensor, tau: Tensor, other: Tensor, transpose: bool) -> Tensor:
    """The product of the reflections, or its transpose, times matrices [..., m, k]."""
    V, M = _reflections(op, A, tau)
    inner = transposed(V) @ other
    if transpose:
        inner = tau.unsqueeze(-1) * solve_triangular(transposed(M), inner, upper=False, unitriangular=True)
    else:
        inner = solve_triangular(M, tau.unsqueeze(-1) * inner, upper=True, unitriangular=True)
    return other - V @ inner


@public
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of the product of the reflections I - tau[i] v v^T with v = (0, ..., 0, 1, A[i + 1:, i]): [..., m, n].

    A: [..., m, n], m >= n; tau: [..., k], k <= n; as ``geqrf`` gives them.
    """
    check_matrices("householder_product", input)
    rows, columns = input.shape[-2:]
    if rows < columns:
        raise RuntimeError(
            f"[householder_product] there must be at least as many rows as columns; got shape {list(input.shape)}; take the first columns"
        )
    return reflected("householder_product", input, tau, identity(input.detach(), rows, columns), False)
