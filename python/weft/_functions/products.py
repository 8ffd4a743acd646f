"""Products of vectors, of matrices and of batches of them."""

from __future__ import annotations

from .. import _ops
from .._C import Tensor
from .._public import Number, public

__all__ = ["matmul", "mm", "bmm", "addmm", "outer"]
METHODS = __all__


@public
def matmul(input: Tensor, other: Tensor) -> Tensor:
    return _ops.matmul(input, other)


def _check_matrices(op: str, mat1: Tensor, mat2: Tensor) -> None:
    if mat1.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError(
            f"[{op}] needs two matrices; got shapes {list(mat1.shape)} and {list(mat2.shape)}; use matmul for batches and vectors"
        )


@public
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Product of two matrices."""
    _check_matrices("mm", input, mat2)
    return _ops.matmul(input, mat2)


@public
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"[bmm] needs two batches of equally many matrices; got shapes {list(input.shape)} and {list(mat2.shape)}; "
            "use matmul to broadcast"
        )
    return _ops.matmul(input, mat2)


@public
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """beta · input + alpha · mat1 @ mat2; with beta 0 the input's elements do not matter."""
    _check_matrices("addmm", mat1, mat2)
    return _ops.addmm(input, mat1, mat2, beta, alpha)


@public
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(
            f"[outer] needs two vectors; got shapes {list(input.shape)} and {list(vec2.shape)}; flatten() them"
        )
    return input.unsqueeze(1) * vec2.unsqueeze(0)
