"""A model to a file."""

import os

from .._files import written_whole
from ..export import named_tensors, records
from ._package import onnx
from .emit import EMITTERS
from .programs import model_of

OLDEST, NEWEST = 18, 23
LARGEST_FILE = 2**31 - 1


def export(
    model, args, path, *, dynamic_shapes=None, opset=20, input_names=None, output_names=None, opset_version=None, verbose=None
):  # fmt: skip
    """Writes ``model(*args)`` as an ONNX model, checked by ``onnx.checker``.

    Args:
        model: a Module, in the mode in which it shall run (``eval()``), or a function of tensors.
        args: a tensor, or a tuple of what the call takes; numbers and other Python values are as they are now. The inputs are named after
            ``forward``'s parameters, and are all tensors among the arguments.
        path: the file. It is written whole, or not at all.
        dynamic_shapes: which sizes may vary: {input: {axis: name}}, or a list of {axis: name} (or None) in the order of the inputs. Axes of one
            name have one size. The program is traced at other sizes, and must be the same but for them.
        opset: of 18 to 23.
        input_names: a list, by default the names of ``forward``'s parameters; ``dynamic_shapes`` goes by them.
        output_names: a list, by default "output", or "output_0", "output_1" ...
        opset_version: PyTorch's name of ``opset``. verbose: has no effect.

    Returns:
        the path.

    Raises:
        NotImplementedError: an op without an ONNX counterpart (random numbers are none), a program that writes to its state (a training
            step, batch norm in training), one that is another at other sizes; what ``weft.export`` cannot do.
        TypeError, ValueError: arguments that do not fit; RuntimeError: the file cannot be written.
    """
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if not callable(model):
        raise TypeError(
            f"[onnx.export] needs a Module or a function; got {type(model).__name__}; pass the callable itself"
        )
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"[onnx.export] needs the path of a file; got {type(path).__name__}")
    for what, names in (("input_names", input_names), ("output_names", output_names)):
        if names is not None and not (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)):
            raise TypeError(f"[onnx.export] {what} must be a list of strings; got {names!r}")
    opset = opset if opset_version is None else opset_version
    if type(opset) is not int or not OLDEST <= opset <= NEWEST:
        raise ValueError(f"[onnx.export] opset must be of {OLDEST} to {NEWEST}; got {opset!r}")
    owned = {name for name, _ in named_tensors(model)}
    trace = lambda given: records(model, given, EMITTERS)  # noqa: E731
    proto = model_of(trace, args, owned, dynamic_shapes, opset, input_names, output_names)
    if proto.ByteSize() > LARGEST_FILE:
        raise NotImplementedError(f"[onnx.export] the model has {proto.ByteSize()} bytes; a file holds less than 2 GiB")
    onnx().checker.check_model(proto)
    path = os.fspath(path)
    with written_whole(path, "onnx.export") as temporary, open(temporary, "wb") as file:
        file.write(proto.SerializeToString())
    return path
