"""What each operation becomes: a function of the writer, the operation and its operands that gives an expression a result (or one of all)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .constants import number_of
from .parser import Block, Dense, Operation, Type

TABLE: dict[str, Callable[[Any, Operation, list[Any]], Any]] = {}


class Unsupported(Exception):
    """What weft has nothing for; the writer names the operation and the line."""


def writes(*names: str):
    def enter(function):
        for name in names:
            assert name not in TABLE, name
            TABLE[name] = function
        return function

    return enter


def _one(op: Operation, sequence: str) -> str:
    """What gives all results, or its one entry."""
    return sequence if len(op.result_types) != 1 else f"{sequence}[0]"


# ---------------------------------------------------------------- elements

_PLAIN = {
    "abs": "weft.abs({0})", "add": "{0} + {1}", "atan2": "weft.atan2({0}, {1})", "cbrt": "fn.cbrt({0})", "ceil": "weft.ceil({0})",
    "complex": "weft.complex({0}, {1})", "cosine": "weft.cos({0})", "count_leading_zeros": "fn.leading_zeros({0})",
    "exponential": "weft.exp({0})", "exponential_minus_one": "weft.expm1({0})", "floor": "weft.floor({0})",
    "imag": "weft.imag({0})", "is_finite": "weft.isfinite({0})", "log": "weft.log({0})", "log_plus_one": "weft.log1p({0})",
    "logistic": "weft.sigmoid({0})", "maximum": "weft.maximum({0}, {1})", "minimum": "weft.minimum({0}, {1})", "multiply": "{0} * {1}",
    "negate": "-{0}", "popcnt": "fn.count_bits({0})", "power": "weft.pow({0}, {1})", "real": "weft.real({0})",
    "round_nearest_afz": "fn.round_away({0})", "round_nearest_even": "weft.round({0})",
    "rsqrt": "weft.rsqrt({0})", "shift_left": "{0} << {1}", "shift_right_arithmetic": "fn.shift_right_arithmetic({0}, {1})",
    "shift_right_logical": "fn.shift_right_logical({0}, {1})", "sign": "fn.sign({0})", "sine": "weft.sin({0})", "sqrt": "weft.sqrt({0})",
    "subtract": "{0} - {1}", "tan": "weft.tan({0})", "tanh": "weft.tanh({0})", "select": "weft.where({0}, {1}, {2})",
    "clamp": "weft.minimum(weft.maximum({1}, {0}), {2})",
}  # fmt: skip
_OF_BOOLS = {
    "add": "{0} | {1}", "and": "{0} & {1}", "maximum": "{0} | {1}", "minimum": "{0} & {1}", "multiply": "{0} & {1}", "not": "~{0}", "or": "{0} | {1}",
    "xor": "{0} ^ {1}",
}  # fmt: skip
_CHLO = {
    "acos": "weft.acos({0})", "acosh": "weft.acosh({0})", "asin": "weft.asin({0})", "asinh": "weft.asinh({0})", "atan": "weft.atan({0})",
    "atanh": "weft.atanh({0})", "bessel_i1e": "weft.special.i1e({0})", "cosh": "weft.cosh({0})", "digamma": "weft.digamma({0})",
    "erf": "weft.erf({0})", "erf_inv": "weft.erfinv({0})", "erfc": "weft.erfc({0})", "lgamma": "weft.lgamma({0})",
    "next_after": "weft.nextafter({0}, {1})", "sinh": "weft.sinh({0})", "square": "{0} * {0}", "zeta": "weft.special.zeta({0}, {1})",
    "is_inf": "weft.isinf({0})", "is_neg_inf": "weft.isneginf({0})", "is_pos_inf": "weft.isposinf({0})",
}  # fmt: skip
_COMPARE = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
ELEMENTWISE = {f"stablehlo.{n}" for n in (*_PLAIN, *_OF_BOOLS, "compare", "convert", "divide", "remainder")} | {
    f"chlo.{n}" for n in _CHLO
}


def _same_shapes(op: Operation, x: list[Any]) -> None:
    shape = op.result_types[0].shape
    for v in x:
        if v.type.shape != shape and not (v.type.shape == () and op.name.endswith((".select", ".clamp"))):
            raise ValueError(f"operands of {', '.join(str(v.type) for v in x)} for {op.result_types[0]}")


def _elementwise(w, op: Operation, x: list[Any]) -> str:
    name = op.name.partition(".")[2]
    table = _CHLO if op.name.startswith("chlo.") else _PLAIN
    form = table.get(name)
    if name in _OF_BOOLS and x[0].type.element == "i1" or form is None:
        form = _OF_BOOLS[name]
    if form.count("{") and len(x) != len({c for c in form if c.isdigit() and f"{{{c}}}" in form}):
        raise ValueError(f"{len(x)} operands")
    _same_shapes(op, x)
    return form.format(*(v.name for v in x))


for _name in (*_PLAIN, *(n for n in _OF_BOOLS if n not in _PLAIN)):
    writes(f"stablehlo.{_name}")(_elementwise)
for _name in _CHLO:
    writes(f"chlo.{_name}")(_elementwise)


@writes("stablehlo.divide", "stablehlo.remainder")
def _divide(w, op, x):
    _same_shapes(op, x)
    known = ", True" if x[1].known else ""
    return f"fn.{op.name.partition('.')[2]}({x[0].name}, {x[1].name}{known})"


def _direction(op: Operation) -> tuple[str, str]:
    words = [*op.words]
    for key in ("comparison_direction", "compare_type"):
        if key in op.attributes:
            words.append(op.attributes[key][1])
    direction = next(v for v in words if v in _COMPARE)
    return direction, next((v for v in words if v in ("FLOAT", "TOTALORDER", "SIGNED", "UNSIGNED")), "")


@writes("stablehlo.compare")
def _compare(w, op, x):
    direction, kind = _direction(op)
    _same_shapes(op, x)
    a, b = x[0].name, x[1].name
    if kind == "TOTALORDER":
        a, b = f"fn.total_order({a})", f"fn.total_order({b})"
    if x[0].type.element == "i1" and direction not in ("EQ", "NE"):
        a, b = f"{a}.to(weft.int32)", f"{b}.to(weft.int32)"
    return f"{a} {_COMPARE[direction]} {b}"


@writes("stablehlo.convert")
def _convert(w, op, x):
    _same_shapes(op, x)
    return f"fn.convert({x[0].name}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.bitcast_convert")
def _bits(w, op, x):
    return f"fn.bits({x[0].name}, {w.dtype(op.result_types[0])}, {op.result_types[0].shape!r})"


@writes("stablehlo.reduce_precision")
def _reduce_precision(w, op, x):
    form = op.attributes.get("format")
    pair = (op.attributes["exponent_bits"], op.attributes["mantissa_bits"]) if form is None else None
    if pair is None:
        exponent, _, mantissa = form[1:].partition("m")
        pair = int(exponent), int(mantissa)
    if pair not in ((8, 7), (5, 10), (8, 23)):
        raise Unsupported("a precision that is no dtype's; e8m7, e5m10 and e8m23 are supported")
    return f"fn.reduce_precision({x[0].name}, {pair[0]}, {pair[1]})"


# ---------------------------------------------------------------- what reads no data, and identities


@writes("stablehlo.constant")
def _constant(w, op, x):
    (kind,) = op.result_types
    dense = op.attributes.get("value", op.words[0] if op.words else None)
    if not isinstance(dense, Dense):
        raise ValueError("a constant without dense<>")
    return [_constant_of(w, dense, kind)]


def _constant_of(w, dense: Dense, kind: Type):
    number = number_of(dense, kind)
    if number is None:
        return w.constant(dense, kind)
    found = w.assign(_full(w, number, kind), kind)
    found.known = number
    return found


def _full(w, number: Any, kind: Type) -> str:
    text = repr(number) if not isinstance(number, float) or number - number == 0 else f"float({str(number)!r})"
    return f"fn.full({kind.shape!r}, {text}, {w.dtype(kind)})"


@writes("stablehlo.iota")
def _iota(w, op, x):
    (kind,) = op.result_types
    dim = op.attributes.get("dim", op.attributes.get("iota_dimension"))
    if not 0 <= dim < len(kind.shape):
        raise ValueError(f"axis {dim} of {kind}")
    found = w.assign(f"fn.iota({int(dim)}, {kind.shape!r}, {w.dtype(kind)})", kind)
    found.counts = int(dim)
    return [found]


@writes("stablehlo.optimization_barrier", "sdy.sharding_constraint")
def _identity(w, op, x):
    return x


@writes("stablehlo.custom_call")
def _custom_call(w, op, x):
    target = op.symbols[0] if op.symbols else op.attributes.get("call_target_name")
    if target in ("@Sharding", "@SPMDFullToShardShape", "@SPMDShardToFullShape"):
        return x
    raise Unsupported(f"the library function {target} is not weft's")


@writes("stablehlo.get_dimension_size")
def _dimension_size(w, op, x):
    return f"fn.full((), {x[0].type.shape[int(op.attributes['dim'])]}, weft.int32)"


# ---------------------------------------------------------------- moves


def _ints(value: Any) -> list[int]:
    """A list of integers: array<i64: ..>, [..] or dense<..>."""
    if isinstance(value, Dense):
        value = value.value
    if isinstance(value, int):
        value = [value]
    if not isinstance(value, list) or any(type(v) is not int for v in value):
        raise ValueError(f"{str(value)[:40]} is no list of integers")
    return list(value)


def _axes(op: Operation, *names: str) -> list[int]:
    return _ints(next(op.attributes[n] for n in names if n in op.attributes))


@writes("stablehlo.broadcast_in_dim")
def _broadcast(w, op, x):
    (kind,) = op.result_types
    axes = _axes(op, "dims", "broadcast_dimensions")
    if len(axes) != len(x[0].type.shape) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x[0].type}")
    if any(x[0].type.shape[i] not in (1, kind.shape[a]) for i, a in enumerate(axes)):
        raise ValueError(f"{x[0].type} as {kind}")
    if x[0].type == kind and axes == sorted(axes):
        return x
    if x[0].known is not None:
        found = w.assign(_full(w, x[0].known, kind), kind)
        found.known = x[0].known
        return [found]
    return f"fn.broadcast({x[0].name}, {axes!r}, {kind.shape!r})"


@writes("stablehlo.reshape")
def _reshape(w, op, x):
    return f"{x[0].name}.reshape({op.result_types[0].shape!r})"


@writes("stablehlo.transpose")
def _transpose(w, op, x):
    return f"{x[0].name}.permute({_axes(op, 'dims', 'permutation')!r})"


@writes("stablehlo.slice")
def _slice(w, op, x):
    if op.words and isinstance(op.words[0], list):
        ranges = op.words[0]
    else:
        ranges = list(zip(*(_ints(op.attributes[n]) for n in ("start_indices", "limit_indices", "strides"))))
    shape = x[0].type.shape
    if len(ranges) != len(shape) or any(not 0 <= a <= b <= n or s < 1 for (a, b, s), n in zip(ranges, shape)):
        raise ValueError(f"ranges {ranges} of {x[0].type}")
    return f"fn.cut({x[0].name}, {ranges!r})"


@writes("stablehlo.pad")
def _pad(w, op, x):
    low, high, interior = (_axes(op, n, f"edge_padding_{n}", f"{n}_padding") for n in ("low", "high", "interior"))
    rank = len(x[0].type.shape)
    if not len(low) == len(high) == len(interior) == rank or min(interior, default=0) < 0:
        raise ValueError("padding")
    return f"fn.pad({x[0].name}, {x[1].name}, {low!r}, {high!r}, {interior!r})"


@writes("stablehlo.concatenate")
def _concatenate(w, op, x):
    return (
        f"weft.cat([{', '.join(v.name for v in x)}], {int(op.attributes.get('dim', op.attributes.get('dimension')))})"
    )


@writes("stablehlo.reverse")
def _reverse(w, op, x):
    return f"{x[0].name}.flip({_axes(op, 'dims', 'dimensions')!r})"


@writes("stablehlo.dynamic_slice")
def _dynamic_slice(w, op, x):
    sizes = _axes(op, "sizes", "slice_sizes")
    shape = x[0].type.shape
    if len(sizes) != len(shape) or len(x) != len(shape) + 1 or any(not 0 <= s <= n for s, n in zip(sizes, shape)):
        raise ValueError(f"sizes {sizes} of {x[0].type}")
    return f"fn.dynamic_slice({x[0].name}, [{', '.join(v.name for v in x[1:])}], {sizes!r})"


@writes("stablehlo.dynamic_update_slice")
def _dynamic_update_slice(w, op, x):
    shape, part = x[0].type.shape, x[1].type.shape
    if len(part) != len(shape) or len(x) != len(shape) + 2 or any(s > n for s, n in zip(part, shape)):
        raise ValueError(f"{x[1].type} into {x[0].type}")
    return f"fn.dynamic_update_slice({x[0].name}, {x[1].name}, [{', '.join(v.name for v in x[2:])}])"


# ---------------------------------------------------------------- positions that are data


@writes("stablehlo.gather")
def _gather(w, op, x):
    numbers = op.attributes["dimension_numbers"]
    numbers = numbers if isinstance(numbers, dict) else {}
    lists = [
        _ints(numbers.get(n, []))
        for n in (
            "offset_dims",
            "collapsed_slice_dims",
            "operand_batching_dims",
            "start_indices_batching_dims",
            "start_index_map",
        )
    ]
    slices = _axes(op, "slice_sizes")
    shape = x[0].type.shape
    rank = len(shape)
    if len(slices) != rank or any(not 0 <= s <= n for s, n in zip(slices, shape)):
        raise ValueError(f"slices {slices} of {x[0].type}")
    if any(not 0 <= d < rank for d in (*lists[1], *lists[2], *lists[4])) or any(
        slices[d] != 1 for d in (*lists[1], *lists[2])
    ):
        raise ValueError("axes")
    return (
        f"fn.gather({x[0].name}, {x[1].name}, {', '.join(map(repr, lists))}, {int(numbers.get('index_vector_dim', 0))}, {slices!r}, "
        f"{op.result_types[0].shape!r})"
    )


@writes("stablehlo.scatter")
def _scatter(w, op, x):
    if len(x) != 3:
        raise Unsupported("several tensors are written to at once")
    numbers = op.attributes["scatter_dimension_numbers"]
    numbers = numbers if isinstance(numbers, dict) else {}
    lists = [
        _ints(numbers.get(n, []))
        for n in (
            "update_window_dims",
            "inserted_window_dims",
            "input_batching_dims",
            "scatter_indices_batching_dims",
            "scatter_dims_to_operand_dims",
        )
    ]
    combine = _simple_body(op.blocks[0])
    if combine is None and _returned(op.blocks[0]) == [op.blocks[0].names[1]]:
        combine = ""
    if combine not in ("", "add", "multiply", "maximum", "minimum"):
        raise Unsupported("elements are combined in another way than by add, multiply, maximum or minimum")
    return f"fn.scatter({', '.join(v.name for v in x)}, {', '.join(map(repr, lists))}, {int(numbers.get('index_vector_dim', 0))}, {combine!r})"


# ---------------------------------------------------------------- reductions

_SIMPLE = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")
_IDENTITIES: dict[str, Any] = {
    "add": 0,
    "multiply": 1,
    "maximum": -float("inf"),
    "minimum": float("inf"),
    "or": 0,
    "and": -1,
    "xor": 0,
}


def _returned(block: Block) -> list[str]:
    last = block.operations[-1] if block.operations else None
    return last.operands if last is not None and last.name == "stablehlo.return" else []


def _simple_body(block: Block) -> str | None:
    """The name of the one operation on both arguments that the block is."""
    if len(block.operations) != 2 or len(block.names) != 2:
        return None
    first = block.operations[0]
    name = first.name.removeprefix("stablehlo.")
    fits = name in _SIMPLE and sorted(first.operands) == sorted(block.names) and _returned(block) == first.results
    return name if fits else None


def _is_identity(name: str, init: Any, kind: Type) -> bool:
    known = init.known
    if known is None:
        return False
    if kind.element == "i1":
        return bool(known) == (name in ("multiply", "minimum", "and"))
    if name in ("maximum", "minimum") and not kind.element.startswith(("f", "bf")):
        bits = int(kind.element.lstrip("ui"))
        low, high = (0, 2**bits - 1) if kind.element[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return known == (low if name == "maximum" else high)
    return known == _IDENTITIES[name]


def _pairwise(w, op: Operation, block: Block) -> str:
    """The block as a Python function of tensors of any shape. Gives its name."""
    for inner in block.operations:
        if inner.name not in ELEMENTWISE and inner.name not in ("stablehlo.constant", "stablehlo.return"):
            raise Unsupported(f"its body has {inner.name}; elementwise operations are supported there")
    name = w.region(block, [None] * len(block.names), op.line)
    results = w.block(block)
    w.end_region(w.tuple(results))
    return name


# jax's argmax and argmin: NaN before numbers, the lower index of equal ones.
_ARG = "compare {0} 0 2;compare NE 0 0;or 4 5;compare EQ 0 2;compare LT 1 3;and 7 8;or 6 9;select 6 0 2;select 10 1 3;return 11 12"


def _shape_of_body(block: Block) -> str:
    """The block as text in which values are numbers."""
    numbers = {name: i for i, name in enumerate(block.names)}
    words = []
    for op in block.operations:
        direction = [_direction(op)[0]] if op.name == "stablehlo.compare" else []
        words.append(
            " ".join([op.name.removeprefix("stablehlo."), *direction, *(str(numbers.get(v, "?")) for v in op.operands)])
        )
        for name in op.results:
            numbers[name] = len(numbers)
    return ";".join(words)


@writes("stablehlo.reduce")
def _reduce(w, op, x):
    count = len(x) // 2
    dims = _axes(op, "dimensions")
    values, inits = x[:count], x[count:]
    shape = values[0].type.shape
    if (
        len(x) % 2
        or any(not 0 <= d < len(shape) for d in dims)
        or len(set(dims)) != len(dims)
        or any(v.type.shape != () for v in inits)
    ):
        raise ValueError(f"axes {dims}")
    if any(v.type.shape != shape for v in values):
        raise ValueError("shapes")
    name = next((str(v).removeprefix("stablehlo.") for v in op.words if str(v).startswith("stablehlo.")), None)
    if name is None:
        name = _simple_body(op.blocks[0])
    if 0 in (shape[d] for d in dims):
        return [f"{v.name}.expand({k.shape!r})" for v, k in zip(inits, op.result_types)]
    if name is not None and count == 1 and name in _SIMPLE:
        (kind,) = op.result_types
        found = f"fn.reduce({values[0].name}, {name!r}, {dims!r})"
        if _is_identity(name, inits[0], kind):
            return found
        return f"fn.combined({name!r}, {found}, {inits[0].name})"
    if name is not None or not op.blocks:
        raise Unsupported(f"a reduction by {name}")
    body = op.blocks[0]
    text = _shape_of_body(body)
    if count == 2 and len(dims) == 1 and values[1].counts == dims[0] and values[1].type.element in ("i32", "i64"):
        for direction, is_max in (("GT", True), ("LT", False)):
            if text == _ARG.format(direction):
                positions = w.dtype(values[1].type)
                return [f"fn.extremum({values[0].name}, {positions}, {dims[0]}, {is_max})"]
    function = _pairwise(w, op, body)
    folded = [w.assign("None", k) for k in op.result_types]
    w.write(f"{w.tuple(folded)} = fn.fold([{', '.join(v.name for v in values)}], {dims!r}, {function})")
    return [_one(op, f"{function}({', '.join(v.name for v in [*inits, *folded])})")]


def _window(op: Operation, rank: int) -> tuple[list[int], list[int], list[int], list[int], list[int], list[int]]:
    ones = [1] * rank
    sizes = _axes(op, "window_dimensions")
    strides, base, dilations = (
        _ints(op.attributes.get(n, ones)) for n in ("window_strides", "base_dilations", "window_dilations")
    )
    low, high = _padding(op.attributes.get("padding"), rank)
    if (
        any(len(v) != rank for v in (sizes, strides, base, dilations))
        or min([*sizes, *strides, *base, *dilations], default=1) < 1
    ):
        raise ValueError("a window")
    count = 1
    for size in sizes:
        count *= size
    return sizes, strides, base, dilations, low, high


def _padding(given: Any, rank: int) -> tuple[list[int], list[int]]:
    if given is None:
        return [0] * rank, [0] * rank
    value = given.value if isinstance(given, Dense) else given
    if isinstance(value, str):
        data = bytes.fromhex(value.removeprefix("0x"))
        numbers = [int.from_bytes(data[i : i + 8], "little", signed=True) for i in range(0, len(data), 8)]
        value = [numbers[i : i + 2] for i in range(0, len(numbers), 2)]
    if isinstance(value, int):
        return [value] * rank, [value] * rank
    pairs = [_ints(pair) for pair in value]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError("padding")
    return [a for a, _ in pairs], [b for _, b in pairs]


MOST_PLACES = 1024  # in a window


def _check_places(sizes: list[int]) -> None:
    count = 1
    for size in sizes:
        count *= size
    if count > MOST_PLACES:
        raise Unsupported(
            f"windows of {count} elements; up to {MOST_PLACES} are supported, and sums and products of all before"
        )


@writes("stablehlo.reduce_window")
def _reduce_window(w, op, x):
    count = len(x) // 2
    values, inits = x[:count], x[count:]
    shape = values[0].type.shape
    sizes, strides, base, dilations, low, high = _window(op, len(shape))
    name = _simple_body(op.blocks[0])
    wide = [d for d, size in enumerate(sizes) if size != 1]
    others = all(v == 1 for v in (*strides, *base, *dilations))
    if count == 1 and len(wide) == 1 and others and name in ("add", "multiply", "maximum", "minimum"):
        (d,) = wide
        whole = [0] * len(shape)
        whole[d] = sizes[d] - 1
        if sizes[d] == shape[d] and _is_identity(name, inits[0], op.result_types[0]) and values[0].type.element != "i1":
            for reverse, near, far in ((False, low, high), (True, high, low)):
                if near == whole and not any(far):
                    return f"fn.cumulative({values[0].name}, {name!r}, {d}, {reverse})"
    _check_places(sizes)
    if name is not None and count == 1:
        body = f"lambda a, b: (fn.combined({name!r}, a, b),)"
    else:
        body = _pairwise(w, op, op.blocks[0])
    # As XLA does it: the initial value is around the elements, and with those of each window.
    call = (
        f"fn.reduce_window([{', '.join(v.name for v in values)}], [{', '.join(v.name for v in inits)}], {body}, {sizes!r}, {strides!r}, {base!r}, "
        f"{dilations!r}, {low!r}, {high!r})"
    )
    if name is not None and count == 1 and _is_identity(name, inits[0], op.result_types[0]):
        return f"{call}[0]"
    found = [w.assign("None", k) for k in op.result_types]
    w.write(f"{w.tuple(found)} = {call}")
    if name is not None and count == 1:
        return f"fn.combined({name!r}, {inits[0].name}, {found[0].name})"
    return [_one(op, f"{body}({', '.join(v.name for v in [*inits, *found])})")]


@writes("stablehlo.select_and_scatter")
def _select_and_scatter(w, op, x):
    rank = len(x[0].type.shape)
    sizes, strides, _, _, low, high = _window(op, rank)
    _check_places(sizes)
    select, scatter = op.blocks
    first = select.operations[0]
    direction = _direction(first)[0] if first.name == "stablehlo.compare" and first.operands == select.names else ""
    if direction not in ("GE", "LE") or len(select.operations) != 2 or _simple_body(scatter) != "add":
        raise Unsupported("it selects by another comparison than GE or LE, or scatters in another way than by add")
    return f"fn.select_and_scatter({', '.join(v.name for v in x)}, {sizes!r}, {strides!r}, {low!r}, {high!r}, {direction == 'GE'})"


# ---------------------------------------------------------------- products


@writes("stablehlo.dot_general")
def _dot_general(w, op, x):
    numbers = op.attributes.get("dot_dimension_numbers")
    if isinstance(numbers, dict):
        batch = [_ints(numbers.get(f"{side}_batching_dimensions", [])) for side in ("lhs", "rhs")]
        contract = [_ints(numbers.get(f"{side}_contracting_dimensions", [])) for side in ("lhs", "rhs")]
    else:
        batch = [_ints(v) for v in op.attributes.get("batching_dims", [[], []])]
        contract = [_ints(v) for v in op.attributes.get("contracting_dims", [[], []])]
    if len(batch) != 2 or len(contract) != 2:
        raise ValueError("axes")
    return f"fn.dot_general({x[0].name}, {x[1].name}, {batch!r}, {contract!r}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.dot")
def _dot(w, op, x):
    contract = [[len(x[0].type.shape) - 1], [0]]
    return f"fn.dot_general({x[0].name}, {x[1].name}, [[], []], {contract!r}, {w.dtype(op.result_types[0])})"


@writes("stablehlo.convolution")
def _convolution(w, op, x):
    numbers = op.attributes.get("dim_numbers") or op.attributes["dimension_numbers"]
    if len(numbers) != 3 or any(len(n) != len(x[0].type.shape) for n in numbers):
        raise ValueError("axes")
    spatial = len(numbers[0]) - 2
    if not 1 <= spatial <= 3:
        raise Unsupported(f"a convolution over {spatial} axes; 1 to 3 are supported")
    order = list(range(spatial))
    axes = [[n.index(v) for v in [*first, *order]] for n, first in zip(numbers[:2], ("bf", "oi"))]
    result = [numbers[2].index(v) for v in ["b", "f", *order]]
    axes.append([result.index(i) for i in range(spatial + 2)])
    window = op.attributes.get("window", op.attributes)
    ones = [1] * spatial
    stride = _ints(window.get("stride", window.get("window_strides", ones)))
    x_dilation = _ints(window.get("lhs_dilate", window.get("lhs_dilation", ones)))
    dilation = _ints(window.get("rhs_dilate", window.get("rhs_dilation", ones)))
    pads = list(zip(*_padding(window.get("pad", window.get("padding")), spatial)))
    reverse = window.get("reverse", window.get("window_reversal", [False] * spatial))
    reverse = [bool(v) for v in (reverse.value if isinstance(reverse, Dense) else reverse)]
    groups, batch_groups = (int(op.attributes.get(f"{n}_group_count", 1)) for n in ("feature", "batch"))
    if (
        any(len(v) != spatial for v in (stride, x_dilation, dilation, reverse))
        or min([*stride, *x_dilation, *dilation, groups, batch_groups]) < 1
    ):
        raise ValueError("a window")
    return (
        f"fn.convolution({x[0].name}, {x[1].name}, {axes!r}, {stride!r}, {pads!r}, {x_dilation!r}, {dilation!r}, {reverse!r}, {groups}, "
        f"{batch_groups}, {w.dtype(op.result_types[0])})"
    )


@writes("stablehlo.fft")
def _fft(w, op, x):
    kind = op.attributes.get("type", op.attributes.get("fft_type"))
    kind = kind[-1] if isinstance(kind, list) else kind
    if kind not in ("FFT", "IFFT", "RFFT", "IRFFT"):
        raise ValueError(f"a transform {kind}")
    return f"fn.fft({x[0].name}, {kind!r}, {_axes(op, 'length', 'fft_length')!r})"


@writes("stablehlo.cholesky")
def _cholesky(w, op, x):
    return f"fn.cholesky({x[0].name}, {bool(op.attributes.get('lower', False))})"


@writes("stablehlo.triangular_solve")
def _triangular_solve(w, op, x):
    left, lower, unit = (bool(op.attributes.get(n, False)) for n in ("left_side", "lower", "unit_diagonal"))
    transpose = op.attributes.get("transpose_a", "NO_TRANSPOSE")
    transpose = transpose[-1] if isinstance(transpose, list) else transpose
    if transpose not in ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"):
        raise ValueError(str(transpose))
    return f"fn.triangular_solve({x[0].name}, {x[1].name}, {left}, {lower}, {unit}, {transpose!r})"


# ---------------------------------------------------------------- orders


@writes("chlo.top_k")
def _top_k(w, op, x):
    k = int(op.attributes["k"])
    if not 0 <= k <= x[0].type.shape[-1]:
        raise ValueError(f"{k} elements of {x[0].type}")
    return [f"fn.top_k({x[0].name}, {k})"]


@writes("stablehlo.sort")
def _sort(w, op, x):
    rank = len(x[0].type.shape)
    dim = int(op.attributes.get("dimension", -1)) % max(rank, 1)
    block = op.blocks[0]
    if rank == 0 or 0 in x[0].type.shape:
        return x
    keys = _sort_keys(block)
    names = ", ".join(v.name for v in x)
    if keys is None:
        body = _pairwise(w, op, block)
        return [_one(op, f"fn.sort_by([{names}], {dim}, lambda *a: {body}(*a)[0])")]
    chosen, total, descending = keys
    given = ", ".join(
        f"fn.total_order({x[i].name})" if total and x[i].type.element.startswith(("f", "bf")) else x[i].name
        for i in chosen
    )
    return [_one(op, f"fn.sort([{names}], [{given}], {dim}, {descending})")]


def _sort_keys(block: Block) -> tuple[list[int], bool, bool] | None:
    """(operands that are keys, whether in the total order of floats, descending) of a comparison of keys; None of another.

    jax makes 0 of -0 and one NaN of all before it compares floats: in weft's order they are equal, and the last ones, anyway.
    """
    made = {name: op for op in block.operations for name in op.results}
    places = {name: i for i, name in enumerate(block.names)}

    def source(name: str) -> tuple[int, bool]:
        """The argument that a value is, and whether through jax's selections."""
        op = made.get(name)
        if op is None:
            return places[name], False
        if op.name != "stablehlo.select" or len(op.operands) != 3:
            raise KeyError(name)
        condition = made[op.operands[0]]
        inner, _ = source(op.operands[2])
        constant = made[op.operands[1]]
        number = number_of(constant.words[0], constant.result_types[0]) if constant.words else None
        if condition.name != "stablehlo.compare" or source(condition.operands[0])[0] != inner:
            raise KeyError(name)
        direction = _direction(condition)[0]
        is_nan = (
            direction == "NE"
            and condition.operands[0] == condition.operands[1]
            and number is not None
            and number != number
        )
        other = made.get(condition.operands[1])
        is_zero = (
            direction == "EQ"
            and number == 0
            and other is not None
            and bool(other.words)
            and number_of(other.words[0], other.result_types[0]) == 0
        )
        if not (is_nan or is_zero):
            raise KeyError(name)
        return inner, True

    def key(op: Operation) -> tuple[int, str, bool]:
        (a, mended), (b, _) = source(op.operands[0]), source(op.operands[1])
        direction, kind = _direction(op)
        if a // 2 != b // 2 or a == b or direction not in ("LT", "GT", "LE", "GE", "EQ"):
            raise KeyError(direction)
        if a > b:
            direction = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "EQ": "EQ"}[direction]
        return a // 2, direction, kind == "TOTALORDER" and not mended

    def keys(name: str) -> list[tuple[int, str, bool]]:
        op = made[name]
        if op.name == "stablehlo.compare":
            return [key(op)]
        # first < first' or (first = first' and the rest), as jax prints several keys
        if op.name == "stablehlo.or":
            less, both = (made[v] for v in op.operands)
            if both.name == "stablehlo.and" and less.name == "stablehlo.compare":
                equal, rest = made[both.operands[0]], both.operands[1]
                first = key(less)
                if equal.name == "stablehlo.compare" and key(equal)[:2] == (first[0], "EQ"):
                    return [first, *keys(rest)]
        if op.name == "stablehlo.select":
            equal, less = made[op.operands[0]], made[op.operands[2]]
            first = key(less)
            if equal.name == "stablehlo.compare" and key(equal)[:2] == (first[0], "EQ"):
                return [first, *keys(op.operands[1])]
        raise KeyError(op.name)

    try:
        (name,) = _returned(block)
        found = keys(name)
    except (KeyError, ValueError, IndexError, StopIteration, RecursionError):
        return None
    directions = {direction[0] for _, direction, _ in found}
    totals = {total for _, _, total in found}
    if len(directions) != 1 or len(totals) != 1 or any(d not in ("LT", "GT") for _, d, _ in found):
        return None
    return [operand for operand, _, _ in found], totals.pop(), directions.pop() == "G"


