"""PyTorch's initialisations, drawn from weft's generator."""

import math

from .. import _C


def uniform_(tensor, a=0.0, b=1.0):
    """Fills with uniform values of [a, b)."""
    with _C.GradMode(False):
        return tensor.uniform_(a, b)


def normal_(tensor, mean=0.0, std=1.0):
    """Fills with normal values."""
    with _C.GradMode(False):
        return tensor.normal_(mean, std)


def constant_(tensor, value):
    with _C.GradMode(False):
        return tensor.fill_(value)


def zeros_(tensor):
    return constant_(tensor, 0.0)


def ones_(tensor):
    return constant_(tensor, 1.0)


def _fans(tensor):
    """(inputs, outputs) of a weight laid out as (outputs, inputs, ...)."""
    if tensor.dim() < 2:
        raise ValueError(
            f"[init] needs a tensor of at least 2 dimensions; got shape {list(tensor.shape)}; "
            "use uniform_ or normal_ for vectors"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def kaiming_uniform_(tensor, a=0.0):
    """Uniform with bound sqrt(6 / ((1 + a²) fan_in)) (He et al. 2015; ``a``: the leaky ReLU's slope)."""
    bound = math.sqrt(6.0 / ((1.0 + a * a) * _fans(tensor)[0]))
    return uniform_(tensor, -bound, bound)


def xavier_uniform_(tensor, gain=1.0):
    """Uniform with bound gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = gain * math.sqrt(6.0 / sum(_fans(tensor)))
    return uniform_(tensor, -bound, bound)
