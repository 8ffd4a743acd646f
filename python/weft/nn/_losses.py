"""Losses that are compositions of operations. They are computed in float32 for 16-bit operands and rounded once; arguments of branches
that are not taken are harmless ones, else their gradients, 0 times infinity, would be nan."""

from __future__ import annotations

import math
import warnings

from .. import _C, _ops
from .._C import Tensor
from .._functions.activations import softplus_of
from .._public import public
from ..amp.autocast_mode import in_float32
from ._arguments import number, reduction_of, tensor
from ._distances import distance, pairwise_distance


def _operands(*tensors):
    """The operands as the computation takes them, and the dtype of the result."""
    tensors = in_float32(*tensors)
    dtype = None
    for t in tensors:
        if t is not None and t.dtype.is_floating_point:
            dtype = t.dtype if dtype is None else _C.promote_types(dtype, t.dtype)
    wide = (t.float() if t is not None and t.dtype in (_C.bfloat16, _C.float16) else t for t in tensors)
    return (*wide, dtype or _C.default_dtype())


def _reduced(loss, reduction, dtype):
    return (loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()).to(dtype)


def _same_shape(op, input, target):
    if input.shape != target.shape:
        raise ValueError(
            f"[{op}] input and target must have one shape; got {list(input.shape)} and {list(target.shape)}; expand the target"
        )


@public
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d² / (2 beta) where the absolute difference d is below ``beta``, else d - beta / 2. Shapes broadcast; RuntimeError for a negative
    beta."""
    reduction = reduction_of("smooth_l1_loss", size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"[smooth_l1_loss] beta must not be negative; got {beta}; pass at least 0")
    input, target, dtype = _operands(input, target)
    difference = input - target
    size = _ops.abs(difference)
    if beta == 0:
        return _reduced(size, reduction, dtype)
    near = size < beta
    square = _ops.square(_ops.where(near, difference, 0.0)) * (0.5 / beta)
    return _reduced(_ops.where(near, square, size - 0.5 * beta), reduction, dtype)


@public
def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """d² / 2 where the absolute difference d is at most ``delta``, else delta · (d - delta / 2), times ``weight`` of the input's
    shape, if given. Shapes broadcast; RuntimeError for a delta that is not positive."""
    reduction = reduction_of("huber_loss", None, None, reduction)
    if not delta > 0:
        raise RuntimeError(f"[huber_loss] delta must be positive; got {delta}; use l1_loss for 0")
    if weight is not None and weight.shape != input.shape:
        raise ValueError(
            f"[huber_loss] weight must have the input's shape; got shapes {list(weight.shape)} and {list(input.shape)}"
        )
    input, target, weight, dtype = _operands(input, target, weight)
    difference = input - target
    size = _ops.abs(difference)
    near = size <= delta
    square = _ops.square(_ops.where(near, difference, 0.0)) * 0.5
    loss = _ops.where(near, square, (size - 0.5 * delta) * delta)
    return _reduced(loss if weight is None else loss * weight, reduction, dtype)


def _log_of_probability(x):
    """log(x), at least -100, whose slope at 0 is PyTorch's limit of 1e12 and not infinite; nan below 0."""
    zero = x == 0
    return _ops.where(zero, x * 1e12 - 100.0, _ops.clamp_min(_ops.log(_ops.where(zero, 1.0, x)), -100.0))


