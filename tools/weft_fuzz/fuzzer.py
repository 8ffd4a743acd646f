"""Batches of new programs, what is known about them, and what is done about one that fails."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import threading

from . import ways
from .program import Program, source
from .reduce import reduce
from .workers import LIFE, Worker


class Fuzzer:
    """Fuzzes from a seed on: program number i has the seed `seed` + i. `failures` holds a text for each that failed. `device`: the
    bits of the CPU's eager code are compared with those of its other ways, or with those of "cuda"."""

    def __init__(
        self, cache, out, seed, statements=4, batch=16, device="cpu", say=lambda text: print(text, flush=True)
    ):
        self.cache, self.out, self.say = cache, pathlib.Path(out), say
        self.next, self.statements, self.batch, self.device = seed, statements, batch, device
        self.graphs, self.failures, self.refused = 0, [], {}
        self.ops, self.ways = collections.Counter(), collections.Counter()
        self.lock = threading.Lock()

    def run(self, wanted, jobs=1):
        """Until `wanted()` is false, which is asked before each batch, on `jobs` processes."""
        threads = [threading.Thread(target=self.work, args=(wanted,)) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, wanted):
        """One process at a time, each with eager kernels for one processor."""
        while wanted():
            cpu = ways.eager(self.next)
            with Worker(self.cache, cpu) as worker:
                for _ in range(LIFE - 1):
                    if not wanted():
                        return
                    with self.lock:
                        seeds = list(range(self.next, self.next + self.batch))
                        self.next += self.batch
                    self.one(worker, seeds, cpu)

    def one(self, worker, seeds, cpu):
        chosen = ways.of_batch(seeds[0], self.device, cpu)
        answer = worker.ask({"seeds": seeds, "statements": self.statements, "ways": chosen})
        if "error" in answer:
            self.died(worker, seeds, chosen, answer["error"])
            answer = {"disagreements": []}
        with self.lock:
            self.graphs += len(seeds)
            self.ops.update(answer.get("ops", {}))
            self.ways.update({f"eager {cpu}".strip(): len(seeds), **dict.fromkeys(chosen, len(seeds))})
            for seed, text in answer.get("refused", []):
                self.refused.setdefault(text.split("]: ", 1)[-1][:60], f"seed {seed}: {text}")
        for seed, text in answer.get("broken", []):
            self.fail(f"seed {seed}: making the program: {text}")
        for seed, text in answer.get("wrong", []):
            self.fail(f"seed {seed}: differs from NumPy: {text}")
        if answer["disagreements"]:
            self.disagree(worker, seeds, answer["programs"], answer["disagreements"])

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
        self.say(text)

    def died(self, worker, seeds, chosen, error):
        """Finds the programs again, and the way in which they kill a process."""
        again = worker.ask({"seeds": seeds, "statements": self.statements, "ways": [], "programs": True})
        if "error" in again:
            self.fail(f"seeds {seeds[0]}-{seeds[-1]}: making or running the programs eagerly: {error}")
            return
        for way in chosen:
            found = self.found(worker, again["programs"], way)
            if found:
                self.disagree(worker, seeds, again["programs"], found)
                return
        self.fail(f"seeds {seeds[0]}-{seeds[-1]}: {error}, but not again")

    def found(self, worker, programs, way):
        answer = worker.ask({"do": "run", "programs": programs, "ways": [way]})
        return answer if isinstance(answer, list) else [[way, 0, None, answer["error"]]]

    def disagree(self, worker, seeds, programs, found):
        """Writes the smallest programs that still disagree in this way."""
        way, threads, owner, text = found[0]
        programs = [Program.of(p) for p in programs]
        seed = seeds[0] if owner is None else seeds[owner] if len(programs) == len(seeds) else seeds[0]
        self.fail(f"seed {seed} of {seeds[0]}-{seeds[-1]}: {way}, {threads} threads: {text}")

        def fails(candidate):
            fields = [dataclasses.asdict(p) for p in candidate]
            again = self.found(worker, fields, way)
            # An error stays an error, and the reduced programs are right otherwise.
            return bool(again) and again[0][0] == way and (again[0][2] is None) == (owner is None)

        def ask(what, candidate):
            return worker.ask({"do": what, "programs": [dataclasses.asdict(p) for p in candidate]})

        first = programs if owner is None else [programs[owner]]
        if not fails(first):
            first = programs
        small = reduce(first, fails, lambda c: ask("describe", c)) if fails(first) else first
        self.out.mkdir(parents=True, exist_ok=True)
        stem = self.out / f"fuzz-{seed}"
        comment = "".join(f"# {line}\n" for line in f"{way}, {threads} threads: {text}".splitlines())
        stem.with_suffix(".py").write_text(comment + source(small))
        graph = ask("export", small)
        stem.with_suffix(".mlir").write_text(graph if isinstance(graph, str) else f"// not a graph: {graph['error']}\n")
        lines = [f"    {s}" for p in small for s in [*(s.text for s in p.inputs), *p.body()[0], p.body()[1]]]
        self.say("\n".join([f"  → {stem}.mlir and .py", *lines]))
