"""Helpers around training. ``data``, ``model_zoo`` and ``tensorboard`` load when they are first used."""

from . import _pytree, checkpoint, hooks

__all__ = ["_pytree", "checkpoint", "data", "hooks", "model_zoo", "tensorboard"]


def __getattr__(name):
    if name not in ("data", "model_zoo", "tensorboard"):
        raise AttributeError(f"module 'weft.utils' has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"{__name__}.{name}")
