"""The layers as functions, with PyTorch's arguments."""

from .. import _C, _ops
from .._functions import log_softmax, softmax
from .._functions.arguments import dims as _dims
from .._functions.shapes import pad

_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def _reduction(op, name):
    if name not in _REDUCTIONS:
        raise ValueError(f"[{op}] reduction must be 'none', 'mean' or 'sum'; got {name!r}")
    return _REDUCTIONS[name]


def linear(input, weight, bias=None):
    """input @ weight.T + bias; input (..., in), weight (out, in), bias (out)."""
    return _ops.linear(input, weight, bias)


def relu(input, inplace=False):
    return input.relu_() if inplace else _ops.relu(input)


def gelu(input, approximate="none"):
    """input · Φ(input); ``approximate="tanh"`` for the tanh form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"[gelu] approximate must be 'none' or 'tanh'; got {approximate!r}")
    return _ops.gelu(input, approximate == "tanh")


def silu(input):
    return _ops.silu(input)


def sigmoid(input):
    return _ops.sigmoid(input)


def tanh(input):
    return _ops.tanh(input)


def softplus(input):
    """log(1 + exp(input)), without overflow."""
    return _ops.maximum(input, 0.0) + _ops.log1p(_ops.exp(-_ops.abs(input)))


def dropout(input, p=0.5, training=True, inplace=False):
    """In training, zeroes elements with probability ``p`` and scales the others by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"[dropout] p must lie in [0, 1]; got {p}; pass a probability")
    if not training or p == 0:
        return input
    result = _C.dropout(input, p)
    return input.copy_(result) if inplace else result


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """Mean 0 and variance 1 over the last dimensions, times weight plus bias."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"[layer_norm] normalized_shape must be the input's last sizes; got {list(shape)} for input "
            f"{list(input.shape)}; pass input.shape[-k:]"
        )
    if weight is None and bias is not None:
        return _ops.layer_norm(input, None, None, len(shape), eps) + bias
    return _ops.layer_norm(input, weight, bias, len(shape), eps)


def embedding(input, weight, padding_idx=None):
    """Rows of weight at the int64 positions of the input."""
    if padding_idx is None:
        padding_idx = -1
    elif padding_idx < 0:
        padding_idx += weight.shape[0]
    return _ops.embedding(input, weight, padding_idx)


def cross_entropy(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Cross entropy of logits (N, C, ...) and class indices (N, ...) or probabilities (N, C, ...)."""
    mode = _reduction("cross_entropy", reduction)
    if target.dtype.is_floating_point:
        axis = 1 if input.ndim > 1 else 0
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
        logs = log_softmax(input, axis) * target
        if weight is not None:
            logs = logs * weight.reshape([-1 if d == axis else 1 for d in range(input.ndim)])
        loss = -_ops.sum(logs, (axis,), False)
        if mode == 0:
            return loss
        total = loss.sum()
        return total if mode == 2 else total / (input.numel() // input.shape[axis])
    return _ops.cross_entropy(input, target, weight, mode, ignore_index, label_smoothing)


def nll_loss(input, target, weight=None, ignore_index=-100, reduction="mean"):
    """Negative log likelihood of log-probabilities (N, C) and class indices (N)."""
    mode = _reduction("nll_loss", reduction)
    axis = 1 if input.ndim > 1 else 0
    kept = target != ignore_index
    safe = _ops.where(kept, target, 0)
    scale = kept.to(input.dtype)
    if weight is not None:
        scale = scale * weight.index_select(0, safe.reshape(-1)).reshape(safe.shape)
    loss = -_ops.gather(input, safe.unsqueeze(axis), axis).squeeze(axis) * scale
    if mode == 0:
        return loss
    return loss.sum() / scale.sum() if mode == 1 else loss.sum()


def mse_loss(input, target, reduction="mean"):
    """Squared difference, averaged, summed or as it is."""
    return _ops.mse_loss(input, target, _reduction("mse_loss", reduction))


def l1_loss(input, target, reduction="mean"):
    """Absolute difference, averaged, summed or as it is."""
    mode = _reduction("l1_loss", reduction)
    loss = _ops.abs(input - target)
    return loss if mode == 0 else loss.mean() if mode == 1 else loss.sum()


def one_hot(tensor, num_classes=-1):
    """int64 with a 1 at the class of each element."""
    if num_classes < 0:
        num_classes = int(tensor.max()) + 1
    _C.check_classes(tensor.to(_C.int64), num_classes)
    return (tensor.unsqueeze(-1) == _C.arange(0, num_classes, 1, _C.int64, tensor.device)).to(_C.int64)


def normalize(input, p=2.0, dim=1, eps=1e-12):
    """Divided by its p-norm along ``dim``."""
    axes = _dims(input, dim, "normalize")
    if p == 2.0:
        norm = _ops.sqrt(_ops.sum(input * input, axes, True))
    else:
        norm = _ops.sum(_ops.abs(input) ** p, axes, True) ** (1.0 / p)
    return input / _ops.maximum(norm, eps)


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    """softmax(query keyᵀ · scale + mask) value; scale defaults to 1 / sqrt(E)."""
    if scale is None:
        scale = 1.0 / query.shape[-1] ** 0.5
    if dropout_p == 0.0:
        return _ops.scaled_dot_product_attention(query, key, value, attn_mask, is_causal, scale)
    scores = query @ key.transpose(-1, -2) * scale
    if is_causal:
        rows, columns = scores.shape[-2:]
        hidden = _C.arange(0, columns, 1, _C.int64, query.device) > _C.arange(
            0, rows, 1, _C.int64, query.device
        ).unsqueeze(1)
        scores = _ops.where(hidden, float("-inf"), scores)
    if attn_mask is not None:
        scores = _ops.where(attn_mask, scores, float("-inf")) if attn_mask.dtype is _C.bool else scores + attn_mask
    return dropout(_ops.softmax(scores, scores.ndim - 1), dropout_p) @ value


__all__ = [
    "cross_entropy", "dropout", "embedding", "gelu", "l1_loss", "layer_norm", "linear", "log_softmax", "mse_loss", "nll_loss",
    "normalize", "one_hot", "pad", "relu", "scaled_dot_product_attention", "sigmoid", "silu", "softmax", "softplus", "tanh",
]  # fmt: skip
