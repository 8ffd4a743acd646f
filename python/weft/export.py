"""Models as text for weft-aot and weft-opt."""

import os

from . import _C
from ._files import written_whole
from .serialization import write_tensors


def export(model, args, path):
    """Writes ``model(*args)`` as readable MLIR, and its weights beside it (model.mlir → model.safetensors), unless
    ``path`` is a device or a pipe.

    Shapes are those of ``args``; switch a Module to ``eval()`` first where it has a dropout. ``weft-aot model.mlir -o model.so
    --header model.h`` makes a library with a C interface of it. Returns the path.
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not callable(model):
        raise TypeError(f"[export] needs a Module or a function; got {type(model).__name__}; pass the callable itself")
    path = os.fspath(path)
    beside = os.path.isfile(path) or not os.path.exists(path)  # what goes to a device or a pipe is the text alone
    stem = path.removesuffix(".mlir")
    named = []
    if hasattr(model, "named_parameters"):
        named = [*model.named_parameters(), *model.named_buffers()]
    with _C.GradMode(False):
        text, weights = _C.export_graph(model, args, named, os.path.basename(stem) + ".safetensors")
    with written_whole(path, "export") as temporary:
        with open(temporary, "w") as file:
            file.write(text)
        if weights and beside:
            write_tensors(dict(weights), stem + ".safetensors", "export")
    return path
