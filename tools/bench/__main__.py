"""Times the same work in weft and its peers, each in a process of its own, in turns, and prints medians.

    tools/dev bench [--cases a,b] [--libraries weft,torch,jax] [--rounds 7] [--seconds 0.3] [--threads N] [--json FILE]

Without --libraries: weft, weft_eager, and torch and jax where they can be imported. --python torch=PATH gives a library an
interpreter of its own. The JSON is a list with an object a case: the median seconds a call and the first call's seconds by library.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, Library  # noqa: E402


def serve(library: str, case: str) -> None:
    """A worker: builds the case, then for each line of seconds on stdin answers with the seconds a call took."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run = CASES[case](Library(library))
    start = time.perf_counter()
    result = run()
    first = time.perf_counter() - start
    for _ in range(3):
        run()
    print(json.dumps({"first": first, "check": float(abs(result).mean())}), file=replies, flush=True)
    for line in sys.stdin:
        count, budget, start = 0, float(line), time.perf_counter()
        while (elapsed := time.perf_counter() - start) < budget or count == 0:
            run()
            count += 1
        print(json.dumps(elapsed / count), file=replies, flush=True)


class Worker:
    def __init__(self, library: str, case: str, python: str, threads: int) -> None:
        count = str(threads)
        environment = dict(os.environ, OMP_NUM_THREADS=count, MKL_NUM_THREADS=count, WEFT_NUM_THREADS=count)
        command = [python, __file__, "--serve", library, case]
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


def duel(case: str, libraries: list[str], pythons: dict[str, str], options: argparse.Namespace) -> dict[str, Any]:
    workers: dict[str, Worker] = {}
    errors: dict[str, str] = {}
    for library in libraries:
        try:
            workers[library] = Worker(library, case, pythons.get(library, sys.executable), options.threads)
        except RuntimeError as error:
            errors[library] = str(error)
    for _ in range(options.rounds):
        for worker in workers.values():
            worker.measure(options.seconds)
    for worker in workers.values():
        worker.close()
    return {
        "case": case,
        "median_s": {name: statistics.median(worker.times) for name, worker in workers.items()},
        "first_s": {name: worker.hello["first"] for name, worker in workers.items()},
        "check": {name: worker.hello["check"] for name, worker in workers.items()},
        "errors": errors,
    }


def show(row: dict[str, Any]) -> None:
    ours = row["median_s"].get("weft")
    print(f"{row['case']}: {(CASES[row['case']].__doc__ or '').splitlines()[0]}")
    for name, median in row["median_s"].items():
        ratio = f"{median / ours:6.2f} x weft" if ours else ""
        print(f"  {name:12s}{median * 1e6:12.1f} µs{ratio:>14s}   first call {row['first_s'][name]:7.3f} s")
    for name, error in row["errors"].items():
        print(f"  {name:12s}{error}")
    checks = list(row["check"].values())
    if checks and max(checks) - min(checks) > 1e-3 * max(map(abs, checks)):
        print(f"  the results DIFFER: {row['check']}")
    sys.stdout.flush()


def main() -> int:
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:4])
        return 0
    parser = argparse.ArgumentParser(prog="tools/dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--libraries", help="of weft, weft_eager, torch, inductor, jax")
    parser.add_argument(
        "--python", action="append", default=[], metavar="LIBRARY=PATH", help="an interpreter for a library"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a library runs in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    pythons = dict(pair.split("=", 1) for pair in options.python)
    if options.libraries:
        libraries = options.libraries.split(",")
    else:
        peers = [name for name in ("torch", "jax") if name in pythons or importlib.util.find_spec(name)]
        libraries = ["weft", "weft_eager", *peers]
    cases = options.cases.split(",")
    for unknown in set(cases) - set(CASES):
        parser.error(f"no case {unknown!r}; there are {', '.join(CASES)}")
    rows = []
    for case in cases:
        rows.append(duel(case, libraries, pythons, options))
        show(rows[-1])
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
