"""Elementwise ops. ONNX spreads operands itself: an expanded one is written as it was before."""

import math

from ..writer import Value, element
from . import emits


def operands(node, w):
    """The operands' Values, not expanded where another has the result's shape already."""
    narrow = [_narrow(v) for v in node.operands]
    whole = [v.shape == node.shape for v in narrow]
    if not any(whole) and len(narrow) > 1:
        # Expand one, the least work for the others.
        first = next((i for i, v in enumerate(node.operands) if v.source is None or v.source.op != "full"), 0)
        narrow[first] = node.operands[first]
    elif not any(whole):
        narrow = list(node.operands)
    return [v if isinstance(v, Value) else v for v in narrow]


def _narrow(value):
    source = value.source
    if source is None:
        return value
    if source.op == "expand":
        return _narrow(source.operands[0])
    return value


def names(w, node, dtype=None):
    """The operands' names, of the result's dtype or the one named."""
    dtype = dtype or node.dtype
    return [_name(w, v, dtype, node) for v in operands(node, w)]


def _name(w, value, dtype, node):
    source = value.source
    if source is not None and source.op == "full" and source.dtype == dtype and len(node.operands) > 1:
        return w.number(number_of(source), dtype)
    return w.value(value, dtype)


def number_of(full):
    """The number of a full."""
    return full.attrs["value"] if full.dtype.startswith(("float", "bfloat")) else full.attrs["integer"]


def _same(kind):
    def emit(w, node):
        return w.node(kind, names(w, node))

    return emit


for _op, _kind in {
    "abs": "Abs", "acos": "Acos", "acosh": "Acosh", "add": "Add", "asin": "Asin", "asinh": "Asinh", "atan": "Atan", "atanh": "Atanh",
    "cos": "Cos", "cosh": "Cosh", "div": "Div", "erf": "Erf", "exp": "Exp", "log": "Log", "maximum": "Max", "minimum": "Min",
    "clamp_min": "Max", "clamp_max": "Min", "mul": "Mul", "neg": "Neg", "pow": "Pow", "reciprocal": "Reciprocal", "relu": "Relu",
    "sigmoid": "Sigmoid", "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt", "sub": "Sub", "tan": "Tan", "tanh": "Tanh",
}.items():  # fmt: skip
    emits(_op)(_same(_kind))


@emits("floor", "ceil", "round")
def _rounding(w, node):
    if not node.dtype.startswith(("float", "bfloat")):
        return w.node("Identity", names(w, node))
    return w.node({"floor": "Floor", "ceil": "Ceil", "round": "Round"}[node.op], names(w, node))


@emits("trunc")
def _trunc(w, node):
    (x,) = names(w, node)
    return w.node("Mul", [w.node("Sign", [x]), w.node("Floor", [w.node("Abs", [x])])])


@emits("square")
def _square(w, node):
    (x,) = names(w, node)
    return w.node("Mul", [x, x])


@emits("rsqrt")
def _rsqrt(w, node):
    return w.node("Reciprocal", [w.node("Sqrt", names(w, node))])


@emits("exp2")
def _exp2(w, node):
    (x,) = names(w, node)
    return w.node("Pow", [w.number(2.0, node.dtype), x])


@emits("expm1")
def _expm1(w, node):
    """By tanh, which is exact near 0: 2 t / (1 - t) of t = tanh(x / 2); beyond 1, where t is near it, as exp(x) - 1."""
    (x,) = names(w, node)
    one, two = w.number(1.0, node.dtype), w.number(2.0, node.dtype)
    t = w.node("Tanh", [w.node("Div", [x, two])])
    near = w.node("Div", [w.node("Mul", [two, t]), w.node("Sub", [one, t])])
    return w.node("Where", [w.node("Greater", [x, one]), w.node("Sub", [w.node("Exp", [x]), one]), near])


@emits("log1p")
def _log1p(w, node):
    """x · log(u) / (u - 1) of u = 1 + x, whose rounding cancels; x where u is 1."""
    (x,) = names(w, node)
    one = w.number(1.0, node.dtype)
    u = w.node("Add", [x, one])
    exact = w.node(
        "Or", [w.node("Equal", [u, one]), w.node("IsInf", [w.cast(u, "float32") if node.dtype != "float64" else u])]
    )
    rest = w.node("Sub", [u, one])
    value = w.node("Mul", [x, w.node("Div", [w.node("Log", [u]), w.node("Where", [exact, one, rest])])])
    return w.node("Where", [exact, x, value])


@emits("log2", "log10")
def _log_to(w, node):
    (x,) = names(w, node)
    return w.node("Div", [w.node("Log", [x]), w.number(math.log(2.0 if node.op == "log2" else 10.0), node.dtype)])


