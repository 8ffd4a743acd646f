"""The ways in which programs run that must all give the same bits."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import traceback

import numpy
import weft

from .program import load

THREADS = (2, 1, 3, 8)
CPUS = ("", "x86-64-v3", "x86-64-v4")  # "": this machine's
OTHER_EAGER = 0.3  # of the processes draw the processor of their eager kernels
# Kinds of ways, and the share of the batches that run in each. What a graph costs is LLVM's time for its programs, and a new graph
# finds more than one more way of an old one.
SHARES = {"contiguous": 0.2, "repeated": 0.2, "compiled": 1.0, "unfused": 0.5, "aot": 0.5}
EAGER = ("contiguous", "repeated")  # kinds whose code is that of the process's eager kernels
AVX512 = {"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd"}
MASKS = {"float16": (numpy.uint16, 0x7C00), "bfloat16": (numpy.uint16, 0x7F80), "float32": (numpy.uint32, 0x7F800000),
         "float64": (numpy.uint64, 0x7FF0000000000000)}  # fmt: skip


def cpus():
    """Those of CPUS that this machine can run."""
    flags = set(re.search(r"^flags\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    return CPUS if AVX512 <= flags else CPUS[:2]


def eager(seed):
    """The processor of a process's eager kernels. Mostly this machine's: every other one needs all the kernels once more."""
    r = random.Random(seed)
    return r.choice(cpus()) if r.random() < OTHER_EAGER else ""


def drawn(seed):
    """The ways of a batch, as "KIND" or "KIND CPU". A result may not depend on the processor, so any will do for each."""
    r = random.Random(seed)
    kinds = [kind for kind, share in SHARES.items() if r.random() < share]
    return [f"{kind} {r.choice(cpus())}".strip() if kind not in EAGER else kind for kind in kinds]


def every():
    return [*EAGER, *(f"{kind} {cpu}".strip() for kind in ("compiled", "unfused", "aot") for cpu in cpus())]


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def bits(values):
    """(dtype, shape, bytes) of each; None of a gradient that is not there."""
    return [
        t if t is None else (t.dtype.name, tuple(t.shape), weft._C.raw_bytes(t.detach().contiguous())) for t in values
    ]


def same(a, b):
    """Every NaN counts as the same."""
    if a == b or a is None or b is None:
        return a == b
    if a[:2] != b[:2] or a[0] not in MASKS:
        return False
    kind, infinity = MASKS[a[0]]
    x, y = (numpy.frombuffer(data, kind) & kind(~(1 << (8 * numpy.dtype(kind).itemsize - 1)) & numpy.iinfo(kind).max)
            for data in (a[2], b[2]))  # fmt: skip
    unequal = numpy.frombuffer(a[2], kind) != numpy.frombuffer(b[2], kind)
    return not (unequal & ~((x > infinity) & (y > infinity))).any()


def difference(got, want):
    if got is None or want is None or got[:2] != want[:2]:
        return f"{got and got[:2]} instead of {want and want[:2]}"
    size = len(got[2]) // max(1, int(numpy.prod(got[1])))
    a, b = (numpy.frombuffer(data, f"V{size}") for data in (got[2], want[2]))
    wrong = numpy.flatnonzero(a != b)
    at = int(wrong[0])
    return f"{len(wrong)} of {len(a)} elements of {want[0]}{list(want[1])}, first {at}: 0x{a[at].tobytes()[::-1].hex()} instead of 0x{b[at].tobytes()[::-1].hex()}"


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
            yield threads, bits([*function(*inputs), *inputs])

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
        """The exportable programs through weft-aot and the C interface, in a process of its own for each number of threads.
        `want` is what they should give, and what stands for the others."""
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

    def model(self, cpu, sizes):
        with tempfile.TemporaryDirectory() as folder:
            inputs = self.inputs()
            text, weights = self.text(inputs)
            path = pathlib.Path(folder)
            (path / "m.mlir").write_text(text)
            if weights:
                weft.save(dict(weights), str(path / "m.safetensors"))
            tool = pathlib.Path(weft._ops.__file__).resolve().parents[2] / "bin" / "weft-aot"
            command = [tool, "m.mlir", "-o", "m.so", "--header", "m.h", *([f"--cpu={cpu}"] if cpu else [])]
            made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if made.returncode:
                raise RuntimeError(f"weft-aot: status {made.returncode} {made.stderr[-2000:]}")
            arguments = re.search(r"m_run\((.*?)\)", (path / "m.h").read_text(), re.S)[1].split(",")
            names = [a.split("*")[-1].strip() for a in arguments]
            given = {f"input{i}": weft._C.raw_bytes(t.detach().contiguous()) for i, t in enumerate(self.inputs())}
            return run_model(path / "m.so", names, given, sizes)


def exports(program):
    """False where it writes into a tensor that it has a view of, of a kind that a graph cannot hold."""
    if all(s.target for s in program.statements):
        return True
    batch = Batch([program])
    try:
        batch.text(batch.inputs())
    except NotImplementedError:
        return False
    return True


def run_model(library, names, given, sizes):
    """(threads, the outputs' bytes) for each of THREADS, computed in a child: a model's threads live as long as its process."""
    offsets = numpy.cumsum([8, *(-(-n // 64) * 64 for n in sizes)]).tolist()
    shared = mmap.mmap(-1, len(THREADS) * (offsets[-1] + 4096))
    places = {threads: i * (offsets[-1] + 4096) for i, threads in enumerate(THREADS)}
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for threads in THREADS:
                run_copy(library, names, given, sizes, threads, shared, [places[threads] + at for at in offsets])
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise RuntimeError(f"the model's process ended with {status}")
    return [(threads, [shared[at + o : at + o + n] for o, n in zip(offsets, sizes)]) for threads, at in places.items()]


def run_copy(library, names, given, sizes, threads, shared, offsets):
    """Runs a copy of the model's library, which has a thread pool of its own, and writes its outputs at `offsets`."""
    copy = library.with_name(f"{threads}.so")
    shutil.copyfile(library, copy)
    os.environ["WEFT_NUM_THREADS"] = str(threads)
    model = ctypes.CDLL(str(copy))
    model.m_error.restype = ctypes.c_char_p
    outputs = {
        f"output{i}": (ctypes.c_char * max(1, n)).from_buffer(shared, at)
        for i, (n, at) in enumerate(zip(sizes, offsets))
    }
    if model.m_run(*(outputs[n] if n in outputs else given[n] for n in names)):
        raise RuntimeError(f"m_run, {threads} threads: {model.m_error().decode()}")


def disagreements(programs, ways):
    """[way, threads, program's number or None for all, text] of each difference from the first eager run."""
    batch, found, expected = Batch(programs), [], None
    names = batch.names()
    for way in ["eager", *ways]:
        kind, *cpu = way.split(" ")
        try:
            runs = batch.aot(*cpu, want=expected) if kind == "aot" else getattr(batch, kind)(*cpu)
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
