"""Adadelta (Zeiler 2012)."""

from .rule import Rule, check


class Adadelta(Rule):
    """Steps as long as the running means of the earlier ones' squares say, over those of the gradient's squares.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        check("Adadelta", lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
            "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def _update(self, p, g, state, group, h, common):
        square, moved = state["square_avg"], state["acc_delta"]
        square.mul_(h.rho).add_(g * g * (1.0 - h.rho))
        step = ((moved + h.eps) / (square + h.eps)).sqrt() * g
        moved.mul_(h.rho).add_(step * step * (1.0 - h.rho))
        p.sub_(step * h.lr)