@emits("erfc")
def _erfc(w, node):
    return w.node("Sub", [w.number(1.0, node.dtype), w.node("Erf", names(w, node))])


@emits("silu")
def _silu(w, node):
    (x,) = names(w, node)
    return w.node("Mul", [x, w.node("Sigmoid", [x])])


@emits("gelu")
def _gelu(w, node):
    (x,) = names(w, node)
    if w.opset >= 20:
        return w.node("Gelu", [x], approximate="tanh" if node.attrs["tanh_form"] else None)
    number = lambda v: w.number(v, node.dtype)  # noqa: E731
    if node.attrs["tanh_form"]:
        cube = w.node("Mul", [w.node("Mul", [x, x]), x])
        inner = w.node("Add", [x, w.node("Mul", [number(0.044715), cube])])
        part = w.node("Tanh", [w.node("Mul", [number(math.sqrt(2 / math.pi)), inner])])
    else:
        part = w.node("Erf", [w.node("Div", [x, number(math.sqrt(2))])])
    return w.node("Mul", [w.node("Mul", [x, number(0.5)]), w.node("Add", [part, number(1.0)])])


@emits("logit")
def _logit(w, node):
    (x,) = names(w, node)
    return w.node("Log", [w.node("Div", [x, w.node("Sub", [w.number(1.0, node.dtype), x])])])


@emits("add_scaled")
def _add_scaled(w, node):
    x, y, alpha = names(w, node)
    return w.node("Add", [x, w.node("Mul", [y, alpha])])


@emits("remainder")
def _remainder(w, node):
    x, y = names(w, node)
    if not node.dtype.startswith(("float", "bfloat")):
        return w.node("Mod", [x, y])
    return w.node("Sub", [x, w.node("Mul", [w.node("Floor", [w.node("Div", [x, y])]), y])])


@emits("fmod")
def _fmod(w, node):
    return w.node("Mod", names(w, node), fmod=1)


@emits("floor_divide")
def _floor_divide(w, node):
    x, y = names(w, node)
    if node.dtype.startswith(("float", "bfloat")):
        return w.node("Floor", [w.node("Div", [x, y])])
    return w.node("Div", [w.node("Sub", [x, w.node("Mod", [x, y])]), y])


_COMPARISONS = {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual"}


@emits("eq", "ne", "lt", "le", "gt", "ge")
def _comparison(w, node):
    dtype = node.operands[0].dtype
    if dtype == "bool" and node.op not in ("eq", "ne"):
        dtype = "int32"
    found = w.node(_COMPARISONS["eq" if node.op == "ne" else node.op], names(w, node, dtype))
    return w.node("Not", [found]) if node.op == "ne" else found


@emits("logical_and", "logical_or", "logical_xor", "logical_not")
def _logical(w, node):
    kind = {"and": "And", "or": "Or", "xor": "Xor", "not": "Not"}[node.op.removeprefix("logical_")]
    return w.node(kind, names(w, node, "bool"))


@emits("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not")
def _bitwise(w, node):
    kind = {"and": "And", "or": "Or", "xor": "Xor", "not": "Not"}[node.op.removeprefix("bitwise_")]
    return w.node(kind if node.dtype == "bool" else f"Bitwise{kind}", names(w, node))


@emits("isnan", "isinf", "isfinite")
def _classify(w, node):
    x = node.operands[0]
    dtype = x.dtype if x.dtype in ("float32", "float64") else "float32"
    x = w.value(x, dtype)
    if node.op != "isfinite":
        return w.node("IsNaN" if node.op == "isnan" else "IsInf", [x])
    return w.node("Not", [w.node("Or", [w.node("IsNaN", [x]), w.node("IsInf", [x])])])


@emits("where")
def _where(w, node):
    condition, *rest = operands(node, w)
    return w.node("Where", [w.value(condition, "bool"), *(_name(w, v, node.dtype, node) for v in rest)])


@emits("clamp")
def _clamp(w, node):
    x, low, high = names(w, node)
    return w.node("Min", [w.node("Max", [x, low]), high])


@emits("cast")
def _cast(w, node):
    return w.node("Cast", [node.operands[0].name], to=element(node.dtype))


@emits("atan2")
def _atan2(w, node):
    """atan(y / x), half a turn further where x is negative; of (0, 0) 0, or half a turn."""
    y, x = names(w, node)
    zero, pi = w.number(0.0, node.dtype), w.number(math.pi, node.dtype)
    both = w.node("And", [w.node("Equal", [x, zero]), w.node("Equal", [y, zero])])
    angle = w.node("Where", [both, zero, w.node("Atan", [w.node("Div", [y, x])])])
    turn = w.node("Where", [w.node("Less", [y, zero]), w.node("Neg", [pi]), pi])
    return w.node("Add", [angle, w.node("Where", [w.node("Less", [x, zero]), turn, zero])])