# ---------------------------------------------------------------- functions, loops and branches


@writes("call", "func.call", "stablehlo.composite")
def _call(w, op, x):
    function = w.callee(op)
    if [str(v.type) for v in x] != [str(t) for t in function.body.types] or function.result_types != op.result_types:
        raise ValueError(f"types of a call of {function.name}")
    call = f"{w.python[function.name]}({', '.join(['self', *(v.name for v in x)])})"
    return [_one(op, call)]


@writes("stablehlo.while")
def _while(w, op, x):
    condition, body = op.blocks
    returned = _returned(body)
    if (
        len(returned) != len(x)
        or len(body.names) != len(x)
        or len(condition.names) != len(x)
        or len(op.result_types) != len(x)
    ):
        raise ValueError(f"{len(x)} values are carried, and {len(returned)} returned")
    counted = _counted(op, x, returned)
    # What the body gives on as it is, is not carried.
    given = [v if returned[i] == body.names[i] else None for i, v in enumerate(x)]
    if counted:
        return _scan(w, op, x, given, *counted)
    carried = [v for v, g in zip(x, given) if g is None]
    if not carried:
        raise Unsupported("a loop that changes nothing")
    test = w.region(condition, given, op.line)
    (held,) = w.block(condition)
    w.end_region(held.name)
    step = w.region(body, given, op.line)
    results = w.block(body)
    if [v.type for v in results] != [v.type for v in x]:
        raise ValueError("types of what is carried")
    w.end_region(w.tuple([r for r, g in zip(results, given) if g is None]))
    found = [w.assign("None", v.type) for v in carried]
    w.write(f"{w.tuple(found)} = weft.while_loop({test}, {step}, {w.tuple(carried)})")
    rest = iter(found)
    return [g if g is not None else next(rest) for g in given]


