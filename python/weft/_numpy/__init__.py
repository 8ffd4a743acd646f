"""NumPy's functions of tensors: what ``Tensor.__array_ufunc__`` and ``Tensor.__array_function__`` do.

What weft has a function for gives tensors, by that function (``ufuncs.py``, ``functions.py``): so it is on the tape, in compiled code and under ``vmap``.
Anything else, other keywords too, NumPy computes of arrays that share the tensors' memory, and its result is NumPy's.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy

import weft

from .._C import Tensor
from .functions import FUNCTIONS, WRITERS
from .ufuncs import UFUNCS

# Keywords that say nothing with these values, which are their defaults.
_IDLE: dict[str, tuple[Any, ...]] = {
    "out": (None,), "dtype": (None,), "order": ("C", "K", None), "subok": (True,), "casting": ("same_kind",), "where": (True, numpy._NoValue),
    "initial": (numpy._NoValue,), "keepdims": (numpy._NoValue,), "like": (None,), "optimize": (False, True), "kind": (None,), "stable": (None,),
    "mean": (numpy._NoValue,), "correction": (numpy._NoValue,), "compute_uv": (True,),
}  # fmt: skip


_PLAIN = {Tensor, bool, int, float, complex, *(numpy.dtype(code).type for code in "?bhilBHILefdFD")}


class _Left(Exception):
    """A call that is left to NumPy."""


def _is_idle(name: str, value: Any) -> bool:
    return any(value is idle or (isinstance(idle, str) and value == idle) for idle in _IDLE.get(name, ()))


def operand(value: Any) -> Any:
    """The argument of a function of NumPy's as one of weft's: arrays as tensors of their memory, NumPy's numbers as Python's."""
    if isinstance(value, numpy.ndarray):
        if type(value) is not numpy.ndarray or value.dtype.kind not in "biufc":
            raise _Left
        return weft.as_tensor(value)
    if isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return type(value)(map(operand, value)) if type(value) in (list, tuple) else value
    return value


_signature = functools.cache(inspect.signature)


def _takes(function: Any, arguments: Any, keywords: dict[str, Any]) -> bool:
    try:
        _signature(function).bind(*arguments, **keywords)
    except TypeError:
        return False
    return True


def _array_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return numpy.asarray(value)
    if type(value) in (list, tuple):
        return type(value)(map(_array_of, value))
    return {name: _array_of(of) for name, of in value.items()} if type(value) is dict else value


def _by_numpy(function: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
    return function(*map(_array_of, arguments), **{name: _array_of(value) for name, value in keywords.items()})


def _written(name: str, out: Any, result: Any) -> Tensor:
    """The result in the tensor that ``out=`` names."""
    if not isinstance(out, Tensor) or not isinstance(result, Tensor):
        raise TypeError(
            f"[numpy.{name}] out= takes a tensor for each result that is one; got {type(out).__name__}; leave it out"
        )
    if out.shape != result.shape or not weft.can_cast(result.dtype, out.dtype):
        raise TypeError(
            f"[numpy.{name}] out= must have the result's shape and a dtype for it; got {out.dtype}{list(out.shape)} for "
            f"{result.dtype}{list(result.shape)}; make one like it"
        )
    return out.copy_(result)


def _is_ours(types: Any) -> bool:
    return all(issubclass(kind, (Tensor, numpy.ndarray)) for kind in types)


def _call(name: str, ours: Any, theirs: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
    out = keywords.get("out")
    if isinstance(out, tuple) and len(out) == 1:
        out = out[0]
    if isinstance(out, numpy.ndarray):  # whose memory NumPy writes to
        ours = None
    try:
        if ours is None:
            raise _Left
        said = {key: operand(value) for key, value in keywords.items() if key != "out" and not _is_idle(key, value)}
        given = [operand(value) for value in arguments]
        if not _takes(ours, given, said):
            raise _Left
        result = ours(*given, **said)
        if result is NotImplemented:
            raise _Left
    except _Left:
        if isinstance(out, Tensor):
            raise TypeError(
                f"[numpy.{name}] out= takes a tensor only where weft computes the result; got other keywords or operands; "
                f"copy the result with copy_()"
            ) from None
        return _by_numpy(theirs, arguments, keywords)
    return result if out is None else _written(name, out, result)


def array_ufunc(ufunc: Any, method: str, inputs: Any, keywords: dict[str, Any]) -> Any:
    """``__array_ufunc__``: a function of each element, of operands that are tensors, arrays and numbers."""
    if method == "__call__" and not keywords and ufunc in UFUNCS:  # without what the others need
        for x in inputs:
            if type(x) not in _PLAIN:
                break
        else:
            return UFUNCS[ufunc](*inputs)
    if not _is_ours(
        type(x) for x in inputs if hasattr(type(x), "__array_ufunc__") and not isinstance(x, numpy.generic)
    ):
        return NotImplemented
    name = ufunc.__name__
    if method == "at":
        raise TypeError(
            f"[numpy.{name}.at] writes to its operand, which a tensor knows nothing of; got a tensor; use index_put_() or scatter_add_()"
        )
    if method != "__call__":
        return _call(f"{name}.{method}", None, getattr(ufunc, method), inputs, keywords)
    return _call(name, UFUNCS.get(ufunc), ufunc, inputs, keywords)


def array_function(function: Any, types: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
    """``__array_function__``: NumPy's other functions, where one of the arguments is a tensor."""
    if not _is_ours(types):
        return NotImplemented
    if function in WRITERS:
        raise TypeError(
            f"[numpy.{function.__name__}] writes to its argument, which a tensor knows nothing of; got a tensor; use {WRITERS[function]}"
        )
    return _call(function.__name__, FUNCTIONS.get(function), function, arguments, keywords)
