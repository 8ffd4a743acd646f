"""Products, powers and functions of matrices."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _factories, _ops, return_types
from .._C import Tensor
from .._functions import complex_numbers, moves, products, reductions, scans
from .._functions.queries import broadcast_shapes
from .._public import Any, public
from . import _complex
from ._common import check_matrices, identity
from .solving import inverse_of

__all__ = [
    "cross", "det", "diagonal", "matmul", "matrix_exp", "matrix_power", "multi_dot", "slogdet", "vander", "vecdot",
]  # fmt: skip


@public
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """``weft.matmul``."""
    return _ops.matmul(input, other)


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
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sums of the products of two tensors' elements along ``dim``; the tensors broadcast."""
    return reductions.sum(_ops.mul(x, y), dim, dtype=_C.promote_types(x.dtype, y.dtype))


@public
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector products of vectors of three elements along ``dim``; equally many axes, which broadcast."""
    if input.ndim != other.ndim or input.ndim == 0:
        raise RuntimeError(
            f"[cross] needs tensors of equally many dimensions; got shapes {list(input.shape)} and {list(other.shape)}; unsqueeze() one"
        )
    dim = moves.axis_of(input, dim)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError(
            f"[cross] vectors must have 3 elements along dim {dim}; got shapes {list(input.shape)} and {list(other.shape)}; choose dim"
        )
    shape = broadcast_shapes(input.shape, other.shape)
    a, b = input.expand(shape), other.expand(shape)
    return _ops.sub(
        _ops.mul(moves.roll(a, -1, dim), moves.roll(b, -2, dim)),
        _ops.mul(moves.roll(a, -2, dim), moves.roll(b, -1, dim)),
    )


@public
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """``weft.diagonal``, by default of the last two axes; a view."""
    return moves.diagonal(A, offset, dim1, dim2)


@public
def det(A: Tensor) -> Tensor:
    """The determinants [...] of matrices [..., n, n]; of none, 1. float32 or float64.

    The gradient is right where a matrix is singular, too; its own gradient is not.
    """
    if A.dtype.is_complex:
        sign, diagonal = _complex.sign_and_diagonal(A)
        return reductions.prod(diagonal, -1) * sign
    return _ops.det(A)


@public
def slogdet(A: Tensor) -> Any:
    """(sign, logabsdet) of the determinants [...] of matrices [..., n, n]: 0 and -inf of a singular one. float32 or float64."""
    if A.dtype.is_complex:
        sign, diagonal = _complex.sign_and_diagonal(A)
        return return_types.slogdet(
            reductions.prod(complex_numbers.sgn(diagonal), -1) * sign, reductions.sum(_ops.log(_ops.abs(diagonal)), -1)
        )
    return return_types.slogdet(*_ops.slogdet(A))


@public
def matrix_exp(input: Tensor) -> Tensor:
    """The exponentials, sums of powers A^i / i!, of matrices [..., n, n]; NaN where one has what is not finite. float32 or float64."""
    if input.dtype.is_complex:
        return _complex.from_real_form(_ops.matrix_exp(_complex.real_form(input)))
    return _ops.matrix_exp(input)


@public
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Products of n times matrices [..., m, m]; of their inverses for negative n, a LinAlgError where one is singular."""
    check_matrices("matrix_power", input)
    if input.shape[-1] != input.shape[-2]:
        raise RuntimeError(f"[matrix_power] must be batches of square matrices; got shape {list(input.shape)}")
    if n == 0:
        return identity(input, *input.shape[-2:]).clone()
    base = input if n > 0 else inverse_of("matrix_power", input)
    result = base
    for bit in f"{abs(n):b}"[1:]:
        result = _ops.matmul(result, result)
        if bit == "1":
            result = _ops.matmul(result, base)
    return result.clone() if result is input else result


@public
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Powers 0 to N - 1 of the elements of vectors [..., n]: [..., n, N], N being n by default. A RuntimeError for N < 2."""
    size = (x.shape[-1] if x.ndim else 1) if N is None else N
    if size < 2:
        raise RuntimeError(f"[vander] N must be at least 2; got {size} for shape {list(x.shape)}; pass N")
    return powers(x, size)


def powers(x: Tensor, count: int) -> Tensor:
    """Powers 0 to count - 1 along a new last axis; of bools and integers int64."""
    if not x.dtype.is_floating_point:
        x = x.to(_C.int64)
    ones = _factories.ones(*x.shape, 1, dtype=x.dtype, device=x.device)
    if count == 1:
        return ones
    repeated = x.unsqueeze(-1).expand(*x.shape, count - 1)
    return _ops.concatenate([ones, scans.cumprod(repeated, -1)], -1)
