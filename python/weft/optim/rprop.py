"""Resilient backpropagation (Riedmiller and Braun 1993)."""

from .. import _ops
from .rule import Rule, check, several


class Rprop(Rule):
    """Steps of a size of each element's own, which grows by ``etas[1]`` while the gradient keeps its sign and shrinks by ``etas[0]``,
    without a step, where it changes it; within ``step_sizes``.

    ``foreach`` and ``capturable`` choose among PyTorch's implementations; the compiler does what they do.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        check("Rprop", lr=lr)
        for name, pair in (("etas", etas), ("step_sizes", step_sizes)):
            for number in several("Rprop", name, pair):
                check("Rprop", **{name: number})
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"[Rprop] invalid etas: {tuple(etas)}; 0 < etas[0] < 1 < etas[1] must hold")
        defaults = {
            "lr": lr, "etas": tuple(etas), "step_sizes": tuple(step_sizes), "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _arrays(self, group):
        return {"prev": 0.0, "step_size": group["lr"]}

    def _update(self, p, g, state, group, h, common):
        previous, size = state["prev"], state["step_size"]
        (shrink, grow), (least, most) = h.etas, h.step_sizes
        product = g * previous
        turned = product < 0
        wanted = _ops.where(turned, size * shrink, _ops.where(product > 0, size * grow, size))
        size.copy_(_ops.minimum(_ops.maximum(wanted, least), most))
        previous.copy_(_ops.where(turned, 0.0, g))
        p.sub_(previous.sign() * size)
