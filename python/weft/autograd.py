"""Gradients: grad mode, ``backward`` and ``grad``."""

import functools

from . import _C
from ._C import Tensor


class _GradMode(_C.GradMode):
    """A context manager that is also a decorator; nests."""

    __slots__ = ()

    def __call__(self, function):
        enabled = self.enabled

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            with _C.GradMode(enabled):
                return function(*args, **kwargs)

        return wrapper


class no_grad(_GradMode):
    """Operations inside are not recorded for backward(). Decorates with or without parentheses."""

    __slots__ = ()
    enabled = False


class enable_grad(_GradMode):
    """Operations inside are recorded for backward(), also within no_grad. Decorates with or without parentheses."""

    __slots__ = ()
    enabled = True


class set_grad_enabled(_GradMode):
    """Sets the mode at once; as a context manager restores it at the end."""

    def __init__(self, mode):
        self.enabled = bool(mode)
        self._before = _C.grad_enabled()
        _C.set_grad_enabled(self.enabled)

    def __enter__(self):
        _C.set_grad_enabled(self.enabled)

    def __exit__(self, *exception):
        _C.set_grad_enabled(self._before)


inference_mode = no_grad


def is_grad_enabled():
    return _C.grad_enabled()


def _sequence(value):
    if value is None:
        return ()
    return (value,) if isinstance(value, Tensor) else tuple(value)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Accumulates the gradients of ``tensors`` into the .grad of the leaves (of ``inputs`` only, if given)."""
    keep = create_graph if retain_graph is None else retain_graph
    _C.backward(_sequence(tensors), _sequence(grad_tensors), keep, create_graph, _sequence(inputs))


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """The gradients of ``outputs`` by ``inputs`` as a tuple; .grad is left alone."""
    keep = create_graph if retain_graph is None else retain_graph
    return _C.grad(_sequence(outputs), _sequence(inputs), _sequence(grad_outputs), keep, create_graph, allow_unused)
