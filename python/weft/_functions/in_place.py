"""Functions of several operands, written into their first."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, Number, Operand, public
from . import arithmetic, products, shapes

__all__ = [
    "addcmul_", "addcdiv_", "lerp_", "triu_", "tril_", "addmm_", "baddbmm_", "addbmm_", "addmv_", "addr_", "nan_to_num_", "xlogy_",
    "hypot_", "random_", "fill_diagonal_",
]  # fmt: skip
METHODS = __all__


@public
def addcmul_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """Adds value · tensor1 · tensor2 to this tensor."""
    return input.copy_(arithmetic.addcmul(input, tensor1, tensor2, value=value))


@public
def addcdiv_(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """Adds value · tensor1 / tensor2 to this tensor."""
    return input.copy_(arithmetic.addcdiv(input, tensor1, tensor2, value=value))


@public
def lerp_(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """``lerp`` written into this tensor."""
    return input.copy_(arithmetic.lerp(input, end, weight))


@public
def triu_(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros below a diagonal of this tensor's matrices."""
    return input.copy_(shapes.triu(input, diagonal))


@public
def tril_(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zeros above a diagonal of this tensor's matrices."""
    return input.copy_(shapes.tril(input, diagonal))


@public
def fill_diagonal_(input: Tensor, fill_value: Number | Tensor, wrap: bool = False) -> Tensor:
    """Writes a number where all indices are equal: to the diagonal of a matrix, or of more dimensions of one size (RuntimeError for others). With
    ``wrap`` a diagonal of a matrix with more rows than columns begins anew below its end, a row left out."""
    shape = input.shape
    if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
        raise RuntimeError(
            f"[fill_diagonal_] needs a matrix, or more dimensions of one size; got shape {list(shape)}; use diagonal() for batches"
        )
    first, *others = [
        _factories.arange(n, device=input.device).reshape([n if a == axis else 1 for a in range(len(shape))])
        for axis, n in enumerate(shape)
    ]
    if wrap and len(shape) == 2:
        first = first % (shape[1] + 1)
    there = first == others[0]
    for other in others[1:]:
        there = there & (first == other)
    return input.copy_(_ops.where(there, input.detach().clone().fill_(fill_value), input))


@public
def addmm_(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``addmm`` written into this tensor."""
    return input.copy_(products.addmm(input, mat1, mat2, beta=beta, alpha=alpha))


@public
def baddbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``baddbmm`` written into this tensor."""
    return input.copy_(products.baddbmm(input, batch1, batch2, beta=beta, alpha=alpha))


@public
def addbmm_(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``addbmm`` written into this tensor."""
    return input.copy_(products.addbmm(input, batch1, batch2, beta=beta, alpha=alpha))


@public
def addmv_(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``addmv`` written into this tensor."""
    return input.copy_(products.addmv(input, mat, vec, beta=beta, alpha=alpha))


@public
def addr_(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    """``addr`` written into this tensor."""
    return input.copy_(products.addr(input, vec1, vec2, beta=beta, alpha=alpha))


@public
def nan_to_num_(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """``nan_to_num`` written into this tensor."""
    return input.copy_(arithmetic.nan_to_num(input, nan, posinf, neginf))


@public
def xlogy_(input: Tensor, other: Operand) -> Tensor:
    """``xlogy`` written into this tensor."""
    return input.copy_(arithmetic.xlogy(input, other))


@public
def hypot_(input: Tensor, other: Tensor) -> Tensor:
    """``hypot`` written into this tensor."""
    return input.copy_(arithmetic.hypot(input, other))


@public
def random_(input: Tensor, from_: int | None = None, to: int | None = None, *, generator: Any = None) -> Tensor:
    """Fills with integers of [from, to): ``random_(to)`` of [0, to); ``random_()`` of all that the dtype counts exactly from 0 on."""
    dtype = input.dtype
    if dtype.is_floating_point:
        most = 2 ** {_C.float64: 53, _C.float32: 24, _C.float16: 11, _C.bfloat16: 8}[dtype] + 1
    else:
        most = 2 if dtype is _C.bool else 2 ** (8 * dtype.itemsize - (1 if dtype.is_signed else 0))
    low = 0 if to is None or from_ is None else from_
    high = to if to is not None else most if from_ is None else from_
    if low >= high:
        raise RuntimeError(f"[random_] expects 'from' to be less than 'to'; got from={low} and to={high}")
    if not dtype.is_floating_point and not (-most <= low and high <= most):
        raise RuntimeError(f"[random_] the range [from, to) must fit into {dtype}; got from={low} and to={high}")
    return input.copy_(_C.randint(low, min(high, 2**63 - 1), input.shape, _C.int64, input.device, generator))
