"""What emitters write with: nodes, constants and sizes of one ONNX graph and the graphs within it."""

import math
from typing import Any, NamedTuple

import weft

from ._package import onnx
from .values import ELEMENTS

LARGEST = 2**63 - 1


class Varying(tuple):
    """A size that is another one in each of the traces: what it was in them."""

    __slots__ = ()


class Node(NamedTuple):
    """A node of weft's graph."""

    op: str
    operands: tuple  # Value
    attrs: dict
    types: tuple  # (dtype, shape) of each result
    line: str

    @property
    def shape(self):
        return self.types[0][1]

    @property
    def dtype(self):
        return self.types[0][0]


class Value(NamedTuple):
    """An operand or a result of weft's graph. ``source``: the Node that computes it, None of inputs."""

    name: str
    dtype: str
    shape: tuple
    source: Any = None


def element(dtype):
    return ELEMENTS[getattr(weft, dtype)]


class Writer:
    """``opset``: of the model. ``dims``: (name of an input, axis, Varying) of the sizes that vary."""

    def __init__(self, opset, dims):
        self.opset = opset
        self.dims = dims
        self.nodes = []  # of the graph that is written
        self.constants = []  # nodes before those of the outermost graph
        self.initializers = {}  # name → TensorProto, of the outermost graph
        self.taken = set()
        self._numbers = {}
        self._sizes = [{}]  # of each open graph: Varying → name

    # ---------------------------------------------------------------- names and nodes

    def fresh(self, stem):
        name, count = stem, 0
        while name in self.taken:
            count += 1
            name = f"{stem}_{count}"
        self.taken.add(name)
        return name

    def node(self, kind, inputs, outputs=1, **attributes):
        """Writes a node; gives its output's name, or a tuple of several."""
        names = [self.fresh(kind.lower()) for _ in range(outputs)]
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(onnx().helper.make_node(kind, list(inputs), names, **given))
        return names[0] if outputs == 1 else tuple(names)

    # ---------------------------------------------------------------- constants

    def constant(self, array, stem="constant"):
        """A node: an initializer might be a parameter."""
        return self._constant(onnx().numpy_helper.from_array(array), stem)

    def _constant(self, tensor, stem):
        name = self.fresh(stem)
        self.constants.append(onnx().helper.make_node("Constant", [], [name], value=tensor))
        return name

    def number(self, value, dtype):
        """A constant of rank 0."""
        key = (dtype, repr(value))
        if key not in self._numbers:
            tensor = onnx().helper.make_tensor("", element(dtype), (), [value])
            self._numbers[key] = self._constant(tensor, f"number_{value}".replace("-", "minus_"))
        return self._numbers[key]

    def integers(self, values):
        """A constant int64 vector."""
        import numpy

        key = ("vector", tuple(values))
        if key not in self._numbers:
            self._numbers[key] = self.constant(numpy.array(values, numpy.int64), "integers")
        return self._numbers[key]

    # ---------------------------------------------------------------- sizes

    def size(self, value, near=()):
        """An int64 vector of one size. ``near``: Values whose axes may have it."""
        if not isinstance(value, Varying):
            return self.integers([value])
        for known in self._sizes:
            if value in known:
                return known[value]
        name = self._size(value, near)
        self._sizes[-1][value] = name
        return name

    def _size(self, value, near):
        for name, axis, found in self.dims:
            if found == value:
                return self._axis(name, axis)
        for operand in near:
            for axis, found in enumerate(operand.shape):
                if found == value:
                    return self._axis(operand.name, axis)
        for name, axis, found in self.dims:
            fit = _linear(found, value)
            if fit:
                return self._plus(self._times(self._axis(name, axis), fit[0]), fit[1])
        for i, (name, axis, found) in enumerate(self.dims):
            for other, at, second in self.dims[i:]:
                fit = _linear(tuple([a * b for a, b in zip(found, second)]), value)
                if fit:
                    product = self.node("Mul", [self._axis(name, axis), self._axis(other, at)])
                    return self._plus(self._times(product, fit[0]), fit[1])
        raise NotImplementedError(
            f"[onnx.export] a size is {' or '.join(map(str, value))} where the dynamic sizes vary, and is no multiple of them plus a number; "
            "leave its axis out of dynamic_shapes"
        )

    def _axis(self, name, axis):
        return self.node("Shape", [name], start=axis, end=axis + 1)

    def _times(self, name, factor):
        return name if factor == 1 else self.node("Mul", [name, self.integers([factor])])

    def _plus(self, name, number):
        return name if number == 0 else self.node("Add", [name, self.integers([number])])

    def sizes(self, values, near=()):
        """An int64 vector of sizes."""
        if not any(isinstance(v, Varying) for v in values):
            return self.integers(values)
        parts = [self.size(v, near) for v in values]
        return parts[0] if len(parts) == 1 else self.node("Concat", parts, axis=0)

    # ---------------------------------------------------------------- operands

    def cast(self, name, dtype):
        return self.node("Cast", [name], to=element(dtype))

    def value(self, operand, dtype):
        """The operand's name, cast where it is of another dtype."""
        return operand.name if operand.dtype == dtype else self.cast(operand.name, dtype)

    def reshape(self, operand, shape):
        """The operand in a shape, of which one size may be what is left, and sizes in place of the operand's own are copied."""
        kept = [
            0 if isinstance(s, Varying) and i < len(operand.shape) and operand.shape[i] == s else s
            for i, s in enumerate(shape)
        ]
        open_ = [i for i, s in enumerate(kept) if isinstance(s, Varying)]
        if (
            len(open_) == 1
            and math.prod(s for s in kept if isinstance(s, int) and s)
            and 0 not in [s for s in shape if isinstance(s, int)]
        ):
            kept[open_[0]] = -1
            open_ = []
        if not open_:
            allow = 1 if 0 in [s for s in shape if isinstance(s, int)] else None
            return self.node("Reshape", [operand.name, self.integers(kept)], allowzero=allow)
        return self.node("Reshape", [operand.name, self.sizes(shape, (operand,))])


def _linear(inputs, values):
    """(a, b) with a · input + b = value in all traces, else None."""
    if inputs[0] == inputs[1]:
        return None
    a, rest = divmod(values[1] - values[0], inputs[1] - inputs[0])
    b = values[0] - a * inputs[0]
    return (a, b) if rest == 0 and a > 0 and all(a * i + b == v for i, v in zip(inputs, values)) else None
