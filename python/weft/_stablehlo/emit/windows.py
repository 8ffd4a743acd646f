"""Windows: pooling, running sums and extrema."""

from __future__ import annotations

from typing import Any

from ..syntax import Dense, Operation
from .bodies import pairwise, simple_body
from .elements import direction_of
from .reductions import is_identity
from .table import Unsupported, axes_of, integers, one_or_all, writes

MOST_PLACES = 1024  # in a window


def _window(op: Operation, rank: int) -> tuple[list[int], list[int], list[int], list[int], list[int], list[int]]:
    ones = [1] * rank
    sizes = axes_of(op, "window_dimensions")
    strides, base, dilations = (
        integers(op.attributes.get(n, ones)) for n in ("window_strides", "base_dilations", "window_dilations")
    )
    low, high = padding_of(op.attributes.get("padding"), rank)
    if (
        any(len(v) != rank for v in (sizes, strides, base, dilations))
        or min([*sizes, *strides, *base, *dilations], default=1) < 1
    ):
        raise ValueError("a window")
    return sizes, strides, base, dilations, low, high


def padding_of(given: Any, rank: int) -> tuple[list[int], list[int]]:
    if given is None:
        return [0] * rank, [0] * rank
    value = given.value if isinstance(given, Dense) else given
    if isinstance(value, str):
        data = bytes.fromhex(value.removeprefix("0x"))
        numbers = [int.from_bytes(data[i : i + 8], "little", signed=True) for i in range(0, len(data), 8)]
        value = [numbers[i : i + 2] for i in range(0, len(numbers), 2)]
    if isinstance(value, int):
        return [value] * rank, [value] * rank
    pairs = [integers(pair) for pair in value]
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
        raise ValueError("padding")
    return [a for a, _ in pairs], [b for _, b in pairs]


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
    name = simple_body(op.blocks[0])
    wide = [d for d, size in enumerate(sizes) if size != 1]
    others = all(v == 1 for v in (*strides, *base, *dilations))
    if count == 1 and len(wide) == 1 and others and name in ("add", "multiply", "maximum", "minimum"):
        (d,) = wide
        whole = [0] * len(shape)
        whole[d] = sizes[d] - 1
        if sizes[d] == shape[d] and is_identity(name, inits[0], op.result_types[0]) and values[0].type.element != "i1":
            for reverse, near, far in ((False, low, high), (True, high, low)):
                if near == whole and not any(far):
                    return f"fn.cumulative({values[0].name}, {name!r}, {d}, {reverse})"
    _check_places(sizes)
    if name is not None and count == 1:
        body = f"lambda a, b: (fn.combined({name!r}, a, b),)"
    else:
        body = pairwise(w, op, op.blocks[0])
    # As XLA does it: the initial value is around the elements, and with those of each window.
    call = (
        f"fn.reduce_window([{', '.join(v.name for v in values)}], [{', '.join(v.name for v in inits)}], {body}, {sizes!r}, {strides!r}, {base!r}, "
        f"{dilations!r}, {low!r}, {high!r})"
    )
    if name is not None and count == 1 and is_identity(name, inits[0], op.result_types[0]):
        return f"{call}[0]"
    found = [w.assign("None", k) for k in op.result_types]
    w.write(f"{w.tuple(found)} = {call}")
    if name is not None and count == 1:
        return f"fn.combined({name!r}, {inits[0].name}, {found[0].name})"
    return [one_or_all(op, f"{body}({', '.join(v.name for v in [*inits, *found])})")]


@writes("stablehlo.select_and_scatter")
def _select_and_scatter(w, op, x):
    rank = len(x[0].type.shape)
    sizes, strides, _, _, low, high = _window(op, rank)
    _check_places(sizes)
    select, scatter = op.blocks
    first = select.operations[0]
    direction = direction_of(first)[0] if first.name == "stablehlo.compare" and first.operands == select.names else ""
    if direction not in ("GE", "LE") or len(select.operations) != 2 or simple_body(scatter) != "add":
        raise Unsupported("it selects by another comparison than GE or LE, or scatters in another way than by add")
    return f"fn.select_and_scatter({', '.join(v.name for v in x)}, {sizes!r}, {strides!r}, {low!r}, {high!r}, {direction == 'GE'})"
