"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from .. import _C, _factories, _ops
from .optimizer import Optimizer, check_number, learning_rate, refuse_differentiable


class Adam(Optimizer):
    """Adaptive steps from running means of the gradient and its square; weight decay is added to the gradient, or with
    ``decoupled_weight_decay`` applied to the parameters. With ``amsgrad`` the largest mean square so far is used (Reddi et al. 2018).

    ``foreach``, ``capturable`` and ``fused`` choose among PyTorch's implementations; there is one here.
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
        name = type(self).__name__
        check_number(name, "learning rate", lr)
        check_number(name, "eps", eps)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"[{name}] betas must be two numbers; got {betas!r}")
        for beta in betas:
            check_number(name, "beta", beta, below=1.0)
        check_number(name, "weight_decay", weight_decay)
        refuse_differentiable(name, differentiable)
        defaults = {
            "lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _init_group(self, group):
        # The count of steps is a tensor, so that a compiled step need not be traced again; float64, so that the powers of the
        # betas are as exact as Python's. Parameters that take every step together share one.
        steps = {}
        for p in group["params"]:
            state = self.state[p]
            if "step" in state:
                state["step"] = _as_count(state["step"], p)
            else:
                if p.device not in steps:
                    steps[p.device] = _factories.zeros((), dtype=_C.float64, device=p.device)
                state["step"] = steps[p.device]
            for name in ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])):
                if name not in state:
                    state[name] = _factories.zeros_like(p)

    def _update_group(self, group):
        rate, decay = learning_rate(group), group["weight_decay"]
        kept = 1.0 - rate * decay
        updated = [p for p in group["params"] if p.grad is not None]
        if group["amsgrad"] and any("max_exp_avg_sq" not in self.state[p] for p in updated):  # it was set later
            self._init_group(group)
        try:
            by_step = self._by_step(group, updated)
        except KeyError:  # a parameter joined the group
            self._init_group(group)
            by_step = self._by_step(group, updated)
        for step, parameters in by_step:
            beta1, beta2 = group["betas"]
            step.add_(1.0)
            step_size = rate / (1.0 - beta1**step)
            root = (1.0 - beta2**step).sqrt()
            for p in parameters:
                state = self.state[p]
                mean, square = state["exp_avg"], state["exp_avg_sq"]
                g = -p.grad if group["maximize"] else p.grad
                if decay and group["decoupled_weight_decay"]:
                    p.mul_(kept)
                elif decay:
                    g = g + p * decay
                mean.mul_(beta1).add_(g * (1.0 - beta1))
                square.mul_(beta2).add_(g * g * (1.0 - beta2))
                if group["amsgrad"]:
                    largest = state["max_exp_avg_sq"]
                    square = largest.copy_(_ops.maximum(largest, square))
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
            maximize=maximize,
            differentiable=differentiable,
            decoupled_weight_decay=True,
        )


def _as_count(step, parameter):
    """A count of steps as this optimizer keeps it."""
    if isinstance(step, _C.Tensor) and step.dtype is _C.float64 and step.device == parameter.device:
        return step
    return _factories.tensor(float(step), dtype=_C.float64, device=parameter.device)
