"""Activations that are compositions of operations. A branch of a `where` that is not taken is given a harmless argument: else its
gradient, 0 times infinity, would be nan. 16-bit inputs are computed in float32 and rounded once, as PyTorch does."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._public import public


def floating(op: str, input: Tensor) -> Tensor:
    """The input, if it is of a floating-point dtype, in the precision of the computation."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[{op}] needs a floating-point dtype; got {input.dtype}; use .float()")
    return input.float() if input.dtype.itemsize == 2 else input


def _finish(result: Tensor, input: Tensor, inplace: bool = False) -> Tensor:
    """The result in the input's dtype, or written into it."""
    return input.copy_(result) if inplace else result.to(input.dtype)


def _elu(x: Tensor, alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    positive = x > 0
    negative = _ops.where(positive, 0.0, x)
    if input_scale != 1:
        negative = negative * input_scale
    return _ops.where(positive, x * scale, _ops.expm1(negative) * (alpha * scale))


def softplus_of(x: Tensor) -> Tensor:
    """log(1 + exp(x)) without overflow; its derivative is the sigmoid at 0, too, where that of |x| is not defined."""
    positive = x > 0
    return _ops.where(positive, x, 0.0) + _ops.log1p(_ops.exp(_ops.where(positive, -x, x)))


@public
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """The input where it exceeds ``threshold``, else ``value``; any shape and dtype."""
    return _finish(_ops.where(input <= threshold, value, input), input, inplace)


@public
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Limited to [min_val, max_val], with gradient 0 at the limits; any shape, not bool. ValueError where min_val > max_val."""
    if min_val > max_val:
        raise ValueError(
            f"[hardtanh] min_val cannot be greater than max_val; got {min_val} and {max_val}; exchange them"
        )
    if input.dtype is _C.bool:
        raise NotImplementedError("[hardtanh] needs numbers; got dtype bool; use .float()")
    limited = _ops.where(input >= max_val, max_val, input)
    return _finish(_ops.where(input <= min_val, min_val, limited), input, inplace)


@public
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Limited to [0, 6], with gradient 0 at the limits; any shape, not bool."""
    return hardtanh(input, 0, 6, inplace)


@public
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """The input where it is positive, else ``negative_slope`` times it; any shape, floating-point."""
    x = floating("leaky_relu", input)
    return _finish(_ops.where(x > 0, x, x * negative_slope), input, inplace)


@public
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """The input where it is positive, else alpha · (exp(input) - 1); any shape, floating-point."""
    return _finish(_elu(floating("elu", input), alpha), input, inplace)


@public
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``elu`` with the alpha and scale that keep mean 0 and variance 1 (Klambauer et al., 2017); any shape, floating-point."""
    x = floating("selu", input)
    return _finish(_elu(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946), input, inplace)


@public
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """The input where it is positive, else alpha · (exp(input / alpha) - 1); any shape, floating-point. RuntimeError for alpha 0."""
    if alpha == 0:
        raise RuntimeError("[celu] alpha cannot be 0; got alpha=0; pass a positive number")
    return _finish(_elu(floating("celu", input), alpha, 1.0, 1.0 / alpha), input, inplace)


@public
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """(input + 3) / 6, limited to [0, 1]; any shape, floating-point."""
    x = floating("hardsigmoid", input)
    result = _ops.where(x >= 3, 1.0, (x + 3.0) / 6.0)
    return _finish(_ops.where(x <= -3, 0.0, result), input, inplace)


@public
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · hardsigmoid(input); any shape, floating-point."""
    x = floating("hardswish", input)
    low, high = x <= -3, x >= 3
    middle = _ops.where(_ops.logical_or(low, high), 0.0, x)
    return _finish(_ops.where(low, 0.0, _ops.where(high, x, middle * (middle + 3.0) / 6.0)), input, inplace)


@public
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where the input is in [-lambd, lambd], else the input; any shape, floating-point."""
    floating("hardshrink", input)
    return _ops.where(_ops.logical_and(input >= -lambd, input <= lambd), 0.0, input)


@public
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Moved towards 0 by ``lambd``, and 0 if that would pass it; any shape, floating-point. RuntimeError for a negative lambd."""
    x = floating("softshrink", input)
    if not lambd >= 0:
        raise RuntimeError(f"[softshrink] lambda must not be negative; got {lambd}; pass at least 0")
    result = _ops.where(x > lambd, x - lambd, _ops.where(x < -lambd, x + lambd, x * 0.0))
    return _finish(result, input)


@public
def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input); any shape and dtype."""
    return input - _ops.tanh(input)


@public
def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|); any shape and dtype."""
    return input / (_ops.abs(input) + 1)