@public
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target · log(input) + (1 - target) · log(1 - input)) of probabilities, each logarithm at least -100; input and target of one
    shape, ``weight`` broadcast to it. nan for an input outside [0, 1]; ValueError for shapes that differ."""
    reduction = reduction_of("binary_cross_entropy", size_average, reduce, reduction)
    _same_shape("binary_cross_entropy", input, target)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            f"[binary_cross_entropy] target must be of a floating-point dtype; got {target.dtype}; use .float()"
        )
    input, target, weight, dtype = _operands(input, target, weight)
    loss = -(target * _log_of_probability(input) + (1 - target) * _log_of_probability(1 - input))
    return _reduced(loss if weight is None else loss * weight, reduction, dtype)


@public
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """``binary_cross_entropy`` of sigmoid(input), without overflow; input and target of one shape, ``weight`` and ``pos_weight`` (the
    factor of the targets' part) broadcast to it. ValueError for shapes that differ."""
    op = "binary_cross_entropy_with_logits"
    reduction = reduction_of(op, size_average, reduce, reduction)
    _same_shape(op, input, target)
    input, target, weight, pos_weight, dtype = _operands(input, target, weight, pos_weight)
    loss = softplus_of(-input)
    if pos_weight is not None:
        loss = loss * ((pos_weight - 1) * target + 1)
    loss = (1 - target) * input + loss
    return _reduced(loss if weight is None else loss * weight, reduction, dtype)


@public
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target · (log(target) - input), of log-probabilities and probabilities (log-probabilities with ``log_target``). Shapes broadcast.
    ``reduction="batchmean"`` divides the sum by the first size, which makes it the divergence."""
    batch = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if batch else reduction_of("kl_div", size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "[kl_div] reduction='mean' divides by the number of elements; pass 'batchmean' for the divergence",
            stacklevel=2,
        )
    size = input.shape[0] if input.ndim else 1
    input, target, dtype = _operands(input, target)
    if log_target:
        loss = _ops.exp(target) * (target - input)
    else:
        zero = target == 0
        loss = _ops.where(zero, 0.0, target * _ops.log(_ops.where(zero, 1.0, target))) - target * input
    return _reduced(loss, reduction, dtype) / size if batch else _reduced(loss, reduction, dtype)


@public
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The input where the target is 1, max(0, margin - input) where it is -1. Shapes broadcast."""
    reduction = reduction_of("hinge_embedding_loss", size_average, reduce, reduction)
    input, target, dtype = _operands(input, target)
    apart = _ops.where(target != 1, _ops.relu(margin - input), 0.0)
    return _reduced(apart + _ops.where(target != -1, input, 0.0), reduction, dtype)


@public
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -target · (input1 - input2) + margin). Shapes broadcast; RuntimeError for different numbers of dimensions."""
    reduction = reduction_of("margin_ranking_loss", size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        shapes = ", ".join(str(list(t.shape)) for t in (input1, input2, target))
        raise RuntimeError(
            f"[margin_ranking_loss] all must have one number of dimensions; got {shapes}; unsqueeze the others"
        )
    input1, input2, target, dtype = _operands(input1, input2, target)
    return _reduced(_ops.relu(-target * (input1 - input2) + margin), reduction, dtype)


@public
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1; inputs (N, D) and target (N), or (D) and a 0-d target.
    RuntimeError for other shapes."""
    reduction = reduction_of("cosine_embedding_loss", size_average, reduce, reduction)
    if target.ndim > 1 or input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        shapes = ", ".join(str(list(t.shape)) for t in (input1, input2, target))
        raise RuntimeError(
            f"[cosine_embedding_loss] takes inputs (N, D) and a target (N), or (D) and (); got {shapes}; reshape them"
        )
    input1, input2, target, dtype = _operands(input1, input2, target)
    product = (input1 * input2).sum(-1)
    squares = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cosine = product / _ops.sqrt(squares)
    loss = _ops.where(target == 1, 1 - cosine, 0.0) + _ops.where(target == -1, _ops.relu(cosine - margin), 0.0)
    return _reduced(loss, reduction, dtype)


@public
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |anchor - positive + eps| - |anchor - negative + eps|), p-norms over the last dimension; with ``swap`` the negative's
    distance is that from the nearer of anchor and positive. ValueError for a margin that is not positive."""
    reduction = reduction_of("triplet_margin_loss", size_average, reduce, reduction)
    if not margin > 0:
        raise ValueError(f"[triplet_margin_loss] margin must be greater than 0; got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        shapes = ", ".join(str(list(t.shape)) for t in (anchor, positive, negative))
        raise RuntimeError(
            f"[triplet_margin_loss] all must have one number of dimensions; got {shapes}; unsqueeze the others"
        )
    anchor, positive, negative, dtype = _operands(anchor, positive, negative)
    apart = distance(anchor, negative, p, eps)
    if swap:
        apart = _ops.minimum(apart, distance(positive, negative, p, eps))
    return _reduced(_ops.relu(distance(anchor, positive, p, eps) - apart + margin), reduction, dtype)


@public
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(input) - target · input, or without ``log_input`` input - target · log(input + eps); ``full`` adds Stirling's approximation of
    log(target!) for targets above 1. Shapes broadcast."""
    reduction = reduction_of("poisson_nll_loss", size_average, reduce, reduction)
    input, target, dtype = _operands(input, target)
    loss = _ops.exp(input) - target * input if log_input else input - target * _ops.log(input + eps)
    if full:
        many = target > 1
        count = _ops.where(many, target, 1.0)
        stirling = count * _ops.log(count) - count + _ops.log(count * (2 * math.pi)) * 0.5
        loss = loss + _ops.where(many, stirling, 0.0)
    return _reduced(loss, reduction, dtype)


@public
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)² / var) / 2, plus log(2 π) / 2 if ``full``. var is a number, or has the input's shape, that without the
    last size, or with a last size of 1; it is at least ``eps`` (its gradient is as if it were not limited), and nan where negative.
    ValueError for other shapes and a negative number."""
    reduction = reduction_of("gaussian_nll_loss", None, None, reduction)
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError(f"[gaussian_nll_loss] var must not be negative; got {var}")
        var = _C.full(input.shape, var, input.dtype, input.device)
    elif var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif not (input.shape[:-1] == var.shape[:-1] and var.shape[-1] == 1):
            raise ValueError(
                f"[gaussian_nll_loss] var must have the input's shape, or 1 as its last size; got {list(var.shape)} for "
                f"input {list(input.shape)}"
            )
    if not eps > 0:
        raise ValueError(f"[gaussian_nll_loss] eps must be positive; got {eps}")
    input, target, variance, dtype = _operands(input, target, var)
    own = variance.detach()
    limited = variance + (_ops.clamp_min(_ops.where(own < 0, math.nan, own), eps) - own)
    loss = (_ops.log(limited) + _ops.square(input - target) / limited) * 0.5
    return _reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction, dtype)


@public
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target · input)), targets being 1 and -1, without overflow. Shapes broadcast."""
    reduction = reduction_of("soft_margin_loss", size_average, reduce, reduction)
    input, target, dtype = _operands(input, target)
    return _reduced(softplus_of(-target * input), reduction, dtype)


