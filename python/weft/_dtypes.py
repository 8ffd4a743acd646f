"""The dtypes, under PyTorch's names."""

from ._C import bfloat16, bool, dtype, float16, float32, float64, int8, int16, int32, int64, uint8

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64

__all__ = [
    "bfloat16", "bool", "double", "dtype", "float", "float16", "float32", "float64", "half",
    "int", "int16", "int32", "int64", "int8", "long", "short", "uint8",
]  # fmt: skip