def _counted(op: Operation, x: list[Any], returned: list[str]) -> tuple[int, int, int] | None:
    """(which value counts, from where, how often) of a loop that runs while a counter is less than a number: jax's scan and fori_loop."""
    condition, body = op.blocks
    made = {name: inner for inner in condition.operations for name in inner.results}
    stepped = {name: inner for inner in body.operations for name in inner.results}
    (held,) = _returned(condition) or [""]
    test = made.get(held)
    if (
        test is None
        or test.name != "stablehlo.compare"
        or _direction(test)[0] != "LT"
        or test.operands[0] not in condition.names
    ):
        return None
    place = condition.names.index(test.operands[0])
    if place >= len(returned):
        return None
    step = stepped.get(returned[place])
    limit = _number_in(made, test.operands[1])
    if limit is None and test.operands[1] in condition.names:  # a limit that is carried as it is
        other = condition.names.index(test.operands[1])
        limit = x[other].known if returned[other] == body.names[other] else None
    if (
        step is None
        or step.name != "stablehlo.add"
        or step.operands[0] != body.names[place]
        or _number_in(stepped, step.operands[1]) != 1
    ):
        return None
    start, kind = x[place].known, x[place].type.element
    if type(start) is not int or type(limit) is not int or kind not in ("i32", "i64", "ui32"):
        return None
    return place, start, max(limit - start, 0)


