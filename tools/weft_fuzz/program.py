"""A program as text: inputs, statements and results. What generate.py makes, ways.py runs and reduce.py makes smaller."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re

import numpy


@functools.lru_cache(1024)
def numbers(seed, shape, dtype, kind):
    """What make() gives, as an array that may be of a wider dtype. A program's inputs are made many times."""
    r = numpy.random.RandomState(seed)
    if kind.startswith("index:"):
        return r.randint(0, int(kind[6:]), shape)
    if dtype == "bool":
        return r.rand(*shape) < 0.5
    if dtype in ("float16", "bfloat16", "float32", "float64"):
        a = r.randn(*shape) if kind != "ties" else r.randint(-2, 3, shape) / 2.0
        if kind == "positive":
            return numpy.abs(a) + 0.1
        if kind == "special":
            extremes = [numpy.nan, numpy.inf, -numpy.inf, 0.0, -0.0, 1e30, -1e-30, 1e-42, 65504.0, 0.5, -1.5, 2.5]
            return numpy.where(r.rand(*shape) < 0.5, r.choice(extremes, shape), a)
        return a
    if kind == "special":
        info = numpy.iinfo(dtype)
        return r.choice([info.min, info.max, 0, 1, info.max - 1, 7], shape)
    return r.randint(0 if dtype.startswith("uint") or kind == "positive" else -5, 8, shape)


def make(seed, shape, dtype, kind="normal", layout="plain"):
    """A tensor of random values: kind normal, positive, ties, special (NaN, infinities, extremes) or index:HIGH, in a memory layout."""
    import weft

    if layout == "transposed":
        return make(seed, shape[::-1], dtype, kind).permute(tuple(range(len(shape)))[::-1])
    if layout == "sliced":
        return make(seed, (*shape[:-1], 2 * shape[-1] + 1), dtype, kind)[..., 1::2]
    if layout == "offset":
        return make(seed, (int(numpy.prod(shape)) + 3,), dtype, kind)[3:].view(shape)
    if layout == "expanded":
        axis = seed % len(shape)
        return make(seed, (*shape[:axis], 1, *shape[axis + 1 :]), dtype, kind).expand(shape)
    return weft.from_numpy(numpy.array(numbers(seed, shape, dtype, kind)).reshape(shape)).to(getattr(weft, dtype))


@dataclasses.dataclass
class Statement:
    """`target = expression`; without a target the expression is run for what it writes."""

    target: str | None
    expression: str

    @property
    def text(self):
        return f"{self.target} = {self.expression}" if self.target else self.expression

    @property
    def uses(self):
        return set(re.findall(r"\b[vx]\d+\b", self.expression))


@dataclasses.dataclass
class Program:
    inputs: list[Statement] = dataclasses.field(default_factory=list)
    statements: list[Statement] = dataclasses.field(default_factory=list)
    results: list[str] = dataclasses.field(default_factory=list)
    losses: list[str] = dataclasses.field(default_factory=list)  # values whose weighted sum is differentiated
    wrt: list[str] = dataclasses.field(default_factory=list)  # inputs that it is differentiated by
    fails: bool = False  # the last statement raises an error, for the values of an operand

    @staticmethod
    def of(fields):
        """From dataclasses.asdict, as it comes through JSON."""
        lists = {part: [Statement(**s) for s in fields[part]] for part in ("inputs", "statements")}
        return Program(**{**fields, **lists})

    def body(self):
        """Lines that compute, and the expressions that are the results."""
        lines = [s.text for s in self.statements]
        results = [f"{name}.detach()" if self.wrt else name for name in self.results]
        if self.wrt:
            terms = [f"({name}.float() * {0.5 + 0.25 * i}).sum()" for i, name in enumerate(self.losses)]
            lines.append(f"loss = {' + '.join(terms)}")
            lines.append(
                f"gradients_{self.wrt[0]} = weft.autograd.grad(loss, [{', '.join(self.wrt)}], allow_unused=True)"
            )
            results.append(f"*gradients_{self.wrt[0]}")
        return lines, results

    @property
    def depends_on_layouts(self):
        """True where its meaning depends on its inputs' layouts: view() is of contiguous tensors, and what a write changes depends
        on whether reshape() copied and on which elements share memory."""
        text = "\n".join(s.text for s in [*self.inputs, *self.statements])
        writes = any(s.target is None for s in self.statements)
        return ".view(" in text or writes and re.search(r"'expanded'|\b(reshape|flatten)\(", text) is not None

    def size(self):
        """What making it smaller makes smaller."""
        layouts = sum("plain" not in s.expression and s.expression.count("'") > 4 for s in self.inputs)
        return len(self.statements), len(self.wrt), len(self.losses), len(self.results), len(self.inputs), layouts

    def pruned(self):
        """Without statements and inputs that no result needs. What is written in place stays."""
        needed = {*self.results, *self.losses, *self.wrt}
        kept = []
        for s in reversed(self.statements):
            if s.target is None or s.target in needed:
                needed |= s.uses
                kept.append(s)
        inputs = [s for s in self.inputs if s.target in needed]
        return dataclasses.replace(self, inputs=inputs, statements=kept[::-1])


PRELUDE = f"""import functools

import numpy
import weft
from weft import _ops as ops
from weft.nn import functional as F


{inspect.getsource(numbers)}

{inspect.getsource(make)}

"""


def functions(programs):
    """The programs, whose names differ, as inputs() and program(*inputs), which gives the results of all."""
    inputs = [s for p in programs for s in p.inputs]
    names = ", ".join(s.target for s in inputs)
    lines = ["def inputs():", "    weft.manual_seed(0)", *(f"    {s.text}" for s in inputs)]
    lines += [f"    {name}.requires_grad_()" for p in programs for name in p.wrt]
    lines += [f"    return [{names}]", "", "", f"def program({names}):"]
    results = []
    for p in programs:
        body, values = p.body()
        lines += [f"    {line}" for line in body]
        results += values
    return "\n".join([*lines, f"    return [{', '.join(results)}]"]) + "\n"


def source(programs):
    """functions() as a module that stands alone."""
    return PRELUDE + functions(programs)


def scope():
    """The names that functions() uses."""
    import weft
    from weft import _ops as ops
    from weft.nn import functional

    return {"__name__": "fuzzed", "numpy": numpy, "weft": weft, "ops": ops, "F": functional, "make": make}


def load(programs):
    """functions(), by name."""
    import linecache

    text = functions(programs)
    # weft.compile reads the code object; tracebacks the lines.
    name = f"<program {hash(text)}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    names = scope()
    exec(compile(text, name, "exec"), names)
    return names
