"""Complex numbers, and what is of them alone."""

from __future__ import annotations

import math

from .. import _C, _ops
from .._C import Tensor
from .._public import public

__all__ = [
    "real", "imag", "view_as_real", "view_as_complex", "complex", "polar", "conj", "conj_physical", "angle", "sgn", "isreal",
]  # fmt: skip
METHODS = ["conj", "conj_physical", "conj_physical_", "angle", "sgn", "sgn_", "isreal"]

real, imag, view_as_real, view_as_complex = _C.real, _C.imag, _C.view_as_real, _C.view_as_complex


def _check_parts(op: str, first: Tensor, second: Tensor) -> None:
    for part in (first, second):
        if part.dtype not in (_C.float32, _C.float64):
            raise RuntimeError(
                f"[{op}] both must be float32 or float64 tensors; got {first.dtype} and {second.dtype}; convert with .float()"
            )
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"[{op}] both must have one dtype; got {first.dtype} and {second.dtype}; convert one with .to(dtype)"
        )


@public
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers of their parts, float32 or float64 tensors of one dtype, which broadcast; a RuntimeError for others."""
    _check_parts("complex", real, imag)
    result = _C.complex_from_parts(*_C.broadcast_tensors(real, imag))
    return result if out is None else out.copy_(result)


@public
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Complex numbers of distances from 0 and angles, float32 or float64 tensors of one dtype, which broadcast; a RuntimeError for others."""
    _check_parts("polar", abs, angle)
    result = _C.complex_from_parts(*_C.broadcast_tensors(abs * _ops.cos(angle), abs * _ops.sin(angle)))
    return result if out is None else out.copy_(result)


@public
def conj(input: Tensor) -> Tensor:
    """The conjugate, in memory of its own; a real tensor itself."""
    return _ops.complex_conj(input) if input.dtype.is_complex else input


@public
def conj_physical(input: Tensor) -> Tensor:
    """``conj``."""
    return conj(input)


@public
def conj_physical_(input: Tensor) -> Tensor:
    """``conj`` written into this tensor."""
    return input.copy_(conj(input))


@public
def angle(input: Tensor) -> Tensor:
    """The angle in [-pi, pi]; of real numbers pi where they are negative, else 0."""
    if input.dtype.is_complex:
        return _ops.complex_angle(input)
    x = input if input.dtype.is_floating_point else input.to(_C.default_dtype())
    return _ops.where(_ops.isnan(x), x, _ops.where(x < 0, math.pi, 0.0).to(x.dtype))


@public
def sgn(input: Tensor) -> Tensor:
    """input / |input|, 0 at 0; of real numbers the sign."""
    return _ops.complex_sgn(input) if input.dtype.is_complex else _ops.sign(input)


@public
def sgn_(input: Tensor) -> Tensor:
    """``sgn`` written into this tensor."""
    return input.copy_(sgn(input))


@public
def isreal(input: Tensor) -> Tensor:
    """Whether the imaginary part is 0, elementwise."""
    return imag(input) == 0 if input.dtype.is_complex else _C.full(input.shape, True, _C.bool, input.device)
