"""Limits of gradients."""

import math
import warnings
from collections.abc import Iterable

from ... import _C, _factories, _ops, linalg
from .._arguments import listed, tensor
from .._norms import vector_norm


def _gradients(op, parameters):
    parameters = [parameters] if isinstance(parameters, _C.Tensor) else parameters
    if not isinstance(parameters, Iterable):
        raise TypeError(f"[{op}] parameters must be tensors; got {type(parameters).__name__}; pass model.parameters()")
    parameters = listed(op, "parameters", parameters)
    for p in parameters:
        if not isinstance(p, _C.Tensor):
            raise TypeError(
                f"[{op}] parameters must be tensors; got {type(p).__name__} among them; pass model.parameters()"
            )
    return [p.grad for p in parameters if p.grad is not None]


def _norm(x, order):
    x = _ops.abs(x) if x.dtype.is_complex else x
    return vector_norm(x, order) if order in (2, math.inf) else linalg.vector_norm(x, order)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all tensors together, as one vector, in float32 or wider: any order of linalg.vector_norm. ``foreach`` chooses among
    PyTorch's implementations; there is one here."""
    tensors = [tensors] if isinstance(tensors, _C.Tensor) else listed("get_total_norm", "tensors", tensors, _C.Tensor)
    return _total_norm("get_total_norm", tensors, norm_type, error_if_nonfinite)


def _number(op, name, value):
    """A number, or the text of one, as "inf"."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"[{op}] {name} must be a number; got {value!r}") from None


def _total_norm(op, tensors, norm_type, error_if_nonfinite):
    if not tensors:
        return _factories.tensor(0.0)
    order = _number(op, "norm_type", norm_type)
    with _C.GradMode(False):
        norms = [_norm(t.float() if t.dtype.itemsize == 2 else t, order).to(tensors[0].device) for t in tensors]
        total = _norm(_factories.stack(norms), order)
        if error_if_nonfinite and not math.isfinite(total.item()):
            raise RuntimeError(
                f"[{op}] the norm of the gradients is {total.item()}; leave error_if_nonfinite out to scale them by it"
            )
    return total


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scales the gradients down, in place, as those of norm ``total_norm`` must be for one of at most ``max_norm``."""
    gradients = _gradients("clip_grads_with_norm_", parameters)
    tensor("clip_grads_with_norm_", total_norm, "total_norm")
    with _C.GradMode(False):
        scale = _ops.minimum(_number("clip_grads_with_norm_", "max_norm", max_norm) / (total_norm + 1e-6), 1.0)
        for g in gradients:
            g.copy_(g * scale.to(g.device, g.dtype))


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales the gradients down, in place, so that the norm of all of them together is at most ``max_norm``; returns the norm before.
    ``foreach`` chooses among PyTorch's implementations; there is one here."""
    if not isinstance(parameters, _C.Tensor) and isinstance(parameters, Iterable):
        parameters = listed("clip_grad_norm_", "parameters", parameters)
    total = _total_norm("clip_grad_norm_", _gradients("clip_grad_norm_", parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The older name of clip_grad_norm_; warns."""
    warnings.warn("nn.utils.clip_grad_norm is deprecated; use nn.utils.clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limits the gradients' elements, in place, to [-clip_value, clip_value]."""
    clip_value = _number("clip_grad_value_", "clip_value", clip_value)
    with _C.GradMode(False):
        for g in _gradients("clip_grad_value_", parameters):
            g.copy_(g.clamp(-clip_value, clip_value))


__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]
