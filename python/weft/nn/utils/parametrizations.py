"""Parametrizations of weights: by length and direction, and of greatest singular value 1."""

from __future__ import annotations

from ... import _C
from .parametrize import register_parametrization
from .spectral_norm import _SpectralNorm, output_axis
from .weight_norm import _WeightNorm

__all__ = ["spectral_norm", "weight_norm"]


def weight_norm(module, name="weight", dim=0):
    """Trains the length ``parametrizations.NAME.original0`` and the direction ``original1`` of the parameter; the length is the norm over
    all axes but ``dim`` (None: all). Returns the module. Loads the states of ``nn.utils.weight_norm``, too."""
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(module, state_dict, prefix, *_):
        old = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module.register_load_state_dict_pre_hook(rename)
    return module


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides the parameter by its greatest singular value, that of the matrix whose rows are the axis ``dim`` (0, of transposed convolutions
    1); ``n_power_iterations`` steps follow it at each access in training. Returns the module."""
    weight = getattr(module, name, None)
    if not isinstance(weight, _C.Tensor):
        raise ValueError(f"[spectral_norm] {type(module).__name__} has no parameter or buffer {name!r}")
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, output_axis(module, dim), eps)
    )
