"""Adagrad (Duchi, Hazan and Singer 2011)."""

from .rule import Rule, check


class Adagrad(Rule):
    """Steps over the root of the sum of the gradient's squares so far; the rate falls as 1 / (1 + (steps - 1) · lr_decay).

    ``foreach`` and ``fused`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        check(
            "Adagrad",
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"sum": group["initial_accumulator_value"]}

    def _common(self, group, h, counts):
        return h.lr / (1.0 + (counts["step"] - 1.0) * h.lr_decay)

    def _update(self, p, g, state, group, h, rate):
        total = state["sum"]
        total.add_(g * g)
        p.sub_(g / (total.sqrt() + h.eps) * rate)

    def _update_sparse(self, p, g, state, group, h, rate):
        from ..sparse.gradients import add_at, places

        if group["weight_decay"]:
            raise RuntimeError("[Adagrad] weight_decay option is not compatible with sparse gradients; set it to 0")
        index, values = places(g)
        total = state["sum"]
        add_at(total, index, values * values)
        add_at(p, index, -(values / (total[index].sqrt() + h.eps) * rate))
