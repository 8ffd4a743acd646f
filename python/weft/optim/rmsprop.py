"""RMSprop (Tieleman and Hinton 2012; centered: Graves 2013)."""

from .rule import Rule, check


class RMSprop(Rule):
    """Steps over the root of the running mean of the gradient's square, or, ``centered``, of its variance; ``momentum`` sums them.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check("RMSprop", lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
            "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {
            "square_avg": 0.0,
            **({"momentum_buffer": 0.0} if group["momentum"] > 0 else {}),
            **({"grad_avg": 0.0} if group["centered"] else {}),
        }

    def _update(self, p, g, state, group, h, common):
        square = state["square_avg"]
        square.mul_(h.alpha).add_(g * g * (1.0 - h.alpha))
        if group["centered"]:
            mean = state["grad_avg"]
            mean.mul_(h.alpha).add_(g * (1.0 - h.alpha))
            square = square - mean * mean
        step = g / (square.sqrt() + h.eps)
        if group["momentum"] > 0:
            step = state["momentum_buffer"].mul_(h.momentum).add_(step)
        p.sub_(step * h.lr)
