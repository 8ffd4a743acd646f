"""Operators on values that are known when Python runs: the arithmetic of shapes.

A shape is an array of a few integers. What is computed from it stays one, so that a program which reshapes by the sizes of its inputs
needs no tensor's values. A function returns NotImplemented where a tensor is the better result. Only NumPy's functions in C are
used: Python code of other packages cannot be guarded, so that a compiled program could not skip it.
"""

import math
from collections.abc import Callable
from typing import Any

from .values import MOST_KNOWN

KNOWN: dict[str, Callable[..., Any]] = {}


def is_known(value):
    """Whether the value is an array, and no tensor or sequence."""
    return type(value).__module__ == "numpy"


def _listed(axes):
    """The integers of an array or a tuple."""
    return list(axes) if type(axes) is tuple else axes.reshape(-1).tolist()


def known(*names):
    def enter(function):
        for name in names:
            KNOWN[name] = function
        return function

    return enter


def _numpy():
    import numpy

    return numpy


def _elementwise(name, of_arrays):
    def function(*arrays):
        numpy = _numpy()
        if math.prod(numpy.broadcast(*arrays).shape) > MOST_KNOWN:
            return NotImplemented
        return numpy.asarray(of_arrays(numpy, *arrays))

    KNOWN[name] = function


def _divided(numpy, a, b):
    if a.dtype.kind not in "iu":
        return a / b
    if 0 in b.reshape(-1).tolist():
        raise ZeroDivisionError("an integer is divided by 0")
    quotient = numpy.absolute(a) // numpy.absolute(b)
    return (quotient * numpy.sign(a) * numpy.sign(b)).astype(a.dtype)


def _chosen(numpy, condition, a, b):
    shape = numpy.broadcast(condition, a, b).shape
    condition, a = condition | numpy.zeros(shape, bool), a + numpy.zeros(shape, a.dtype)
    result = b + numpy.zeros(shape, b.dtype)
    result[condition] = a[condition]
    return result


def joined(arrays, axis):
    """concatenate(), which NumPy dispatches in Python."""
    numpy = _numpy()
    axis = axis % arrays[0].ndim
    shape = list(arrays[0].shape)
    shape[axis] = sum([a.shape[axis] for a in arrays])
    result, start, before = numpy.empty(shape, arrays[0].dtype), 0, (slice(None),) * axis
    for array in arrays:
        where = (*before, slice(start, start + array.shape[axis]))
        result[where] = array
        start += array.shape[axis]
    return result


for _name, _of in {
    "Add": lambda n, a, b: a + b,
    "Sub": lambda n, a, b: a - b,
    "Mul": lambda n, a, b: a * b,
    "Div": _divided,
    "Neg": lambda n, a: -a,
    "Abs": lambda n, a: n.absolute(a),
    "Floor": lambda n, a: n.floor(a),
    "Ceil": lambda n, a: n.ceil(a),
    "Sqrt": lambda n, a: n.sqrt(a),
    "Not": lambda n, a: ~a,
    "And": lambda n, a, b: a & b,
    "Or": lambda n, a, b: a | b,
    "Equal": lambda n, a, b: a == b,
    "Less": lambda n, a, b: a < b,
    "LessOrEqual": lambda n, a, b: a <= b,
    "Greater": lambda n, a, b: a > b,
    "GreaterOrEqual": lambda n, a, b: a >= b,
    "Where": _chosen,
}.items():
    _elementwise(_name, _of)


def _folded(name, function_name):
    def function(*arrays):
        numpy = _numpy()
        result = arrays[0]
        for array in arrays[1:]:
            result = getattr(numpy, function_name)(result, array)
        return numpy.asarray(result) if result.size <= MOST_KNOWN else NotImplemented

    KNOWN[name] = function


_folded("Min", "minimum")
_folded("Max", "maximum")


@known("Mod")
def _mod(a, b, fmod=0):
    numpy = _numpy()
    if a.dtype.kind not in "iu":
        return NotImplemented
    if 0 in b.reshape(-1).tolist():
        raise ZeroDivisionError("an integer is divided by 0")
    return numpy.asarray(numpy.fmod(a, b) if fmod else numpy.mod(a, b))


@known("Identity")
def _identity(x):
    return x


@known("Size")
def _size(x):
    return _numpy().array(x.size, "int64")


@known("Shape")
def _shape(x, start=0, end=None):
    return _numpy().array(x.shape[start:end], "int64")


@known("Cast")
def _cast(x, to, saturate=1, round_mode="up"):
    numpy = _numpy()
    target = {
        1: "float32",
        2: "uint8",
        3: "int8",
        4: "uint16",
        5: "int16",
        6: "int32",
        7: "int64",
        9: "bool",
        10: "float16",
        11: "float64",
        12: "uint32",
        13: "uint64",
    }.get(to)
    if target is None or x.dtype.kind not in "biuf" or x.dtype.itemsize < 2 and x.dtype.kind == "f":
        return NotImplemented
    if (
        x.dtype.kind == "f"
        and numpy.dtype(target).kind in "iu"
        and any([not abs(v) < 2.0**31 for v in x.reshape(-1).tolist()])
    ):
        return NotImplemented  # out of range: as tensors
    return x.astype(target)


