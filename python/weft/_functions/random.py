"""Random tensors whose distribution is given by tensors."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor, device, dtype
from .._public import Any, public

__all__ = ["binomial", "poisson", "bernoulli", "multinomial", "normal", "randint_like"]
METHODS = ["bernoulli", "bernoulli_", "exponential_", "multinomial", "cauchy_", "geometric_", "log_normal_"]


def _exponential(shape: Sequence[int], dtype: dtype, device: device, generator: Any) -> Tensor:
    """Positive numbers of the exponential distribution with mean 1."""
    wide = _C.float64 if dtype is _C.float64 else _C.float32
    smallest = 2.0 ** (-54 if wide is _C.float64 else -25)  # half of the generator's unit
    return _ops.clamp_min(-_ops.log1p(-_C.rand(shape, wide, device, generator)), smallest)


def _chances(op: str, input: Tensor, p: Tensor | float, generator: Any) -> Tensor:
    """Of the input's shape, True with probability p."""
    if not isinstance(p, Tensor) and not 0 <= p <= 1:
        raise RuntimeError(f"[{op}] p must lie in [0, 1]; got {p}; pass a probability")
    if isinstance(p, Tensor) and not p.dtype.is_floating_point:
        raise RuntimeError(f"[{op}] probabilities must be of a floating-point dtype; got {p.dtype}; use .float()")
    wide = _C.float64 if isinstance(p, Tensor) and p.dtype is _C.float64 else _C.float32
    return _C.rand(input.shape, wide, input.device, generator) < p


@public
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """1 with probability ``p``, or with the probability that the input's element is, else 0; shape and dtype are the input's. RuntimeError
    for integers without ``p`` and a p outside [0, 1]."""
    return _chances("bernoulli", input, input if p is None else p, generator).to(input.dtype)


@public
def bernoulli_(input: Tensor, p: Tensor | float = 0.5, *, generator: Any = None) -> Tensor:
    """Fills with 1 with probability ``p``, a number or a tensor that broadcasts to this, else 0. RuntimeError for a p outside [0, 1]."""
    return input.copy_(_chances("bernoulli_", input, p, generator).to(input.dtype))


@public
def exponential_(input: Tensor, lambd: float = 1, *, generator: Any = None) -> Tensor:
    """Fills with positive numbers of the exponential distribution with rate ``lambd``; floating-point. RuntimeError for another rate."""
    if not lambd > 0:
        raise RuntimeError(f"[exponential_] lambd must be positive; got {lambd}; pass a rate")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[exponential_] needs a floating-point dtype; got {input.dtype}; use .float()")
    return input.copy_((_exponential(input.shape, input.dtype, input.device, generator) / lambd).to(input.dtype))


@public
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None) -> Tensor:
    """int64 (N, num_samples): positions in the rows of probabilities (N, C), which need not sum to 1; of (C) a vector. Without
    ``replacement`` no position is drawn twice. RuntimeError for other shapes, integers and more samples than there are.

    The greatest of probability / exponential number is a sample, and the next ones are further samples without replacement."""
    if input.ndim not in (1, 2):
        raise RuntimeError(
            f"[multinomial] probabilities must have 1 or 2 dimensions; got shape {list(input.shape)}; pass (C) or (N, C)"
        )
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"[multinomial] needs a floating-point dtype; got {input.dtype}; use .float()")
    if num_samples <= 0 or (not replacement and num_samples > input.shape[-1]):
        raise RuntimeError(
            f"[multinomial] cannot draw {num_samples} samples {'with' if replacement else 'without'} replacement from "
            f"shape {list(input.shape)}; pass at least 1 and at most the number of classes, or replacement=True"
        )
    wide = input.detach() if input.dtype is _C.float64 else input.detach().float()
    if not replacement or num_samples == 1:
        keys = wide / _exponential(input.shape, wide.dtype, input.device, generator)
        return _ops.topk(keys, num_samples, input.ndim - 1, True).indices
    shape = (*input.shape[:-1], num_samples, input.shape[-1])
    return _ops.argmax(wide.unsqueeze(-2) / _exponential(shape, wide.dtype, input.device, generator), input.ndim, False)


