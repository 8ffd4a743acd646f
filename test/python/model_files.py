"""Runs the files of test/models, which are written for PyTorch but for the name that they import; under either library."""

import importlib.util
import pathlib

import numpy

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "models"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
STEPS = 3


def fill(torch, model):
    """Values that depend on nothing but places and shapes: initial weights are drawn from different streams."""
    for place, (name, parameter) in enumerate(model.named_parameters()):
        values = numpy.random.RandomState(place).standard_normal(parameter.shape)
        if parameter.ndim > 1:
            values /= numpy.sqrt(values[0].size)
        else:
            values = 0.1 * values + (1 if "weight" in name or "gamma" in name else 0)
        if parameter.requires_grad:
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(values.astype("float32")))


def train(torch, name, compile=lambda step: step):
    """Three steps of a file: the losses, and the model."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    model, step, after = module.create()
    fill(torch, model)
    step, losses = compile(step), []
    for i in range(STEPS):
        losses.append(float(step(*map(torch.from_numpy, module.data(numpy.random.RandomState(i))))))
        if after:
            after()
    return losses, model


def digest(model):
    """Of each floating-point tensor of the state: its length, and its product with cosines."""
    result = {}
    for name, tensor in model.state_dict().items():
        if tensor.dtype.is_floating_point:
            values = tensor.numpy().astype("float64").reshape(-1)
            along = float(values @ numpy.cos(numpy.arange(values.size)))
            result[name] = [float(f"{x:.7g}") for x in (numpy.linalg.norm(values), along)]
    return result
