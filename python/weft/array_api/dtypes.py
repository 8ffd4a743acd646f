"""Dtypes: promotion by dtype alone, conversion, what there is."""

from __future__ import annotations

import builtins
import functools
from types import SimpleNamespace
from typing import Any

from .. import _C, _dtypes, _factories
from .._C import Tensor, device, dtype

__all__ = ["__array_namespace_info__", "astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_KINDS = {
    "bool": (_C.bool,),
    "signed integer": (_C.int8, _C.int16, _C.int32, _C.int64),
    "unsigned integer": (_C.uint8, _C.uint16, _C.uint32, _C.uint64),
    "real floating": (_C.float32, _C.float64),
    "complex floating": (_C.complex64, _C.complex128),
}
_UNIONS = {
    "integral": ("signed integer", "unsigned integer"),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}
_HALVES = (_C.float16, _C.bfloat16)  # of no kind in the standard; real floating all the same


def isdtype(dtype: dtype, kind: Any) -> builtins.bool:
    """Whether the dtype is the dtype ``kind``, or of the kind of that name, or of one of a tuple of these."""
    if isinstance(kind, tuple):
        return builtins.any(isdtype(dtype, one) for one in kind)
    if not isinstance(kind, str):
        return dtype == kind
    if kind in _UNIONS:
        return isdtype(dtype, _UNIONS[kind])
    if kind not in _KINDS:
        raise ValueError(f"[isdtype] kinds are {', '.join([*_KINDS, *_UNIONS])}; got {kind!r}")
    return dtype in _KINDS[kind] or (kind == "real floating" and dtype in _HALVES)


def result_type(*arrays_and_dtypes: Any) -> dtype:
    """The dtype of an operation on them; numbers of Python's have a category alone."""
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (int, float, complex))]
    known = [
        x.dtype if isinstance(x, Tensor) else x for x in arrays_and_dtypes if not isinstance(x, (int, float, complex))
    ]
    if not known:
        raise ValueError("[result_type] needs an array or a dtype beside the numbers; pass one")
    result = functools.reduce(_C.promote_types, known)
    for number in numbers:
        result = _C.result_type(_factories.empty((1,), dtype=result), number)
    return result


def can_cast(from_: Any, to: dtype, /) -> builtins.bool:
    """Whether all values of the dtype (or array) are values of ``to``'s kind or a higher one."""
    have = from_.dtype if isinstance(from_, Tensor) else from_
    try:
        return _C.promote_types(have, to) == to
    except RuntimeError:  # no dtype holds both
        return False


def astype(x: Tensor, dtype: dtype, /, *, copy: builtins.bool = True, device: Any = None) -> Tensor:
    """A copy of another dtype; with copy=False the array itself where it has the dtype."""
    return x.to(device=device if device is not None else x.device, dtype=dtype, copy=copy)


def _limits(of: Any, limits: Any, names: str) -> SimpleNamespace:
    type = of.dtype if isinstance(of, Tensor) else of
    type = type.to_real() if type.is_complex else type
    known = limits(type)
    return SimpleNamespace(dtype=type, **{name: getattr(known, name) for name in names.split()})


def finfo(type: Any, /) -> SimpleNamespace:
    """Limits of a floating-point dtype, of the parts of a complex one, or of an array's: bits, eps, max, min, smallest_normal, dtype."""
    return _limits(type, _dtypes.finfo, "bits eps max min smallest_normal")


def iinfo(type: Any, /) -> SimpleNamespace:
    """Limits of an integer dtype or of an array's: bits, max, min, dtype."""
    return _limits(type, _dtypes.iinfo, "bits max min")


class __array_namespace_info__:
    """What the namespace can do and has: ``xp.__array_namespace_info__().dtypes()``."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> device:
        return _C.get_default_device()

    def default_dtypes(self, *, device: Any = None) -> dict[str, dtype]:
        from .. import get_default_dtype

        return {
            "real floating": get_default_dtype(),
            "complex floating": _C.complex128 if get_default_dtype() is _C.float64 else _C.complex64,
            "integral": _C.int64,
            "indexing": _C.int64,
        }

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, dtype]:
        return {
            str(d).removeprefix("weft."): d
            for dtypes in _KINDS.values()
            for d in dtypes
            if kind is None or isdtype(d, kind)
        }

    def devices(self) -> list[device]:
        from .. import cuda

        return [_C.device("cpu"), *(_C.device(f"cuda:{i}") for i in range(cuda.device_count()))]
