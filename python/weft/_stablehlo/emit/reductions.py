"""Reductions along axes."""

from __future__ import annotations

from typing import Any

from ..syntax import Block, Type
from .bodies import SIMPLE, pairwise, simple_body
from .elements import direction_of
from .table import Unsupported, axes_of, one_or_all, writes

_IDENTITIES: dict[str, Any] = {
    "add": 0,
    "multiply": 1,
    "maximum": -float("inf"),
    "minimum": float("inf"),
    "or": 0,
    "and": -1,
    "xor": 0,
}


def is_identity(name: str, init: Any, kind: Type) -> bool:
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


# jax's argmax and argmin: NaN before numbers, the lower index of equal ones.
_ARG = "compare {0} 0 2;compare NE 0 0;or 4 5;compare EQ 0 2;compare LT 1 3;and 7 8;or 6 9;select 6 0 2;select 10 1 3;return 11 12"


def _shape_of_body(block: Block) -> str:
    """The block as text in which values are numbers."""
    numbers = {name: i for i, name in enumerate(block.names)}
    words = []
    for op in block.operations:
        direction = [direction_of(op)[0]] if op.name == "stablehlo.compare" else []
        words.append(
            " ".join([op.name.removeprefix("stablehlo."), *direction, *(str(numbers.get(v, "?")) for v in op.operands)])
        )
        for name in op.results:
            numbers[name] = len(numbers)
    return ";".join(words)


@writes("stablehlo.reduce")
def _reduce(w, op, x):
    count = len(x) // 2
    dims = axes_of(op, "dimensions")
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
        name = simple_body(op.blocks[0])
    if 0 in (shape[d] for d in dims):
        return [f"{v.name}.expand({k.shape!r})" for v, k in zip(inits, op.result_types)]
    if name is not None and count == 1 and name in SIMPLE:
        (kind,) = op.result_types
        found = f"fn.reduce({values[0].name}, {name!r}, {dims!r})"
        if is_identity(name, inits[0], kind):
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
    function = pairwise(w, op, body)
    folded = [w.assign("None", k) for k in op.result_types]
    w.write(f"{w.tuple(folded)} = fn.fold([{', '.join(v.name for v in values)}], {dims!r}, {function})")
    return [one_or_all(op, f"{function}({', '.join(v.name for v in [*inits, *folded])})")]
