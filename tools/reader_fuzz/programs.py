"""weft-aot: programs that weft.export writes and those of test/passes, whose text is damaged. Each is compiled in a
process of its own, as the command is the compiler library's."""

import ctypes
import os
import pathlib
import re
import resource
import tempfile

import weft
from weft import nn

from . import stablehlo

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test" / "passes"
PACKAGE = pathlib.Path(weft.__file__).parent
MOST_CHARACTERS = 4000
SECONDS = 30  # of processor time
texts, often = [], []
state = {}


def prepare():
    state["folder"] = tempfile.TemporaryDirectory(prefix="weft_fuzz_")
    state["library"] = ctypes.CDLL(str(PACKAGE / "libweft_compiler.so"))
    found = []
    for path in sorted(FOLDER.glob("*.mlir")):
        for part in re.split(r"^// -----.*$", path.read_text(), flags=re.M):
            lines = "\n".join(line for line in part.split("\n") if not line.startswith("//")).strip()
            found.append(re.sub(r"func\.func @\w+\(", "func.func @main(", lines, count=1))
    found += [exported(model, *args) for model, *args in models()]
    texts[:] = [text for text in found if "@main(" in text and len(text) < MOST_CHARACTERS]
    often[:] = [1 / len(text) for text in texts]


def models():
    yield nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.BatchNorm1d(3)), weft.randn(2, 4)
    yield nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Softmax(1)), weft.randn(1, 1, 8, 8)
    yield nn.GRU(3, 4), weft.randn(5, 2, 3)
    yield lambda x: weft.cond(x.sum() > 0, lambda y: y.sort()[0], lambda y: y.cumsum(0), (x,)), weft.randn(5)


def exported(model, *args):
    path = os.path.join(state["folder"].name, "source.mlir")
    weft.export(model.eval() if isinstance(model, nn.Module) else model, args, path)
    return pathlib.Path(path).read_text()


def mutant(rng):
    text = rng.choices(texts, often)[0]
    return text if rng.random() < 0.05 else stablehlo.damaged(text, texts, rng)


def tried(text, run):
    source, library = (os.path.join(state["folder"].name, name) for name in ("model.mlir", "model.so"))
    with open(source, "w", errors="surrogateescape") as file:
        file.write(text)
    child = os.fork()
    if child == 0:
        status = 70
        try:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
            words = [b"weft-aot", os.fsencode(source), b"-o", os.fsencode(library)]
            status = state["library"].weft_aot_command(
                len(words), (ctypes.c_char_p * (len(words) + 1))(*words), os.fsencode(PACKAGE / "bin")
            )
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 1):
        raise AssertionError(f"weft-aot ended with {status}")
    return "refused" if status else "loaded"