def _number_in(made: dict[str, Operation], name: str) -> Any:
    inner = made.get(name)
    if inner is None or inner.name != "stablehlo.constant" or not inner.words:
        return None
    return number_of(inner.words[0], inner.result_types[0])


def _scan(w, op: Operation, x: list[Any], given: list[Any], place: int, start: int, length: int):
    """Such a loop as weft.scan, which has derivatives, over the numbers that the counter has."""
    body = op.blocks[1]
    carried = [v for i, (v, g) in enumerate(zip(x, given)) if g is None and i != place]
    if not carried:
        raise Unsupported("a loop that changes nothing but its counter")
    last = w.assign(_full(w, start + length, x[place].type), x[place].type)
    found = [v if g is not None else None for v, g in zip(x, given)]
    found[place] = last
    if length == 0:
        return [f or v for f, v in zip(found, x)]
    counter = w.fresh()
    entry = type(x[place])(counter, x[place].type)
    own = list(given)
    own[place] = entry
    step = w.region(body, own, op.line)
    header = w.lines[-1]
    names = header[header.index("(") + 1 : header.rindex(")")]
    w.lines[-1] = header[: header.index("(")] + f"(carry, {counter}):"
    w.write(f"({names},) = carry")
    results = w.block(body)
    if [v.type for v in results] != [v.type for v in x]:
        raise ValueError("types of what is carried")
    kept = [r for i, (r, g) in enumerate(zip(results, given)) if g is None and i != place]
    w.end_region(f"({w.tuple(kept)}, None)")
    after = [w.assign("None", v.type) for v in carried]
    counts = f"weft.arange({start}, {start + length}, dtype=weft.int64).to({w.dtype(x[place].type)})"
    w.write(f"{w.tuple(after)} = weft.scan({step}, {w.tuple(carried)}, {counts})[0]")
    rest = iter(after)
    return [f if f is not None else next(rest) for f in found]


@writes("stablehlo.case", "stablehlo.if")
def _case(w, op, x):
    functions = []
    if not 1 <= len(op.blocks) <= 64:
        raise Unsupported(f"{len(op.blocks)} branches; 1 to 64 are supported")
    for block in op.blocks:
        name = w.region(block, [], op.line)
        results = w.block(block)
        if [v.type for v in results] != op.result_types:
            raise ValueError("types of a branch")
        w.end_region(w.tuple(results))
        functions.append(name)
    if op.name == "stablehlo.if":
        if len(functions) != 2:
            raise ValueError(f"{len(functions)} branches")
        call = f"weft.cond({x[0].name}, {functions[0]}, {functions[1]})"
    else:  # a number that is none of theirs is the last one's
        call = f"{functions[-1]}()"
        for i in range(len(functions) - 2, -1, -1):
            call = (
                f"weft.cond({x[0].name} == {i}, {functions[i]}, lambda: {call})"
                if i < len(functions) - 2
                else f"weft.cond({x[0].name} == {i}, {functions[i]}, {functions[-1]})"
            )
    return [_one(op, call)]
