"""A process a library: it builds its case and answers how long a call takes. Rounds go from library to library, so that the
machine's noise falls on all alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import optimizers
from cases import CASES
from libraries import Library

PAUSE = 0.1  # seconds between libraries: the threads of some spin for a while after a call


def serve(library: str, case: str, *size: str) -> None:
    """A worker: builds the case, then for each line of seconds on stdin answers with the seconds a call took."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = (CASES | optimizers.CASES)[case](Library(library), *map(int, size))
    start = time.perf_counter()
    result = run()
    first = time.perf_counter() - start
    for _ in range(3):
        run()
    print(json.dumps({"first": first, "check": float(np.abs(np.asarray(result)).mean())}), file=replies, flush=True)
    for line in sys.stdin:
        count, budget, start = 0, float(line), time.perf_counter()
        while (elapsed := time.perf_counter() - start) < budget or count == 0:
            run()
            count += 1
        print(json.dumps(elapsed / count), file=replies, flush=True)


class Worker:
    def __init__(self, library: str, case: list[str], python: str, threads: int) -> None:
        count = str(threads)
        environment = dict(os.environ, OMP_NUM_THREADS=count, MKL_NUM_THREADS=count, WEFT_NUM_THREADS=count)
        command = [python, os.path.dirname(__file__), "--serve", library, *case]
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.times: list[float] = []
        self.hello = self.reply()

    def reply(self) -> Any:
        assert self.process.stdout and self.process.stderr
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError((self.process.stderr.read().strip().splitlines() or ["died without a word"])[-1])
        return json.loads(line)

    def measure(self, seconds: float) -> None:
        assert self.process.stdin
        print(seconds, file=self.process.stdin, flush=True)
        self.times.append(self.reply())

    def close(self) -> None:
        self.process.communicate()


@dataclass
class Race:
    """Who runs, on which interpreters, how often and how long."""

    libraries: list[str]
    pythons: dict[str, str]
    rounds: int
    seconds: float
    threads: int

    def run(self, case: str, size: int | None = None) -> dict[str, Any]:
        """The median seconds a call, the first call's seconds and a check value by library, and why a library could not run."""
        workers: dict[str, Worker] = {}
        errors: dict[str, str] = {}
        arguments = [case] if size is None else [case, str(size)]
        for library in self.libraries:
            try:
                workers[library] = Worker(library, arguments, self.pythons.get(library, sys.executable), self.threads)
            except RuntimeError as error:
                errors[library] = str(error)
        for _ in range(self.rounds):
            for worker in workers.values():
                time.sleep(PAUSE)
                worker.measure(self.seconds)
        for worker in workers.values():
            worker.close()
        return {
            "case": case,
            "size": size,
            "median_s": {name: statistics.median(worker.times) for name, worker in workers.items()},
            "first_s": {name: worker.hello["first"] for name, worker in workers.items()},
            "check": {name: worker.hello["check"] for name, worker in workers.items()},
            "errors": errors,
        }
