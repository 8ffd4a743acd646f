"""NumPy's functions of each element, by weft's operators and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

import weft
from weft import array_api

from .._C import Tensor

# NumPy's name = the operator's, of Python's number protocol.
_OPERATORS = (
    "add subtract=sub multiply=mul divide=truediv floor_divide=floordiv remainder=mod power=pow left_shift=lshift right_shift=rshift "
    "bitwise_and=and bitwise_or=or bitwise_xor=xor"
)
_COMPARISONS = {
    "greater": "lt",
    "greater_equal": "le",
    "less": "gt",
    "less_equal": "ge",
    "equal": "eq",
    "not_equal": "ne",
}  # of operands exchanged
# NumPy's name = weft's.
_OF_ONE = (
    "absolute=abs negative=neg conjugate=conj_physical exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan arcsin=asin arccos=acos "
    "arctan=atan sinh cosh tanh arcsinh=asinh arccosh=acosh arctanh=atanh isfinite isinf "
    "isnan signbit invert=bitwise_not logical_not"
)
_OF_ARRAYS = (
    "floor ceil trunc rint=round sign positive square matmul vecdot"  # of weft.array_api, whose meaning is NumPy's
)
_OF_TWO = (
    "maximum minimum arctan2=atan2 hypot logaddexp logaddexp2 copysign nextafter gcd lcm heaviside fmod logical_and logical_or "
    "logical_xor"
)

UFUNCS: dict[Any, Callable[..., Any]] = {}


def _pairs(names: str) -> Any:
    for pair in names.split():
        name, _, ours = pair.partition("=")
        if hasattr(numpy, name):  # vecdot is of NumPy 2
            yield getattr(numpy, name), ours or name


def _operator(name: str, reflected: str) -> Callable[..., Any]:
    straight, reflected = f"__{name}__", f"__{reflected}__"

    def compute(x1: Any, x2: Any, /) -> Any:
        return getattr(x1, straight)(x2) if isinstance(x1, Tensor) else getattr(x2, reflected)(x1)

    return compute


def _number(x: Any) -> Any:
    return x.item() if isinstance(x, numpy.generic) else x


def _of_tensors(function: Any) -> Callable[..., Any]:
    def compute(x1: Any, x2: Any, /) -> Any:
        return function(weft.as_tensor(_number(x1)), weft.as_tensor(_number(x2)))

    return compute


def _of_one(function: Any) -> Callable[..., Any]:
    return lambda x, /: function(x)


for _ufunc, _ours in _pairs(_OPERATORS):
    UFUNCS[_ufunc] = _operator(_ours, f"r{_ours}")
for _name, _reflected in _COMPARISONS.items():
    _straight = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}.get(_reflected, _reflected)
    UFUNCS[getattr(numpy, _name)] = _operator(_straight, _reflected)
for _ufunc, _ours in _pairs(_OF_ONE):
    UFUNCS[_ufunc] = _of_one(getattr(weft, _ours))
for _ufunc, _ours in _pairs(_OF_ARRAYS):
    _function = getattr(array_api, _ours)
    UFUNCS[_ufunc] = _of_tensors(_function) if _ufunc.nin == 2 else _of_one(_function)
for _ufunc, _ours in _pairs(_OF_TWO):
    UFUNCS[_ufunc] = _of_tensors(getattr(weft, _ours))
