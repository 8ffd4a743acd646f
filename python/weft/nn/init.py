"""PyTorch's initialisations, drawn from weft's generator."""

import math

from .. import _C


def _check_generator(op, generator):
    if generator is not None:
        raise NotImplementedError(
            f"[{op}] draws from weft's own generator; leave generator out and use weft.manual_seed"
        )


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fills with uniform values of [a, b)."""
    _check_generator("uniform_", generator)
    with _C.GradMode(False):
        return tensor.uniform_(a, b)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fills with normal values."""
    _check_generator("normal_", generator)
    with _C.GradMode(False):
        return tensor.normal_(mean, std)


def constant_(tensor, val):
    """Fills with one value."""
    with _C.GradMode(False):
        return tensor.fill_(val)


def zeros_(tensor):
    return constant_(tensor, 0.0)


def ones_(tensor):
    return constant_(tensor, 1.0)


_GAINS = {
    "linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0, "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4,
}  # fmt: skip


def calculate_gain(nonlinearity, param=None):
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


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with standard deviation gain / sqrt(fan) (He et al. 2015; ``a``: the leaky ReLU's slope)."""
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with standard deviation gain / sqrt(fan)."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def _xavier_std(op, tensor, gain):
    fans = sum(_fans(op, tensor))
    return gain * math.sqrt(2.0 / fans) if fans else 0.0


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform with bound gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with standard deviation gain · sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)
