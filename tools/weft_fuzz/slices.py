"""Programs on slices of their inputs, along an axis along which each of their ops is independent by its record."""

from __future__ import annotations

import ast
import dataclasses
import functools
import random

import weft

from . import reference
from .independent import pairs
from .program import load, scope

INLINE = ("ops", "weft", "F")  # modules whose functions are called as the records' ops are
DRAWS = ("weft.rand", "dropout")  # random numbers, which depend on what other programs of a batch have drawn


@functools.cache
def records():
    return reference.records()


def parsed(expression, values):
    """(record, operands' names, operands, attributes) of a call of an op; None of anything else."""
    call = ast.parse(expression, mode="eval").body
    if not isinstance(call, ast.Call) or call.keywords or not isinstance(call.func, ast.Attribute):
        return None
    module, record = call.func.value, records().get(call.func.attr)
    if record is None or record["variadic"] or not isinstance(module, ast.Name) or module.id not in INLINE:
        return None
    count = len(record["operands"])
    names = [a.id if isinstance(a, ast.Name) else None for a in call.args[:count]]
    arguments = [eval(compile(ast.Expression(a), "", "eval"), values) for a in call.args]
    operands, attrs = arguments[:count], arguments[count:]
    if not all(isinstance(o, weft.Tensor) or o is None for o in operands) or len(operands) < record["required"]:
        return None
    if len(attrs) != len(record["attrs"]):
        return None
    return record, names, operands, attrs


def followed(program, inputs, start, axis):
    """The axis of each value, from that of the input `start` on; None where an op is not independent along it. Values that are not
    cut have no entry."""
    values = {**scope(), **{s.target: x for s, x in zip(program.inputs, inputs)}}
    cut, whole = {start: axis}, set()
    for statement in program.statements:
        if statement.target is None:
            return None
        result = values[statement.target] = eval(statement.expression, values)
        if not cut.keys() & statement.uses:
            whole |= statement.uses
            continue
        call = parsed(statement.expression, values)
        if call is None or not isinstance(result, weft.Tensor):
            return None
        record, names, operands, attrs = call
        for pair in pairs(record, operands, attrs, result):
            # What is an input and not used otherwise may be cut as well.
            more = {n: a for n, a in zip(names, pair.operands) if a is not None}
            free = all(n in cut or (n and n.startswith("x") and n not in whole) for n in more)
            if free and all(cut.get(n, a) == a for n, a in more.items()) and cut.keys() & statement.uses <= more.keys():
                cut.update(more)
                whole |= statement.uses - more.keys()
                cut[statement.target] = pair.result
                break
        else:
            return None
    return cut


def results(program):
    """Pairs of a result's name and the result, in which a slice is what the program gives for that slice of its inputs."""
    if any(draw in s.expression for s in program.statements for draw in DRAWS):
        return
    if program.fails or program.wrt:
        program = dataclasses.replace(program, wrt=[], losses=[])
    functions = load([program])
    function, inputs = functions["program"], functions["inputs"]()
    chance = random.Random(len(inputs) * 31 + len(program.statements))
    starts = [(s.target, a) for s, x in zip(program.inputs, inputs) for a in range(x.ndim) if x.shape[a] > 1]
    chance.shuffle(starts)
    cut = next((c for c in (followed(program, inputs, *start) for start in starts[:4]) if c), None)
    if cut is None:
        return
    wholes = function(*functions["inputs"]())
    size = next(x.shape[cut[s.target]] for s, x in zip(program.inputs, inputs) if s.target in cut)
    for way, part in (
        (function, slice(0, 1)),
        (function, random_part(chance, size)),
        (weft.compile(function), random_part(chance, size)),
    ):
        given = [sliced(x, cut.get(s.target), part) for s, x in zip(program.inputs, functions["inputs"]())]
        for name, whole, got in zip(program.results, wholes, way(*given)):
            together = whole.clone()
            sliced(together, cut.get(name), part).copy_(got)
            yield name, together


def random_part(chance, size):
    first = chance.randrange(size)
    return slice(first, chance.randint(first + 1, size))


def sliced(tensor, axis, part):
    return tensor if axis is None else tensor[(slice(None),) * axis + (part,)]
