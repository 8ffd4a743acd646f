"""Gradients: grad mode, ``backward`` and ``grad``, functions with a derivative of their own, and what looks at the tape."""

from . import function, grad_mode, graph
from ._backward import backward, grad
from ._variable import Variable
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .function import Function
from .grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name):  # what few programs use
    from importlib import import_module

    if name == "functional":
        return import_module(".functional", __name__)
    if name in ("gradcheck", "gradgradcheck"):
        module = import_module(".gradcheck", __name__)
        globals()["gradcheck"], globals()["gradgradcheck"] = module.gradcheck, module.gradgradcheck
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
