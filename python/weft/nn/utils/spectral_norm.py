"""Spectral normalisation: a weight divided by its greatest singular value, which power iteration follows (Miyato and others,
"Spectral normalization for generative adversarial networks", 2018)."""

from __future__ import annotations

from ... import _C, _factories, _ops
from .._arguments import a_float, a_module, text
from ..modules.conv import _ConvTransposeNd
from ..modules.module import Module
from ..parameter import Parameter
from .computed import compute, compute_no_more, is_computed

__all__ = ["remove_spectral_norm", "spectral_norm"]


def output_axis(module, dim):
    return dim if dim is not None else 1 if isinstance(module, _ConvTransposeNd) else 0


def as_matrix(weight, dim):
    """The axis ``dim`` as rows, all others as columns."""
    if dim:
        weight = weight.permute(dim, *(a for a in range(weight.ndim) if a != dim))
    return weight.reshape(weight.shape[0], -1)


def iterate(matrix, u, v, count, eps):
    """So many steps towards the vectors of the greatest singular value, in place."""
    with _C.GradMode(False):
        for _ in range(count):
            u.copy_(_ops.normalize(matrix @ v, (0,), 2.0, eps))
            v.copy_(_ops.normalize(matrix.transpose(0, 1) @ u, (0,), 2.0, eps))


def divided(weight, dim, u, v):
    """The weight over the singular value that belongs to u and v, of which no gradient is taken."""
    u, v = u.clone(), v.clone()  # the next step writes to them
    return weight / (u @ (as_matrix(weight, dim) @ v))


def first_vectors(matrix, eps):
    return [
        _ops.normalize(_factories.randn(n, dtype=matrix.dtype, device=matrix.device), (0,), 2.0, eps)
        for n in matrix.shape
    ]


def check_options(weight, n_power_iterations, dim, eps):
    a_float("spectral_norm", "eps", eps)
    if not isinstance(dim, int):
        raise TypeError(f"[spectral_norm] dim must be an int or None; got {type(dim).__name__}; pass an axis")
    if not -weight.ndim <= dim < weight.ndim:
        raise IndexError(
            f"[spectral_norm] dim {dim} is out of range for shape {list(weight.shape)}; use a value of "
            f"[{-weight.ndim}, {weight.ndim - 1}]"
        )
    if not isinstance(n_power_iterations, int):
        raise TypeError(
            f"[spectral_norm] n_power_iterations must be an int; got {type(n_power_iterations).__name__}; pass a positive one"
        )
    if n_power_iterations <= 0:
        raise ValueError(f"[spectral_norm] n_power_iterations must be positive; got {n_power_iterations}")


class _SpectralNorm(Module):
    """The parametrization, with the vectors as buffers; in training each access takes a step."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        check_options(weight, n_power_iterations, dim, eps)
        self.dim, self.eps = dim % weight.ndim, eps
        if weight.ndim > 1:  # the norm of a vector needs no iteration
            self.n_power_iterations = n_power_iterations
            with _C.GradMode(False):
                matrix = as_matrix(weight.detach(), self.dim)
                u, v = first_vectors(matrix, eps)
                iterate(matrix, u, v, 15, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight):
        if weight.ndim == 1:
            return _ops.normalize(weight, (0,), 2.0, self.eps)
        if self.training:
            iterate(as_matrix(weight.detach(), self.dim), self._u, self._v, self.n_power_iterations, self.eps)
        return divided(weight, self.dim, self._u, self._v)

    def right_inverse(self, value):
        return value


class _Step:
    """The hook before forward: in training, steps of power iteration."""

    def __init__(self, name, dim, n_power_iterations, eps):
        self.name, self.dim, self.n_power_iterations, self.eps = name, dim, n_power_iterations, eps

    def __call__(self, module, args):
        if module.training:
            matrix = as_matrix(getattr(module, f"{self.name}_orig").detach(), self.dim)
            u, v = self.vectors(module)
            iterate(matrix.transpose(0, 1), v, u, self.n_power_iterations, self.eps)  # v first, unlike the newer form

    def vectors(self, module):
        return getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")

    def weight(self, module):
        return divided(getattr(module, f"{self.name}_orig"), self.dim, *self.vectors(module))


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Makes the parameter ``name`` that of ``name``_orig over its greatest singular value; returns the module. The rows of the matrix
    are the axis ``dim`` (0, of transposed convolutions 1). ``nn.utils.parametrizations.spectral_norm`` is the newer form."""
    a_module("spectral_norm", module), text("spectral_norm", "name", name)
    if is_computed(module, name):
        raise RuntimeError(f"[spectral_norm] {name!r} of {type(module).__name__} is computed already")
    weight = module._parameters.get(name)
    if weight is None:
        raise AttributeError(f"[spectral_norm] {type(module).__name__} has no parameter {name!r}")
    axis = output_axis(module, dim)
    check_options(weight, n_power_iterations, axis, eps)
    step = _Step(name, axis % weight.ndim, n_power_iterations, eps)
    with _C.GradMode(False):
        u, v = first_vectors(as_matrix(weight.detach(), step.dim), eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    module.register_buffer(f"{name}_u", u)
    module.register_buffer(f"{name}_v", v)
    compute(module, name, step.weight, prefix="")
    object.__setattr__(module, f"_{name}_step", (step, module.register_forward_pre_hook(step)))
    return module


def remove_spectral_norm(module, name="weight"):
    """Makes ``name`` a parameter again, with its present value; returns the module."""
    a_module("remove_spectral_norm", module), text("remove_spectral_norm", "name", name)
    if not is_computed(module, name) or f"{name}_orig" not in module._parameters:
        raise ValueError(f"[remove_spectral_norm] {type(module).__name__} has no spectral_norm of {name!r}")
    weight = Parameter(getattr(module, name).detach(), getattr(module, f"{name}_orig").requires_grad)
    compute_no_more(module, name)
    for part in ("orig", "u", "v"):
        delattr(module, f"{name}_{part}")
    module.__dict__.pop(f"_{name}_step")[1].remove()
    module.register_parameter(name, weight)
    return module
