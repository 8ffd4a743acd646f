"""Layers, losses and containers, as in torch.nn."""

from . import functional, init, modules, utils
from .modules import *
from .parameter import Buffer, Parameter

_MODULES = ("attention", "common_types", "parallel")  # imported when they are asked for

__all__ = [
    *modules.__all__, *modules.LATER, "Buffer", "DataParallel", "LinearCrossEntropyOptions", "Parameter", "functional", "init", "modules", "parallel", "utils",
]  # noqa: PLE0604  # fmt: skip


def __getattr__(name):
    if name in modules.LATER:
        return getattr(modules, name)
    from importlib import import_module

    if name == "LinearCrossEntropyOptions":
        return import_module(f"{__name__}._linear_loss").LinearCrossEntropyOptions
    if name == "DataParallel":
        return import_module(f"{__name__}.parallel").DataParallel
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
