"""Modules without initialisation."""

import inspect

from ... import _C
from ..modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """A module whose parameters' values mean nothing yet, for what sets them all. No random numbers are drawn."""
    if not inspect.isclass(module_cls) or not issubclass(module_cls, Module):
        raise RuntimeError(f"[skip_init] expected a Module class; got {module_cls!r}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"[skip_init] {module_cls.__name__} takes no 'device'; make it as usual")
    seed = _C.generator_state()
    module = module_cls(*args, **kwargs)
    _C.set_generator_state(*seed)
    return module
