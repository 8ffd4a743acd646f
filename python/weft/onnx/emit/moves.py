"""Ops that move elements, read and write at positions, or make them."""

from ..writer import LARGEST, Varying, element
from . import emits
from .elementwise import number_of


@emits("reshape")
def _reshape(w, node):
    return w.reshape(node.operands[0], node.shape)


@emits("permute")
def _permute(w, node):
    return w.node("Transpose", [node.operands[0].name], perm=list(node.attrs["dims"]))


@emits("expand")
def _expand(w, node):
    x = node.operands[0]
    return w.node("Expand", [x.name, w.sizes(node.shape, (x,))])


@emits("slice")
def _slice(w, node):
    x, attrs = node.operands[0], node.attrs
    starts, ends, axes, steps = [], [], [], []
    for axis, (start, size, step) in enumerate(zip(attrs["starts"], attrs["sizes"], attrs["steps"])):
        own = x.shape[axis]
        if start == 0 and step == 1 and size == own:
            continue
        axes.append(axis)
        steps.append(step)
        starts.append(_counted(start, own))
        ends.append(_end(w, start, size, step, own))
    if not axes:
        return w.node("Identity", [x.name])
    near = (x,)
    return w.node("Slice", [x.name, w.sizes(starts, near), w.sizes(ends, near), w.integers(axes), w.integers(steps)])


def _counted(start, own):
    """A start that varies with the axis's size counts from its end."""
    if isinstance(start, Varying) and isinstance(own, Varying):
        back = {s - o for s, o in zip(start, own)}
        if len(back) == 1 and min(back) < 0:
            return back.pop()
    return start


def _each(value, like):
    return value if isinstance(value, Varying) else (value,) * len(like)


def _end(w, start, size, step, own):
    """Where the slice ends: a number, or a size that varies."""
    if not any(isinstance(v, Varying) for v in (start, size, own)):
        return start + (size - 1) * step + 1
    like = next(v for v in (start, size, own) if isinstance(v, Varying))
    last = [a + (n - 1) * step + 1 for a, n in zip(_each(start, like), _each(size, like))]
    ends = _each(own, like)
    if all(e - l < step for e, l in zip(ends, last)):
        return LARGEST
    if len({l - e for e, l in zip(ends, last)}) == 1:
        return last[0] - ends[0]
    return last[0] if len(set(last)) == 1 else Varying(last)


@emits("pad")
def _pad(w, node):
    x, attrs = node.operands[0], node.attrs
    if any(attrs["interior"]):
        raise NotImplementedError("padding between elements has no ONNX operator")
    value = attrs["value"] if node.dtype.startswith(("float", "bfloat")) else int(attrs["value"])
    if node.dtype == "bool":
        return w.cast(
            w.node(
                "Pad", [w.cast(x.name, "int32"), w.integers([*attrs["low"], *attrs["high"]]), w.number(value, "int32")]
            ),
            "bool",
        )
    return w.node("Pad", [x.name, w.integers([*attrs["low"], *attrs["high"]]), w.number(value, node.dtype)])


@emits("concatenate")
def _concatenate(w, node):
    return w.node("Concat", [w.value(v, node.dtype) for v in node.operands], axis=node.attrs["dim"])


@emits("flip")
def _flip(w, node):
    axes = list(node.attrs["dims"])
    ends = [-LARGEST] * len(axes)
    return w.node(
        "Slice",
        [
            node.operands[0].name,
            w.integers([-1] * len(axes)),
            w.integers(ends),
            w.integers(axes),
            w.integers([-1] * len(axes)),
        ],
    )


@emits("gather")
def _gather(w, node):
    x, index = node.operands
    return w.node("GatherElements", [x.name, index.name], axis=node.attrs["dim"])


@emits("index_select")
def _index_select(w, node):
    x, index = node.operands
    return w.node("Gather", [x.name, index.name], axis=node.attrs["dim"])


@emits("embedding")
def _embedding(w, node):
    index, weight = node.operands
    return w.node("Gather", [weight.name, index.name], axis=0)


_REDUCTIONS = {
    "scatter": None,
    "scatter_add": "add",
    "scatter_prod": "mul",
    "scatter_amax": "max",
    "scatter_amin": "min",
}


@emits(*_REDUCTIONS)
def _scatter(w, node):
    return w.node(
        "ScatterElements", [v.name for v in node.operands], axis=node.attrs["dim"], reduction=_REDUCTIONS[node.op]
    )


@emits("full")
def _full(w, node):
    number = w.number(number_of(node), node.dtype)
    return number if not node.shape else w.node("Expand", [number, w.sizes(node.shape)])


@emits("count")
def _count(w, node):
    sizes = w.sizes(node.attrs["sizes"]) if node.attrs["sizes"] else w.integers([1])
    total = w.node("ReduceProd", [sizes], keepdims=0)
    if node.attrs["less"]:
        total = w.node("Max", [w.node("Sub", [total, w.number(node.attrs["less"], "int64")]), w.number(0, "int64")])
    return w.node("Expand", [w.cast(total, node.dtype), w.sizes(node.shape)])


@emits("iota")
def _iota(w, node):
    dim, shape = node.attrs["dim"], node.shape
    length = w.node("Squeeze", [w.size(shape[dim]), w.integers([0])])
    steps = w.node("Range", [w.number(0, "int64"), length, w.number(1, "int64")])
    steps = w.node("Cast", [steps], to=element(node.dtype))
    if len(shape) == 1:
        return steps
    column = w.node("Reshape", [steps, w.integers([-1 if a == dim else 1 for a in range(len(shape))])])
    return w.node("Expand", [column, w.sizes(shape)])
