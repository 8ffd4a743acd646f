"""Dense linear algebra on batches of matrices, by libraries (runtime/extern)."""

from __future__ import annotations

from collections.abc import Sequence

from . import _C, _ops, return_types
from ._C import Tensor, dtype
from ._functions import norms, products
from ._public import Any, public

__all__ = [
    "cholesky", "cholesky_ex", "eigh", "eigvalsh", "matrix_norm", "multi_dot", "norm", "qr", "solve_triangular", "svd", "svdvals",
    "vector_norm",
]  # fmt: skip


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


def _of_triangle(op: str, A: Tensor, UPLO: str) -> Tensor:
    """A matrix whose lower triangle is the triangle of A that UPLO names."""
    if UPLO not in ("L", "U"):
        raise RuntimeError(f"[{op}] UPLO must be 'L' or 'U'; got {UPLO!r}; 'L' reads the lower triangle of A")
    return A if UPLO == "L" else _transposed(A)


@public
def svd(A: Tensor, full_matrices: bool = True) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh; S [..., k], the greatest first, k the smaller of m and n of A [..., m, n].

    U is [..., m, m] and Vh [..., n, n], or with full_matrices=False [..., m, k] and [..., k, n]. Of each pair of vectors the sign
    is such that the first greatest element of U's column by magnitude is positive. The gradient is infinite where two singular
    values are equal and U or Vh has a gradient. float32 or float64; NaN where A has what is not finite.
    """
    return return_types.svd(*_ops.svd(A, full_matrices))


@public
def svdvals(A: Tensor) -> Tensor:
    """The singular values of A [..., m, n], the greatest first: [..., min(m, n)]."""
    return _ops.svd(A, False)[1]


@public
def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues, eigenvectors) of symmetric matrices A [..., n, n], of which the triangle that UPLO names is read.

    Eigenvalues [..., n], the least first; eigenvectors are the columns of [..., n, n], the first greatest element of each by
    magnitude positive. float32 or float64; NaN where A has what is not finite.
    """
    return return_types.eigh(*_ops.eigh(_of_triangle("eigh", A, UPLO)))


@public
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of ``eigh``."""
    return _ops.eigh(_of_triangle("eigvalsh", A, UPLO))[0]


@public
def qr(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R, orthogonal columns and an upper triangle; A is [..., m, n], k the smaller of m and n.

    mode: "reduced", Q [..., m, k] and R [..., k, n]; "complete", Q [..., m, m] and R [..., m, n]; "r", only R, of the reduced
    form (Q is empty). A RuntimeError for the gradient of a complete Q of more rows than columns. float32 or float64.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"[qr] mode must be 'reduced', 'complete' or 'r'; got {mode!r}; 'reduced' is the usual one")
    Q, R = _ops.qr(A, mode == "complete")
    return return_types.qr(A.new_empty(0) if mode == "r" else Q, R)


@public
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of matrices, in the order that multiplies the fewest numbers; the first and the last may be vectors.

    A RuntimeError where there are fewer than two or shapes do not fit.
    """
    tensors = tuple(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"[multi_dot] needs at least two tensors; got {len(tensors)}; pass a sequence of them")
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    if row:
        tensors = (tensors[0].unsqueeze(0), *tensors[1:])
    if column:
        tensors = (*tensors[:-1], tensors[-1].unsqueeze(1))
    for first, second in zip(tensors, tensors[1:]):
        if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[0]:
            raise RuntimeError(
                f"[multi_dot] needs matrices that fit one after the other; got shapes {list(first.shape)} and {list(second.shape)}"
            )
    result = products.chain(tensors)
    result = result.squeeze(0) if row else result
    return result.squeeze(-1) if column else result


@public
def vector_norm(
    input: Tensor,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """The norm of order ``ord`` of the elements along ``dim``, by default of all; 0 counts what is not 0.

    Floating-point dtypes, or integers with ``dtype``; a RuntimeError else, and of no elements where the order has no such norm.
    """
    return norms.vector("vector_norm", input, ord, dim, keepdim, dtype)


@public
def matrix_norm(
    input: Tensor,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """The norm of the matrices of two axes: "fro", "nuc", inf, -inf (rows), 1, -1 (columns), 2 or -2 (singular values)."""
    return norms.matrix("matrix_norm", input, ord, dim, keepdim, dtype)


@public
def norm(
    input: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """``matrix_norm`` of two axes or for "fro" and "nuc", else ``vector_norm``; without ``ord`` of order 2 of all elements."""
    if ord is None:
        return norms.vector("norm", input, 2, dim, keepdim, dtype)
    if dim is None and input.ndim not in (1, 2):
        raise RuntimeError(
            f"[norm] needs dim, as the input is neither vector nor matrix; got shape {list(input.shape)} and ord={ord!r}"
        )
    axes: Any = range(input.ndim) if dim is None else dim
    if isinstance(ord, str) or (not isinstance(axes, int) and len(axes) == 2):
        return norms.matrix("norm", input, ord, axes, keepdim, dtype)
    return norms.vector("norm", input, ord, axes, keepdim, dtype)
