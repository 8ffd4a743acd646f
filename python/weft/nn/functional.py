"""The layers as functions, with PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _functions, _ops
from .._C import Tensor, dtype
from .._functions.activations import (
    celu,
    elu,
    glu,
    gumbel_softmax,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu6,
    rrelu,
    selu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from .._functions.arguments import dims as _dims
from .._functions.arguments import ints
from .._functions.convolution import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .._functions.images import channel_shuffle, fold, interpolate, pixel_shuffle, pixel_unshuffle, unfold
from .._functions.norms import cosine_similarity, pdist
from .._functions.padding import pad
from .._functions.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from .._functions.sampling import affine_grid, fractional_max_pool2d, fractional_max_pool3d, grid_sample
from .._public import Number, public, public_with_short_cut
from ..amp.autocast_mode import in_float32
from ._arguments import REDUCTIONS, padding_index, reduction_of
from ._attention import multi_head_attention_forward
from ._bags import embedding_bag
from ._channel_norms import batch_norm, group_norm, instance_norm, local_response_norm
from ._ctc import ctc_loss
from ._distances import pairwise_distance
from ._dropouts import alpha_dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from ._losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from ._norms import vector_norm
from ._older import (
    celu_,
    elu_,
    hardtanh_,
    leaky_relu_,
    relu_,
    rrelu_,
    selu_,
    threshold_,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from ._with_indices import (
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d_with_indices,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d_with_indices,
    max_pool1d_with_indices,
    max_pool2d_with_indices,
    max_pool3d_with_indices,
)

native_channel_shuffle = channel_shuffle


@public_with_short_cut
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias; input (..., in), weight (out, in), bias (out)."""
    return _ops.linear(input, weight, bias)


@public
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input1 @ weight[k] @ input2 + bias[k] for each k; input1 (..., in1), input2 (..., in2), weight (out, in1, in2), bias (out).
    RuntimeError for other shapes."""
    sizes = (input1.shape[-1:], input2.shape[-1:])
    if weight.ndim != 3 or sizes != (weight.shape[1:2], weight.shape[2:]) or input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"[bilinear] takes inputs (..., in1) and (..., in2) and a weight (out, in1, in2); got {list(input1.shape)}, "
            f"{list(input2.shape)} and {list(weight.shape)}"
        )
    out, in1, in2 = weight.shape
    rows = input1.reshape(-1, in1) @ weight.permute(1, 0, 2).reshape(in1, out * in2)
    result = (rows.reshape(-1, out, in2) @ input2.reshape(-1, in2, 1)).reshape(*input1.shape[:-1], out)
    return result if bias is None else result + bias


@public_with_short_cut
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    return input.relu_() if inplace else _ops.relu(input)


@public
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """input · Φ(input); ``approximate="tanh"`` for the tanh form."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"[gelu] approximate must be 'none' or 'tanh'; got {approximate!r}")
    return _ops.gelu(input, approximate == "tanh")


@public_with_short_cut
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    return input.copy_(_ops.silu(input)) if inplace else _ops.silu(input)


@public
def sigmoid(input: Tensor) -> Tensor:
    return _ops.sigmoid(input)


@public
def tanh(input: Tensor) -> Tensor:
    return _ops.tanh(input)


def _usual_dim(input, dim):
    """Where PyTorch's functions, but not its methods, look for classes without being told."""
    return dim if dim is not None else 0 if input.ndim in (0, 1, 3) else 1


@public_with_short_cut
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """Softmax along ``dim``."""
    return _functions.softmax(input, _usual_dim(input, dim), dtype)


@public_with_short_cut
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """The logarithm of softmax along ``dim``."""
    return _functions.log_softmax(input, _usual_dim(input, dim), dtype)


@public
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """Softmax of the negative input along ``dim``."""
    return _functions.softmax(-input, _usual_dim(input, dim), dtype)


@public
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zeroes elements with probability ``p`` and scales the others by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"[dropout] p must lie in [0, 1]; got {p}; pass a probability")
    if p == 0 or not training:
        return input
    result = _C.dropout(input, p)
    return input.copy_(result) if inplace else result


def _last_sizes(op, input, normalized_shape):
    """normalized_shape as a tuple, which must be the input's last sizes."""
    shape = tuple(ints(op, "normalized_shape", normalized_shape))
    if not shape or input.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"[{op}] normalized_shape must be the input's last sizes; got {list(shape)} for input "
            f"{list(input.shape)}; pass input.shape[-k:]"
        )
    return shape


