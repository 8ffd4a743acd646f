"""Stochastic gradient descent."""

from .rule import Rule, check


class SGD(Rule):
    """p -= lr · g, with weight decay (L2), momentum and Nesterov's variant as in PyTorch.

    ``foreach`` and ``fused`` choose among PyTorch's implementations; the compiler does what they do.
    """

    _counts = ()

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
        check("SGD", lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("[SGD] Nesterov momentum needs momentum > 0 and dampening = 0; set both")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        # From zeros the first step gives the gradient as it is, which with dampening it would not.
        return {"momentum_buffer": 0.0} if group["momentum"] and not group["dampening"] else {}

    def _update(self, p, g, state, group, h, common):
        if group["momentum"]:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = g.clone()
            else:
                buffer.mul_(h.momentum)
                buffer.add_(g * (1.0 - h.dampening) if group["dampening"] else g)
            g = g + buffer * h.momentum if group["nesterov"] else buffer
        p.sub_(g * h.lr)

    def _update_sparse(self, p, g, state, group, h, common):
        from ..sparse.gradients import add_at, places

        if group["weight_decay"]:
            raise RuntimeError("[SGD] a sparse gradient has no weight decay, which is dense; set weight_decay to 0")
        if group["momentum"]:
            buffer = state.get("momentum_buffer")
            if buffer is None or buffer.layout is not g.layout:
                buffer = state["momentum_buffer"] = g.coalesce().clone()
            else:
                buffer.mul_(h.momentum).add_((g * (1.0 - h.dampening) if group["dampening"] else g).coalesce())
            g = g + buffer * h.momentum if group["nesterov"] else buffer
        index, values = places(g)
        add_at(p, index, values * -h.lr)
