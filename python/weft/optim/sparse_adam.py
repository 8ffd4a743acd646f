"""SparseAdam, which is for sparse gradients."""

import math

from .. import _factories, _layouts
from .optimizer import Optimizer
from .rule import check


class SparseAdam(Optimizer):
    """Adam that goes on with those elements of parameters and state for which a sparse gradient has values; a dense one is a RuntimeError."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check("SparseAdam", lr=lr, eps=eps, betas=betas)
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "maximize": maximize})

    def _update_group(self, group):
        for p in group["params"]:
            if p.grad is None:
                continue
            if p.grad.layout is _layouts.strided:
                raise RuntimeError(
                    f"[SparseAdam] takes sparse gradients alone; got a dense one of shape {list(p.grad.shape)}; use Adam"
                )
            self._update(p, -p.grad if group["maximize"] else p.grad, group)

    def _update(self, p, g, group):
        from ..sparse.gradients import add_at, places

        state = self.state[p]
        if not state:
            state["step"] = 0
            state["exp_avg"], state["exp_avg_sq"] = _factories.zeros_like(p), _factories.zeros_like(p)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        index, values = places(g)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        old, old_square = mean[index], square[index]
        step, step_square = (values - old) * (1 - beta1), (values * values - old_square) * (1 - beta2)
        add_at(mean, index, step)
        add_at(square, index, step_square)
        rate = group["lr"] * math.sqrt(1 - beta2 ** state["step"]) / (1 - beta1 ** state["step"])
        add_at(p, index, (step + old) / ((step_square + old_square).sqrt() + group["eps"]) * -rate)
