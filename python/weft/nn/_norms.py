"""Norms of vectors."""

from .. import _ops


def vector_norm(x, p, axes=(), keepdim=False):
    """The p-norm along axes, () for all."""
    if p == float("inf"):
        return _ops.amax(_ops.abs(x), axes, keepdim)
    if p == 2:
        return _ops.sqrt(_ops.sum(x * x, axes, keepdim))
    return _ops.sum(_ops.abs(x) ** p, axes, keepdim) ** (1.0 / p)
