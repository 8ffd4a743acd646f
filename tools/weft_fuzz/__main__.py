"""Random programs, run in every way that must give the same bits.

    tools/dev fuzz [--graphs N] [--seconds S] [--seed S] [--statements N] [--aot SHARE] [--out FOLDER]

Each program runs eagerly, compiled (traced and replayed), compiled without fusion, on contiguous copies of its inputs, on 1, 2, 3
and 8 threads, and a share of them through weft-aot; the bits must agree (but for NaNs' payloads). Every statement is also compared
with the NumPy expression of its op's record. A program that fails is made smaller and written as .py and .mlir.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from weft_fuzz.program import Program, Statement  # noqa: E402
from weft_fuzz.reduce import reduce  # noqa: E402
from weft_fuzz.workers import KINDS, Workers  # noqa: E402


def restored(answer):
    fields = dict(answer["program"])
    for part in ("inputs", "statements"):
        fields[part] = [Statement(**s) for s in fields[part]]
    return Program(**fields)


class Fuzzer:
    def __init__(self, workers, out, aot=0.1, statements=14, quiet=False):
        self.workers, self.out, self.aot, self.statements, self.quiet = (
            workers,
            pathlib.Path(out),
            aot,
            statements,
            quiet,
        )
        self.graphs, self.failures, self.refused = 0, [], {}

    def say(self, text):
        if not self.quiet:
            print(text, flush=True)

    def one(self, seed):
        answer = self.workers.generate(seed, {"statements": self.statements})
        self.graphs += 1
        if "error" in answer:
            self.fail(seed, f"making the program: {answer['error']}", None)
            return
        for text in answer["refused"]:
            self.refused.setdefault(text.split("]: ", 1)[-1][:60], f"seed {seed}: {text}")
        program = restored(answer)
        for text in answer["wrong"]:
            self.fail(seed, f"differs from NumPy: {text}", None)
        aot = random.Random(seed).random() < self.aot
        found = self.workers.disagreements(program, aot)
        if found:
            self.fail(seed, "\n  ".join(found), program, self.pairs(found))

    @staticmethod
    def pairs(found):
        return {tuple(text.split(": ")[0].split(", ")) for text in found}

    def fail(self, seed, text, program, pairs=None):
        self.failures.append(f"seed {seed}: {text}")
        self.say(self.failures[-1])
        if program is None:
            return
        pair = sorted(pairs, key=lambda p: (p[0] != "2 threads", list(KINDS).index(p[0])))[0]

        def fails(candidate):
            again = self.workers.disagreements(candidate, pair[1] == "aot", {pair})
            same_kind = [a for a in again if ("differ" in a) == ("differ" in text) and ("[" in a) == ("[" in text)]
            return bool(same_kind) and pair in self.pairs(again)

        def describe(candidate):
            return self.workers.all[0].ask({"describe": candidate.source()})

        small = reduce(program, fails, describe) if fails(program) else program
        self.out.mkdir(parents=True, exist_ok=True)
        stem = self.out / f"fuzz-{seed}"
        stem.with_suffix(".py").write_text(f"# {text}\n".replace("\n  ", "\n# ") + small.source())
        self.workers.all[0].ask({"export": small.source(), "path": str(stem.with_suffix(".mlir"))})
        self.say(f"  → {stem}.py, {len(small.statements)} of {len(program.statements)} statements")
        self.say(
            "\n".join(f"    {s.text}" for s in [*small.inputs, *small.statements])
            + f"\n    {small.results} {small.wrt}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--seed", type=int, help="of the first program; the next has the next; a new one if not given")
    parser.add_argument("--statements", type=int, default=14)
    parser.add_argument("--aot", type=float, default=0.1, help="share of the programs that also go through weft-aot")
    parser.add_argument("--out", default="fuzz-failures", help="folder for what fails")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as cache, Workers(cache) as workers:
        fuzzer = Fuzzer(workers, options.out, options.aot, options.statements)
        while fuzzer.graphs < options.graphs and time.monotonic() - start < options.seconds:
            fuzzer.one(seed + fuzzer.graphs)
            if fuzzer.graphs % 50 == 0:
                print(f"{fuzzer.graphs} programs, {len(fuzzer.failures)} failures", flush=True)
    for text in fuzzer.refused.values():
        print(f"refused: {text}")
    print(f"{fuzzer.graphs} programs in {time.monotonic() - start:.0f} s, {len(fuzzer.failures)} failures")
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