@public_with_short_cut
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int] | int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Mean 0 and variance 1 over the last dimensions, times weight plus bias."""
    shape = _last_sizes("layer_norm", input, normalized_shape)
    if weight is None and bias is not None:
        return _ops.layer_norm(input, None, None, len(shape), eps) + bias
    return _ops.layer_norm(input, weight, bias, len(shape), eps)


@public
def rms_norm(
    input: Tensor, normalized_shape: Sequence[int] | int, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Root mean square 1 over the last dimensions, whose sizes are normalized_shape, times weight. ``eps``, in the root beside the mean,
    is that of float32 where it is not given (of float64's results float64's)."""
    shape = _last_sizes("rms_norm", input, normalized_shape)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[rms_norm] needs a floating-point dtype; got {input.dtype}; use .float()")
    if weight is not None and weight.shape != shape:
        raise RuntimeError(
            f"[rms_norm] weight must have the shape {list(shape)} of normalized_shape; got {list(weight.shape)}"
        )
    input, weight = in_float32(input, weight)
    wide = input.float() if input.dtype.itemsize == 2 else input
    if eps is None:
        eps = 2.0**-52 if wide.dtype is _C.float64 else 2.0**-23
    dims = tuple(range(input.ndim - len(shape), input.ndim))
    result = wide * _ops.rsqrt(_ops.mean(wide * wide, dims, True) + eps)
    return (result if weight is None else result * weight).to(input.dtype)


@public_with_short_cut
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: Number | None = None,
    norm_type: Number = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of weight at the positions of the input. Row ``padding_idx`` gets no gradient. With ``max_norm``, rows of weight that are
    read and have a larger norm are scaled down to it, in place. With ``sparse`` the gradient of the weight, a leaf, is sparse."""
    if scale_grad_by_freq:
        raise NotImplementedError("[embedding] scale_grad_by_freq is not supported; leave it out")
    if weight.ndim != 2:
        raise RuntimeError(
            f"[embedding] weight must be a matrix; got shape {list(weight.shape)}; pass one row an index"
        )
    padding_idx = padding_index("embedding", padding_idx, weight.shape[0])
    if max_norm is not None:
        with _C.GradMode(False):
            index = input.reshape(-1)
            rows = weight.index_select(0, index)
            norm = vector_norm(rows, norm_type, (1,), keepdim=True)
            weight[index] = _ops.where(norm > max_norm, rows * (max_norm / (norm + 1e-7)), rows)
    if sparse and weight.requires_grad and _C.grad_enabled():
        from ..sparse.gradients import rows as rows_of  # late: few programs have them

        return rows_of("embedding", weight, input, padding_idx)
    return _ops.embedding(input, weight, -1 if padding_idx is None else padding_idx)


def _check_classes(op, input, target, weight):
    """Of a loss of (N, C, ...), (C) or probabilities of the input's shape: batch sizes and the weight's."""
    if input.ndim == 0:
        raise ValueError(f"[{op}] needs one dimension or more; got a 0-d input; pass (N, C) or (C)")
    axis = 1 if input.ndim > 1 else 0
    if input.ndim > 1 and target.ndim and input.shape[0] != target.shape[0]:
        raise ValueError(
            f"[{op}] input and target must have one batch size; got shapes {list(input.shape)} and {list(target.shape)}"
        )
    expected = input.shape if target.dtype.is_floating_point else input.shape[:axis] + input.shape[axis + 1 :]
    if target.shape != expected:
        raise RuntimeError(
            f"[{op}] a target of dtype {target.dtype} for an input of shape {list(input.shape)} must have shape "
            f"{list(expected)}; got {list(target.shape)}; pass class indices (N, ...) or probabilities (N, C, ...)"
        )
    if weight is not None and weight.shape != input.shape[axis : axis + 1]:
        raise RuntimeError(
            f"[{op}] weight must have one element a class; got shape {list(weight.shape)} for {input.shape[axis]} classes"
        )
    return axis


@public_with_short_cut
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: Number = 0.0,
) -> Tensor:
    """Cross entropy of logits (N, C, ...) and class indices (N, ...) or probabilities (N, C, ...)."""
    mode = REDUCTIONS[reduction_of("cross_entropy", size_average, reduce, reduction)]
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"[cross_entropy] label_smoothing must lie in [0, 1]; got {label_smoothing}")
    axis = _check_classes("cross_entropy", input, target, weight)
    if target.dtype.is_floating_point:
        input, target, weight = in_float32(input, target, weight)
        if ignore_index >= 0:
            raise RuntimeError(
                f"[cross_entropy] ignore_index is for class indices; got ignore_index={ignore_index} with a target of dtype "
                f"{target.dtype}; leave it out"
            )
        if label_smoothing:
            target = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
        logs = _ops.log_softmax(input, axis) * target
        if weight is not None:
            logs = logs * weight.reshape([-1 if d == axis else 1 for d in range(input.ndim)])
        loss = -_ops.sum(logs, (axis,), False)
        if mode == 0:
            return loss
        total = loss.sum()
        return total if mode == 2 else total / (input.numel() // input.shape[axis])
    if target.dtype is _C.uint8:
        target = target.to(_C.int64)
    return _ops.cross_entropy(input, target, weight, mode, ignore_index, label_smoothing)


@public
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of log-probabilities (N, C, ...) and class indices (N, ...)."""
    mode = reduction_of("nll_loss", size_average, reduce, reduction)
    if target.dtype not in (_C.int64, _C.uint8):
        raise RuntimeError(
            f"[nll_loss] target must hold classes as int64 or uint8; got dtype {target.dtype}; use .long()"
        )
    if target.dtype is _C.uint8:
        target = target.to(_C.int64)
    axis = _check_classes("nll_loss", input, target, weight)
    input, weight = in_float32(input, weight)
    kept = target != ignore_index
    safe = _ops.where(kept, target, 0)
    scale = kept.to(input.dtype)
    if weight is not None:
        scale = scale * weight.index_select(0, safe.reshape(-1)).reshape(safe.shape)
    loss = -_ops.gather(input, safe.unsqueeze(axis), axis).squeeze(axis) * scale
    if mode == "mean":
        return loss.sum() / scale.sum()
    return loss if mode == "none" else loss.sum()


