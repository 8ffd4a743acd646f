"""A model from a file."""

import os

from ._package import onnx
from .build import Builder, type_text
from .module import Model
from .values import STRING, dtype_of


def load(model):
    """A module that computes what an ONNX model does.

    Args:
        model: a path, the file's bytes, or an ``onnx.ModelProto``. Data beside a file is read from its folder alone.

    Returns:
        a Module. It is called with tensors in the order of the model's inputs (``input_names``), or by their names, and gives a tensor, or a
        tuple of them in the order of ``output_names``. Sequences are lists. Initializers are its parameters where they are floating-point,
        else buffers, by their names; numbers and small integer tensors, such as shapes, are constants. It compiles, trains,
        exports and loads a ``state_dict`` as any module does.

    Raises:
        ImportError: the package ``onnx``, which parses files, is not installed.
        NotImplementedError: an operator, a version of it, an attribute or a dtype that is not supported; the message names the node.
        RuntimeError: the file is damaged, or no model.
    """
    proto, folder = _parsed(model)
    opset = next((i.version for i in proto.opset_import if i.domain in ("", "ai.onnx")), None)
    newest = onnx().defs.onnx_opset_version()
    if opset is not None and opset > newest:
        raise NotImplementedError(
            f"[onnx] the model is of opset {opset}; the installed onnx package knows opsets up to {newest}; install a newer one"
        )
    if any(
        not 0 < i.version < 2**31 for i in (*proto.opset_import, *(i for f in proto.functions for i in f.opset_import))
    ):
        raise RuntimeError("[onnx] the model names an opset that cannot be; the file is damaged")
    graph = proto.graph
    if not graph.output:
        raise RuntimeError("[onnx] the model has no outputs; is it an ONNX model?")
    if proto.training_info:
        raise NotImplementedError(
            "[onnx] the model has training graphs; load one that is for inference, and train it with weft.optim"
        )
    try:
        return _module(proto, folder)
    except _OF_DAMAGE as error:
        raise RuntimeError(f"[onnx] the file is damaged, or no valid model: {type(error).__name__}: {error}") from error


# What code meets that relies on what a valid file has: a name that is no text, a value of another kind, a list that is too short.
_OF_DAMAGE = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


def _module(proto, folder):
    graph = proto.graph
    builder = Builder(proto, folder)
    given = {t.name for t in graph.initializer} | {s.values.name for s in graph.sparse_initializer}
    taken = [v for v in graph.input if v.name not in given]
    for value in taken:
        _check_input(value)
    built = builder.graph(graph)
    defaults = tuple(_described(v) for v in graph.input if v.name in given and v.name in builder.replaceable)
    size_names = {v.name: _size_names(v) for v in taken}
    return Model(built, tuple(_described(v) for v in taken), defaults, size_names, builder)


def _parsed(model):
    package = onnx()
    if isinstance(model, package.ModelProto):
        return model, None
    folder = None
    if isinstance(model, (bytes, bytearray, memoryview)):
        content = bytes(model)
    elif isinstance(model, (str, os.PathLike)):
        path = os.fspath(model)
        folder = os.path.dirname(os.path.abspath(path))
        with open(path, "rb") as file:
            content = file.read()
    else:
        raise TypeError(f"[onnx] needs a path, bytes or an onnx.ModelProto; got {type(model).__name__}")
    proto = package.ModelProto()
    try:
        proto.ParseFromString(content)
    except Exception as error:
        raise RuntimeError(f"[onnx] not an ONNX model, or a damaged one: {error}") from None
    return proto, folder


def _check_input(value):
    kind = value.type
    while kind.WhichOneof("value") in ("sequence_type", "optional_type"):
        kind = getattr(kind, kind.WhichOneof("value")).elem_type
    if kind.WhichOneof("value") != "tensor_type":
        raise NotImplementedError(
            f"[onnx] the input {value.name!r} is a {type_text(value.type)}; supported are tensors, sequences and optionals"
        )
    if kind.tensor_type.elem_type not in (0, STRING):
        dtype_of(kind.tensor_type.elem_type, f"the input {value.name!r}")


def _described(value):
    """(name, dtype or None, sizes or None: an int, or None where any) of a graph's input."""
    if value.type.WhichOneof("value") != "tensor_type":
        return value.name, None, None
    tensor = value.type.tensor_type
    dtype = dtype_of(tensor.elem_type, value.name) if tensor.elem_type not in (0, STRING) else None
    if not tensor.HasField("shape"):
        return value.name, dtype, None
    return value.name, dtype, tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)


def _size_names(value):
    """Of each axis of an input: how its size is called if it may vary, in the file or "input:axis"; else ""."""
    dims = value.type.tensor_type.shape.dim
    return tuple("" if d.HasField("dim_value") else d.dim_param or f"{value.name}:{i}" for i, d in enumerate(dims))
