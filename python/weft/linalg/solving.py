"""Linear equations: solutions, inverses, least squares."""

from __future__ import annotations

from math import prod

from .. import _C, _ops, return_types
from .._C import Tensor
from .._dtypes import finfo
from .._functions.moves import movedim
from .._functions.reductions import sum
from .._public import Any, public
from . import _complex
from ._common import check_matrices, is_vector, named, side_by_side, transposed
from .spectra import pseudo_inverse, singular_values

__all__ = ["inv", "inv_ex", "lstsq", "pinv", "solve", "solve_ex", "tensorinv", "tensorsolve"]

_Lstsq = named("lstsq", "solution residuals rank singular_values")


def _solved(op: str, A: Tensor, B: Tensor, left: bool, check: bool) -> Any:
    check_matrices(op, A)
    vector = is_vector(A, B)
    right = B.unsqueeze(-1) if vector else B
    rows = right.shape[-2] if left else right.shape[-1]
    if A.shape[-1] == A.shape[-2] and rows != A.shape[-1]:
        raise RuntimeError(
            f"[{op}] the sizes do not fit {'A X = B' if left else 'X A = B'}; got shapes {list(A.shape)} and {list(B.shape)}; "
            f"B is to have {A.shape[-1]} {'rows' if left else 'columns'}"
        )
    A, right = side_by_side(op, A, right)
    if left:
        result, info = _complex.solved(A, right)
    else:
        result, info = _complex.solved(transposed(A), transposed(right))
        result = transposed(result)
    if check:
        _C.check_info(info, op, "singular")
    return return_types.solve_ex(result.squeeze(-1) if vector else result, info)


@public
def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(result, info): X with A X = B, or X A = B without ``left``.

    A: [..., n, n]; B: [..., n, k] ([..., k, n]), or a vector [n] or [..., n] of A's leading axes; leading axes broadcast. info: int32
    [...], 0 or the order of the diagonal element that is 0 of a singular matrix's factor, where the result means nothing;
    a LinAlgError with ``check_errors``. float32 or float64.
    """
    return _solved("solve_ex", A, B, left, check_errors)


@public
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The result of ``solve_ex``; a LinAlgError where a matrix is singular."""
    return _solved("solve", A, B, left, True)[0]


def inverse_of(op: str, A: Tensor) -> Tensor:
    result, info = _complex.inverse(A)
    _C.check_info(info, op, "singular")
    return result


