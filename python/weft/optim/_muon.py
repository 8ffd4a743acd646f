"""Muon: momentum, orthogonalised by Newton and Schulz's iteration (Jordan et al. 2024)."""

import math

from .. import _C
from .._functions import addmm
from ..nn._norms import vector_norm
from .rule import Rule, check, several


def _orthogonalised(update, coefficients, steps, eps):
    """About the nearest matrix with orthonormal rows or columns, in bfloat16; of its singular values all lie near 1."""
    a, b, c = coefficients
    x = update.to(_C.bfloat16)
    is_tall = x.shape[0] > x.shape[1]
    x = x.T if is_tall else x
    x = x / vector_norm(x.float(), 2.0).to(x.dtype).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if is_tall else x


class Muon(Rule):
    """For the matrices of hidden layers: the step is the running mean of the gradients, made orthogonal by ``ns_steps`` iterations with
    ``ns_coefficients``. The rate is multiplied by sqrt(max(1, rows / columns)) ("original") or 0.2 · sqrt(max(rows, columns))
    ("match_rms_adamw"). All parameters must have two dimensions; vectors and embeddings go to another optimizer."""

    _counts = ()
    _decays = False  # it comes after the mean of the gradients

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.775, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
    ):
        check("Muon", lr=lr, weight_decay=weight_decay, momentum=momentum)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"[Muon] adjust_lr_fn must be 'original' or 'match_rms_adamw'; got {adjust_lr_fn!r}")
        if not isinstance(ns_steps, int) or not ns_steps < 100:
            raise ValueError(f"[Muon] ns_steps must be an int below 100; got {ns_steps}")
        several("Muon", "ns_coefficients", ns_coefficients, 3)
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": tuple(ns_coefficients), "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def add_param_group(self, param_group):
        super().add_param_group(param_group)
        for p in param_group["params"]:
            if p.ndim != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"[Muon] takes parameters of two dimensions; got one of shape {list(p.shape)}; give the others to AdamW"
                )

    def _arrays(self, group):
        return {"momentum_buffer": 0.0}

    def _update(self, p, g, state, group, h, common):
        mean = state["momentum_buffer"]
        mean.add_((g - mean) * (1.0 - h.momentum))
        update = g + (mean - g) * h.momentum if group["nesterov"] else mean
        update = _orthogonalised(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        matched = group["adjust_lr_fn"] == "match_rms_adamw"
        ratio = 0.2 * math.sqrt(max(rows, columns)) if matched else math.sqrt(max(1.0, rows / columns))
        if group["weight_decay"]:
            p.mul_(h.kept)
        p.sub_(update * (h.lr * ratio))
