"""Calls, loops and branches."""

from __future__ import annotations

from typing import Any

from ..constants import number_of
from ..syntax import Operation
from .bodies import returned_by
from .creation import full_of
from .elements import direction_of
from .table import Unsupported, one_or_all, writes


@writes("call", "func.call", "stablehlo.composite")
def _call(w, op, x):
    function = w.callee(op)
    if [str(v.type) for v in x] != [str(t) for t in function.body.types] or function.result_types != op.result_types:
        raise ValueError(f"types of a call of {function.name}")
    call = f"{w.python[function.name]}({', '.join(['self', *(v.name for v in x)])})"
    return [one_or_all(op, call)]


@writes("stablehlo.while")
def _while(w, op, x):
    condition, body = op.blocks
    returned = returned_by(body)
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
    (held,) = returned_by(condition) or [""]
    test = made.get(held)
    if (
        test is None
        or test.name != "stablehlo.compare"
        or direction_of(test)[0] != "LT"
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
    last = w.assign(full_of(w, start + length, x[place].type), x[place].type)
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
    return [one_or_all(op, call)]
