"""Makes a failing program smaller while it still fails."""

from __future__ import annotations

import dataclasses
import time

from .program import Program, Statement


def candidates(program, described):
    """Smaller programs, the boldest first. `described`: name → (dtype, shape) of each value."""
    for name in program.results:
        if len(program.results) > 1:
            yield dataclasses.replace(program, results=[name]).pruned()
    if program.wrt:
        if program.results:
            yield dataclasses.replace(program, wrt=[], losses=[]).pruned()
            yield dataclasses.replace(program, results=[]).pruned()
        for names in ("wrt", "losses"):
            for name in getattr(program, names):
                rest = [n for n in getattr(program, names) if n != name]
                if rest:
                    yield dataclasses.replace(program, **{names: rest}).pruned()
    # A value becomes an input.
    for i in reversed(range(len(program.statements))):
        target = program.statements[i].target
        if target is None or target not in described:
            continue
        dtype, shape = described[target]
        for kind in ("normal", "positive", "special"):
            inputs = [*program.inputs, Statement(target, f"make({i}, {tuple(shape)}, {dtype!r}, {kind!r})")]
            statements = program.statements[:i] + program.statements[i + 1 :]
            results = [n for n in program.results if n != target]
            yield dataclasses.replace(program, inputs=inputs, statements=statements, results=results).pruned()
    for i, statement in enumerate(program.statements):
        if statement.target is None or (statement.target not in program.results and not used(program, i)):
            yield dataclasses.replace(program, statements=program.statements[:i] + program.statements[i + 1 :]).pruned()
    for i, s in enumerate(program.inputs):
        for old in ("'transposed'", "'sliced'", "'offset'", "'expanded'"):
            if old in s.expression:
                inputs = [*program.inputs]
                inputs[i] = Statement(s.target, s.expression.replace(old, "'plain'"))
                yield dataclasses.replace(program, inputs=inputs)


def used(program, i):
    return any(program.statements[i].target in s.uses for s in program.statements[i + 1 :])


def reduce(program: Program, fails, describe, seconds=60.0):
    """The smallest program found in the time for which `fails(program)` is true. `describe(program)` gives dtypes and shapes."""
    end = time.monotonic() + seconds
    shrunk = program.pruned()
    if shrunk != program and fails(shrunk):
        program = shrunk
    found = True
    while found:
        found = False
        for candidate in candidates(program, describe(program)):
            if time.monotonic() > end:
                return program
            if candidate != program and (candidate.results or candidate.wrt) and fails(candidate):
                program, found = candidate, True
                break
    return program
