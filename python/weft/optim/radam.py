"""RAdam: rectified Adam (Liu et al. 2020)."""

from .. import _ops
from .rule import Rule, check


class RAdam(Rule):
    """Adam whose steps are plain momentum until the mean square is of enough gradients, and rectified by its variance then.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        check("RAdam", lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _common(self, group, h, counts):
        beta1, beta2 = h.betas
        step = counts["step"]
        power = beta2**step
        rate = h.lr / (1.0 - beta1**step)
        longest = 2.0 / (1.0 - beta2) - 1.0  # the length of the mean that exp_avg_sq stands for, at last and now
        length = longest - step * power * 2.0 / (1.0 - power)
        parts = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)
        return length > 5.0, rate, rate * parts.sqrt() * (1.0 - power).sqrt()

    def _update(self, p, g, state, group, h, common):
        is_long, rate, rectified = common
        beta1, beta2 = h.betas
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.mul_(beta1).add_(g * (1.0 - beta1))
        square.mul_(beta2).add_(g * g * (1.0 - beta2))
        p.sub_(_ops.where(is_long, mean / (square.sqrt() + h.eps) * rectified, mean * rate))
