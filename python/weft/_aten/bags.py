"""Bags of rows of a table, and their derivatives."""

from __future__ import annotations

from ..nn._bags import bags_of
from .derivatives import pullback
from .table import aten, require

_MODES = ("sum", "mean", "max")


def _bags(weight, indices, offsets, mode, factors=None, include_last_offset=False, padding_idx=-1):
    padding = None if padding_idx is None or padding_idx < 0 else padding_idx
    return bags_of(indices, weight, offsets, _MODES[mode], factors, include_last_offset, padding)


@aten("_embedding_bag", "_embedding_bag_forward_only", "embedding_bag", "embedding_bag.padding_idx")
def embedding_bag(
    weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, factors=None, *rest
):  # fmt: skip
    """(result, None, None, None): what PyTorch's own backward would take is not for weft's (weft/torch/_backend.py)."""
    require(not sparse and not scale_grad_by_freq, "a sparse gradient, or one by frequency")
    return _bags(weight, indices, offsets, mode, factors, *rest), None, None, None


def embedding_bag_backward(
    gradient, weight, indices, offsets, mode, factors=None, include_last_offset=False, padding_idx=-1
):
    """By the table."""

    def forward(weight):
        return _bags(weight, indices, offsets, mode, factors, include_last_offset, padding_idx)

    return pullback(forward, (weight,), gradient)[0]


def embedding_bag_factors_backward(
    gradient, weight, indices, offsets, factors, include_last_offset=False, padding_idx=-1
):
    """By the factors of a sum's rows."""

    def forward(factors):
        return _bags(weight, indices, offsets, 0, factors, include_last_offset, padding_idx)

    return pullback(forward, (factors,), gradient)[0]
