"""Losses."""

import weft

from ..table import operator


def _reduced(loss, weights, reduction):
    if reduction == "none":
        return loss
    if reduction == "sum":
        return weft.sum(loss)
    return weft.sum(loss) / weft.sum(weights)


@operator("NegativeLogLikelihoodLoss", 12, 13, 22)
def negative_log_likelihood_loss(scores, target, weight=None, *, ignore_index=None, reduction="mean"):
    """-weight[t] · scores[n, t], 0 for ignored targets; the mean is over the weights."""
    target = target.to(weft.int64)
    there = weft.ones(target.shape, dtype=weft.bool) if ignore_index is None else target != ignore_index
    safe = weft.where(there, target, 0)
    picked = weft.gather(scores, 1, safe.unsqueeze(1)).squeeze(1)
    weights = (
        weft.ones_like(picked) if weight is None else weft.index_select(weight, 0, safe.reshape(-1)).reshape(safe.shape)
    )
    weights = weft.where(there, weights, weft.zeros_like(weights))
    return _reduced(weft.where(there, -picked * weights, weft.zeros_like(picked)), weights, reduction)


@operator("SoftmaxCrossEntropyLoss", 12, 13)
def softmax_cross_entropy_loss(scores, labels, weights=None, *, outputs, ignore_index=None, reduction="mean"):
    logarithms = weft.log_softmax(scores, 1)
    loss = negative_log_likelihood_loss(logarithms, labels, weights, ignore_index=ignore_index, reduction=reduction)
    return (loss, logarithms) if outputs > 1 else loss
