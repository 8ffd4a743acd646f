"""Reductions, and softmax, which is made of them. dim is an int, a sequence of ints, or None for all axes."""

from collections import namedtuple

from .. import _C, _ops
from .._C import Tensor
from .arguments import dims as _dims

__all__ = [
    "sum",
    "prod",
    "mean",
    "var",
    "std",
    "amax",
    "amin",
    "any",
    "all",
    "argmax",
    "argmin",
    "max",
    "min",
    "softmax",
    "log_softmax",
]
METHODS = __all__

ValuesAndIndices = namedtuple("ValuesAndIndices", ["values", "indices"])


def sum(input, dim=None, keepdim=False, *, dtype=None):
    return _ops.sum(input if dtype is None else input.to(dtype), _dims(input, dim, "sum"), keepdim)


def prod(input, dim=None, keepdim=False, *, dtype=None):
    return _ops.prod(input if dtype is None else input.to(dtype), _dims(input, dim, "prod"), keepdim)


def mean(input, dim=None, keepdim=False, *, dtype=None):
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(
            f"[mean] needs a floating-point dtype; got {x.dtype} of shape {list(x.shape)}; pass dtype=weft.float32"
        )
    return _ops.mean(x, _dims(x, dim, "mean"), keepdim)


def var(input, dim=None, *, correction=1, keepdim=False):
    return _ops.var(input, _dims(input, dim, "var"), correction, keepdim)


def std(input, dim=None, *, correction=1, keepdim=False):
    """The square root of var."""
    return _ops.sqrt(var(input, dim, correction=correction, keepdim=keepdim))


def amax(input, dim=None, keepdim=False):
    return _ops.amax(input, _dims(input, dim, "amax"), keepdim)


def amin(input, dim=None, keepdim=False):
    return _ops.amin(input, _dims(input, dim, "amin"), keepdim)


def any(input, dim=None, keepdim=False):
    return _ops.any(input.to(_C.bool), _dims(input, dim, "any"), keepdim)


def all(input, dim=None, keepdim=False):
    return _ops.all(input.to(_C.bool), _dims(input, dim, "all"), keepdim)


def _arg(op, input, dim, keepdim):
    if dim is None:
        flat = op(input.reshape(-1), (0,), False)
        return flat.reshape((1,) * input.ndim) if keepdim else flat
    if input.ndim == 0:
        input = input.reshape(1)
        return op(input, (0,), False)
    return op(input, _dims(input, dim, "argmax" if op is _ops.argmax else "argmin"), keepdim)


def argmax(input, dim=None, keepdim=False):
    return _arg(_ops.argmax, input, dim, keepdim)


def argmin(input, dim=None, keepdim=False):
    return _arg(_ops.argmin, input, dim, keepdim)


def _extremum(input, dim, keepdim, elementwise, reduce, arg):
    if dim is None:
        return reduce(input)
    if isinstance(dim, Tensor):
        return elementwise(input, dim)
    indices = arg(input, dim, True)
    values = _ops.gather(input, indices, _dims(input, dim, "max")[0]) if input.ndim else input
    if not keepdim and input.ndim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return ValuesAndIndices(values, indices)


def max(input, dim=None, keepdim=False):
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise maximum."""
    return _extremum(input, dim, keepdim, _ops.maximum, amax, argmax)


def min(input, dim=None, keepdim=False):
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise minimum."""
    return _extremum(input, dim, keepdim, _ops.minimum, amin, argmin)


def softmax(input, dim=None, dtype=None):
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return _ops.softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(input, dim=None, dtype=None):
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return _ops.log_softmax(input if dtype is None else input.to(dtype), dim)
