"""Singular values and eigenvalues, and what is made of them."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._dtypes import INF, finfo
from .._factories import as_tensor
from .._functions import norms, reductions
from .._functions.complex_numbers import complex as complex_of
from .._functions.elementwise import where
from .._functions.queries import broadcast_shapes
from .._functions.shapes import tril
from .._public import Any, public
from . import _complex
from ._common import check_matrices, named, transposed

__all__ = ["cond", "eig", "eigh", "eigvals", "eigvalsh", "matrix_rank", "svd", "svdvals"]

_Svd = named("svd", "U S Vh")
_Eigh = named("eigh", "eigenvalues eigenvectors")
_Eig = named("eig", "eigenvalues eigenvectors")


def decomposed(op: str, A: Tensor, full: bool) -> Any:
    """(U, S, Vh); a LinAlgError where an element is not finite."""
    U, S, Vh, info = _complex.decomposed("svd_ex", A, full)
    _C.check_info(info, op, "finite")
    return _Svd(U, S, Vh)


def singular_values(op: str, A: Tensor) -> Tensor:
    return decomposed(op, A, False)[1]


def _eigh(op: str, A: Tensor, UPLO: str) -> Any:
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"[{op}] UPLO must be 'L' or 'U'; got {UPLO!r}; 'L' reads the lower triangle of A")
    values, vectors, info = _complex.decomposed("eigh_ex", A if UPLO in "Ll" else _complex.adjoint(A))
    _C.check_info(info, op, "finite")
    return _Eigh(values, vectors)


def _check_driver(op: str, driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(f"[{op}] drivers are cuSOLVER's; got driver={driver!r} on a CPU; leave it out")


@public
def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh; S [..., k], the greatest first, k the smaller of m and n of A [..., m, n].

    U is [..., m, m] and Vh [..., n, n], or with full_matrices=False [..., m, k] and [..., k, n]. Of each pair of vectors the sign
    is such that the first greatest element of U's column by magnitude is positive. The gradient is infinite where two singular
    values are equal and U or Vh has a gradient. float32 or float64; a LinAlgError where A has what is not finite, a RuntimeError
    for any ``driver``, as of PyTorch on a CPU.
    """
    _check_driver("svd", driver)
    return decomposed("svd", A, full_matrices)


@public
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of A [..., m, n], the greatest first: [..., min(m, n)]. Errors as of ``svd``."""
    _check_driver("svdvals", driver)
    return singular_values("svdvals", A)


@public
def eigh(input: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues, eigenvectors) of symmetric matrices A [..., n, n], of which the triangle that UPLO names is read.

    Eigenvalues [..., n], the least first; eigenvectors are the columns of [..., n, n], the first greatest element of each by
    magnitude positive. float32 or float64; a LinAlgError where A has what is not finite.
    """
    return _eigh("eigh", input, UPLO)


