"""Distances of vectors."""

from __future__ import annotations

from .. import _C
from .._C import Tensor
from .._functions import norms
from .._functions.activations import floating
from .._public import public


def distance(x1, x2, p, eps, keepdim=False):
    return norms.vector("pairwise_distance", x1 - x2 + eps, p, -1, keepdim)


@public
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2, eps: float = 1e-06, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension; shapes broadcast, floating-point."""
    a, b = (floating("pairwise_distance", t) for t in (x1, x2))
    return distance(a, b, p, eps, keepdim).to(_C.promote_types(x1.dtype, x2.dtype))
