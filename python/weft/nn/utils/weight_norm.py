"""Weight normalisation: a length and a direction (Salimans and Kingma, "Weight normalization", 2016)."""

from __future__ import annotations

from ... import _C
from .._arguments import a_module, text
from .._norms import vector_norm
from ..modules.module import Module
from ..parameter import Parameter
from .computed import compute, compute_no_more, is_computed

__all__ = ["remove_weight_norm", "weight_norm"]


def length(v, dim):
    """The norm over all axes but ``dim``, all where that is None or -1; the axes stay."""
    if dim is not None and not isinstance(dim, int):
        raise TypeError(f"[weight_norm] dim must be an int or None; got {type(dim).__name__}; pass an axis")
    if dim is None or dim == -1:
        return vector_norm(v, 2.0)
    if not -v.ndim <= dim < v.ndim:
        raise IndexError(
            f"[weight_norm] dim {dim} is out of range for shape {list(v.shape)}; use a value of [{-v.ndim}, {v.ndim - 1}]"
        )
    axes = tuple(a for a in range(v.ndim) if a != dim % v.ndim)
    return vector_norm(v, 2.0, axes, True) if axes else v.abs()


def of_length(v, g, dim):
    return v * (g / length(v, dim))


class _WeightNorm(Module):
    """The parametrization: of length and direction."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return of_length(weight_v, weight_g, self.dim)

    def right_inverse(self, weight):
        return length(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Makes the parameter ``name`` that of ``name``_v times ``name``_g over its norm over all axes but ``dim`` (None: all), which are
    trained in its place; returns the module. ``nn.utils.parametrizations.weight_norm`` is the newer form."""
    a_module("weight_norm", module), text("weight_norm", "name", name)
    if is_computed(module, name):
        raise RuntimeError(f"[weight_norm] {name!r} of {type(module).__name__} is computed already")
    weight = module._parameters.get(name)
    if weight is None:
        raise AttributeError(f"[weight_norm] {type(module).__name__} has no parameter {name!r}")
    with _C.GradMode(False):
        g = Parameter(length(weight, dim).clone(), weight.requires_grad)
    delattr(module, name)
    module.register_parameter(f"{name}_g", g)
    module.register_parameter(f"{name}_v", Parameter(weight.detach(), weight.requires_grad))
    compute(module, name, lambda own: of_length(getattr(own, f"{name}_v"), getattr(own, f"{name}_g"), dim), prefix="")
    return module


def remove_weight_norm(module, name="weight"):
    """Makes ``name`` a parameter again, with its present value; returns the module."""
    a_module("remove_weight_norm", module), text("remove_weight_norm", "name", name)
    if not is_computed(module, name) or f"{name}_g" not in module._parameters:
        raise ValueError(f"[remove_weight_norm] {type(module).__name__} has no weight_norm of {name!r}")
    weight = Parameter(getattr(module, name).detach(), getattr(module, f"{name}_v").requires_grad)
    compute_no_more(module, name)
    delattr(module, f"{name}_g")
    delattr(module, f"{name}_v")
    module.register_parameter(name, weight)
    return module
