"""Damaged files for every reader of files: each must be read or be an error of the reader's, without a crash, in bounded memory and time.

    python tools/reader_fuzz READER [--count N] [--first N] [--seed S] [--megabytes M] [--run] [--out FOLDER]

READER is onnx, pt2, pt, safetensors, stablehlo or mlir (weft-aot's). With --run, what is read also runs. A process of its own reads one mutant after
another; where it dies or stands still, the mutant counts as such and the next process goes on behind it. What must not be is written to FOLDER.
"""

import argparse
import collections
import importlib
import os
import pathlib
import random
import resource
import select
import signal
import sys
import traceback
import warnings

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[i]) for i in (1, 0)]

import weft  # noqa: E402

READERS = {
    "onnx": "onnx_models",
    "pt2": "torch_archives",
    "pt": "pickles",
    "safetensors": "tensors",
    "stablehlo": "stablehlo",
    "mlir": "programs",
}
SECONDS = 30  # of processor time, for one mutant
SILENCE = 600  # seconds in which a process says nothing
BAD = ("unexpected", "crash", "endless")


class Endless(BaseException):
    """A mutant took too long."""


def too_long(*_):
    raise Endless(f"more than {SECONDS} s")


def mutant(reader, seed, number):
    return reader.mutant(random.Random(f"{seed}/{number}"))


def work(options, pipe):
    """Reads the mutants from options.first on, and says of each what became of it."""
    reader = importlib.import_module(f"reader_fuzz.{READERS[options.reader]}")
    reader.prepare()
    weft.set_num_threads(1)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (options.megabytes << 20),) * 2)
    signal.signal(signal.SIGPROF, too_long)
    for number in range(options.first, options.count):
        content, why = mutant(reader, options.seed, number), ""
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            result = reader.tried(content, options.run)
        except (Exception, Endless) as error:
            result, why = "endless" if isinstance(error, Endless) else "unexpected", traceback.format_exc()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if why:
            kept(options, number, content, why)
        os.write(pipe, f"{result}\n".encode())


def kept(options, number, content, why):
    """Writes a mutant that must not be."""
    path = options.out / f"{options.reader}_{options.seed}_{number}"
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
    print(f"--- {path}\n{why[-1500:]}", flush=True)


def results(options):
    """What became of each mutant, by processes that go on where one before them died."""
    while options.first < options.count:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                work(options, writing)
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        os.close(writing)
        started = options.first
        with open(reading, "rb", 0) as file:
            pending = b""
            while True:
                if not select.select([file], [], [], SILENCE)[0]:
                    os.kill(child, signal.SIGKILL)
                    break
                more = file.read(65536)
                if not more:
                    break
                *lines, pending = (pending + more).split(b"\n")
                options.first += len(lines)
                yield from [line.decode() for line in lines]
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if options.first < options.count:
            if status >= 0 and options.first == started:
                sys.exit("the reader cannot be started")
            reader = importlib.import_module(f"reader_fuzz.{READERS[options.reader]}")
            reader.prepare()
            what = "endless" if status == -signal.SIGKILL else "crash"
            kept(options, options.first, mutant(reader, options.seed, options.first), f"{what}: status {status}")
            options.first += 1
            yield what


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the mutant to begin with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--megabytes", type=int, default=3000, help="of addresses, beyond what the reader's process has"
    )
    parser.add_argument("--run", action="store_true", help="run what is read")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("mutants"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of zipfile, for entries that are there twice
    counts = collections.Counter()
    for result in results(options):
        counts[result] += 1
        if counts.total() % 5000 == 0:
            print(dict(counts), flush=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"{options.reader}: {counts.total()} mutants, {dict(counts)}, at most {peak} MB")
    return int(any(counts[b] for b in BAD))


if __name__ == "__main__":
    sys.exit(main())
