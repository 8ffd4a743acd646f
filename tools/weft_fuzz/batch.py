"""Programs as one function, and its runs in each way."""

from __future__ import annotations

import contextlib
import os
import traceback

import weft

from . import model
from .bits import bits, difference, raw, same
from .program import load

THREADS = (2, 1, 3, 8)


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


class Batch:
    """Programs as one function, and its runs: pairs of a thread count and the bits of results and inputs."""

    def __init__(self, programs):
        self.programs = programs
        functions = load(programs)
        self.function, self.inputs = functions["program"], functions["inputs"]

    def names(self):
        """(program's number, what it is) of each of the bits."""
        results = [
            (i, text)
            for i, p in enumerate(self.programs)
            for text in [*p.results, *(f"gradient of {n}" for n in p.wrt)]
        ]
        return results + [(i, s.target + " afterwards") for i, p in enumerate(self.programs) for s in p.inputs]

    def results(self):
        return sum(len(p.results) + len(p.wrt) for p in self.programs)

    def runs(self, function, prepare=lambda inputs: inputs):
        for threads in THREADS:
            weft.set_num_threads(threads)
            inputs = prepare(self.inputs())
            yield threads, self.outcome(function, inputs)

    def outcome(self, function, inputs):
        return bits([*function(*inputs), *inputs])

    def eager(self):
        return self.runs(self.function)

    def contiguous(self):
        """On contiguous copies of the inputs of the programs that say the same of them."""
        kept = [p.depends_on_layouts for p in self.programs for _ in p.inputs]

        def copied(inputs):
            return [t if keep else t.detach().clone().requires_grad_(t.requires_grad) for keep, t in zip(kept, inputs)]

        return self.runs(self.function, copied)

    def repeated(self):
        """Once the tapes have been seen so often that their gradients are computed by programs."""
        for _ in self.runs(self.function):
            pass
        weft._C.wait_for_background()
        return self.runs(self.function)

    def compiled(self, cpu=""):
        """The first run traces, the others replay."""
        with environment(WEFT_CPU=cpu):
            yield from self.runs(weft.compile(self.function))

    def unfused(self, cpu=""):
        with environment(WEFT_FUSE="0"):
            yield from self.compiled(cpu)

    def text(self, inputs):
        """The graph as MLIR, and its weights: what the function reads beside its inputs."""
        return weft._C.export_graph(self.function, tuple(inputs), [], "m.safetensors")

    def aot(self, cpu="", want=()):
        """The exportable programs through weft-aot and the C interface. `want` is what they should give, and what stands for the
        others."""
        for p in self.programs:
            p.exportable = p.exportable and exports(p)
        exported = Batch([p for p in self.programs if p.exportable])
        places = [i for i, (owner, _) in enumerate(self.names()[: self.results()]) if self.programs[owner].exportable]
        places = [i for i in places if want[i] is not None]
        if places:
            for threads, outputs in exported.model(cpu, [len(want[i][2]) for i in places]):
                values = list(want)
                for i, output in zip(places, outputs):
                    values[i] = (*want[i][:2], output)
                yield threads, values

    def model(self, cpu, sizes, traced=None):
        """The outputs of the exported graph, whose sizes are given, by number of threads."""
        return model.run(*self.text(traced or self.inputs()), cpu, [raw(t) for t in self.inputs()], sizes, THREADS)

    def disagreements(self, ways):
        """[way, threads, program's number or None for all, text] of each difference from the first eager run."""
        found, expected, names = [], None, self.names()
        for way in ["eager", *ways]:
            kind, *cpu = way.split(" ")
            try:
                runs = self.aot(*cpu, want=expected) if kind == "aot" else getattr(self, kind)(*cpu)
                for threads, values in runs:
                    expected = expected or values
                    for (owner, name), got, want in zip(names, values, expected):
                        if not same(got, want):
                            found.append([way, threads, owner, f"{name}: {difference(got, want)}"])
            except Exception as error:  # any: that is what is looked for
                found.append([way, 0, None, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"])
                if expected is None:
                    break
        return found


def exports(program):
    """False where it writes into a tensor that it has a view of, of a kind that a graph cannot hold, or returns nothing."""
    if all(s.target for s in program.statements):
        return True
    batch = Batch([program])
    if not batch.results():
        return False
    try:
        batch.text(batch.inputs())
    except NotImplementedError:
        return False
    return True
