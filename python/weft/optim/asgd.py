"""Averaged stochastic gradient descent (Polyak and Juditsky 1992)."""

from .. import _ops
from .rule import Rule, check


class ASGD(Rule):
    """Gradient descent with a falling rate, lr / (1 + lambd · lr · steps) ** alpha; state "ax" is the mean of the parameters from step
    ``t0`` on.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    _counts = ("step", "eta", "mu")  # the rate, and the weight of each new value in the mean

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        check("ASGD", lr=lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _first_count(self, name, group):
        return {"step": 0.0, "eta": float(group["lr"]), "mu": 1.0}[name]

    def _arrays(self, group):
        return {"ax": 0.0}

    def _common(self, group, h, counts):
        eta, mu = counts["eta"], counts["mu"]
        common = 1.0 - eta * h.lambd, eta.clone(), mu.clone()
        # The exponent stays a number of the program: a power may take another way for some of them.
        eta.copy_(h.lr / (counts["step"] * (h.lr * h.lambd) + 1.0) ** group["alpha"])
        mu.copy_(1.0 / _ops.maximum(counts["step"] - h.t0, 1.0))
        return common

    def _update(self, p, g, state, group, h, common):
        kept, eta, mu = common
        p.mul_(kept).sub_(g * eta)
        mean = state["ax"]
        mean.copy_(_ops.where(mu == 1.0, p, mean + (p - mean) * mu))
