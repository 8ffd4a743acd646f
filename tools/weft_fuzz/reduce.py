"""Makes programs that fail smaller while they still fail."""

from __future__ import annotations

import dataclasses
import time

from .program import Program, Statement


def smaller(program, described):
    """Smaller programs, the boldest first. `described`: name → (dtype, shape) of each value."""
    for name in [s.target for s in program.statements if s.target]:
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


def candidates(programs, described):
    """Half of the programs, all but one, or all with one of them smaller."""
    if len(programs) > 1:
        half = len(programs) // 2
        yield from (programs[:half], programs[half:])
        yield from (programs[:i] + programs[i + 1 :] for i in range(len(programs)))
    for i, program in enumerate(programs):
        for candidate in smaller(program, described):
            if candidate.size() < program.size() and (candidate.results or candidate.wrt):
                yield [*programs[:i], candidate, *programs[i + 1 :]]


def reduce(programs: list[Program], fails, describe, seconds=90.0):
    """The smallest list found in the time for which `fails(programs)` is true. `describe(programs)` gives dtypes and shapes."""
    end = time.monotonic() + seconds
    found = True
    while found:
        found = False
        for candidate in candidates(programs, describe(programs)):
            if time.monotonic() > end:
                return programs
            if fails(candidate):
                programs, found = candidate, True
                break
    return programs
