"""Random programs, run in every way that must give the same bits.

    tools/dev fuzz [--graphs N] [--seconds S] [--seed S] [--jobs N] [--cache FOLDER] [--device cuda] [--out FOLDER]

A program is a graph of a few random statements: every op of the table, loops and branches, its gradients, in-place writes, views; on random shapes,
dtypes and memory layouts. Some end with an integer divided by 0 or an index out of bounds: the error must be the same, and so
must be what was written before it. Each statement is compared with the NumPy expression of its op's record, a loop with the same steps in Python. A batch of programs then runs
eagerly and compiled (traced, then replayed). Half of the batches, drawn for each way, also run compiled without fusion and through
weft-aot, and a third on slices of their inputs along an axis
along which all their ops are independent; a fifth eagerly on contiguous copies of the inputs, and with gradients that programs of their own compute since the tape
was seen often. Each way runs on 1, 2, 3 and 8 threads, compiled for this machine's processor, x86-64-v3 or x86-64-v4, drawn for
each; all bits must agree, those of NaNs, too. With --device cuda the ways are a GPU's instead, eager and compiled. The last lines say how many graphs ran in which way. What fails is made smaller
and written as .mlir and .py.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from weft_fuzz.fuzzer import Fuzzer  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--seed", type=int, help="of the first program; the next has the next; a new one if not given")
    parser.add_argument("--statements", type=int, default=4, help="of a program, on average")
    parser.add_argument(
        "--batch", type=int, default=64, help="programs that become one function: they share code of products"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--cache", help="folder that keeps the kernels for another run; a temporary one if not given")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="cuda: the ways are those of a GPU")
    parser.add_argument("--out", default="fuzz-failures", help="folder for what fails")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        fuzzer = Fuzzer(
            options.cache or temporary, options.out, seed, options.statements, options.batch, options.device
        )

        def summary():
            seconds = time.monotonic() - start
            return f"{fuzzer.graphs} graphs in {seconds:.0f} s, {len(fuzzer.failures)} failures"

        done = threading.Event()

        def report():
            while not done.wait(60):
                print(summary(), flush=True)

        threading.Thread(target=report, daemon=True).start()
        fuzzer.run(
            lambda: fuzzer.next < seed + options.graphs and time.monotonic() - start < options.seconds, options.jobs
        )
        done.set()
    for text in fuzzer.refused.values():
        print(f"refused: {text}")
    print("graphs by way: " + ", ".join(f"{way} {n}" for way, n in sorted(fuzzer.ways.items())))
    print(f"{len(fuzzer.ops)} ops; the rarest: " + ", ".join(f"{op} {n}" for op, n in fuzzer.ops.most_common()[:-6:-1]))
    print(summary())
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
