"""A graph as an ahead-of-time compiled model, run through its C interface."""

from __future__ import annotations

import ctypes
import mmap
import os
import pathlib
import shutil
import subprocess
import tempfile

import weft

ERROR = 4096  # bytes of a model's error


def run(function, examples, given, sizes, counts, cpu="", calls=1):
    """(threads, call, bytes of the outputs and then of the inputs) of each call, one after the other, for each of the counts of
    threads. `given`: the inputs' bytes before the first; `sizes`: bytes of each output."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        weft.export(function, tuple(examples), path / "m.mlir")
        tool = pathlib.Path(weft._ops.__file__).resolve().parents[2] / "bin" / "weft-aot"
        command = [tool, "m.mlir", "-o", "m.so", "--header", "m.h", *([f"--cpu={cpu}"] if cpu else [])]
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if made.returncode:
            raise RuntimeError(f"weft-aot: status {made.returncode} {made.stderr[-2000:]}")
        return results(path / "m.so", given, sizes, counts, calls)


def results(library, given, sizes, counts, calls):
    """Computed in a child: a model's threads live as long as its process."""
    sizes = [*sizes, *map(len, given)]
    runs = [(threads, call) for threads in counts for call in range(calls)]
    shared = mmap.mmap(-1, len(runs) * sum(sizes) + ERROR)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for threads in counts:
                for data in run_copy(library, given, sizes[: -len(given) or None], threads, calls):
                    shared.write(data)
            status = 0
        except BaseException as error:
            shared[-ERROR:] = str(error).encode()[:ERROR].ljust(ERROR, b"\0")
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        why = shared[-ERROR:].rstrip(b"\0").decode(errors="replace")
        raise RuntimeError(f"the model's process ended with {status}: {why}")
    return [(threads, call, [shared.read(size) for size in sizes]) for threads, call in runs]


def run_copy(library, given, sizes, threads, calls):
    """Runs a copy of the model's library, which has a thread pool of its own; gives the bytes of all buffers after each call."""
    copy = library.with_name(f"{threads}.so")
    shutil.copyfile(library, copy)
    os.environ["WEFT_NUM_THREADS"] = str(threads)
    model = ctypes.CDLL(str(copy))
    model.m_error.restype = ctypes.c_char_p
    instance = []
    if hasattr(model, "m_create"):
        model.m_create.restype = ctypes.c_void_p
        instance = [ctypes.c_void_p(model.m_create())]
    if hasattr(model, "m_seed"):
        model.m_seed(*instance, ctypes.c_int64(0))
    inputs = [ctypes.create_string_buffer(data, max(1, len(data))) for data in given]
    outputs = [ctypes.create_string_buffer(max(1, size)) for size in sizes]
    for _ in range(calls):
        if model.m_run(*instance, *inputs, *outputs):
            raise RuntimeError(f"m_run, {threads} threads: {model.m_error().decode()}")
        for buffer, size in zip([*outputs, *inputs], [*sizes, *map(len, given)]):
            yield buffer.raw[:size]
