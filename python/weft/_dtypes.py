"""The dtypes, under PyTorch's names, and their limits."""

import builtins

from . import _C
from ._C import (
    bfloat16,
    bool,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)

half, float, double = float16, float32, float64
cfloat, cdouble = complex64, complex128
short, int, long = int16, int32, int64

__all__ = [
    "bfloat16", "bool", "cdouble", "cfloat", "complex64", "complex128", "double", "dtype", "finfo", "float", "float16", "float32", "float64", "half",
    "iinfo", "int", "int16", "int32", "int64", "int8", "long", "short", "uint16", "uint32", "uint64", "uint8",
]  # fmt: skip

INF = builtins.float("inf")

# Bits of the fraction, the greatest exponent, decimal digits.
_FORMATS = {float16: (10, 15, 3), bfloat16: (7, 127, 2), float32: (23, 127, 6), float64: (52, 1023, 15)}


class finfo:
    """Limits of a floating-point dtype, by default the default one; of a complex one those of its parts; a TypeError for others."""

    def __init__(self, type: dtype | None = None) -> None:
        type = _C.default_dtype() if type is None else type
        type = type.to_real() if isinstance(type, dtype) else type
        if not isinstance(type, dtype) or type not in _FORMATS:
            raise TypeError(f"[finfo] needs a floating-point dtype; got {type}; use iinfo for integers")
        fraction, exponent, digits = _FORMATS[type]
        self.dtype, self.bits = type.name, 8 * type.itemsize
        self.eps = 2.0**-fraction
        self.max = (2 - self.eps) * 2.0**exponent
        self.min = -self.max
        self.smallest_normal = self.tiny = 2.0 ** (1 - exponent)
        self.resolution = builtins.float(f"1e-{digits}")

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype; a TypeError for others."""

    def __init__(self, type: dtype) -> None:
        if not isinstance(type, dtype) or type is bool or type.is_complex or type in _FORMATS:
            raise TypeError(f"[iinfo] needs an integer dtype; got {type}; use finfo for floating-point ones")
        self.dtype, self.bits = type.name, 8 * type.itemsize
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0
        self.max = 2 ** (self.bits - 1 if type.is_signed else self.bits) - 1

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
