"""What the functions on batches of matrices share."""

from __future__ import annotations

from collections import namedtuple

from .. import _C, _factories
from .._C import Tensor
from .._functions.queries import broadcast_shapes
from .._public import Any

LinAlgError = _C.LinAlgError


def named(name: str, fields: str) -> Any:
    """The type of the named tuple that a function of that name returns."""
    return namedtuple(name, fields.split())


def transposed(x: Tensor) -> Tensor:
    return x.transpose(-1, -2)


def check_matrices(op: str, *tensors: Tensor) -> None:
    for x in tensors:
        if x.ndim < 2:
            raise RuntimeError(
                f"[{op}] must be batches of matrices; got shape {list(x.shape)}; give it two dimensions or more"
            )


def side_by_side(op: str, A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    """Two batches of matrices with their leading axes broadcast."""
    check_matrices(op, A, B)
    if A.shape[:-2] == B.shape[:-2]:
        return A, B
    batch = broadcast_shapes(A.shape[:-2], B.shape[:-2])
    return A.expand(*batch, *A.shape[-2:]), B.expand(*batch, *B.shape[-2:])


def pivots_beside(A: Tensor, pivots: Tensor) -> Tensor:
    return pivots.expand(*A.shape[:-2], *pivots.shape[-1:])


def is_vector(A: Tensor, B: Tensor) -> bool:
    """Whether the right side is a vector, or a batch of a vector for each matrix."""
    return B.ndim == 1 or (A.ndim == B.ndim + 1 and B.shape == A.shape[:-1])


def identity(like: Tensor, rows: int, columns: int) -> Tensor:
    """[..., rows, columns] with the leading axes of a batch of matrices."""
    return _factories.eye(rows, columns, dtype=like.dtype, device=like.device).expand(*like.shape[:-2], rows, columns)