def _weighted(op, error, weight, input, reduction):
    if weight.shape != input.shape:
        raise ValueError(
            f"[{op}] weight must have the input's shape; got shapes {list(weight.shape)} and {list(input.shape)}"
        )
    error = error * weight
    if reduction == "mean":
        return error.sum() / weight.sum()
    return error if reduction == "none" else error.sum()


@public
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared difference, averaged (by ``weight``, if given), summed or as it is."""
    reduction = reduction_of("mse_loss", size_average, reduce, reduction)
    if weight is None:
        return _ops.mse_loss(input, target, REDUCTIONS[reduction])
    input, target, weight = in_float32(input, target, weight)
    return _weighted("mse_loss", _ops.square(input - target), weight, input, reduction)


@public
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute difference, averaged (by ``weight``, if given), summed or as it is."""
    reduction = reduction_of("l1_loss", size_average, reduce, reduction)
    input, target, weight = in_float32(input, target, weight)
    loss = _ops.abs(input - target)
    if weight is not None:
        return _weighted("l1_loss", loss, weight, input, reduction)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


@public
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 with a 1 at the class of each element."""
    if tensor.dtype.is_floating_point or tensor.dtype is _C.bool:
        raise RuntimeError(f"[one_hot] classes must be integers; got dtype {tensor.dtype}; convert them with .long()")
    if num_classes < 0:
        if not tensor.numel():
            raise RuntimeError("[one_hot] no class is there to count up to; got an empty tensor; pass num_classes")
        num_classes = int(tensor.max()) + 1
    _C.check_classes(tensor.to(_C.int64), num_classes)
    return (tensor.unsqueeze(-1) == _C.arange(0, num_classes, 1, _C.int64, tensor.device)).to(_C.int64)


@public
def normalize(
    input: Tensor, p: float = 2.0, dim: Sequence[int] | int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """Divided by its p-norm along ``dim``."""
    result = _ops.normalize(input, _dims(input, dim, "normalize"), p, eps)
    return result if out is None else out.copy_(result)


def _repeated_heads(name, tensor, heads):
    """Each head of (..., H, L, E) as often as gives ``heads``."""
    own = tensor.shape[-3] if tensor.ndim > 2 else 0
    if not own or heads % own:
        raise RuntimeError(
            f"[scaled_dot_product_attention] with enable_gqa the heads of {name} must divide the query's; got shape "
            f"{list(tensor.shape)} for {heads} heads"
        )
    shape = tensor.shape[:-3] + (heads,) + tensor.shape[-2:]
    return tensor.unsqueeze(-3).expand(*tensor.shape[:-2], heads // own, *tensor.shape[-2:]).reshape(shape)


@public
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Number | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ · scale + mask) value; scale defaults to 1 / sqrt(E). With ``enable_gqa``, heads of key and value serve
    several of the query's."""
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"[scaled_dot_product_attention] dropout_p must lie in [0, 1]; got {dropout_p}")
    if min(query.ndim, key.ndim, value.ndim) < 2:
        shapes = ", ".join(str(list(t.shape)) for t in (query, key, value))
        raise RuntimeError(
            f"[scaled_dot_product_attention] query, key and value need two dimensions or more; got {shapes}; "
            "unsqueeze them"
        )
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "[scaled_dot_product_attention] attn_mask and is_causal are two masks; got both; pass one mask of the two"
        )
    if enable_gqa:
        heads = query.shape[-3] if query.ndim > 2 else 0
        key, value = _repeated_heads("key", key, heads), _repeated_heads("value", value, heads)
    if scale is None:
        scale = 1.0 / max(query.shape[-1], 1) ** 0.5
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


_LATER = {"conv_tbc": ".._neural", "linear_cross_entropy": "._linear_loss"}  # made of functions of this module


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_LATER[name], __package__), name)
    return found


__all__ = [  # noqa: PLE0604
    *_LATER,
    "ctc_loss",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d_with_indices",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "native_channel_shuffle",
    "multi_head_attention_forward",
    "pdist",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "rms_norm",
    "rrelu",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "multilabel_margin_loss",
    "lp_pool3d",
    "celu_",
    "elu_",
    "hardtanh_",
    "leaky_relu_",
    "relu_",
    "rrelu_",
    "selu_",
    "threshold_",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
    "unfold",
]
