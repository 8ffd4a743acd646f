"""SparseAdam, which is for sparse gradients."""

from .optimizer import Optimizer
from .rule import check


class SparseAdam(Optimizer):
    """Adam that goes on with those elements of its state for which a sparse gradient has values. weft's gradients are dense, which this
    optimizer refuses as PyTorch's does: a step with a gradient is a RuntimeError."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check("SparseAdam", lr=lr, eps=eps, betas=betas)
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "maximize": maximize})

    def _update_group(self, group):
        for p in group["params"]:
            if p.grad is not None:
                raise RuntimeError(
                    f"[SparseAdam] takes sparse gradients alone; got a dense one of shape {list(p.grad.shape)}; use Adam"
                )
