"""PyTorch's initialisations."""

from __future__ import annotations

import functools
import math
import warnings

from .. import _C, _factories, _ops
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


def _calculate_fan_in_and_fan_out(tensor):
    """(inputs, outputs) of a weight laid out as (outputs, inputs, ...)."""
    return _fans("_calculate_fan_in_and_fan_out", tensor)


def _calculate_correct_fan(tensor, mode):
    """The one of the two that ``mode`` names: "fan_in" or "fan_out"."""
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"[_calculate_correct_fan] mode must be 'fan_in' or 'fan_out'; got {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


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
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform with bound gain · sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""
    bound = math.sqrt(3.0) * _xavier_std("xavier_uniform_", tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


@public
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with standard deviation gain · sqrt(2 / (fan_in + fan_out))."""
    return normal_(tensor, 0.0, _xavier_std("xavier_normal_", tensor, gain), generator)


@public
def trunc_normal_(
    tensor: Tensor, mean: Number = 0.0, std: Number = 1.0, a: Number = -2.0, b: Number = 2.0, generator: Any = None
) -> Tensor:
    """Fills with normal values within [a, b]."""
    if any(isinstance(value, complex) for value in (mean, std, a, b)):
        raise TypeError(f"[trunc_normal_] takes real numbers; got mean {mean}, std {std}, a {a}, b {b}")
    if not std > 0 or not a < b:
        raise ValueError(f"[trunc_normal_] needs std > 0 and a < b; got std {std}, a {a}, b {b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(f"[trunc_normal_] mean {mean} is more than 2 std from [{a}, {b}]", UserWarning, stacklevel=2)

    def below(x):
        return (1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0

    with _C.GradMode(False):
        if below(b) - below(a) > 0.3:  # draws until all are within
            normal_(tensor, mean, std, generator)
            while True:
                outside = _ops.logical_or(tensor < a, tensor > b)
                if not outside.any():
                    return tensor
                tensor.copy_(_ops.where(outside, normal_(_factories.empty_like(tensor), mean, std, generator), tensor))
        # Of uniform values as many are kept as the density says.
        highest = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
        pending, uniform = _factories.ones_like(tensor, dtype=_C.bool), _factories.empty_like(tensor)
        while pending.any():
            tensor.copy_(_ops.where(pending, uniform_(uniform, a, b, generator), tensor))
            density = ((tensor - mean) / std).square() * -0.5 - highest
            pending = _ops.logical_and(pending, uniform_(uniform, 0.0, 1.0, generator).log() > density)
    return tensor


def _dimensions(op, tensor, wanted):
    if tensor.ndim not in wanted:
        raise ValueError(
            f"[{op}] needs a tensor of {' or '.join(map(str, wanted))} dimensions; got shape {list(tensor.shape)}"
        )


@public
def eye_(tensor: Tensor) -> Tensor:
    """Fills a matrix with the identity."""
    _dimensions("eye_", tensor, (2,))
    with _C.GradMode(False):
        return tensor.copy_(_factories.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


@public
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fills the weight of a convolution (3 to 5 dimensions) so that channels stay as they are, each group's by itself."""
    _dimensions("dirac_", tensor, (3, 4, 5))
    outputs, inputs, *field = tensor.shape
    if groups < 1 or outputs % groups:
        raise ValueError(
            f"[dirac_] dim 0 must be divisible by groups; got shape {list(tensor.shape)} and groups={groups}"
        )
    with _C.GradMode(False):
        tensor.zero_()
        middle = tuple(n // 2 for n in field)
        for group in range(groups):
            for channel in range(min(outputs // groups, inputs)):
                place = (group * (outputs // groups) + channel, channel, *middle)
                tensor[place] = 1
    return tensor


@public
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fills with a random matrix (the dimensions but the first make the columns) whose rows or columns are orthogonal and as long as
    ``gain`` (Saxe et al. 2013)."""
    if tensor.ndim < 2:
        raise ValueError(f"[orthogonal_] needs a tensor of at least 2 dimensions; got shape {list(tensor.shape)}")
    if not tensor.numel():
        return tensor
    from .. import linalg

    with _C.GradMode(False):
        rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
        narrow = tensor.dtype.itemsize == 2
        made = _factories.empty(
            max(rows, columns), min(rows, columns), dtype=_C.float32 if narrow else tensor.dtype, device=tensor.device
        )
        q, r = linalg.qr(normal_(made, 0.0, 1.0, generator))
        q = q * r.diagonal().sign()  # else they would not be uniform among the orthogonal ones
        return tensor.copy_((q.transpose(0, 1) if rows < columns else q).reshape(tensor.shape) * gain)


@public
def sparse_(tensor: Tensor, sparsity: Number, std: Number = 0.01, generator: Any = None) -> Tensor:
    """Fills a matrix with normal values, but the part ``sparsity`` of each column, drawn at random, with 0 (Martens 2010)."""
    _dimensions("sparse_", tensor, (2,))
    if isinstance(sparsity, complex) or not math.isfinite(sparsity):
        raise ValueError(f"[sparse_] sparsity must be a part of 1; got {sparsity}; pass a number of [0, 1]")
    rows, columns = tensor.shape
    with _C.GradMode(False):
        normal_(tensor, 0.0, std, generator)
        order = uniform_(_factories.empty(rows, columns, device=tensor.device), 0.0, 1.0, generator)
        rank = order.argsort(0).argsort(0)
        return tensor.masked_fill_(rank < math.ceil(sparsity * rows), 0.0)


def _older(function):
    """PyTorch's name before the underscore, which warns."""
    name = function.__name__[:-1]

    @functools.wraps(function.__wrapped__)
    def deprecated(*args, **kwargs):
        warnings.warn(f"nn.init.{name} is deprecated; use nn.init.{name}_", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    deprecated.__name__ = deprecated.__qualname__ = name
    deprecated.__doc__ = f"The older name of {name}_; warns."
    return deprecated


(
    uniform,
    normal,
    constant,
    eye,
    dirac,
    xavier_uniform,
    xavier_normal,
    kaiming_uniform,
    kaiming_normal,
    orthogonal,
    sparse,
) = map(
    _older,
    (
        uniform_,
        normal_,
        constant_,
        eye_,
        dirac_,
        xavier_uniform_,
        xavier_normal_,
        kaiming_uniform_,
        kaiming_normal_,
        orthogonal_,
        sparse_,
    ),
)
