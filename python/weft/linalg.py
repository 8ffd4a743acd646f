"""Dense linear algebra on batches of matrices, by libraries (runtime/extern)."""

from __future__ import annotations

from . import _C, _ops, return_types
from ._C import Tensor
from ._public import Any, public

__all__ = ["cholesky", "cholesky_ex", "solve_triangular"]


def _transposed(x: Tensor) -> Tensor:
    return x.transpose(-1, -2)


@public
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): the lower triangle (or the upper) of positive definite matrices [..., n, n], of which the lower triangle is
    read; info is 0, or the order of the leading minor that is not positive."""
    factor, info = _ops.cholesky_ex(_transposed(input) if upper else input)
    if check_errors:
        _C.check_info(info)
    return return_types.cholesky_ex(_transposed(factor) if upper else factor, info)


@public
def cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """The factor of ``cholesky_ex``; a RuntimeError where a matrix is not positive definite."""
    factor, info = _ops.cholesky_ex(_transposed(input) if upper else input)
    _C.check_info(info)
    return _transposed(factor) if upper else factor


@public
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X with A X = B (left) or X A = B, where A [..., n, n] is a triangle; leading axes broadcast."""
    if not left:
        A, B, upper = _transposed(A), _transposed(B), not upper
    rows, columns = A.shape[-2:], B.shape[-2:]
    batch = _C.broadcast_tensors(A[..., 0, 0], B[..., 0, 0])[0].shape
    x = _ops.solve_triangular(A.expand(*batch, *rows), B.expand(*batch, *columns), upper, False, unitriangular)
    return x if left else _transposed(x)
