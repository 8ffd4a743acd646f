"""Discrete Fourier transforms along several axes, in terms of those along one (ir/ops/Fourier.td); what ``weft.fft`` is made of.

Complex numbers are pairs here: a last axis of real and imaginary parts, which dims do not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .. import _C, _ops
from .. import _factories as factories
from .._C import Tensor
from .arguments import ints

_NORMS = ("backward", "ortho", "forward")


def number(op: str, input: Tensor) -> Tensor:
    """The input as numbers that have transforms: integers as floats of the default dtype. A RuntimeError for 16-bit floats."""
    if input.dtype.is_complex:
        return input
    x = input if input.dtype.is_floating_point else input.to(_C.default_dtype())
    if x.dtype not in (_C.float32, _C.float64):
        raise RuntimeError(
            f"[{op}] Unsupported dtype {x.dtype}; transforms are of float32 and float64, and complex; convert with .float()"
        )
    return x


def pairs(x: Tensor) -> Tensor:
    return _C.view_as_real(x) if x.dtype.is_complex else factories.stack((x, factories.zeros_like(x)), -1)


def conjugate(x: Tensor) -> Tensor:
    """Of pairs."""
    return factories.stack((x.select(-1, 0), -x.select(-1, 1)), -1)


def axis(op: str, dim: int, rank: int) -> int:
    """An axis counted from the first one; an IndexError where there is none."""
    if rank == 0:
        raise IndexError(f"[{op}] Dimension specified as {dim} but tensor has no dimensions; the input is a number")
    if not -rank <= dim < rank:
        raise IndexError(
            f"[{op}] Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})"
        )
    return dim % rank


def axes(
    op: str, shape: Sequence[int], s: int | Sequence[int] | None, dim: int | Sequence[int] | None
) -> tuple[list[int], list[int]]:
    """(axes, sizes) as ``s`` and ``dim`` say: without dim the last ones as s has, or all; a size of -1 is the input's."""
    rank = len(shape)
    sizes = None if s is None else ints(op, "s", s)
    if dim is not None:
        given = [axis(op, d, rank) for d in ints(op, "dim", dim)]
        if len(set(given)) != len(given):
            raise RuntimeError(f"[{op}] FFT dims must be unique; got {dim} for shape {list(shape)}")
    elif sizes is None:
        given = list(range(rank))
    elif len(sizes) > rank:
        raise RuntimeError(
            f"[{op}] Got shape with {len(sizes)} values but input tensor only has {rank} dimensions; pass as many sizes or fewer"
        )
    else:
        given = list(range(rank - len(sizes), rank))
    if sizes is None:
        sizes = [-1] * len(given)
    if len(sizes) != len(given):
        raise RuntimeError(
            f"[{op}] When given, dim and shape arguments must have the same length; got s={s} and dim={dim}"
        )
    return given, [shape[d] if size == -1 else size for d, size in zip(given, sizes)]


def check_sizes(op: str, sizes: Sequence[int]) -> None:
    for size in sizes:
        if size < 1:
            raise RuntimeError(f"[{op}] Invalid number of data points ({size}) specified; a transform has one or more")


def scale(op: str, norm: str | None, sizes: Sequence[int], inverse: bool) -> float:
    """The factor of a transform: of "backward" the inverse has 1 / n, of "forward" the other one, of "ortho" both have the root of it."""
    if norm is not None and norm not in _NORMS:
        raise RuntimeError(f"[{op}] Invalid normalization mode: {norm!r}; it is 'backward', 'ortho' or 'forward'")
    n = math.prod(sizes)
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    return 1.0 / n if inverse == (norm != "forward") else 1.0


def fitted(x: Tensor, dim: int, size: int) -> Tensor:
    """Cut to ``size`` elements along an axis, or with zeros after its own."""
    has = x.shape[dim]
    if has > size:
        return x.narrow(dim, 0, size)
    if has == size:
        return x
    zeros = [0] * x.ndim
    high = [size - has if d == dim else 0 for d in range(x.ndim)]
    return _ops.pad(x, zeros, high, zeros, 0.0)


def complex_to_complex(x: Tensor, dims: Sequence[int], sizes: Sequence[int], inverse: bool, factor: float) -> Tensor:
    """Pairs from pairs."""
    for dim, size in zip(dims, sizes):
        x = fitted(x, dim, size)
    for i, dim in enumerate(reversed(dims)):
        x = _ops.fft_complex(x, dim, inverse, 1.0 if i else factor)
    return x


def real_to_complex(x: Tensor, dims: Sequence[int], sizes: Sequence[int], factor: float) -> Tensor:
    """Pairs from real numbers: along the last of dims half of the spectrum and one more."""
    for dim, size in zip(dims, sizes):
        x = fitted(x, dim, size)
    return complex_to_complex(_ops.fft_real(x, dims[-1], factor), dims[:-1], sizes[:-1], False, 1.0)


def complex_to_real(x: Tensor, dims: Sequence[int], sizes: Sequence[int], factor: float) -> Tensor:
    """Real numbers, of ``sizes``, from the pairs that ``real_to_complex`` gives."""
    x = complex_to_complex(x, dims[:-1], sizes[:-1], True, 1.0)
    return _ops.fft_to_real(fitted(x, dims[-1], sizes[-1] // 2 + 1), dims[-1], sizes[-1], factor)