@public
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``binary_cross_entropy_with_logits``, averaged over the last dimension, the classes; input and target (N, C) or (C)."""
    reduction = reduction_of("multilabel_soft_margin_loss", size_average, reduce, reduction)
    if not input.ndim:
        raise IndexError("[multilabel_soft_margin_loss] input must be (N, C) or (C); got shape []; unsqueeze it")
    input, target, weight, dtype = _operands(input, target, weight)
    loss = target * softplus_of(-input) + (1 - target) * softplus_of(input)
    loss = loss if weight is None else loss * weight
    return _reduced(loss.sum(-1) / input.shape[-1], reduction, dtype)


@public
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of max(0, margin - input[target] + input[class])^p, without the target's class; input (N, C) and int64
    target (N), or (C) and (); ``weight`` (C) scales by the target's class. ValueError for a p that is not 1 or 2, RuntimeError for
    other shapes, IndexError for a class that is none."""
    reduction = reduction_of("multi_margin_loss", size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"[multi_margin_loss] only p == 1 and p == 2 are supported; got {p}")
    if input.ndim not in (1, 2) or target.shape != input.shape[:-1]:
        raise RuntimeError(
            f"[multi_margin_loss] takes (N, C) and a target (N), or (C) and (); got {list(input.shape)} and "
            f"{list(target.shape)}; reshape them"
        )
    classes = input.shape[-1]
    if weight is not None and weight.shape != (classes,):
        raise RuntimeError(
            f"[multi_margin_loss] weight must have one element a class; got shape {list(weight.shape)} for {classes} classes"
        )
    input, weight, dtype = _operands(input, weight)
    place = target.unsqueeze(-1)
    loss = _ops.relu(input - _ops.gather(input, place, input.ndim - 1) + margin)
    loss = loss if p == 1 else _ops.square(loss)
    if weight is not None:
        loss = loss * weight.index_select(0, target.reshape(-1)).reshape(place.shape)
    others = _C.arange(0, classes, 1, _C.int64, input.device) != place
    return _reduced(_ops.where(others, loss, 0.0).sum(-1) / classes, reduction, dtype)


@public
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of the sums of max(0, 1 - input[label] + input[class]) over the labels, for the classes that are none; input and
    int64 target (N, C), or (C), the labels of each row before the first negative number. RuntimeError for other shapes, IndexError for a
    class that is none."""
    reduction = reduction_of("multilabel_margin_loss", size_average, reduce, reduction)
    if input.ndim not in (1, 2) or target.shape != input.shape:
        raise RuntimeError(
            f"[multilabel_margin_loss] takes input and target (N, C), or (C); got {list(input.shape)} and {list(target.shape)}; "
            "fill rows of labels up with -1"
        )
    input, dtype = _operands(input)
    classes = input.shape[-1]
    place = _C.arange(0, classes, 1, _C.int64, input.device)
    count = _ops.amin(_ops.where(target < 0, place, classes), (input.ndim - 1,), True)
    is_label = _ops.logical_and(place < count, target >= 0)
    labels = _ops.where(is_label, target, 0)
    of_class = _ops.logical_and(labels.unsqueeze(-1) == place, is_label.unsqueeze(-1))  # (..., label, class)
    other = _ops.logical_not(of_class.any(-2)).unsqueeze(-2)
    margins = _ops.relu(1.0 - _ops.gather(input, labels, input.ndim - 1).unsqueeze(-1) + input.unsqueeze(-2))
    counted = _ops.logical_and(is_label.unsqueeze(-1), other)
    return _reduced(_ops.where(counted, margins, 0.0).sum((-2, -1)) / classes, reduction, dtype)


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
):
    """triplet_margin_loss with a distance of one's own, pairwise_distance unless given."""
    op = "triplet_margin_with_distance_loss"
    reduction = reduction_of(op, None, None, reduction)
    if not number(op, "margin", margin) > 0:
        raise ValueError(f"[{op}] margin must be greater than 0; got {margin}")
    function = pairwise_distance if distance_function is None else distance_function
    if not callable(function):
        raise TypeError(f"[{op}] distance_function must be callable; got {type(function).__name__}")
    for name, value in (("anchor", anchor), ("positive", positive), ("negative", negative)):
        if tensor(op, value, name).ndim != anchor.ndim:
            raise RuntimeError(f"[{op}] all must have one number of dimensions; got {anchor.ndim} and {value.ndim}")
    apart = function(anchor, negative)
    if swap:
        apart = _ops.minimum(apart, function(positive, negative))
    loss = _ops.relu(function(anchor, positive) - apart + margin)
    return _reduced(loss, reduction, loss.dtype)


__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]
