"""Programs as one function, and its runs in each way."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import tempfile
import traceback

import weft

from . import model, slices
from .bits import bits, difference, raw
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


def there(t):
    """The tensor on the GPU, in memory of the same layout."""
    if t.numel() == 0:
        return t.detach().to("cuda").requires_grad_(t.requires_grad)
    offset = t.storage_offset()
    size = offset + 1 + sum((n - 1) * stride for n, stride in zip(t.shape, t.stride()))
    flat = t.detach().as_strided((size,), (1,), 0).to("cuda")
    return flat.as_strided(tuple(t.shape), t.stride(), offset).requires_grad_(t.requires_grad)


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

    def gpu(self):
        """On a GPU, on as many threads as the host has; the expected bits are the CPU's."""
        return self.on_gpu(lambda: self.runs(self.function, lambda inputs: [there(t) for t in inputs]))

    def gpu_compiled(self):
        function = weft.compile(self.function)
        return self.on_gpu(lambda: self.runs(function, lambda inputs: [there(t) for t in inputs]))

    def on_gpu(self, runs):
        """Two of the runs, of which one may trace; tensors that name no device are made there."""
        weft.set_default_device("cuda")
        try:
            return list(itertools.islice(runs(), 2))
        finally:
            weft.set_default_device("cpu")

    def sliced(self, cpu="", want=()):
        """The programs whose ops allow it on slices of their inputs, eagerly and compiled: these give slices of the results. `want`
        stands for all else."""
        places = {}
        for place, (owner, name) in enumerate(self.names()):
            places[owner, name] = place
        for threads in THREADS[:2]:
            weft.set_num_threads(threads)
            values = list(want)
            with environment(WEFT_CPU=cpu):
                for owner, program in enumerate(self.programs):
                    for name, result in slices.results(program) if repeats(program) else ():
                        place, got = places[owner, name], bits([result])[0]
                        values[place] = values[place] if got == want[place] else got
            yield threads, values

    def text(self):
        """The graph as MLIR."""
        with tempfile.TemporaryDirectory() as folder:
            return pathlib.Path(weft.export(self.function, tuple(self.inputs()), f"{folder}/m.mlir")).read_text()

    def aot(self, cpu="", want=()):
        """The exportable programs through weft-aot and the C interface, three calls of each, beside three eager ones of them: what
        other programs of the batch draw would change their random numbers. `want` stands for what agrees."""
        exportable = [exports(p) and repeats(p) for p in self.programs]
        exported = Batch([p for p, kept in zip(self.programs, exportable) if kept])
        places = [i for i, (owner, _) in enumerate(self.names()) if exportable[owner]]
        inputs = exported.inputs()
        calls = [exported.outcome(exported.function, inputs) for _ in range(3)]
        results = len(places) - len(inputs)
        held = range(results + 1, len(places), 3)  # inputs that are state: only results show them
        shown = [i for i, first in enumerate(calls[0]) if i not in held and first is not None]
        places, expected = [places[i] for i in shown], [[call[i] for call in calls] for i in shown]
        if places:
            sizes = [len(calls[0][i][2]) for i in shown if i < results]
            for threads, call, outputs in exported.model(cpu, sizes, calls=3, hold=slice(1, None, 3)):
                values = list(want)
                for i, output, wanted in zip(places, outputs, expected):
                    got = (*wanted[call][:2], output)
                    values[i] = values[i] if got == wanted[call] else got
                yield threads, values

    def model(self, cpu, sizes, examples=None, calls=1, hold=slice(0)):
        """(threads, call, bytes of the outputs, whose sizes are given, and of the inputs). Of those, `hold` are no arguments of the
        model but tensors that the function finds outside."""
        examples, given = examples or self.inputs(), [raw(t) for t in self.inputs()]
        kept = dict(list(enumerate(examples))[hold])

        def function(*arguments):
            rest = iter(arguments)
            return self.function(*(kept[i] if i in kept else next(rest) for i in range(len(examples))))

        arguments = [i for i in range(len(examples)) if i not in kept]
        chosen, data = [examples[i] for i in arguments], [given[i] for i in arguments]
        return model.run(function, chosen, data, sizes, THREADS, cpu, calls)

    def disagreements(self, ways):
        """[way, threads, program's number or None for all, text] of each difference from the first eager run."""
        found, expected, names = [], None, self.names()
        for way in ["eager", *ways]:
            kind, *cpu = way.split(" ")
            try:
                runs = getattr(self, kind)(*cpu, **({"want": expected} if kind in ("aot", "sliced") else {}))
                for threads, values in runs:
                    expected = expected or values
                    for (owner, name), got, want in zip(names, values, expected):
                        if got != want:
                            found.append([way, threads, owner, f"{name}: {difference(got, want)}"])
            except Exception as error:  # any: that is what is looked for
                found.append([way, 0, None, f"{type(error).__name__}: {error}\n{traceback.format_exc()}"])
                if expected is None:
                    break
        return found


def exports(program):
    """False where it returns nothing, or where what a write changes depends on its inputs' layouts, which a model has not."""
    writes = any(s.target is None for s in program.statements)
    return bool(Batch([program]).results()) and not (writes and program.depends_on_layouts)


def repeats(program):
    """Whether it can be called three times: a write to its inputs may leave positions that are out of bounds."""
    alone = Batch([program])
    inputs = alone.inputs()
    try:
        for _ in range(3):
            alone.function(*inputs)
    except (ZeroDivisionError, IndexError, RuntimeError):
        return False
    return True
