"""Adamax (Kingma and Ba 2015)."""

from .. import _ops
from .rule import Rule, check


class Adamax(Rule):
    """Adam with the largest gradient, which fades, in place of the mean square.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check("Adamax", lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def _common(self, group, h, counts):
        return h.lr / (1.0 - h.betas[0] ** counts["step"])

    def _update(self, p, g, state, group, h, rate):
        beta1, beta2 = h.betas
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.mul_(beta1).add_(g * (1.0 - beta1))
        largest.copy_(_ops.maximum(largest * beta2, g.abs() + h.eps))
        p.sub_(mean / largest * rate)
