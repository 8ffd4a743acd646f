"""Dropout of channels, and that which keeps mean and variance after SELU."""

from __future__ import annotations

import warnings

from .. import _C, _ops
from .._C import Tensor
from .._public import public

_ALPHA = -1.7580993408473766  # -alpha · scale of selu: where a neuron is off


def _check(op, p):
    if not 0 <= p <= 1:
        raise ValueError(f"[{op}] p must lie in [0, 1]; got {p}; pass a probability")


def _by_channel(input):
    """The shape of one number a channel of (N, C, ...)."""
    return tuple(input.shape[:2]) + (1,) * (input.ndim - 2)


def _channel_dropout(op, input, p, training, inplace, ranks, batched):
    """Of (N, C, ...), or (C, ...) where the number of dimensions is below ``batched``."""
    _check(op, p)
    if input.ndim not in ranks:
        message = f"[{op}] needs {ranks[0]} or {ranks[-1]} dimensions; got shape {list(input.shape)}"
        if op == "dropout1d" or input.ndim < 2:
            raise RuntimeError(message + "; pass (N, C, ...)")
        warnings.warn(message + "; the second dimension is taken for the channels", stacklevel=4)
    if p == 0 or not training:
        return input
    whole = input.unsqueeze(0) if input.ndim < batched else input
    factor = _C.dropout(_C.full(_by_channel(whole), 1.0, input.dtype, input.device), p)
    result = (whole * factor).reshape(input.shape)
    return input.copy_(result) if inplace else result


@public
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zeroes channels of (N, C, L) or (C, L) with probability ``p`` and scales the others by 1 / (1 - p)."""
    return _channel_dropout("dropout1d", input, p, training, inplace, (2, 3), 3)


@public
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zeroes channels of (N, C, H, W), or (N, C, L), with probability ``p`` and scales the others by 1 / (1 - p)."""
    return _channel_dropout("dropout2d", input, p, training, inplace, (3, 4), 0)


@public
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zeroes channels of (N, C, D, H, W) or (C, D, H, W) with probability ``p`` and scales the others by 1 / (1 - p)."""
    return _channel_dropout("dropout3d", input, p, training, inplace, (4, 5), 5)


def _alpha_dropout(op, input, shape, p, training, inplace):
    _check(op, p)
    if p == 0 or not training:
        return input
    if p == 1:
        result = input * 0.0
    else:
        scale = ((_ALPHA * _ALPHA * p + 1) * (1 - p)) ** -0.5
        kept = _C.rand(shape, _C.float32, input.device) >= p
        result = _ops.where(kept, input, _ALPHA) * scale - _ALPHA * scale * p
    return input.copy_(result) if inplace else result


@public
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """In training, sets elements to SELU's lowest value with probability ``p``, then scales and moves all so that mean 0 and variance 1
    stay (Klambauer et al., 2017); any shape, floating-point."""
    return _alpha_dropout("alpha_dropout", input, input.shape, p, training, inplace)


@public
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels of (N, C, ...). RuntimeError for fewer than two dimensions."""
    if input.ndim < 2:
        raise RuntimeError(
            f"[feature_alpha_dropout] needs two dimensions or more; got shape {list(input.shape)}; pass (N, C, ...)"
        )
    return _alpha_dropout("feature_alpha_dropout", input, _by_channel(input), p, training, inplace)
