"""A graph as steps: what a loaded model runs, one function a node."""

from typing import Any, NamedTuple

import weft

from . import host
from .values import to_array, to_tensor

_COMMON = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError, ZeroDivisionError, KeyError)


class Step(NamedTuple):
    label: str  # which node it is
    operator: Any  # table.Operator, or a Graph that is called like a function
    known: Any  # its function of arrays, or None
    inputs: tuple
    outputs: tuple
    attributes: tuple  # (name, value)
    released: tuple  # names that nothing reads any more
    captured: tuple  # names of this scope that the node's graphs read


class Graph(NamedTuple):
    name: str
    inputs: tuple
    outputs: tuple
    constants: tuple  # (name, Constant)
    steps: tuple
    free: tuple  # names of outer graphs


class Body(NamedTuple):
    """A graph of a node's attribute, with the values of outer graphs that it reads."""

    graph: Graph
    outer: dict

    def __call__(self, *inputs):
        return run(self.graph, inputs, self.outer)


class Constant(NamedTuple):
    """An array as what never changes: an array in a program's reach could be written to."""

    dtype: str
    shape: tuple
    content: Any  # bytes; a tuple of strings

    def array(self):
        import numpy

        if self.dtype == "O":  # strings
            return numpy.array(self.content, object).reshape(self.shape)
        return numpy.frombuffer(self.content, numpy.dtype(self.dtype)).reshape(self.shape)


def attributes_of(step):
    return {name: value.array() if isinstance(value, Constant) else value for name, value in step.attributes}


def constant(array):
    if array.dtype.kind in "OUS":
        return Constant("O", array.shape, tuple(array.reshape(-1).tolist()))
    return Constant(array.dtype.str if array.dtype.kind != "V" else array.dtype.name, array.shape, array.tobytes())


def run(graph, inputs, outer=None, instead=None):
    """The values of the graph's outputs: tensors, arrays that are known, lists, or None. ``instead``: of constants, by name."""
    values = dict(outer) if outer else {}
    for name, value in graph.constants:
        values[name] = value.array()
    values.update(zip(graph.inputs, inputs))
    if instead:
        values.update(instead)
    for step in graph.steps:
        results = _results(step, values)
        for name, result in zip(step.outputs, results):
            if name:
                values[name] = result
        for name in step.released:
            values.pop(name, None)
    return tuple([_read(values, name) for name in graph.outputs])


def _read(values, name):
    if name not in values:
        raise RuntimeError(f"[onnx] {name!r} is an output that its node does not give here")
    return values[name]


def _results(step, values):
    arguments = [_read(values, name) if name else None for name in step.inputs]
    try:
        return _called(step, arguments, values)
    except _COMMON as error:
        if type(error) not in _COMMON or str(error).startswith("[onnx] node"):
            raise
        kinds = ", ".join(describe(a) for a in arguments)
        kind = RuntimeError if type(error) is KeyError else type(error)
        raise kind(f"[onnx] node {step.label} of ({kinds}): {error}") from error


def _called(step, arguments, values):
    entry = step.operator
    if isinstance(entry, Graph):
        return run(entry, arguments + [None] * (len(entry.inputs) - len(arguments)))
    attributes = attributes_of(step)
    if step.known is not None and all(
        [host.is_known(a) or (a is None and i >= entry.required) for i, a in enumerate(arguments)]
    ):
        result = step.known(*arguments, **attributes)
        if result is not NotImplemented:
            return result if type(result) is tuple else (result,)
    if step.captured is not None:
        outer = {name: _read(values, name) for name in step.captured}
        attributes = {n: Body(a, outer) if isinstance(a, Graph) else a for n, a in attributes.items()}
    if entry.counts:
        attributes["outputs"] = len(step.outputs)
    if not entry.raw:
        arguments = [_argument(a, i in entry.host, i < entry.required) for i, a in enumerate(arguments)]
    result = entry.function(*arguments, **attributes)
    return result if type(result) is tuple else (result,)


def _argument(value, as_numbers, required):
    if value is None:
        if required:
            raise TypeError("an input that must be there is left out")
        return None
    if isinstance(value, list):
        raise TypeError("an input is a sequence, where a tensor is needed")
    if host.is_known(value):
        return value if as_numbers else to_tensor(value)
    return to_array(value) if as_numbers else value


def describe(value):
    """The type of a value, for messages."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return f"sequence of {len(value)}"
    name = value.dtype.name if isinstance(value, weft.Tensor) or hasattr(value, "dtype") else type(value).__name__
    return f"{name}{list(getattr(value, 'shape', ()))}"
