"""PyTorch's initialisations."""

from __future__ import annotations

import math

from .. import _C
from .._C import Tensor
from .._public import Any, Number, public


@public
def uniform_(tensor: Tensor, a: Number = 0.0, b: Number = 1.0, generator: Any = None) -> Tensor:
    """Fills with uniform values of [a, b)."""
    with _C.GradMode(False):
        return tensor.uniform_(a, b, generator=generator)


@public
def normal_(tensor: Tensor, mean: Number = 0.0, std: Number = 1.0, generator: Any = None) -> Tensor:
    """Fills with normal values."""
    with _C.GradMode(False):
        return tensor.normal_(mean, std, generator=generator)


@public
def constant_(tensor: Tensor, val: Number) -> Tensor:
    """Fills with one value."""
    with _C.GradMode(False):
        return tensor.fill_(val)


@public
def zeros_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 0.0)


@public
def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4,
}  # fmt: skip


@public
def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """The factor by which a layer before this function is initialised wider. ``param``: the slope of "leaky_relu", 0.01."""
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"[calculate_gain] the slope of leaky_relu must be a number; got {slope!r}")
        return math.sqrt(2.0 / (1.0 + slope * slope))
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"[calculate_gain] nonlinearity must be one of {', '.join(sorted([*_GAINS, 'leaky_relu']))}; got {nonlinearity!r}"
        )
    return _GAINS[nonlinearity]


def _fans(op, tensor):
    """(inputs, outputs) of a weight laid out as (outputs, inputs, ...)."""
    if tensor.dim() < 2:
        raise ValueError(
            f"[{op}] needs a tensor of at least 2 dimensions; got shape {list(tensor.shape)}; "
            "use uniform_ or normal_ for vectors"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _kaiming_std(op, tensor, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"[{op}] mode must be 'fan_in' or 'fan_out'; got {mode!r}")
    fan = _fans(op, tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan) if fan else 0.0


@public
def kaiming_uniform_(
    tensor: Tensor, a: Number = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform with standard deviation gain / sqrt(fan) (He et al. 2015; ``a``: the leaky ReLU's slope)."""
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


@public
def kaiming_normal_(
    tensor: Tensor, a: Number = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with standard deviation gain / sqrt(fan)."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def _xavier_std(op, tensor, gain):
    fans = sum(_fans(op, tensor))
    return gain * math.sqrt(2.0 / fans) if fans else 0.0


@public
def xavier_uniform_(tensor: Tensor, gain: Number = 1.0, generator: Any = None) -> Tensor:
    """Uniform with bound gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


@public
def xavier_normal_(tensor: Tensor, gain: Number = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain · sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)