@public
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · input)) / beta, without overflow; the input itself where beta · input exceeds the threshold. Any shape,
    floating-point."""
    x = floating("softplus", input)
    scaled = x if beta == 1 else x * beta
    result = softplus_of(scaled)
    return _finish(_ops.where(scaled > threshold, x, result if beta == 1 else result / beta), input)


@public
def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(input)), without overflow; any shape, floating-point."""
    return _finish(-softplus_of(-floating("logsigmoid", input)), input)


@public
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · tanh(softplus(input)); any shape, floating-point."""
    x = floating("mish", input.clone() if inplace else input)  # the product keeps it for its gradient
    return _finish(x * _ops.tanh(softplus_of(x)), input, inplace)


@public
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along ``dim`` times the sigmoid of the second; floating-point. RuntimeError where the size is odd."""
    x = floating("glu", input)
    if input.ndim == 0:
        raise RuntimeError("[glu] needs one dimension or more; got a 0-d input; unsqueeze it")
    if not -input.ndim <= dim < input.ndim:
        raise IndexError(
            f"[glu] dim {dim} is out of range for shape {list(input.shape)}; use a value of [{-input.ndim}, {input.ndim - 1}]"
        )
    half, odd = divmod(input.shape[dim], 2)
    if odd:
        raise RuntimeError(
            f"[glu] the size along dim must be even; got shape {list(input.shape)}, dim {dim}; pass two halves"
        )
    return _finish(x.narrow(dim, 0, half) * _ops.sigmoid(x.narrow(dim, half, half)), input)


@public
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """The input where it is positive, else weight times it; input (N, C, ...), weight of 1 or C elements, both of one floating-point
    dtype. RuntimeError for another number of weights."""
    x = floating("prelu", input)
    if weight.dtype is not input.dtype:
        raise RuntimeError(
            f"[prelu] input and weight must have one dtype; got {input.dtype} and {weight.dtype}; convert one by .to()"
        )
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise RuntimeError(
            f"[prelu] weight must have one element, or one a channel; got shape {list(weight.shape)} for input "
            f"{list(input.shape)}; pass {channels} in one dimension"
        )
    slope = weight.reshape([-1 if d == 1 else 1 for d in range(input.ndim)] if input.ndim > 1 else input.ndim * [1])
    positive = x > 0
    return _finish(_ops.where(positive, x, _ops.where(positive, 0.0, x) * slope), input)


@public
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """``leaky_relu`` with slopes that are uniform in [lower, upper) in training, else their mean; any shape, floating-point.
    RuntimeError where lower > upper."""
    return randomized_relu(input, lower, upper, training, inplace, None)


def randomized_relu(input, lower, upper, training, inplace, generator):
    x = floating("rrelu", input)
    if lower > upper:
        raise RuntimeError(f"[rrelu] lower must not be greater than upper; got {lower} and {upper}; exchange them")
    slope: Tensor | float = (lower + upper) / 2
    if training:
        slope = _C.rand(input.shape, x.dtype, input.device, generator) * (upper - lower) + lower
    return _finish(_ops.where(x > 0, x, x * slope), input, inplace)


@public
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution along ``dim`` (Jang et al., 2017), at temperature ``tau``; with ``hard`` one-hot, with
    the gradient of the soft sample. logits are unnormalised log-probabilities, floating-point; ``eps`` has no effect."""
    x = floating("gumbel_softmax", logits)
    uniform = _ops.clamp_min(_C.rand(logits.shape, x.dtype, logits.device), 2.0**-25)
    axis = dim % logits.ndim if logits.ndim and -logits.ndim <= dim < logits.ndim else dim
    soft = _ops.softmax((x - _ops.log(-_ops.log(uniform))) / tau, axis).to(logits.dtype)
    if not hard:
        return soft
    positions = _C.arange(0, logits.shape[axis], 1, _C.int64, logits.device)
    positions = positions.reshape([-1 if d == axis else 1 for d in range(logits.ndim)])
    chosen = (positions == _ops.argmax(soft.detach(), axis, True)).to(logits.dtype)
    return chosen - soft.detach() + soft


__all__ = [
    "celu",
    "elu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "prelu",
    "relu6",
    "rrelu",
    "selu",
    "softplus",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
]
