"""A program that raises an error, in each way."""

from __future__ import annotations

import re

import weft

from .batch import Batch, environment
from .bits import bits


class Failing(Batch):
    """A program that raises an error, whose text takes the place of its results."""

    def names(self):
        return [(0, "error"), *super().names()[self.results() :]]

    def outcome(self, function, inputs):
        try:
            function(*inputs)
            error = "none"
        except (RuntimeError, IndexError) as raised:
            error = f"{type(raised).__name__}: {raised}"
        return [("error", error), *bits(inputs)]

    def benign(self):
        """Inputs whose integers are mostly 1, with which it mostly succeeds."""
        inputs = self.inputs()
        for t in inputs:
            if not t.dtype.is_floating_point and 0 not in t.stride():
                t.fill_(1)
        return inputs

    def compiled(self, cpu=""):
        """The first run fails while it is traced, or replays what the benign inputs traced."""
        with environment(WEFT_CPU=cpu):
            yield from self.runs(weft.compile(self.function))
            replayed = weft.compile(self.function)
            for _ in range(2):
                self.outcome(replayed, self.benign())
            yield from self.runs(replayed)

    def aot(self, cpu="", want=()):
        """Traced with the benign inputs. A model's error does not say which index it is."""
        try:
            results = self.function(*self.benign())
        except (RuntimeError, IndexError):
            return
        try:
            self.model(cpu, [len(data) for _, _, data in bits(results)], self.benign())
            error = "none"
        except RuntimeError as raised:
            error = str(raised)
        expected = re.sub(r"\bindex -?\d+ is|\bgot -?\d+ and", "…", want[0][1].partition(": ")[2])
        found = expected in re.sub(r"\ban index is|\bgot another and", "…", error)
        yield 0, [want[0] if found else ("error", error), *want[1:]]
