"""Normalisation of channels."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, Number, public


def _check_channels(op, channels, **tensors):
    for name, tensor in tensors.items():
        if tensor is not None and tensor.shape != (channels,):
            raise RuntimeError(
                f"[{op}] {name} must have one element a channel; got shape {list(tensor.shape)} for {channels} channels"
            )


def _update(running, value, momentum):
    """running · (1 - momentum) + value · momentum; momentum a number, or a tensor of one element."""
    if running is not None:
        with _C.GradMode(False):
            running.mul_(1 - momentum).add_(value.detach().to(running.dtype) * momentum)


@public
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Each channel of (N, C, ...) with its mean and variance over the batch, in training, or else the running ones.

    In training the running ones move towards the batch's by ``momentum``, the variance's with N - 1 in the denominator.
    """
    if not hasattr(momentum, "__float__"):
        raise TypeError(f"[batch_norm] momentum must be a number; got {type(momentum).__name__}")
    if input.ndim < 2:
        raise RuntimeError(f"[batch_norm] the input must be (N, C, ...); got shape {list(input.shape)}")
    channels = input.shape[1]
    _check_channels(
        "batch_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if training:
        count = input.numel() // channels if channels else 0
        if count == 1:
            raise ValueError(
                f"[batch_norm] expected more than one value per channel in training; got shape {list(input.shape)}"
            )
        dims = (0, *range(2, input.ndim))
        mean = _ops.mean(input, dims, True).reshape(channels)
        variance = _ops.channel_var(input)
        _update(running_mean, mean, momentum)
        _update(running_var, variance * (count / (count - 1)) if count > 1 else variance, momentum)
    elif running_mean is None or running_var is None:
        raise RuntimeError(
            "[batch_norm] running_mean and running_var are needed when training=False; got None; pass them, or training=True"
        )
    else:
        mean, variance = running_mean, running_var
    mean, variance = mean.to(input.dtype), variance.to(input.dtype)
    if weight is None and bias is not None:
        shape = (-1, *(1 for _ in input.shape[2:]))
        return _ops.normalize_channels(input, mean, variance, None, None, eps) + bias.reshape(shape)
    return _ops.normalize_channels(
        input, mean, variance, None if weight is None else weight.to(input.dtype),
        None if bias is None else bias.to(input.dtype), eps,
    )  # fmt: skip


def _affine(input, weight, bias):
    shape = (-1, *(1 for _ in input.shape[2:]))
    if weight is not None:
        input = input * weight.reshape(shape)
    return input if bias is None else input + bias.reshape(shape)


@public
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: Number = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Each channel of each example of (N, C, ...) with its own mean and variance, or the running ones."""
    if input.ndim < 3:
        raise RuntimeError(f"[instance_norm] the input must be (N, C, ...); got shape {list(input.shape)}")
    if (running_mean is None) != (running_var is None):
        raise ValueError("[instance_norm] running_mean and running_var must be given together, or neither")
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    channels, count = input.shape[1], 1
    _check_channels(
        "instance_norm", channels, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    for size in input.shape[2:]:
        count *= size
    if count == 1:
        raise ValueError(
            f"[instance_norm] expected more than one value of each channel in training; got shape {list(input.shape)}"
        )
    dims = tuple(range(2, input.ndim))
    if running_mean is not None:
        _update(running_mean, input.mean(dims).mean(0), momentum)
    if running_var is not None:
        _update(running_var, input.var(dims).mean(0), momentum)
    return _affine(_ops.layer_norm(input, None, None, input.ndim - 2, eps), weight, bias)


@public
def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Each of ``num_groups`` groups of channels of each example of (N, C, ...) with its own mean and variance."""
    if input.ndim < 2:
        raise RuntimeError(f"[group_norm] the input must be (N, C, ...); got shape {list(input.shape)}")
    channels = input.shape[1]
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(
            f"[group_norm] num_groups must divide the channels; got num_groups={num_groups} and {channels} channels"
        )
    _check_channels("group_norm", channels, weight=weight, bias=bias)
    count = channels // num_groups
    for size in input.shape[2:]:
        count *= size
    grouped = input.reshape(input.shape[0], num_groups, count)
    return _affine(_ops.layer_norm(grouped, None, None, 1, eps).reshape(input.shape), weight, bias)


@public
def local_response_norm(input: Tensor, size: int, alpha: Number = 1e-4, beta: Number = 0.75, k: Number = 1.0) -> Tensor:
    """The input divided by (k + alpha · the mean square over ``size`` channels around) ^ beta."""
    if input.ndim < 3:
        raise ValueError(
            f"[local_response_norm] the input must have three dimensions or more; got shape {list(input.shape)}"
        )
    if not input.numel():
        return input
    rank = input.ndim
    low, high = [0] * rank, [0] * rank
    low[1], high[1] = size // 2, (size - 1) // 2
    squares = _ops.pad(input * input, low, high, [0] * rank, 0.0)
    total = squares.narrow(1, 0, input.shape[1])
    for i in range(1, size):
        total = total + squares.narrow(1, i, input.shape[1])
    return input / (total / size * alpha + k) ** beta
