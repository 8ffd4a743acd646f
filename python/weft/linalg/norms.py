"""Norms of vectors and of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from .._C import Tensor, dtype
from .._functions import norms
from .._public import Any, public

__all__ = ["matrix_norm", "norm", "vector_norm"]


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