@public
def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of ``eigh``."""
    return _eigh("eigvalsh", input, UPLO)[0]


def _eig(op: str, A: Tensor) -> Any:
    check_matrices(op, A)
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"[{op}] must be batches of square matrices; got shape {list(A.shape)}; its last two sizes must be equal"
        )
    values, vectors, info = _complex.eigenvectors(A)
    _C.check_info(info, op, "finite")
    return _Eig(values, vectors)


@public
def eig(input: Tensor) -> Any:
    """(eigenvalues, eigenvectors) of matrices A [..., n, n], real or complex: complex [..., n], in no order, and columns of [..., n, n].

    The columns have length 1, and the first greatest element of each by magnitude is real and positive. Any other angle would do, so the
    gradient is that of a function that does not depend on it; where eigenvalues are equal, that by the vectors is infinite. A LinAlgError
    where A has what is not finite.
    """
    return _eig("eig", input)


@public
def eigvals(input: Tensor) -> Tensor:
    """The eigenvalues of ``eig``."""
    return _eig("eigvals", input)[0]


# ---------------------------------------------------------------- Rank and condition


def _tolerances(op: str, A: Tensor, atol: Any, rtol: Any) -> tuple[Tensor, Tensor, Tensor]:
    """A and its tolerances, absolute and relative, with one batch."""
    check_matrices(op, A)
    if rtol is None:
        default = finfo(A.dtype).eps * max(A.shape[-2:]) if A.dtype.is_floating_point or A.is_complex() else 0.0
        if atol is None:
            rtol = default
        elif isinstance(atol, Tensor):  # an absolute tolerance of 0 counts as none
            rtol = where(_ops.gt(atol, 0), 0.0, as_tensor(default, dtype=atol.dtype))
        else:
            rtol = 0.0 if atol > 0 else default
    dtype = A.real.dtype if A.is_complex() else A.dtype
    given = [as_tensor(0.0 if t is None else t, dtype=dtype, device=A.device) for t in (atol, rtol)]
    batch = broadcast_shapes(A.shape[:-2], *(t.shape for t in given))
    return A.expand(*batch, *A.shape[-2:]), given[0].expand(batch), given[1].expand(batch)


def pseudo_inverse(op: str, A: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
    if A.dtype.is_complex:
        if hermitian:  # of which what is below the diagonal is read
            below = tril(A.imag, -1)
            A = complex_of(A.real, below - transposed(below))
        _, least, relative = _tolerances(op, A.real, atol, rtol)
        large = _complex.real_form(A)
        return _complex.from_real_form(pseudo_inverse(op, large, least, relative, hermitian))
    result = _ops.pinv(*_tolerances(op, A, atol, rtol), hermitian)
    _C.check_info(
        reductions.any(_ops.logical_not(_ops.isfinite(A.detach())).flatten(-2), -1).to(_C.int32), op, "finite"
    )
    return result


def _real(A: Tensor) -> Tensor:
    return A.real if A.dtype.is_complex else A


@public
def matrix_rank(
    input: Tensor,
    tol: float | Tensor | None = None,
    hermitian: bool = False,
    *,
    atol: float | Tensor | None = None,
    rtol: float | Tensor | None = None,
) -> Tensor:
    """The ranks of matrices [..., m, n], int64: the number of singular values above the tolerances, which are as of ``pinv``.

    hermitian: A is symmetric, and the magnitudes of its eigenvalues count. ``tol`` is an older form of atol.
    """
    if tol is not None:
        atol, rtol = tol, 0.0
    given = input.detach()
    shape, least, relative = _tolerances("matrix_rank", _real(given), atol, rtol)
    input = given.expand(*shape.shape)
    if hermitian:
        values = _ops.abs(_eigh("matrix_rank", input, "L")[0])
    else:
        values = singular_values("matrix_rank", input)
    if values.shape[-1]:
        least = _ops.maximum(least, relative * reductions.amax(values, -1))
    return reductions.sum(_ops.gt(values, least.unsqueeze(-1)), -1)


@public
def cond(input: Tensor, p: Any = None) -> Tensor:
    """The condition numbers of matrices [..., m, n]: of order 2 (None) or -2 by singular values; else, of square ones, the
    ``matrix_norm`` of order "fro", "nuc", inf, -inf, 1 or -1 times that of the inverse, inf where there is none."""
    check_matrices("cond", input)
    if p not in (None, "fro", "nuc", 2, -2, 1, -1, INF, -INF):
        raise RuntimeError(f"[cond] the order must be None, 'fro', 'nuc', 2, -2, 1, -1, inf or -inf; got {p!r}")
    if p not in (None, 2, -2) and input.shape[-1] != input.shape[-2]:
        raise RuntimeError(
            f"[cond] must be batches of square matrices for p={p!r}; got shape {list(input.shape)}; use p=2"
        )
    if 0 in input.shape[-2:]:
        return input.new_zeros(input.shape[:-2])
    if p in (None, 2, -2, "nuc"):
        values = singular_values("cond", input)
        if p == "nuc":
            return reductions.sum(values, -1) * reductions.sum(_ops.reciprocal(values), -1)
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    inverse, info = _complex.inverse(input)
    inverse = where(_ops.ne(info, 0).unsqueeze(-1).unsqueeze(-1), INF, inverse)
    return norms.matrix("cond", input, p, (-2, -1), False) * norms.matrix("cond", inverse, p, (-2, -1), False)
