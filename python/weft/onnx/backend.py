"""The interface of onnx.backend.base: models run on NumPy arrays."""

import weft

from ._package import onnx
from .load import load
from .values import to_array, to_tensor


def supports_device(device):
    """Whether models run there: "CPU", and "CUDA" or "CUDA:0" where there is a GPU."""
    kind, _, index = str(device).partition(":")
    return (kind == "CPU" and index in ("", "0")) or (
        kind == "CUDA" and weft.cuda.is_available() and int(index or 0) < weft.cuda.device_count()
    )


def is_compatible(model, device="CPU", **kwargs):
    """Whether ``prepare`` takes the model."""
    try:
        prepare(model, device)
    except (NotImplementedError, RuntimeError):
        return False
    return True


def prepare(model, device="CPU", **kwargs):
    """A model that ``run(inputs)`` runs, again and again.

    Args:
        model: an ``onnx.ModelProto``, a path or bytes, as ``weft.onnx.load`` takes.
        device: as ``supports_device`` takes.

    Raises:
        ValueError: there is no such device; what ``weft.onnx.load`` raises.
    """
    if not supports_device(device):
        raise ValueError(
            f"[onnx.backend] there is no device {device!r}; supported are 'CPU' and, where there is a GPU, 'CUDA'"
        )
    return Prepared(load(model), device)


def run_model(model, inputs, device="CPU", **kwargs):
    """The outputs of a model for ``inputs`` (a list in its order, or a dict by name), as a tuple of arrays."""
    return prepare(model, device).run(inputs)


def run_node(node, inputs, device="CPU", outputs_info=None, **kwargs):
    """The outputs of one NodeProto. ``opset_version``: of the node, by default the newest.

    ``outputs_info``: (dtype, shape) an output; it is not needed.
    """
    package = onnx()
    helper = package.helper
    names = [name for name in node.input if name]
    given = []
    for name, value in zip(names, inputs):
        array = _array(value)
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        given.append(helper.make_tensor_value_info(name, element, array.shape))
    outputs = [helper.make_value_info(name, package.TypeProto()) for name in node.output if name]
    graph = helper.make_graph([node], node.op_type, given, outputs)
    version = kwargs.get("opset_version") or package.defs.onnx_opset_version()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(node.domain, version)])
    return run_model(model, inputs, device)


class Prepared:
    """What ``prepare`` gives: ``module`` on a device, that takes and gives arrays."""

    def __init__(self, module, device):
        self.device = "cuda" if device.startswith("CUDA") else "cpu"
        self.module = module.to(self.device)
        self.names = (*module.input_names, *module.default_names)

    def run(self, inputs, **kwargs):
        """The outputs for ``inputs`` (a list in the model's order, those with a default last, or a dict by name): arrays, lists of them, or None."""
        given = inputs if isinstance(inputs, dict) else dict(zip(self.names, inputs))
        with weft.no_grad():
            results = self.module(**{name: self._value(value) for name, value in given.items()})
        return tuple(_result(r) for r in (results if len(self.module.output_names) > 1 else (results,)))

    def _value(self, value):
        if value is None:
            return None
        if isinstance(value, (list, tuple)):
            return [self._value(v) for v in value]
        array = _array(value)
        return array if array.dtype.kind in "OUS" else to_tensor(array).to(self.device)


def _array(value):
    import numpy

    return value.detach().numpy() if isinstance(value, weft.Tensor) else numpy.asarray(value)


def _result(value):
    if isinstance(value, list):
        return [_result(v) for v in value]
    return to_array(value.cpu()) if isinstance(value, weft.Tensor) else value