@known("Reshape")
def _reshape(x, shape, allowzero=0):
    return x.reshape(target_shape(x.shape, shape.tolist(), allowzero))


def target_shape(own, shape, allowzero):
    """The result's sizes of a Reshape: 0 keeps the input's, -1 is what is left."""
    if not allowzero:
        for i, size in enumerate(shape):
            if size == 0 and i >= len(own):
                raise ValueError(f"the shape {shape} keeps size {i}, which an input of shape {list(own)} does not have")
        shape = [own[i] if size == 0 else size for i, size in enumerate(shape)]
    return shape


@known("Squeeze")
def _squeeze(x, axes=None):
    return x.squeeze(None if axes is None else tuple(_listed(axes)))


@known("Unsqueeze")
def _unsqueeze(x, axes):
    axes = _listed(axes)
    rank = x.ndim + len(axes)
    new, sizes = [a % rank for a in axes], iter(x.shape)
    return x.reshape([1 if a in new else next(sizes) for a in range(rank)])


@known("Transpose")
def _transpose(x, perm=None):
    return x.transpose(perm)


@known("Concat")
def _concat(*arrays, axis):
    if sum(a.size for a in arrays) > MOST_KNOWN:
        return NotImplemented
    return joined(arrays, axis)


@known("Gather")
def _gather(x, indices, axis=0):
    numpy = _numpy()
    at = indices.reshape(-1).tolist()
    if at and not -x.shape[axis] <= min(at) <= max(at) < x.shape[axis]:
        raise IndexError(f"an index of {at} is out of bounds for axis {axis} of shape {list(x.shape)}")
    if x.size and indices.size * (x.size // x.shape[axis]) > MOST_KNOWN:
        return NotImplemented
    return numpy.asarray(x.take(indices, axis))


def slices(shape, starts, ends, axes, steps):
    """Python's slices of a Slice: INT_MAX and its like are the ends, negative positions count from the end."""
    where = [slice(None)] * len(shape)
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ValueError(f"starts, ends, axes and steps must be of one length; got {starts}, {ends}, {axes}, {steps}")
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if not -len(shape) <= axis < len(shape):
            raise IndexError(f"there is no axis {axis} in shape {list(shape)}")
        if step == 0:
            raise ValueError("a step must not be 0")
        size = shape[axis]
        first = start + size if start < 0 else start
        last = end + size if end < 0 else end
        if step > 0:
            where[axis] = slice(min(max(first, 0), size), min(max(last, 0), size), step)
        else:
            last = min(max(last, -1), size - 1)
            where[axis] = slice(min(max(first, -1), size - 1), None if last < 0 else last, step)
            if first < 0:
                where[axis] = slice(0, 0, 1)
    return where


@known("Slice")
def _slice(x, starts, ends, axes=None, steps=None):
    return x[tuple(slices(x.shape, *(None if a is None else _listed(a) for a in (starts, ends, axes, steps))))]


@known("Expand")
def _expand(x, shape):
    numpy = _numpy()
    wanted = shape.tolist()
    if x.size * math.prod(wanted) > MOST_KNOWN or min(wanted, default=0) < 0:
        return NotImplemented
    return _chosen(numpy, numpy.zeros(wanted, bool), x, x)


@known("Tile")
def _tile(x, repeats):
    if x.size * math.prod(repeats.tolist()) > MOST_KNOWN:
        return NotImplemented
    if min(repeats.tolist(), default=1) < 1:
        return NotImplemented
    for axis, count in enumerate(repeats.tolist()):
        x = joined([x] * count, axis)
    return x


@known("ConstantOfShape")
def _constant_of_shape(shape, value=None):
    numpy = _numpy()
    sizes = shape.tolist()
    if math.prod(sizes) > MOST_KNOWN or min(sizes, default=0) < 0:
        return NotImplemented
    array = numpy.zeros(1, "float32") if value is None else value
    result = numpy.empty(sizes, array.dtype)
    result.fill(array.item())
    return result


@known("Range")
def _range(start, limit, delta, stash_type=1):
    numpy = _numpy()
    first, last, step = (a.reshape(()).item() for a in (start, limit, delta))
    if start.dtype.kind != "i" or step == 0 or abs(last - first) / abs(step) > MOST_KNOWN:
        return NotImplemented
    return numpy.arange(first, last, step, start.dtype)


def _reduced(name, of):
    def function(x, axes=None, keepdims=1, noop_with_empty_axes=0):
        numpy = _numpy()
        axes = None if axes is None else tuple(_listed(axes))
        if x.dtype.kind not in "iu" or x.size == 0 or (not axes and noop_with_empty_axes):
            return NotImplemented
        return numpy.asarray(of(numpy, x, axis=axes or None, keepdims=bool(keepdims), dtype=x.dtype))

    KNOWN[name] = function


_reduced("ReduceProd", lambda n, x, **k: n.multiply.reduce(x, **k))
_reduced("ReduceSum", lambda n, x, **k: n.add.reduce(x, **k))


@known("Split")
def _split(x, split=None, axis=0, num_outputs=None):
    if split is None:
        return NotImplemented
    parts, start, before = [], 0, (slice(None),) * (axis % x.ndim)
    for size in _listed(split):
        where = (*before, slice(start, start + size))
        parts.append(x[where])
        start += size
    return tuple(parts)
