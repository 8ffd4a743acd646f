"""Reductions, running sums, orders and normalisations."""

from . import emits

_KINDS = {"sum": "ReduceSum", "prod": "ReduceProd", "amax": "ReduceMax", "amin": "ReduceMin", "mean": "ReduceMean"}


def _reduced(w, kind, name, dims, keepdim):
    if not dims:
        return w.node("Identity", [name])
    return w.node(kind, [name, w.integers(dims)], keepdims=int(keepdim))


@emits(*_KINDS)
def _reduce(w, node):
    if node.dtype == "bool":
        return _any(w, node)
    return _reduced(
        w, _KINDS[node.op], w.value(node.operands[0], node.dtype), node.attrs["dims"], node.attrs["keepdim"]
    )


@emits("any", "all")
def _any(w, node):
    number = (
        w.cast(node.operands[0].name, "int32")
        if node.operands[0].dtype == "bool"
        else w.cast(w.cast(node.operands[0].name, "bool"), "int32")
    )
    kind = "ReduceMax" if node.op in ("any", "amax") else "ReduceMin"
    return w.cast(_reduced(w, kind, number, node.attrs["dims"], node.attrs["keepdim"]), "bool")


@emits("argmax", "argmin")
def _arg(w, node):
    x, dims, keepdim = node.operands[0], list(node.attrs["dims"]), node.attrs["keepdim"]
    kind = {"argmax": "ArgMax", "argmin": "ArgMin"}[node.op]
    if len(dims) == 1:
        return w.node(kind, [x.name], axis=dims[0], keepdims=int(keepdim))
    if len(dims) != len(x.shape):
        raise NotImplementedError("the position of an extremum along several axes, but not all, has no ONNX operator")
    found = w.node(kind, [w.node("Reshape", [x.name, w.integers([-1])])], axis=0, keepdims=0)
    return w.node("Reshape", [found, w.integers([1] * len(dims) if keepdim else [])])


def _moments(w, node):
    x, dims, dtype = node.operands[0], node.attrs["dims"], node.types[0][0]
    mean = w.node("ReduceMean", [x.name, w.integers(dims)], keepdims=1)
    away = w.node("Sub", [x.name, mean])
    total = _reduced(w, "ReduceSum", w.node("Mul", [away, away]), dims, node.attrs["keepdim"])
    count = w.node("ReduceProd", [w.sizes([x.shape[d] for d in dims], (x,))], keepdims=0)
    if node.attrs["correction"]:
        count = w.node("Sub", [count, w.number(node.attrs["correction"], "int64")])
    var = w.node("Div", [total, w.cast(count, dtype)])
    return var, mean


@emits("var", "std")
def _var(w, node):
    var, _ = _moments(w, node)
    return w.node("Sqrt", [var]) if node.op == "std" else var


@emits("var_mean")
def _var_mean(w, node):
    var, mean = _moments(w, node)
    return var, mean if node.attrs["keepdim"] else w.node("Squeeze", [mean, w.integers(node.attrs["dims"])])


@emits("channel_var")
def _channel_var(w, node):
    x = node.operands[0]
    axes = [a for a in range(len(x.shape)) if a != 1]
    mean = w.node("ReduceMean", [x.name, w.integers(axes)], keepdims=1)
    away = w.node("Sub", [x.name, mean])
    return w.node("ReduceMean", [w.node("Mul", [away, away]), w.integers(axes)], keepdims=0)


@emits("normalize")
def _normalize(w, node):
    x, p, dims = node.operands[0].name, node.attrs["p"], w.integers(node.attrs["dims"])
    if p in (1.0, 2.0):
        norm = w.node("ReduceL1" if p == 1.0 else "ReduceL2", [x, dims], keepdims=1)
    else:
        power = w.node("Pow", [w.node("Abs", [x]), w.number(p, node.dtype)])
        norm = w.node("Pow", [w.node("ReduceSum", [power, dims], keepdims=1), w.number(1 / p, node.dtype)])
    return w.node("Div", [x, w.node("Max", [norm, w.number(node.attrs["eps"], node.dtype)])])


@emits("softmax", "log_softmax")
def _softmax(w, node):
    return w.node("Softmax" if node.op == "softmax" else "LogSoftmax", [node.operands[0].name], axis=node.attrs["dim"])


@emits("masked_softmax")
def _masked_softmax(w, node):
    """Zeros where all of a row is -inf."""
    x, dim = node.operands[0].name, node.attrs["dim"]
    greatest = w.node("ReduceMax", [x, w.integers([dim])], keepdims=1)
    hidden = w.node("Equal", [greatest, w.number(float("-inf"), node.dtype)])
    return w.node("Where", [hidden, w.number(0.0, node.dtype), w.node("Softmax", [x], axis=dim)])


def _filled(w, like, dtype, value):
    import numpy

    import weft

    if dtype == "bfloat16":
        raise NotImplementedError(
            "a layer of bfloat16 without a weight has no constant; give it one, or export in float32"
        )
    return w.constant(numpy.full(like, value, getattr(weft, dtype).name), "filled")


@emits("layer_norm")
def _layer_norm(w, node):
    x, *rest = node.operands
    axes = node.attrs["axes"]
    shape = x.shape[len(x.shape) - axes :]
    if not rest and axes == len(x.shape) - 2 and isinstance(x.shape[1], int):  # what group_norm is made of
        scale, bias = (_filled(w, (x.shape[1],), node.dtype, value) for value in (1, 0))
        return w.node("InstanceNormalization", [x.name, scale, bias], epsilon=node.attrs["eps"])
    scale = rest[0].name if rest else w.node("Expand", [w.number(1.0, node.dtype), w.sizes(shape, (x,))])
    return w.node(
        "LayerNormalization", [x.name, scale, *(v.name for v in rest[1:])], axis=-axes, epsilon=node.attrs["eps"]
    )


@emits("normalize_channels")
def _normalize_channels(w, node):
    x, mean, variance, *rest = node.operands
    channels = mean.shape
    scale = rest[0].name if rest else _filled(w, channels, node.dtype, 1)
    bias = rest[1].name if len(rest) > 1 else _filled(w, channels, node.dtype, 0)
    return w.node("BatchNormalization", [x.name, scale, bias, mean.name, variance.name], epsilon=node.attrs["eps"])


@emits("cumsum")
def _cumsum(w, node):
    return w.node("CumSum", [w.value(node.operands[0], node.dtype), w.number(node.attrs["dim"], "int64")])


@emits("sort", "topk", "sort_last", "topk_last")
def _sorted(w, node):
    x = node.operands[0]
    dim = node.attrs.get("dim", len(x.shape) - 1)
    descending = node.attrs["largest" if "largest" in node.attrs else "descending"]
    count = node.attrs.get("k", x.shape[dim])
    dtype = "int32" if x.dtype == "bool" else x.dtype
    values, indices = w.node(
        "TopK", [w.value(x, dtype), w.size(count, (x,))], 2, axis=dim, largest=int(descending), sorted=1
    )
    return values if dtype == x.dtype else w.cast(values, x.dtype), indices


@emits("max", "min")
def _extremum(w, node):
    x, dim, keepdim = node.operands[0], node.attrs["dim"], int(node.attrs["keepdim"])
    values = w.node("ReduceMax" if node.op == "max" else "ReduceMin", [x.name, w.integers([dim])], keepdims=keepdim)
    return values, w.node("ArgMax" if node.op == "max" else "ArgMin", [x.name], axis=dim, keepdims=keepdim)
