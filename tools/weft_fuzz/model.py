"""A graph as an ahead-of-time compiled model, run through its C interface."""

from __future__ import annotations

import ctypes
import mmap
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import numpy
import weft

ERROR = 4096  # bytes of a model's error


def run(text, weights, cpu, inputs, sizes, counts):
    """(threads, the outputs' bytes) for each of the counts of threads. `sizes`: bytes of each output."""
    with tempfile.TemporaryDirectory() as folder:
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
        given = {f"input{i}": data for i, data in enumerate(inputs)}
        return outputs(path / "m.so", names, given, sizes, counts)


def outputs(library, names, given, sizes, counts):
    """Computed in a child: a model's threads live as long as its process."""
    offsets = numpy.cumsum([8, *(-(-n // 64) * 64 for n in sizes)]).tolist()
    shared = mmap.mmap(-1, len(counts) * (offsets[-1] + 4096) + ERROR)
    places = {threads: i * (offsets[-1] + 4096) for i, threads in enumerate(counts)}
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for threads in counts:
                run_copy(library, names, given, sizes, threads, shared, [places[threads] + at for at in offsets])
            status = 0
        except BaseException as error:
            shared[-ERROR:] = str(error).encode()[:ERROR].ljust(ERROR, b"\0")
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        why = shared[-ERROR:].rstrip(b"\0").decode(errors="replace")
        raise RuntimeError(f"the model's process ended with {status}: {why}")
    return [(threads, [shared[at + o : at + o + n] for o, n in zip(offsets, sizes)]) for threads, at in places.items()]


def run_copy(library, names, given, sizes, threads, shared, offsets):
    """Runs a copy of the model's library, which has a thread pool of its own, and writes its outputs at `offsets`."""
    copy = library.with_name(f"{threads}.so")
    shutil.copyfile(library, copy)
    os.environ["WEFT_NUM_THREADS"] = str(threads)
    model = ctypes.CDLL(str(copy))
    model.m_error.restype = ctypes.c_char_p
    places = {
        f"output{i}": (ctypes.c_char * max(1, n)).from_buffer(shared, at)
        for i, (n, at) in enumerate(zip(sizes, offsets))
    }
    if model.m_run(*(places[n] if n in places else given[n] for n in names)):
        raise RuntimeError(f"m_run, {threads} threads: {model.m_error().decode()}")
