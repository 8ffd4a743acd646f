"""Stochastic gradient descent."""

from .. import _factories
from .optimizer import Optimizer, check_number, learning_rate, refuse_differentiable


class SGD(Optimizer):
    """p -= lr · g, with weight decay (L2), momentum and Nesterov's variant as in PyTorch.

    ``foreach`` and ``fused`` choose among PyTorch's implementations; there is one here.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_number("SGD", "learning rate", lr)
        check_number("SGD", "momentum", momentum)
        check_number("SGD", "dampening", dampening, low=float("-inf"))
        check_number("SGD", "weight_decay", weight_decay)
        refuse_differentiable("SGD", differentiable)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("[SGD] Nesterov momentum needs momentum > 0 and dampening = 0; set both")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _init_group(self, group):
        if group["momentum"] and not group["dampening"]:
            # From zeros the first step gives the gradient as it is, which with dampening it would not.
            for p in group["params"]:
                self.state[p].setdefault("momentum_buffer", _factories.zeros_like(p))

    def _update_group(self, group):
        momentum, rate = group["momentum"], learning_rate(group)
        for p in group["params"]:
            if p.grad is None:
                continue
            g = -p.grad if group["maximize"] else p.grad
            if group["weight_decay"]:
                g = g + p * group["weight_decay"]
            if momentum:
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None:
                    buffer = self.state[p]["momentum_buffer"] = g.clone()
                else:
                    buffer.mul_(momentum)
                    buffer.add_(g * (1 - group["dampening"]) if group["dampening"] else g)
                g = g + buffer * momentum if group["nesterov"] else buffer
            p.sub_(g * rate)
