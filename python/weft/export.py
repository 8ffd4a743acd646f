"""Models as text for weft-aot and weft-opt."""

import os

from . import _C
from .serialization.safetensors import write_tensors

FORMATS = ("mlir", "stablehlo")
WEIGHTS = ("embedded", "arguments")


def export(model, args, path, *, format="mlir", weights="embedded"):
    """Writes ``model(*args)`` as readable MLIR, and its weights beside it (model.mlir → model.safetensors), unless
    ``path`` is a device or a pipe.

    The program does what the function would do, call after call, for arguments of these shapes and dtypes; numbers and other
    Python values are as they are now. Every tensor among the arguments is an input of its own, named after ``forward``'s
    parameters; in-place writes to it go to the caller's memory. What the function writes or replaces outside (buffers, in a
    training step also parameters and the optimizer's tensors) and the state of the random stream are the program's state.

    Nothing runs on values and nothing outside changes. What a program without Python cannot do (take a tensor's value, change a
    Python number, read the clock) is a NotImplementedError that names the line. ``print`` is left out.

    ``weft-aot model.mlir -o model.so --header model.h`` makes a library with a C interface of it. Returns the path.

    With ``format="stablehlo"`` the text is StableHLO, for XLA, IREE and jax. Its function ``main`` takes the arguments, then the states
    and that of the random stream (int64[2], the seed and the position), and gives the results, then what a run leaves in the arguments
    and states that it writes to. Weights are constants of the text; with ``weights="arguments"`` they are arguments after those, named by
    an attribute ``weft.weight``, and lie beside it as in the other format. Sizes are those of the arguments.
    """
    from ._files import written_whole

    if format not in FORMATS:
        raise ValueError(f"[export] format must be one of {', '.join(FORMATS)}; got {format!r}")
    if weights not in WEIGHTS:
        raise ValueError(f"[export] weights must be one of {', '.join(WEIGHTS)}; got {weights!r}")
    if weights != "embedded" and format != "stablehlo":
        raise ValueError(
            f"[export] weights={weights!r} is for format='stablehlo'; in a .mlir weights are in the file beside it"
        )
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not callable(model):
        raise TypeError(f"[export] needs a Module or a function; got {type(model).__name__}; pass the callable itself")
    path = os.fspath(path)
    beside = os.path.isfile(path) or not os.path.exists(path)  # what goes to a device or a pipe is the text alone
    stem = path.removesuffix(".mlir")
    if format == "stablehlo":
        embedded = weights == "embedded"
        text, tensors = stablehlo_text(model, args, embedded)
        beside = beside and not embedded
    else:
        text, tensors = trace(model, args, os.path.basename(stem) + ".safetensors")
    with written_whole(path, "export") as temporary:
        with open(temporary, "w") as file:
            file.write(text)
        if tensors and beside:
            write_tensors(dict(tensors), stem + ".safetensors", "export")
    return path


def trace(model, args, weights_file):
    """The text of ``model(*args)`` and the (name, tensor) of its weights and state, which it expects in the file."""
    return _traced(_C.export_graph, model, args, weights_file)


def stablehlo_text(model, args, embedded=True):
    """``model(*args)`` as StableHLO, and the (name, tensor) of its weights and state; embedded: the weights are constants of the text."""
    return _traced(_C.export_stablehlo, model, args, embedded)


def records(model, args, kept):
    """``model(*args)`` for writers of other formats: ((name, role) of its inputs, (name, tensor) of its weights and state, graph).

    A graph is (types of the inputs, nodes, outputs), a type (dtype, shape), a node (op, operands, attributes, type, which of the op's results,
    line). Values are numbered: the inputs, then the nodes. Composites are what they are made of, but for the ops whose names are ``kept``.
    """
    return _traced(_C.export_records, model, args, list(kept))


def _traced(write, model, args, *more):
    from . import _capture, _changes, _watch

    capture = _capture.Capture(complete=True)
    capture.walk(model, getattr(model, "__name__", "model"))
    guards, watch = _C.guard_set(capture.guards), _watch.Watch(harmless={"print"})
    names, named = _argument_names(model, args), named_tensors(model)

    def changes():
        watch.stop()
        replaced = _changes.replaced_tensors(capture, watch, guards)
        _changes.put_back(capture, guards)
        return replaced, [tensor for tensor, _ in capture.tensors]

    watch.start()
    try:
        return write(model, args, names, named, changes, *more)
    finally:
        watch.stop()
        _changes.put_back(capture, guards)


def named_tensors(model):
    if not hasattr(model, "named_parameters"):
        return []
    parameters = list(model.named_parameters())
    gradients = [(f"{name}.grad", p.grad) for name, p in parameters if p.grad is not None]
    return [*parameters, *model.named_buffers(), *gradients]


def _argument_names(model, args):
    """The names of the positional parameters; "args_0" where they are gathered, "input0" where there are none."""
    import inspect

    names = []
    try:
        signature = getattr(model, "__signature__", None) or inspect.signature(getattr(model, "forward", model))
        parameters = signature.parameters.values()
    except (TypeError, ValueError):  # of a C function
        parameters = ()
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{i}" for i in range(len(args) - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return [*names, *(f"input{i}" for i in range(len(names), len(args)))][: len(args)]
