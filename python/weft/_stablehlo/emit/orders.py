"""Sorts."""

from __future__ import annotations

from ..constants import number_of
from ..syntax import Block, Operation
from .bodies import pairwise, returned_by
from .elements import direction_of
from .table import one_or_all, writes


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
        body = pairwise(w, op, block)
        return [one_or_all(op, f"fn.sort_by([{names}], {dim}, lambda *a: {body}(*a)[0])")]
    chosen, total, descending = keys
    given = ", ".join(
        f"fn.total_order({x[i].name})" if total and x[i].type.element.startswith(("f", "bf")) else x[i].name
        for i in chosen
    )
    return [one_or_all(op, f"fn.sort([{names}], [{given}], {dim}, {descending})")]


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
        direction = direction_of(condition)[0]
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
        direction, kind = direction_of(op)
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
        (name,) = returned_by(block)
        found = keys(name)
    except (KeyError, ValueError, IndexError, StopIteration, RecursionError):
        return None
    directions = {direction[0] for _, direction, _ in found}
    totals = {total for _, _, total in found}
    if len(directions) != 1 or len(totals) != 1 or any(d not in ("LT", "GT") for _, d, _ in found):
        return None
    return [operand for operand, _, _ in found], totals.pop(), directions.pop() == "G"
