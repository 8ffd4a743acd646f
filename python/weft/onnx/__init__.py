"""ONNX models, read and written. The files are parsed by the package ``onnx``, which is imported when it is needed."""

from importlib import import_module

__all__ = ["backend", "export", "load"]


def __getattr__(name):
    """The functions, and the parts that not every program uses."""
    if name not in __all__:
        raise AttributeError(f"module 'weft.onnx' has no attribute {name!r}")
    module = import_module(f"{__name__}.{name}")
    found = module if name == "backend" else getattr(module, name)
    globals()[name] = found  # in place of the module of that name
    return found
