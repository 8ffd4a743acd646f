"""Limits of gradients."""

import math
from collections.abc import Iterable

from ... import _C, _factories, _ops
from .._norms import vector_norm


def _gradients(op, parameters):
    parameters = [parameters] if isinstance(parameters, _C.Tensor) else parameters
    if not isinstance(parameters, Iterable):
        raise TypeError(f"[{op}] parameters must be tensors; got {type(parameters).__name__}; pass model.parameters()")
    parameters = list(parameters)
    for p in parameters:
        if not isinstance(p, _C.Tensor):
            raise TypeError(
                f"[{op}] parameters must be tensors; got {type(p).__name__} among them; pass model.parameters()"
            )
    return [p.grad for p in parameters if p.grad is not None]


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales the gradients down, in place, so that the norm of all of them together is at most ``max_norm``; returns the norm before.
    ``foreach`` chooses among PyTorch's implementations; there is one here."""
    gradients = _gradients("clip_grad_norm_", parameters)
    if not gradients:
        return _factories.tensor(0.0)
    with _C.GradMode(False):
        norms = [
            vector_norm(g.float() if g.dtype.itemsize == 2 else g, norm_type).to(gradients[0].device) for g in gradients
        ]
        total = vector_norm(_factories.stack(norms), norm_type)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"[clip_grad_norm_] the norm of the gradients is {total.item()}; leave error_if_nonfinite out to scale them by it"
            )
        scale = _ops.minimum(max_norm / (total + 1e-6), 1.0)
        for g in gradients:
            g.copy_(g * scale.to(g.device, g.dtype))
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limits the gradients' elements, in place, to [-clip_value, clip_value]."""
    with _C.GradMode(False):
        for g in _gradients("clip_grad_value_", parameters):
            g.copy_(g.clamp(-clip_value, clip_value))


__all__ = ["clip_grad_norm_", "clip_grad_value_"]