@public
def normal(
    mean: Tensor | float,
    std: Tensor | float = 1,
    size: Sequence[int] | None = None,
    *,
    generator: Any = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers: of mean and std broadcast together, one or both of them tensors, or of two numbers and a ``size``. RuntimeError for
    a negative number std, TypeError for two numbers without a size."""
    if not isinstance(std, Tensor) and not std >= 0:
        raise RuntimeError(f"[normal] std must be at least 0; got {std}; pass a standard deviation")
    if isinstance(mean, Tensor):
        shape: Any = _C.broadcast_tensors(mean, std)[0].shape if isinstance(std, Tensor) else mean.shape
        like: Tensor = mean
    elif isinstance(std, Tensor):
        shape, like = std.shape, std
    else:
        if size is None:
            raise TypeError("[normal] two numbers need a size; got none; pass size=")
        result = _C.randn(size, dtype, device, generator) * std + mean
        return result.requires_grad_() if requires_grad else result
    with _C.GradMode(False):
        return _C.randn(shape, like.dtype, like.device, generator) * std + mean


@public
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Any = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers of [low, high), or [0, low) without ``high``; shape, dtype and device are the input's."""
    bounds = (0, low) if high is None else (low, high)
    result = _C.randint(*bounds, input.shape, dtype or input.dtype, device or input.device, generator)
    return result.requires_grad_() if requires_grad else result


@public
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers with the input's elements as rates, of its shape and dtype. RuntimeError for negative rates, NotImplementedError for
    integers."""
    from ..distributions import sampling

    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[poisson] needs a floating-point dtype; got {input.dtype}; use .float()")
    wide = input.detach().to(_C.float32) if input.dtype.itemsize < 4 else input.detach()
    if input.numel() and not bool(_ops.ge(wide, 0).all()):
        raise RuntimeError(f"[poisson] rates must not be negative or NaN; got {wide.min().item()}")
    return sampling.poisson(wide, generator).to(input.dtype)


@public
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of ``count`` trials succeed that do so with probability ``prob``; both broadcast, of one floating-point dtype."""
    from ..distributions import sampling

    if not count.dtype.is_floating_point or prob.dtype is not count.dtype:
        raise ValueError(
            f"[binomial] count and prob must have one floating-point dtype; got {count.dtype} and {prob.dtype}; use .float()"
        )
    wide = _C.float32 if count.dtype.itemsize < 4 else count.dtype
    trials, chance = _C.broadcast_tensors(count.detach().to(wide), prob.detach().to(wide))
    return sampling.binomial(trials, chance, generator).to(count.dtype)


def _unit(input: Tensor, generator: Any) -> Tensor:
    """Uniform numbers of (0, 1) of the input's shape."""
    wide = _C.float64 if input.dtype is _C.float64 else _C.float32
    smallest = 2.0 ** (-54 if wide is _C.float64 else -25)  # half of the generator's unit
    return _ops.clamp_min(_C.rand(input.shape, wide, input.device, generator), smallest)


@public
def cauchy_(input: Tensor, median: float = 0, sigma: float = 1, *, generator: Any = None) -> Tensor:
    """Fills with numbers of Cauchy's distribution; floating-point. RuntimeError for a sigma that is not positive."""
    if not sigma > 0:
        raise RuntimeError(f"[cauchy_] sigma must be positive; got {sigma}; pass a width")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[cauchy_] needs a floating-point dtype; got {input.dtype}; use .float()")
    turn = _ops.mul(_ops.sub(_unit(input, generator), 0.5), 3.14159265358979323846)
    return input.copy_(_ops.add(_ops.mul(_ops.tan(turn), sigma), median).to(input.dtype))


@public
def geometric_(input: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fills with the number of the first trial that succeeds, 1 or more, where each does with probability ``p`` of (0, 1), else a
    RuntimeError."""
    if not 0 < p < 1:
        raise RuntimeError(f"[geometric_] p must be in (0, 1); got {p}; pass a probability")
    from math import log1p

    trials = _ops.ceil(_ops.div(_ops.log(_unit(input, generator)), log1p(-p)))
    return input.copy_(_ops.clamp_min(trials, 1.0).to(input.dtype))


@public
def log_normal_(input: Tensor, mean: float = 1, std: float = 2, *, generator: Any = None) -> Tensor:
    """Fills with exp of normal numbers; floating-point. RuntimeError for an std that is not positive."""
    if not std > 0:
        raise RuntimeError(f"[log_normal_] std must be positive; got {std}; pass a standard deviation")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[log_normal_] needs a floating-point dtype; got {input.dtype}; use .float()")
    wide = _C.float64 if input.dtype is _C.float64 else _C.float32
    drawn = _C.randn(input.shape, wide, input.device, generator)
    return input.copy_(_ops.exp(_ops.add(_ops.mul(drawn, std), mean)).to(input.dtype))
