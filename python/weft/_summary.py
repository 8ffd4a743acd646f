"""weft.summary: the layers of a model, what they give and how many numbers they hold."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _C
from ._pytree import flatten
from .autograd import no_grad
from .nn import Module


class Layer(NamedTuple):
    """A module as it was called: its name ("" for the model), its class, the shapes it gave, and its own parameters (not those of the modules
    within it): how many numbers, and how many of them are trained."""

    name: str
    kind: str
    depth: int
    shapes: list[list[int]]
    parameters: int
    trained: int


class Summary:
    """What ``summary`` found; prints as a table. layers: in the order of their calls; parameters, trained: numbers in all parameters, each
    counted once; bytes: of parameters and buffers; activations: bytes that all layers without others within them gave."""

    def __init__(self, layers: list[Layer], parameters: int, trained: int, bytes: int, activations: int) -> None:
        self.layers = layers
        self.parameters = parameters
        self.trained = trained
        self.bytes = bytes
        self.activations = activations

    def __repr__(self) -> str:
        rows = [("Layer", "Output shape", "Parameters")]
        for layer in self.layers:
            name = "  " * layer.depth + (f"{layer.name.rpartition('.')[2]}: " if layer.name else "") + layer.kind
            rows.append(
                (name, ", ".join(map(str, layer.shapes)), f"{layer.parameters:,}" if layer.parameters else "--")
            )
        widths = [max(map(len, column)) for column in zip(*rows)]
        line = "-" * (sum(widths) + 4)
        texts = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        return "\n".join(
            [
                texts[0],
                line,
                *texts[1:],
                line,
                f"Parameters: {self.parameters:,}, of which {self.trained:,} are trained",
                f"Memory: {self.bytes / 1e6:.2f} MB of state, {self.activations / 1e6:.2f} MB given by the layers",
            ]
        )


def summary(model: Module, *args: Any, **kwargs: Any) -> Summary:
    """Calls the model (without gradients, in the mode it is in) and says of each module that ran which shapes it gave and how many parameters it
    has. TypeError if it is no module; what the model raises goes through."""
    if not isinstance(model, Module):
        raise TypeError(f"[summary] needs a Module and its arguments; got {type(model).__name__}")
    _C.not_replayable("it registers hooks")
    names = {id(module): name for name, module in model.named_modules()}
    layers: list[Layer] = []
    handles: list[Any] = []
    seen: set[int] = set()
    open_now: list[int] = []
    activations = 0

    def before(module: Module, inputs: Any) -> None:
        open_now.append(len(layers))
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen.update(map(id, own))
        count = sum(p.numel() for p in own)
        trained = sum(p.numel() for p in own if p.requires_grad)
        layers.append(Layer(names[id(module)], type(module).__name__, len(open_now) - 1, [], count, trained))

    def after(module: Module, inputs: Any, output: Any) -> None:
        nonlocal activations
        tensors = [leaf for leaf in flatten(output)[0] if isinstance(leaf, _C.Tensor)]
        place = open_now.pop()
        layers[place] = layers[place]._replace(shapes=[list(t.shape) for t in tensors])
        if place == len(layers) - 1:
            activations += sum(t.numel() * t.element_size() for t in tensors)

    for module in model.modules():
        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        with no_grad():
            model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    parameters = list(model.parameters())
    state = parameters + list(model.buffers())
    return Summary(
        layers,
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(t.numel() * t.element_size() for t in state),
        activations,
    )
