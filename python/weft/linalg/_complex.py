"""Complex matrices: decompositions by the ops on pairs; what is linear in the matrix's inverse by the real matrix twice as large,
[[re, -im], [im, re]], which does to real and imaginary parts what the complex one does."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._functions import complex_numbers, reductions
from .._public import Any

_PAIRS = frozenset(("L", "LU", "U", "Vh", "Q", "R", "eigenvectors"))  # results that are complex


def decomposed(op: str, A: Tensor, *attributes: Any) -> Any:
    """What the op gives, of a real or a complex matrix."""
    if not A.dtype.is_complex:
        return getattr(_ops, op)(A, *attributes)
    results = getattr(_ops, f"complex_{op}")(_C.view_as_real(A), *attributes)
    return results._make([_numbers(r) if name in _PAIRS else r for name, r in zip(results._fields, results)])


def _numbers(pairs: Tensor) -> Tensor:
    return complex_numbers.view_as_complex(pairs)


def eigenvectors(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(eigenvalues, eigenvectors, info); the first two are complex."""
    values, vectors, info = _ops.complex_eig_ex(_C.view_as_real(A)) if A.dtype.is_complex else _ops.eig_ex(A)
    return _numbers(values), _numbers(vectors), info


def adjoint(x: Tensor) -> Tensor:
    x = x.transpose(-1, -2)
    return complex_numbers.conj(x) if x.dtype.is_complex else x


# ---- By the real matrix


def real_form(A: Tensor) -> Tensor:
    re, im = A.real, A.imag
    above, below = _ops.concatenate([re, -im], A.ndim - 1), _ops.concatenate([im, re], A.ndim - 1)
    return _ops.concatenate([above, below], A.ndim - 2)


def right_side(B: Tensor) -> Tensor:
    """The parts one below the other."""
    return _ops.concatenate([B.real, B.imag], B.ndim - 2)


def from_right_side(x: Tensor) -> Tensor:
    half = x.shape[-2] // 2
    return complex_numbers.complex(x[..., :half, :], x[..., half:, :])


def from_real_form(x: Tensor) -> Tensor:
    return from_right_side(x[..., : x.shape[-1] // 2])


def _half(info: Tensor) -> Tensor:
    return _ops.floor_divide(_ops.add(info, 1), 2)


def solved(A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """(result, info) of solve_ex."""
    if not A.dtype.is_complex:
        result, info = _ops.solve_ex(A, B)
        return result, info
    result, info = _ops.solve_ex(real_form(A), right_side(B))
    return from_right_side(result), _half(info)


def inverse(A: Tensor) -> tuple[Tensor, Tensor]:
    """(inverse, info) of inv_ex."""
    if not A.dtype.is_complex:
        result, info = _ops.inv_ex(A)
        return result, info
    result, info = _ops.inv_ex(real_form(A))
    return from_real_form(result), _half(info)


# ---- Determinants


def sign_and_diagonal(A: Tensor) -> tuple[Tensor, Tensor]:
    """The sign of the rows' order, and the diagonal of U, of a complex matrix."""
    factors, pivots, _ = decomposed("lu_factor_ex", A)
    size = pivots.shape[-1]
    still = _ops.iota((size,), 0, pivots.dtype).to(pivots.device) + 1
    signs = _ops.sub(_ops.mul(_ops.eq(pivots, still).to(A.real.dtype), 2.0), 1.0)
    return reductions.prod(signs, -1), factors.diagonal(0, -2, -1)
