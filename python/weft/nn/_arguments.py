"""Arguments that layers and functions read alike. ``op`` is the name that errors bear."""

from __future__ import annotations

import operator
import warnings

from .. import _C
from .._public import Any, public

REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def reduction_of(op, size_average, reduce, reduction):
    """The reduction, which PyTorch's older arguments override, where they are given."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"[{op}] size_average and reduce are deprecated; pass reduction={reduction!r}", stacklevel=3)
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ValueError(f"[{op}] reduction must be 'none', 'mean' or 'sum'; got {reduction!r}")
    return reduction


def a_float(op, name, value):
    """Of what stands for one number: Python's, NumPy's, a tensor of one element."""
    try:
        if not isinstance(value, (str, bytes, bytearray)):
            return float(value)
    except (TypeError, ValueError, RuntimeError):
        pass
    raise TypeError(f"[{op}] {name} must be a number; got {type(value).__name__}; pass an int or a float")


def size(op, name, value):
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"[{op}] {name} must be an int; got {type(value).__name__}") from None
    if value < 0:
        raise RuntimeError(f"[{op}] {name} must not be negative; got {value}")
    return value


def flag(op, name, value):
    if not isinstance(value, (bool, int)):
        raise TypeError(f"[{op}] {name} must be a bool; got {type(value).__name__}")
    return bool(value)


def choice(op, name, value, names):
    """One of a few names."""
    if not isinstance(value, str) or value not in names:
        *most, last = map(repr, names)
        raise ValueError(f"[{op}] {name} must be {', '.join(most)} or {last}; got {value!r}")
    return value


def number(op, name, value):
    if not isinstance(value, (int, float)):
        raise TypeError(f"[{op}] {name} must be a number; got {type(value).__name__}")
    return float(value)


def tensor(op, value, name="input"):
    if not isinstance(value, _C.Tensor):
        raise TypeError(f"[{op}] {name} must be a tensor; got {type(value).__name__}")
    return value


def a_module(op, value, name="module"):
    if not isinstance(value, _C.ModuleBase):
        raise TypeError(f"[{op}] {name} must be a Module; got {type(value).__name__}")
    return value


def text(op, name, value):
    if not isinstance(value, str):
        raise TypeError(f"[{op}] {name} must be a str; got {type(value).__name__}")
    return value


def listed(op, name, value, of=object):
    """The items of an iterable as a list."""
    try:
        items = list(value)
    except TypeError:
        raise TypeError(f"[{op}] {name} must be a list or an iterable; got {type(value).__name__}") from None
    for item in items:
        if not isinstance(item, of):
            raise TypeError(f"[{op}] {name} must hold {of.__name__}s alone; got {type(item).__name__} among them")
    return items


def sizes(op, name, value):
    """A tuple of sizes; one may be given as an int."""
    if isinstance(value, (tuple, list)):
        return tuple(size(op, f"each of {name}", v) for v in value)
    return (size(op, name, value),)


def padding_index(op, value, count):
    """The row that is not trained, counted from the front; None where there is none."""
    if value is None:
        return None
    if not isinstance(value, int):
        raise TypeError(f"[{op}] padding_idx must be an int or None; got {type(value).__name__}")
    if not -count <= value < count:
        raise AssertionError(
            f"[{op}] padding_idx must lie in [{-count}, {count}); got {value}; pass a row of the table"
        )
    return value % count


@public
def to(device: Any = None, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """(device, dtype) of the arguments of Module.to, either of which may be None."""
    if isinstance(device, _C.Tensor):
        return device.device, device.dtype
    if isinstance(device, _C.dtype):
        device, dtype = (dtype if isinstance(dtype, (str, _C.device)) else None), device
    if dtype is not None and not (isinstance(dtype, _C.dtype) and (dtype.is_floating_point or dtype.is_complex)):
        raise TypeError(
            f"[to] a module is converted to a floating-point or complex dtype; got {dtype}; convert single tensors instead"
        )
    return device, dtype
