"""Products of vectors, of matrices and of batches of them."""

from .. import _ops

__all__ = ["matmul", "mm", "bmm", "addmm", "outer"]
METHODS = __all__


def matmul(input, other):
    return _ops.matmul(input, other)


def mm(input, mat2):
    """Product of two matrices."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError(
            f"[mm] needs two matrices; got shapes {list(input.shape)} and {list(mat2.shape)}; use matmul for batches and vectors"
        )
    return _ops.matmul(input, mat2)


def bmm(input, mat2):
    """Products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"[bmm] needs two batches of equally many matrices; got shapes {list(input.shape)} and {list(mat2.shape)}; "
            "use matmul to broadcast"
        )
    return _ops.matmul(input, mat2)


def addmm(input, mat1, mat2):
    """input + mat1 @ mat2."""
    return _ops.matmul(mat1, mat2) + input


def outer(input, vec2):
    """All products of two vectors' elements."""
    return input.unsqueeze(1) * vec2.unsqueeze(0)
