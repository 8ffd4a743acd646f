"""PyTorch's functions that write into their input, and its older names."""

from __future__ import annotations

import warnings

from .._C import Tensor
from .._functions import activations as plain
from .._functions.images import interpolate
from .._public import Any, public

__all__ = [
    "celu_", "elu_", "hardtanh_", "leaky_relu_", "relu_", "rrelu_", "selu_", "threshold_", "upsample", "upsample_bilinear",
    "upsample_nearest",
]  # fmt: skip


@public
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """threshold, written into the input."""
    return plain.threshold(input, threshold, value, True)


@public
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """hardtanh, written into the input."""
    return plain.hardtanh(input, min_val, max_val, True)


@public
def relu_(input: Tensor) -> Tensor:
    """relu, written into the input."""
    return input.relu_()


@public
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """leaky_relu, written into the input."""
    return plain.leaky_relu(input, negative_slope, True)


@public
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """elu, written into the input."""
    return plain.elu(input, alpha, True)


@public
def selu_(input: Tensor) -> Tensor:
    """selu, written into the input."""
    return plain.selu(input, True)


@public
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu, written into the input."""
    return plain.celu(input, alpha, True)


@public
def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """rrelu, written into the input; ``generator`` draws its slopes."""
    return plain.randomized_relu(input, lower, upper, training, True, generator)


def _warn(name, instead):
    warnings.warn(f"nn.functional.{name} is deprecated; use nn.functional.{instead}", UserWarning, stacklevel=4)


@public
def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """interpolate; warns."""
    _warn("upsample", "interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


@public
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode "nearest"; warns."""
    _warn("upsample_nearest", "interpolate")
    return interpolate(input, size, scale_factor, "nearest")


@public
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate with mode "bilinear" and align_corners; warns."""
    _warn("upsample_bilinear", "interpolate")
    return interpolate(input, size, scale_factor, "bilinear", True)
