"""Layers and losses that PyTorch also has at its top, with the arguments of its operators: a reduction is 0 ("none"), 1 ("mean") or 2
("sum"), a mode a number, and some give more than the layer's result."""

from __future__ import annotations

from . import _C, _ops
from ._C import Tensor
from ._functions.activations import (
    celu,
    hardshrink,
    prelu,
    randomized_relu,
    selu,
    threshold,
)
from ._functions.arguments import integer, tensors, truth
from ._functions.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from ._functions.images import channel_shuffle
from ._functions.norms import vector
from ._functions.padding import pad as _pad
from ._functions.pooling import adaptive_avg_pool1d, avg_pool1d, max_pool1d, max_pool2d, max_pool3d
from ._functions.sampling import MODES, PADDING_MODES
from ._public import Any, Number, in_place, public
from .nn import _recurrent as recurrent
from .nn import functional as F
from .nn._bags import _bag_of_each
from .nn._bags import embedding_bag as _bag
from .nn._older import celu_, rrelu_, selu_, threshold_
from .nn.functional import bilinear, pairwise_distance, rms_norm

__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "affine_grid_generator", "alpha_dropout", "alpha_dropout_", "avg_pool1d", "batch_norm",
    "bilinear", "binary_cross_entropy_with_logits", "celu", "celu_", "constant_pad_nd", "conv_tbc", "convolution",
    "cosine_embedding_loss", "ctc_loss", "dropout", "dropout_", "embedding", "embedding_bag", "embedding_renorm_", "feature_alpha_dropout",
    "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "group_norm",
    "gru", "gru_cell", "hardshrink", "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm", "lstm", "lstm_cell",
    "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d", "native_batch_norm",
    "native_channel_shuffle", "native_dropout", "native_group_norm", "native_layer_norm", "native_norm", "pairwise_distance",
    "poisson_nll_loss", "prelu", "rms_norm", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell", "rrelu", "rrelu_", "selu", "selu_",
    "threshold", "threshold_", "triplet_margin_loss",
]  # fmt: skip
METHODS = ("hardshrink", "prelu")

native_channel_shuffle = channel_shuffle
_REDUCTIONS = ("none", "mean", "sum")


def _named(op: str, what: str, number: int, names: Any) -> str:
    if not 0 <= number < len(names):
        raise RuntimeError(f"[{op}] {what} must be of [0, {len(names)}), for {', '.join(names)}; got {number}")
    return names[number]


# ---- pooling, padding, grids


@public
def adaptive_max_pool1d(input: Tensor, output_size: Any) -> Any:
    """(maxima, where they are) of ``output_size`` equal parts."""
    return F.adaptive_max_pool1d(input, output_size, True)


@public
def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """(maxima, where they are) of windows."""
    stride = None if isinstance(stride, (tuple, list)) and not stride else stride
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


@public
def constant_pad_nd(input: Tensor, pad: Any, value: Number = 0) -> Tensor:
    """``nn.functional.pad`` with a constant."""
    return _pad(input, pad, "constant", value)


@public
def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid``."""
    return F.affine_grid(theta, size, align_corners)


@public
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample`` with numbers as modes: bilinear, nearest, bicubic; zeros, border, reflection."""
    mode = _named("grid_sampler", "interpolation_mode", interpolation_mode, MODES)
    return F.grid_sample(
        input, grid, mode, _named("grid_sampler", "padding_mode", padding_mode, PADDING_MODES), align_corners
    )


grid_sampler_2d = grid_sampler_3d = grid_sampler

# ---- activations


@public
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """``nn.functional.rrelu``; ``generator`` draws its slopes."""
    return randomized_relu(input, lower, upper, training, False, generator)


# ---- convolution


