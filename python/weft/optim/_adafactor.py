"""Adafactor (Shazeer and Stern 2018)."""

from .. import _ops
from .._dtypes import finfo
from ..nn._norms import vector_norm
from .rule import Rule, check, several


def _root_mean_square(x):
    return vector_norm(x, 2.0).double() / x.numel() ** 0.5


class Adafactor(Rule):
    """Steps over the root of mean squares, of which a matrix (the last two axes) keeps those of its rows and of its columns alone.

    The step is at most ``lr``, relative to the parameter's root mean square (at least ``eps[1]``); ``d`` limits the update's. ``eps[0]``,
    the least mean square, is the dtype's epsilon where None. ``foreach`` chooses among PyTorch's implementations; the compiler does what
    it does.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        several("Adafactor", "eps", eps)
        check("Adafactor", lr=lr, d=d, weight_decay=weight_decay, eps=eps[1])
        if eps[0] is not None:
            check("Adafactor", eps=eps[0])
        if not isinstance(beta2_decay, (int, float)) or not beta2_decay <= 0.0:
            raise ValueError(f"[Adafactor] invalid beta2_decay: {beta2_decay}; it must be at most 0")
        if not d >= 1.0:
            raise ValueError(f"[Adafactor] invalid clipping threshold d: {d}; it must be at least 1")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": tuple(eps), "d": d, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    _decays = False  # the scale of the parameter is that before

    def _new_arrays(self, p, state, group):
        if "variance" in state or "row_var" in state:
            return {}
        if p.ndim < 2:
            return {"variance": p.new_zeros(p.shape)}
        rows, columns = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {"row_var": p.new_zeros(rows), "col_var": p.new_zeros(columns)}

    def _common(self, group, h, counts):
        step = counts["step"]
        return step ** group["beta2_decay"], _ops.minimum(1.0 / step.sqrt(), h.lr)

    def _update(self, p, g, state, group, h, common):
        new, relative = common
        scale = _root_mean_square(p)
        if group["weight_decay"]:
            p.mul_(h.kept)
        least, least_scale = group["eps"]
        least = finfo(p.dtype).eps if least is None else least
        if "variance" in state:
            mean = state["variance"]
            mean.add_((g * g - mean) * new)
        else:
            rows, columns = state["row_var"], state["col_var"]
            rows.add_(((g * g).mean(-1, True) - rows) * new)
            columns.add_(((g * g).mean(-2, True) - columns) * new)
            mean = rows * columns / rows.mean(-2, True).clamp(min=least)
        update = g * mean.clamp(min=least * least).rsqrt()
        rate = _ops.maximum(scale, least_scale) * relative / _ops.maximum(_root_mean_square(update) / h.d, 1.0)
        p.sub_(update * rate)
