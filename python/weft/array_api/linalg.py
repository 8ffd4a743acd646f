"""The standard's extension ``linalg``: of matrices in the last two axes."""

from __future__ import annotations

from typing import Any

import weft

from .._C import Tensor
from .dtypes import result_type
from .manipulation import matmul, matrix_transpose, tensordot, vecdot
from .reductions import sum

__all__ = [
    "cholesky", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "outer", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The lower triangle L with L Lᵀ = x, or the upper one; LinAlgError where x is not positive definite."""
    return weft.linalg.cholesky(x, upper=upper)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Cross products of vectors of three along an axis."""
    dtype = result_type(x1, x2)
    return weft.linalg.cross(*weft.broadcast_tensors(x1.to(dtype), x2.to(dtype)), dim=axis)


def det(x: Tensor, /) -> Tensor:
    """Determinants."""
    return weft.linalg.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonals of matrices."""
    return weft.diagonal(x, offset, -2, -1)


def eigh(x: Tensor, /) -> Any:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    return weft.linalg.eigh(x)


def eigvalsh(x: Tensor, /) -> Tensor:
    """Eigenvalues of symmetric matrices, ascending."""
    return weft.linalg.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    """Inverses; LinAlgError of a singular matrix."""
    return weft.linalg.inv(x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Norms of matrices."""
    return weft.linalg.matrix_norm(x, ord, (-2, -1), keepdims)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """Products of n equal matrices; of inverses for n below 0."""
    return weft.linalg.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """How many singular values are greater than rtol times the greatest."""
    return weft.linalg.matrix_rank(x, rtol=rtol)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of an element of the one and one of the other."""
    dtype = result_type(x1, x2)
    return weft.outer(x1.to(dtype), x2.to(dtype))


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """Pseudo-inverses."""
    return weft.linalg.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> Any:
    """An orthogonal matrix and an upper triangle whose product is x."""
    return weft.linalg.qr(x, mode)


def slogdet(x: Tensor, /) -> Any:
    """Sign and logarithm of the absolute value of determinants."""
    return weft.linalg.slogdet(x)


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """x with x1 x = x2; x2 is a vector only where it has one dimension."""
    dtype = result_type(x1, x2)
    x1, x2 = x1.to(dtype), x2.to(dtype)
    return weft.linalg.solve(x1, x2[:, None])[..., 0] if x2.ndim == 1 else weft.linalg.solve(x1, x2)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> Any:
    """Singular value decompositions: U, S descending, and Vh."""
    return weft.linalg.svd(x, full_matrices)


def svdvals(x: Tensor, /) -> Tensor:
    """Singular values, descending."""
    return weft.linalg.svdvals(x)


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """Sums of the diagonals."""
    return sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Tensor:
    """Norms of vectors along the axes; None: of all."""
    return weft.linalg.vector_norm(x, ord, axis, keepdims)
