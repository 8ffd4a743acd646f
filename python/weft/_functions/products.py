"""Products of vectors, of matrices and of batches of them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Number, public
from . import reductions
from .complex_numbers import conj

__all__ = [
    "matmul", "mm", "spmm", "bmm", "addmm", "outer", "dot", "vdot", "mv", "addmv", "addr", "baddbmm", "addbmm", "chain_matmul",
]  # fmt: skip
METHODS = [name for name in __all__ if name not in ("chain_matmul", "spmm")]


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


spmm = mm  # the name for a sparse input, in PyTorch's first years


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
    if mat1.dtype.is_complex:
        return _plus("addmm", input, _ops.matmul(mat1, mat2), beta, alpha)
    return _ops.addmm(input, mat1, mat2, beta, alpha)


@public
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors' elements."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(
            f"[outer] needs two vectors; got shapes {list(input.shape)} and {list(vec2.shape)}; flatten() them"
        )
    return input.unsqueeze(1) * vec2.unsqueeze(0)


def _check_vectors(op: str, x: Tensor, y: Tensor) -> None:
    if x.ndim != 1 or y.ndim != 1 or x.shape != y.shape:
        raise RuntimeError(
            f"[{op}] needs two vectors of one size; got shapes {list(x.shape)} and {list(y.shape)}; flatten() them"
        )


@public
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of products of two vectors [n] of one dtype, 0-d."""
    _check_vectors("dot", input, tensor)
    return _ops.matmul(input, tensor)


@public
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """``dot`` with the first vector conjugated."""
    _check_vectors("vdot", input, other)
    return _ops.matmul(conj(input), other)


def _check_vector(op: str, mat: Tensor, vec: Tensor) -> None:
    if mat.ndim != 2 or vec.ndim != 1 or mat.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"[{op}] needs a matrix [m, n] and a vector [n]; got shapes {list(mat.shape)} and {list(vec.shape)}; use matmul for batches"
        )


@public
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix [m, n] and a vector [n], of one dtype."""
    _check_vector("mv", input, vec)
    return _ops.matmul(input, vec)


def _plus(op: str, input: Tensor, product: Tensor, beta: Number, alpha: Number) -> Tensor:
    """beta · input + alpha · product in the product's shape; with beta 0 the input's elements do not matter."""
    if not (product.dtype.is_floating_point or product.dtype.is_complex) and (
        isinstance(beta, float) or isinstance(alpha, float)
    ):
        raise RuntimeError(
            f"[{op}] alpha and beta of integer operands must be integers; got {alpha} and {beta}; use .float()"
        )
    if op != "addr" and input.dtype is not product.dtype:  # addr is elementwise, and promotes
        if _C.autocast_dtype() is not None:
            return _plus(op, input.to(product.dtype), product, beta, alpha)
        raise RuntimeError(
            f"[{op}] all must have one dtype; got {input.dtype} and {product.dtype}; convert one by .to(dtype)"
        )
    input = input.expand(product.shape)
    scaled = product if alpha == 1 else _ops.mul(product, alpha)
    if beta == 0:
        return scaled.to(_C.promote_types(input.dtype, scaled.dtype))
    return _ops.add(input if beta == 1 else _ops.mul(input, beta), scaled)


@public
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """beta · input + alpha · mat @ vec; with beta 0 the input's elements do not matter."""
    _check_vector("addmv", mat, vec)
    return _plus("addmv", input, _ops.matmul(mat, vec), beta, alpha)


@public
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """beta · input + alpha · outer(vec1, vec2); with beta 0 the input's elements do not matter."""
    return _plus("addr", input, outer(vec1, vec2), beta, alpha)


@public
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """beta · input + alpha · bmm(batch1, batch2), [b, m, n]; with beta 0 the input's elements do not matter."""
    return _plus("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@public
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """beta · input + alpha · the sum of bmm(batch1, batch2) over the batch, [m, n]; with beta 0 the input's elements do not matter."""
    products = bmm(batch1, batch2)
    return _plus("addbmm", input, reductions.sum(products, 0, dtype=products.dtype), beta, alpha)


@public
def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices, in the order that multiplies the fewest numbers."""
    if not matrices:
        raise RuntimeError("[chain_matmul] needs at least one matrix; got none; pass them one by one")
    for matrix in matrices:
        if not isinstance(matrix, Tensor):
            raise TypeError(f"[chain_matmul] needs matrices; got {type(matrix).__name__}; pass them one by one")
        _check_matrices("chain_matmul", matrix, matrix)
    return chain(matrices)


def chain(matrices: Sequence[Tensor]) -> Tensor:
    """The product of matrices, by the dynamic program of Cormen et al., Introduction to Algorithms, 14.2."""
    count = len(matrices)
    sizes = [matrix.shape[0] for matrix in matrices] + [matrices[-1].shape[1]]
    best = {(i, i + 1): (0, i) for i in range(count)}  # product of matrices i … j - 1 → its cost, where it is cut
    for length in range(2, count + 1):
        for i in range(count + 1 - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k, j][0] + sizes[i] * sizes[k] * sizes[j], k) for k in range(i + 1, j)
            )

    def product(i: int, j: int) -> Tensor:
        k = best[i, j][1]
        return matrices[i] if j - i == 1 else _ops.matmul(product(i, k), product(k, j))

    return product(0, count)
