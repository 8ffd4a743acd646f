"""Complex matrices, where what is asked for is linear in the matrix's inverse: by the real matrix twice as large, [[re, -im], [im, re]], which
does to real and imaginary parts what the complex one does."""

from __future__ import annotations

from .. import _ops
from .._C import Tensor
from .._functions import complex_numbers


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
