"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from .. import _ops
from .rule import Rule, check


class Adam(Rule):
    """Adaptive steps from running means of the gradient and its square; weight decay is added to the gradient, or with
    ``decoupled_weight_decay`` applied to the parameters. With ``amsgrad`` the largest mean square so far is used (Reddi et al. 2018).

    ``foreach``, ``capturable`` and ``fused`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        check(type(self).__name__, lr=lr, eps=eps, betas=betas, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0, **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {})}

    def _common(self, group, h, counts):
        beta1, beta2 = h.betas
        return h.lr / (1.0 - beta1 ** counts["step"]), (1.0 - beta2 ** counts["step"]).sqrt()

    def _update(self, p, g, state, group, h, common):
        step_size, root = common
        beta1, beta2 = h.betas
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.mul_(beta1).add_(g * (1.0 - beta1))
        square.mul_(beta2).add_(g * g * (1.0 - beta2))
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            square = largest.copy_(_ops.maximum(largest, square))
        p.sub_(mean / (square.sqrt() / root + h.eps) * step_size)


class AdamW(Adam):
    """Adam with weight decay applied to the parameters instead of the gradient."""

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