@public
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time of (T, B, C in) with a weight (kernel, C in, C out) and a bias (C out): (T', B, C out)."""
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        shapes = ", ".join(str(list(x.shape)) for x in (input, weight, bias))
        raise RuntimeError(
            f"[conv_tbc] takes (T, B, C in), (kernel, C in, C out) and (C out); got {shapes}; permute them"
        )
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


@public
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """The convolution, or transposed one, of as many dimensions as the weight has beside its channels: one, two or three."""
    axes = weight.ndim - 2
    if axes not in (1, 2, 3):
        raise RuntimeError(f"[convolution] weight must have 3, 4 or 5 dimensions; got shape {list(weight.shape)}")
    if transposed:
        transpose = (conv_transpose1d, conv_transpose2d, conv_transpose3d)[axes - 1]
        return transpose(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return (conv1d, conv2d, conv3d)[axes - 1](input, weight, bias, stride, padding, dilation, groups)


# ---- dropout


@public
def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.dropout``."""
    return F.dropout(input, p, train)


@public
def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout of whole channels of (N, C, ...). RuntimeError for fewer than two dimensions."""
    if not 0 <= p <= 1:
        raise ValueError(f"[feature_dropout] p must lie in [0, 1]; got {p}; pass a probability")
    if input.ndim < 2:
        raise RuntimeError(
            f"[feature_dropout] needs two dimensions or more; got shape {list(input.shape)}; pass (N, C, ...)"
        )
    if p == 0 or not train:
        return input
    shape = tuple(input.shape[:2]) + (1,) * (input.ndim - 2)
    return input * _C.dropout(_C.full(shape, 1.0, input.dtype, input.device), p)


@public
def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.alpha_dropout``."""
    return F.alpha_dropout(input, p, train)


@public
def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """``nn.functional.feature_alpha_dropout``."""
    return F.feature_alpha_dropout(input, p, train)


dropout_, feature_dropout_ = in_place(dropout), in_place(feature_dropout)
alpha_dropout_, feature_alpha_dropout_ = in_place(alpha_dropout), in_place(feature_alpha_dropout)


@public
def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """(the result of dropout, a bool mask of what is kept); without ``train`` all is."""
    if not 0 <= p <= 1:
        raise ValueError(f"[native_dropout] p must lie in [0, 1]; got {p}; pass a probability")
    if not train:
        return input.clone(), _C.full(input.shape, True, _C.bool, input.device)
    factor = _C.dropout(_C.full(input.shape, 1.0, input.dtype, input.device), p)
    return input * factor, _ops.ne(factor, 0)


# ---- normalisation


@public
def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.batch_norm``."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


@public
def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """``nn.functional.instance_norm``."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


@public
def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
    cudnn_enable: bool = True,
) -> Tensor:
    """``nn.functional.layer_norm``."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


@public
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
    cudnn_enabled: bool = True,
) -> Tensor:
    """``nn.functional.group_norm``."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def _statistics(x: Tensor, dims: Any, keepdim: bool, eps: float) -> tuple[Tensor, Tensor]:
    """The mean, and 1 over the root of the variance with ``eps``."""
    wide = x.float() if x.dtype.itemsize < 4 else x
    variance, mean = _ops.var_mean(wide, dims, 0, keepdim)
    return mean, _ops.rsqrt(variance + eps)


@public
def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """(``batch_norm``, the batch's means, 1 over the roots of its variances with ``eps``); the latter two are empty without ``training``."""
    result = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        empty = _C.empty((0,), input.dtype, input.device)
        return result, empty, empty.clone()
    return result, *_statistics(input, (0, *range(2, input.ndim)), False, eps)


@public
def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(``layer_norm``, the means, 1 over the roots of the variances with ``eps``)."""
    result = F.layer_norm(input, normalized_shape, weight, bias, eps)
    count = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    return result, *_statistics(input, tuple(range(input.ndim - count, input.ndim)), True, eps)


@public
def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(``group_norm``, the means, 1 over the roots of the variances with ``eps``) of N examples with C channels of HxW elements."""
    if input.numel() != N * C * HxW:
        raise RuntimeError(
            f"[native_group_norm] needs N · C · HxW = {N * C * HxW} elements; got shape {list(input.shape)}"
        )
    result = F.group_norm(input.reshape(N, C, HxW), group, weight, bias, eps).reshape(input.shape)
    return result, *_statistics(input.reshape(N, group, -1), (2,), False, eps)


@public
def native_norm(
    input: Tensor, p: Number | None = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm along ``dim``, by default of all."""
    return vector("native_norm", input, 2 if p is None else p, dim, keepdim, dtype)


# ---- losses


@public
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int = 1
) -> Tensor:
    """``nn.functional.binary_cross_entropy_with_logits``."""
    named = _named("binary_cross_entropy_with_logits", "reduction", reduction, _REDUCTIONS)
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=named, pos_weight=pos_weight)


@public
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """``nn.functional.cosine_embedding_loss``."""
    named = _named("cosine_embedding_loss", "reduction", reduction, _REDUCTIONS)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=named)


@public
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 1) -> Tensor:
    """``nn.functional.hinge_embedding_loss``."""
    named = _named("hinge_embedding_loss", "reduction", reduction, _REDUCTIONS)
    return F.hinge_embedding_loss(input, target, margin, reduction=named)


@public
def kl_div(input: Tensor, target: Tensor, reduction: int = 1, *, log_target: bool = False) -> Tensor:
    """``nn.functional.kl_div``, whose mean is that of all elements."""
    named = _named("kl_div", "reduction", reduction, _REDUCTIONS)
    loss = F.kl_div(input, target, reduction="none" if named == "mean" else named, log_target=log_target)
    return loss.mean() if named == "mean" else loss


@public
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 1
) -> Tensor:
    """``nn.functional.margin_ranking_loss``."""
    named = _named("margin_ranking_loss", "reduction", reduction, _REDUCTIONS)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=named)


@public
def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """``nn.functional.poisson_nll_loss``."""
    named = _named("poisson_nll_loss", "reduction", reduction, _REDUCTIONS)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=named)


@public
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    reduction: int = 1,
) -> Tensor:
    """``nn.functional.triplet_margin_loss``."""
    named = _named("triplet_margin_loss", "reduction", reduction, _REDUCTIONS)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=named)


@public
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Tensor:
    """``nn.functional.ctc_loss``."""
    named = _named("ctc_loss", "reduction", reduction, _REDUCTIONS)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, named, zero_infinity)


# ---- embeddings


@public
def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """``nn.functional.embedding``; -1 is no padding."""
    return F.embedding(
        indices, weight, None if padding_idx == -1 else padding_idx, None, 2.0, scale_grad_by_freq, sparse
    )


@public
def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(``nn.functional.embedding_bag`` of a vector of indices, the bag of each index, how many indices each bag has but for padding, and
    for the mode "max" which index gave each element, else zeros); modes are 0 for "sum", 1 for "mean", 2 for "max"."""
    named = _named("embedding_bag", "mode", mode, ("sum", "mean", "max"))
    result = _bag(
        indices,
        weight,
        offsets,
        None,
        2,
        scale_grad_by_freq,
        named,
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )
    bags = offsets.shape[0] - include_last_offset
    bag = _bag_of_each(offsets.narrow(0, 0, bags), indices.shape[0])
    counted = _C.full(indices.shape, 1, _C.int64, indices.device)
    if padding_idx is not None:
        counted = _ops.ne(indices, padding_idx % weight.shape[0]).to(_C.int64)
    sizes = _ops.scatter_add(_C.full((bags,), 0, _C.int64, indices.device), bag, counted, 0)
    first = _C.full((bags,) if named != "max" else (bags, weight.shape[1]), 0, _C.int64, indices.device)
    if named == "max" and indices.shape[0]:
        rows = weight.detach().index_select(0, indices.reshape(-1))
        best = _ops.eq(rows, result.detach().index_select(0, bag))
        if padding_idx is not None:
            best = _ops.logical_and(best, _ops.ne(counted, 0).unsqueeze(1))
        place = _C.arange(0, indices.shape[0], 1, _C.int64, indices.device).unsqueeze(1)
        place = _ops.where(best, place, indices.shape[0])
        at = bag.unsqueeze(1).expand(*rows.shape)
        first = _ops.scatter_amin(_ops.add(first, indices.shape[0]), at, place, 0)
        none = _ops.ge(first, indices.shape[0])
        chosen = indices.to(_C.int64).index_select(0, _ops.where(none, 0, first).reshape(-1)).reshape(first.shape)
        first = _ops.where(none, 0, chosen)
    return result, bag, sizes, first


@public
def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Scales the rows of a table that the indices name, and whose norm is larger, down to ``max_norm``, in place."""
    with _C.GradMode(False):
        flat = indices.reshape(-1).to(_C.int64)
        rows = input.index_select(0, flat)
        norm = vector("embedding_renorm_", rows, norm_type, 1, True)
        input[flat] = _ops.where(norm > max_norm, rows * (max_norm / (norm + 1e-7)), rows)
    return input


# ---- recurrent layers


@public
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """A step of ``nn.RNN`` with tanh: the next state."""
    return recurrent.rnn_tanh(F.linear(input, w_ih, b_ih), hx, w_hh, b_hh)


@public
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """A step of ``nn.RNN`` with relu: the next state."""
    return recurrent.rnn_relu(F.linear(input, w_ih, b_ih), hx, w_hh, b_hh)


@public
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """A step of ``nn.GRU``: the next state."""
    return recurrent.gru(F.linear(input, w_ih, b_ih), hx, w_hh, b_hh)


@public
def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """A step of ``nn.LSTM`` from the states ``hx`` = (h, c): the next ones."""
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise TypeError(f"[lstm_cell] hx must be (h, c), two tensors; got {type(hx).__name__}")
    h, c = hx
    return recurrent.lstm(F.linear(input, w_ih, b_ih), h, c, w_hh, b_hh)


def _layers(op: str, mode: str, data: Tensor, states: Any, given: dict[str, Any], steps: Any) -> Any:
    """The outputs (T, B, ...) of all layers, and their last states."""
    params, biases, count, both = (given[name] for name in ("params", "has_biases", "num_layers", "bidirectional"))
    drop = given["dropout"] if given["train"] else 0.0
    directions = 2 if both else 1
    each = (4 if biases else 2) + (
        1 if mode == "LSTM" and len(params) in (3 * count * directions, 5 * count * directions) else 0
    )
    if len(params) != each * count * directions:
        raise RuntimeError(
            f"[{op}] needs {each * count * directions} weights for {count} layers; got {len(params)}; pass them all"
        )
    last = []
    for layer in range(count):
        outputs = []
        for direction in range(directions):
            place = layer * directions + direction
            weights = list(params[place * each : (place + 1) * each])
            projection = weights.pop() if each in (3, 5) else None
            weights = weights if biases else [*weights, None, None]
            state = tuple([s.select(0, place) for s in states])
            output, state = recurrent.layer(mode, data, state, [*weights, projection], direction == 1, steps)
            outputs.append(output)
            last.append(state)
        data = outputs[0] if directions == 1 else _ops.concatenate(outputs, 2)
        if drop and layer < count - 1:
            data = F.dropout(data, drop)
    stacked = [_ops.concatenate([state[i].unsqueeze(0) for state in last], 0) for i, _ in enumerate(states)]
    return data, stacked


def _run(op: str, mode: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """PyTorch's two forms: (input, hx, params, ..., batch_first), or (data, batch_sizes, hx, params, ...) of a packed sequence."""
    names = ["hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional"]
    packed = (
        "batch_sizes" in keywords
        or "data" in keywords
        or (len(args) > 2 and isinstance(args[1], Tensor) and _is_list(args[3:4]))
    )
    names = ["data", "batch_sizes", *names] if packed else ["input", *names, "batch_first"]
    if len(args) > len(names) or keywords.keys() - set(names[len(args) :]):
        raise TypeError(f"[{op}] takes ({', '.join(names)}); got {len(args)} positions and {', '.join(keywords)}")
    given = dict(zip(names, args)) | keywords
    if missing := [name for name in names if name not in given]:
        raise TypeError(f"[{op}] takes ({', '.join(names)}); {', '.join(missing)} not given")
    if not isinstance(given["hx"], (list, tuple) if mode == "LSTM" else Tensor):
        raise TypeError(
            f"[{op}] hx must be {'(h, c)' if mode == 'LSTM' else 'a tensor'}; got {type(given['hx']).__name__}; pass the states of all layers"
        )
    if not _is_list((given["params"],)):
        raise TypeError(
            f"[{op}] params must be a list of tensors; got {type(given['params']).__name__}; pass the weights of all layers"
        )
    if packed:
        tensors(op, data=given["data"], batch_sizes=given["batch_sizes"])
    for name in ("has_biases", "train", "bidirectional", *([] if packed else ["batch_first"])):
        given[name] = truth(op, name, given[name])
    given["num_layers"] = integer(op, "num_layers", given["num_layers"])
    states = list(given["hx"]) if mode == "LSTM" else [given["hx"]]
    tensors(op, **{f"hx[{i}]": state for i, state in enumerate(states)})
    if packed:
        from .nn.modules.rnn import _repacked
        from .nn.utils.rnn import PackedSequence, pad_packed_sequence

        sequence = PackedSequence(given["data"], given["batch_sizes"])
        data, lengths = pad_packed_sequence(sequence)
        steps = recurrent.inside(lengths.to(data.device), data.size(0))
        output, last = _layers(op, mode, data, states, given, steps)
        return (_repacked(sequence, output).data, *last)
    data = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
    output, last = _layers(op, mode, data, states, given, None)
    return (output.transpose(0, 1) if given["batch_first"] else output, *last)


def _is_list(values: tuple[Any, ...]) -> bool:
    return bool(values) and isinstance(values[0], (tuple, list))


def lstm(*args: Any, **keywords: Any) -> Any:
    """(outputs, h, c) of ``nn.LSTM``'s layers, by (input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or of a
    packed sequence by (data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)."""
    return _run("lstm", "LSTM", args, keywords)


def gru(*args: Any, **keywords: Any) -> Any:
    """(outputs, h) of ``nn.GRU``'s layers; arguments as of ``lstm``."""
    return _run("gru", "GRU", args, keywords)


def rnn_tanh(*args: Any, **keywords: Any) -> Any:
    """(outputs, h) of ``nn.RNN``'s layers with tanh; arguments as of ``lstm``."""
    return _run("rnn_tanh", "RNN_TANH", args, keywords)


def rnn_relu(*args: Any, **keywords: Any) -> Any:
    """(outputs, h) of ``nn.RNN``'s layers with relu; arguments as of ``lstm``."""
    return _run("rnn_relu", "RNN_RELU", args, keywords)
