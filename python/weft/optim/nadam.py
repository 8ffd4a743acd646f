"""NAdam: Adam with Nesterov's momentum (Dozat 2016)."""

from .rule import Rule, check


class NAdam(Rule):
    """Adam that looks a step ahead; the part of the momentum grows with the steps, by ``momentum_decay``.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    _counts = ("step", "mu_product")

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        check("NAdam", lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _first_count(self, name, group):
        return 1.0 if name == "mu_product" else 0.0

    def _arrays(self, group):
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def _common(self, group, h, counts):
        beta1, beta2 = h.betas
        step, product = counts["step"], counts["mu_product"]
        now = beta1 * (1.0 - 0.5 * 0.96 ** (step * h.momentum_decay))
        ahead = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1.0) * h.momentum_decay))
        product.mul_(now)
        of_gradient = h.lr * (1.0 - now) / (1.0 - product)
        of_mean = h.lr * ahead / (1.0 - product * ahead)
        return of_gradient, of_mean, (1.0 - beta2**step).sqrt()

    def _update(self, p, g, state, group, h, common):
        of_gradient, of_mean, root = common
        beta1, beta2 = h.betas
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.mul_(beta1).add_(g * (1.0 - beta1))
        square.mul_(beta2).add_(g * g * (1.0 - beta2))
        p.sub_((g * of_gradient + mean * of_mean) / (square.sqrt() / root + h.eps))
