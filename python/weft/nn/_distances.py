"""Distances and similarities of vectors."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._functions.activations import floating
from .._public import public


def _norm(x, p, keepdim=False):
    """The p-norm along the last dimension, with gradient 0 for a vector of zeros."""
    size = _ops.abs(x)
    axes = (x.ndim - 1,)
    if p == float("inf"):
        return _ops.amax(size, axes, keepdim)
    if p == 1:
        return _ops.sum(size, axes, keepdim)
    if p == 0:
        return _ops.sum((x != 0).to(x.dtype), axes, keepdim)
    total = _ops.sum(x * x if p == 2 else size**p, axes, keepdim)
    zero = total == 0
    total = _ops.where(zero, 1.0, total)
    return _ops.where(zero, 0.0, _ops.sqrt(total) if p == 2 else total ** (1.0 / p))


def distance(x1, x2, p, eps, keepdim=False):
    return _norm(x1 - x2 + eps, p, keepdim)


@public
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2, eps: float = 1e-06, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension; shapes broadcast, floating-point."""
    a, b = (floating("pairwise_distance", t) for t in (x1, x2))
    return distance(a, b, p, eps, keepdim).to(_C.promote_types(x1.dtype, x2.dtype))


@public
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-08) -> Tensor:
    """x1 · x2 / (max(|x1|, eps) · max(|x2|, eps)) along ``dim``; shapes broadcast, floating-point. IndexError for a dim that is none."""
    rank = max(x1.ndim, x2.ndim)
    if not -rank <= dim < rank:
        raise IndexError(
            f"[cosine_similarity] dim {dim} is out of range for shapes {list(x1.shape)} and {list(x2.shape)}; use a value "
            f"of [{-rank}, {rank - 1}]"
        )
    a, b = (floating("cosine_similarity", t) for t in (x1, x2))
    product = (a * b).sum(dim)
    from_end = dim - rank if dim >= 0 else dim

    def length(x):
        x = x.reshape((1,) * (rank - x.ndim) + tuple(x.shape)).transpose(from_end, -1)
        return _ops.clamp_min(_norm(x, 2, True), eps).transpose(from_end, -1).squeeze(from_end)

    return (product / (length(a) * length(b))).to(_C.promote_types(x1.dtype, x2.dtype))
