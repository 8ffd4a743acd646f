"""PyTorch's names for what ``weft.compile`` does. A compiled function means what it meant, so that nothing has to be annotated."""

from typing import Final

from ._compile import compile as _compile
from .nn import Module

__all__ = [
    "Final", "ScriptModule", "annotate", "export", "ignore", "interface", "is_scripting", "is_tracing", "isinstance", "script",
    "script_if_tracing", "script_method", "trace", "unused",
]  # fmt: skip


def is_scripting():
    """False: functions run as Python."""
    return False


def is_tracing():
    """False: what depends on values is seen as such."""
    return False


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """``weft.compile(obj)`` of a function or module; a class stays."""
    return obj if type(obj) is type else _compile(obj)


def trace(
    func, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True
):
    """``weft.compile(func)``, called once with ``example_inputs``, a tuple or one argument. What depends on values stays so."""
    compiled = _compile(func)
    if example_inputs is not None:
        compiled(*example_inputs if type(example_inputs) is tuple else (example_inputs,))
    return compiled


def annotate(the_type, the_value):
    """The value."""
    return the_value


def _same(obj):
    return obj


def ignore(drop=False, **kwargs):
    """Decorates, with or without arguments; the function stays as it is."""
    return drop if callable(drop) else _same


def unused(fn):
    """The function."""
    return fn


def export(fn):
    """The function."""
    return fn


def interface(obj):
    """The class."""
    return obj


def script_method(fn):
    """The method."""
    return fn


def script_if_tracing(fn):
    """The function."""
    return fn


_script_if_tracing = script_if_tracing


def isinstance(obj, target_type):
    """Python's isinstance(), by the classes of a subscripted type: list[int] is a list."""
    import builtins
    from typing import get_origin

    kinds = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return builtins.isinstance(obj, tuple([get_origin(kind) or kind for kind in kinds]))


class ScriptModule(Module):
    """A Module."""
