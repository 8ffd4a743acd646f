"""A process that makes and runs programs: a JSON request a line on stdin, a JSON answer a line on stdout."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy  # noqa: E402
import weft  # noqa: E402

from weft_fuzz import generate, program  # noqa: E402

MASKS = {"float16": (numpy.uint16, 0x7C00), "bfloat16": (numpy.uint16, 0x7F80), "float32": (numpy.uint32, 0x7F800000),
         "float64": (numpy.uint64, 0x7FF0000000000000)}  # fmt: skip


def digest(dtype, shape, data):
    """dtype, shape and a hash of the bits; every NaN counts as the same."""
    if dtype in MASKS:
        kind, infinity = MASKS[dtype]
        words = numpy.frombuffer(data, kind).copy()
        sign = kind(1 << (8 * words.itemsize - 1))
        words[(words & ~sign) > infinity] = infinity + 1
        data = words.tobytes()
    return [dtype, list(shape), hashlib.sha1(data).hexdigest()]


def digests(values):
    return [
        None if t is None else digest(t.dtype.name, t.shape, weft._C.raw_bytes(t.detach().contiguous())) for t in values
    ]


def eager(scope, contiguous=False):
    inputs = scope["inputs"]()
    if contiguous:
        inputs = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    return digests([*scope["program"](*inputs), *inputs])


def compiled(scope):
    """The first call, which traces, and the second, which replays."""
    function, answers = weft.compile(scope["program"]), []
    for _ in range(2):
        inputs = scope["inputs"]()
        answers.append(digests([*function(*inputs), *inputs]))
    return answers


def aot(scope):
    """Exported, compiled by weft-aot, called through ctypes. The inputs are contiguous there."""
    inputs = [t.detach().clone() for t in scope["inputs"]()]
    with weft.no_grad():
        results = [t for t in scope["program"](*inputs)]
    inputs = scope["inputs"]()
    with tempfile.TemporaryDirectory() as folder:
        weft.manual_seed(0)
        weft.export(scope["program"], tuple(inputs), os.path.join(folder, "m.mlir"))
        tool = pathlib.Path(weft._ops.__file__).resolve().parents[2] / "bin" / "weft-aot"
        run = subprocess.run(
            [tool, "m.mlir", "-o", "m.so", "--header", "m.h"], cwd=folder, capture_output=True, text=True
        )
        if run.returncode:
            raise RuntimeError(f"weft-aot: status {run.returncode} {run.stderr[-2000:]}")
        header = (pathlib.Path(folder) / "m.h").read_text()
        library = ctypes.CDLL(os.path.join(folder, "m.so"))
        library.m_error.restype = ctypes.c_char_p
        buffers = {f"input{i}": bytearray(weft._C.raw_bytes(t.contiguous())) for i, t in enumerate(inputs)}
        outputs = [bytearray(t.numel() * t.dtype.itemsize) for t in results]
        buffers |= {f"output{i}": b for i, b in enumerate(outputs)}
        arguments = header.split("m_run(")[1].split(")")[0].split(",")
        names = [a.split("*")[-1].strip() for a in arguments]
        call = [
            ctypes.byref((ctypes.c_char * max(1, len(buffers[n]))).from_buffer(buffers[n])) if buffers[n] else None
            for n in names
        ]
        if library.m_run(*call):
            raise RuntimeError(f"m_run: {library.m_error().decode()}")
        return [digest(t.dtype.name, t.shape, bytes(b)) for t, b in zip(results, outputs)]


WAYS = {
    "eager": eager,
    "contiguous": lambda scope: eager(scope, contiguous=True),
    "compiled": compiled,
    "aot": aot,
}


def evaluate(source, ways):
    """For each way its digests, or {"error": …}."""
    scope, answers = program.load(source), {}
    for way in ways:
        try:
            answers[way] = WAYS[way](scope)
        except Exception as error:  # any: that is what is looked for
            answers[way] = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    return answers


def describe(source):
    """dtype and shape of each value, by name."""
    scope = program.load(source)
    inputs, known = scope["inputs"](), {}

    def look(frame, event, argument):
        if event == "return" and frame.f_code is scope["program"].__code__:
            known.update(
                {n: [t.dtype.name, list(t.shape)] for n, t in frame.f_locals.items() if isinstance(t, weft.Tensor)}
            )

    sys.setprofile(look)
    try:
        scope["program"](*inputs)
    except Exception:  # what ran up to it is known
        pass
    finally:
        sys.setprofile(None)
    return known


def export(source, path):
    scope = program.load(source)
    try:
        weft.export(scope["program"], tuple(scope["inputs"]()), path)
    except Exception as error:  # a program that cannot be traced has no text
        return {"error": str(error)}
    return {}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        if "seed" in request:
            try:
                answer = generate.generate(request["seed"], **request["options"])
            except Exception:
                answer = {"error": traceback.format_exc()}
        elif "describe" in request:
            answer = describe(request["describe"])
        elif "export" in request:
            answer = export(request["export"], request["path"])
        else:
            answer = evaluate(request["source"], request["ways"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
