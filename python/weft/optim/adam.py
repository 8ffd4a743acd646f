"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from .. import _C, _factories
from .optimizer import Optimizer, check, learning_rate


class Adam(Optimizer):
    """Adaptive steps from running means of the gradient and its square; weight decay is added to the gradient."""

    decoupled = False

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
        name = type(self).__name__
        check(name, lr >= 0, "learning rate", lr)
        check(name, eps >= 0, "eps", eps)
        check(name, all(0 <= b < 1 for b in betas), "betas", betas)
        check(name, weight_decay >= 0, "weight_decay", weight_decay)
        defaults = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def _init_group(self, group):
        # The count of steps is a tensor, so that a compiled step need not be traced again; float64, so that the powers of the
        # betas are as exact as Python's. Parameters that take every step together share one.
        steps = {}
        for p in group["params"]:
            if p.device not in steps:
                steps[p.device] = _factories.zeros((), dtype=_C.float64, device=p.device)
            self.state[p] = {
                "step": steps[p.device],
                "exp_avg": _factories.zeros_like(p),
                "exp_avg_sq": _factories.zeros_like(p),
            }

    def _update_group(self, group):
        rate, decay = learning_rate(group), group["weight_decay"]
        kept = 1.0 - rate * decay
        updated = [p for p in group["params"] if p.grad is not None]
        for step, parameters in self._by_step(group, updated):
            beta1, beta2 = group["betas"]
            step.add_(1.0)
            step_size = rate / (1.0 - beta1**step)
            root = (1.0 - beta2**step).sqrt()
            for p in parameters:
                state = self.state[p]
                mean, square = state["exp_avg"], state["exp_avg_sq"]
                g = -p.grad if group["maximize"] else p.grad
                if decay and self.decoupled:
                    p.mul_(kept)
                elif decay:
                    g = g + p * decay
                mean.mul_(beta1).add_(g * (1.0 - beta1))
                square.mul_(beta2).add_(g * g * (1.0 - beta2))
                p.sub_(mean / (square.sqrt() / root + group["eps"]) * step_size)

    def _by_step(self, group, updated):
        """(step count, the parameters that share it). A count that others keep is copied first."""
        chosen = {id(p) for p in updated}
        kept = {id(self.state[p]["step"]) for p in group["params"] if id(p) not in chosen}
        shared, copies = {}, {}
        for p in updated:
            step = self.state[p]["step"]
            if id(step) in kept:
                if id(step) not in copies:
                    copies[id(step)] = step.clone()
                step = self.state[p]["step"] = copies[id(step)]
            shared.setdefault(id(step), (step, []))[1].append(p)
        return list(shared.values())


class AdamW(Adam):
    """Adam with weight decay applied to the parameters instead of the gradient."""

    decoupled = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, maximize=False):
        super().__init__(params, lr, betas, eps, weight_decay, maximize)
