"""NumPy's arrays, scalars and dtypes of numbers and text in a pickle: checkpoints hold them beside tensors."""

from __future__ import annotations

import math
import re

import numpy

from .rebuild import Damaged, Known

_PLAIN = re.compile(r"[<>=|]?(b1|[iuf][1248]|f16|c8|c16|c32|[SU][0-9]{1,9})")
_RECONSTRUCT = numpy.empty(0).__reduce__()[0]
_SCALAR = numpy.float64(0).__reduce__()[0]
CALLED = (_RECONSTRUCT, _SCALAR, numpy.ndarray, numpy.dtype)  # what the pickles of arrays name


def is_plain(value) -> bool:
    """Whether it is an array, scalar or dtype of NumPy's that holds numbers or text."""
    if type(value) is numpy.ndarray or isinstance(value, numpy.generic):
        value = value.dtype
    return isinstance(value, numpy.dtype) and bool(_PLAIN.fullmatch(value.str))


def _dtype(name, align=False, copy=True):
    if type(name) is not str or not _PLAIN.fullmatch(name):
        raise Damaged(f"it holds a NumPy array of {name!r}; load reads those of numbers and text")
    return numpy.dtype(name, copy=True)  # its byte order comes later


def _empty(cls, shape, kind):
    if cls is not _ARRAY or shape != (0,):
        raise Damaged("its pickle makes an array of what is none of NumPy's")
    return numpy.empty(0, numpy.int8)


def _scalar(dtype, data):
    if not isinstance(dtype, numpy.dtype) or type(data) is not bytes or len(data) != dtype.itemsize or not data:
        raise Damaged("its pickle makes a number of what is none of NumPy's")
    return numpy.frombuffer(data, dtype)[0]


def set_state(made, state):
    """What a pickle says of an array or dtype after it was made."""
    if isinstance(made, numpy.dtype):
        sizes = (made.itemsize, made.alignment) if made.kind in "SU" else (-1, -1)
        if type(state) is not tuple or len(state) != 8 or state[1] not in ("<", ">", "=", "|") or state[0] != 3:
            raise Damaged("its pickle has another state for a NumPy dtype")
        if state[2:] != (None, None, None, *sizes, made.flags):
            raise Damaged("it holds a NumPy array of records; load reads those of numbers and text")
        made.__setstate__(state)
        return
    if type(state) is not tuple or len(state) != 5:
        raise Damaged("its pickle has another state for a NumPy array")
    version, shape, dtype, by_columns, data = state
    if version != 1 or type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise Damaged("its pickle has another state for a NumPy array")
    if not is_plain(dtype) or type(data) is not bytes or len(data) != math.prod(shape) * dtype.itemsize:
        raise Damaged("its pickle has a NumPy array whose bytes are not those of its shape and dtype")
    made.__setstate__((1, shape, dtype, by_columns is True, data))


_ARRAY = Known("numpy.ndarray")
KNOWN = {
    "numpy.ndarray": _ARRAY,
    "numpy.dtype": Known("numpy.dtype", _dtype),
    # NumPy 1 and NumPy 2.
    **{f"numpy.{core}.multiarray._reconstruct": Known("numpy's _reconstruct", _empty) for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": Known("numpy's scalar", _scalar) for core in ("core", "_core")},
}
