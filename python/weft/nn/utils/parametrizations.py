"""Parametrizations of weights: by length and direction, of greatest singular value 1, and orthogonal."""

from __future__ import annotations

from ... import _C
from .._arguments import a_module, choice, text
from .parametrize import register_parametrization
from .spectral_norm import _SpectralNorm, output_axis
from .weight_norm import _WeightNorm

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Makes the parameter a matrix, or a batch of them, with orthonormal columns, or rows where it is wide; returns the module.

    ``orthogonal_map``: "matrix_exp" or "cayley" of a skew-symmetric matrix, or the product of "householder"'s reflections; None takes the
    first for square matrices, the last for others. With ``use_trivialization`` the result is times a matrix ``base``, which is the
    parameter now (made orthogonal where it is not).
    """
    a_module("orthogonal", module)
    weight = getattr(module, text("orthogonal", "name", name), None)
    if not isinstance(weight, _C.Tensor):
        raise ValueError(f"[orthogonal] {type(module).__name__} has no parameter or buffer {name!r}")
    if weight.ndim < 2:
        raise ValueError(f"[orthogonal] needs a matrix or a batch of them; got shape {list(weight.shape)}")
    from .orthogonal import MAPS, _Orthogonal

    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    choice("orthogonal", "orthogonal_map", orthogonal_map, MAPS)
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


def weight_norm(module, name="weight", dim=0):
    """Trains the length ``parametrizations.NAME.original0`` and the direction ``original1`` of the parameter; the length is the norm over
    all axes but ``dim`` (None: all). Returns the module. Loads the states of ``nn.utils.weight_norm``, too."""
    register_parametrization(
        a_module("weight_norm", module), text("weight_norm", "name", name), _WeightNorm(dim), unsafe=True
    )

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
    a_module("spectral_norm", module)
    weight = getattr(module, text("spectral_norm", "name", name), None)
    if not isinstance(weight, _C.Tensor):
        raise ValueError(f"[spectral_norm] {type(module).__name__} has no parameter or buffer {name!r}")
    return register_parametrization(
        module, name, _SpectralNorm(weight, n_power_iterations, output_axis(module, dim), eps)
    )