@public
def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(inverse, info) of matrices [..., n, n]; info as of ``solve_ex``."""
    result = return_types.inv_ex(*_complex.inverse(A))
    if check_errors:
        _C.check_info(result.info, "inv_ex", "singular")
    return result


@public
def inv(A: Tensor) -> Tensor:
    """The inverses of matrices [..., n, n]; a LinAlgError where one is singular."""
    return inverse_of("inv", A)


@public
def pinv(
    input: Tensor,
    rcond: float | Tensor | None = None,
    hermitian: bool = False,
    *,
    atol: float | Tensor | None = None,
    rtol: float | Tensor | None = None,
) -> Tensor:
    """The pseudo-inverses [..., n, m] of matrices [..., m, n].

    Singular values up to atol, or rtol times the greatest, count as 0: numbers, or tensors that broadcast with the leading axes.
    Without both, rtol is max(m, n) times the dtype's epsilon; ``rcond`` is its older name. hermitian: A is symmetric, of which the
    lower triangle is read. The gradient is that among matrices of the same rank. A LinAlgError where A has what is not finite.
    """
    return pseudo_inverse("pinv", input, atol, rcond if rtol is None else rtol, hermitian)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@public
def lstsq(input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """(solution, residuals, rank, singular_values): the shortest X for which A X - B is shortest, column by column.

    A: [..., m, n]; B: [..., m, k], or a vector [m] or [..., m] of A's leading axes; leading axes broadcast. solution: [..., n, k].
    residuals: [..., k], the squared lengths of A X - B; for the driver "gelsy", and unless m > n, empty. rank: int64 [...],
    for "gels" empty. singular_values: [..., min(m, n)] for "gelsd" and "gelss", else empty.

    "gelsy" (the default) decomposes by QR with exchanged columns, "gels", too, and asks for full rank (else a LinAlgError);
    "gelsd" and "gelss" are by SVD. What is up to rcond (max(m, n) times the dtype's epsilon) times the greatest counts as 0. The
    gradient is that among matrices of the same rank. A RuntimeError for another driver, shapes or dtypes that do not fit.
    """
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(f"[lstsq] driver must be one of {', '.join(_DRIVERS)}; got {driver!r}; leave it out")
    check_matrices("lstsq", input)
    vector = is_vector(input, b)
    input, right = side_by_side("lstsq", input, b.unsqueeze(-1) if vector else b)
    rows, columns = input.shape[-2:]
    if right.shape[-2] != rows or right.dtype is not input.dtype:
        raise RuntimeError(
            f"[lstsq] b must have A's dtype and rows; got {input.dtype} {list(input.shape)} and {b.dtype} {list(b.shape)}; reshape or convert it"
        )
    rtol = finfo(input.dtype).eps * max(rows, columns) if rcond is None else rcond
    values = input.new_empty(0)
    if driver in ("gelsd", "gelss"):
        solution = pseudo_inverse("lstsq", input, 0.0, rtol, False) @ right
        values = singular_values("lstsq", input)
        rank = sum(_ops.gt(values, values[..., :1] * rtol), -1) if min(rows, columns) else sum(_ops.gt(values, 0.0), -1)
    elif input.dtype.is_complex:
        large, below = _complex.real_form(input), _complex.right_side(right)
        solution, rank = _ops.least_squares(large, below, rtol if driver != "gels" else 0.0)
        solution, rank = _complex.from_right_side(solution), _ops.floor_divide(rank, 2)
    else:
        solution, rank = _ops.least_squares(input, right, rtol if driver != "gels" else 0.0)
    residuals = input.new_empty(0)
    if rows > columns and driver not in (None, "gelsy"):
        residuals = sum(_ops.square(_ops.abs(input @ solution - right)), -2)
    if driver == "gels":
        _C.check_info(_ops.ne(rank, min(rows, columns)).to(_C.int32), "lstsq", "rank")
        rank = rank.new_empty(0)
    return _Lstsq(solution.squeeze(-1) if vector else solution, residuals, rank, values)


@public
def tensorinv(input: Tensor, ind: int = 2) -> Tensor:
    """The inverse of the map that ``tensordot(A, X, X.ndim)`` is, from the axes after the first ``ind`` to these.

    A RuntimeError where the two groups of axes have different numbers of elements, a LinAlgError where the map is singular.
    """
    if ind <= 0:
        raise RuntimeError(f"[tensorinv] ind must be positive; got {ind}; it is the number of the inverse's last axes")
    first, last = tuple(input.shape[:ind]), tuple(input.shape[ind:])
    if prod(first) != prod(last):
        raise RuntimeError(
            f"[tensorinv] the axes before ind and from it on must have equally many elements; got shape {list(input.shape)}, ind={ind}"
        )
    return inverse_of("tensorinv", input.reshape(prod(first), prod(last))).reshape(*last, *first)


@public
def tensorsolve(input: Tensor, other: Tensor, dims: Any = None) -> Tensor:
    """X with ``tensordot(A, X, X.ndim)`` = B; the axes ``dims`` of A are moved to its end first.

    A RuntimeError where A's first axes have not B's number of elements or the others another, a LinAlgError where A is singular.
    """
    if dims is not None:
        input = movedim(input, tuple(dims), tuple(range(-len(dims), 0)))
    shape = tuple(input.shape[other.ndim :])
    if prod(shape) != other.numel() or prod(input.shape[: other.ndim]) != other.numel():
        raise RuntimeError(
            f"[tensorsolve] input must have B's number of elements before axis {other.ndim} and after; got shapes {list(input.shape)} and {list(other.shape)}"
        )
    return _solved("tensorsolve", input.reshape(other.numel(), other.numel()), other.reshape(-1), True, True)[
        0
    ].reshape(shape)
