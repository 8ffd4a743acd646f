"""`public`: a Python function as the package exports it."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from . import _C
from ._C import Tensor

# In annotations: what may stand beside a tensor in an operation, and a number of Python's or NumPy's.
Operand = Tensor | float
Number = float

_F = TypeVar("_F", bound=Callable[..., Any])


def _kinds(annotation: Any) -> int:
    """The kinds of arguments that an annotation as `Tensor | int | None` names; 0: any."""
    if annotation is inspect.Parameter.empty:
        return 0
    parts = annotation.split(" | ")
    return 0 if "Any" in parts else sum(_C.KINDS[part] for part in parts)


def public(function: _F) -> _F:
    """Checks the arguments of each call by the function's annotations, and has errors from within bear its name.

    An argument of another type is a TypeError: `[flip] dims must be an int or a sequence of ints; got str; ...`.
    """
    parameters = []
    for p in inspect.signature(function).parameters.values():
        rest = p.kind is p.VAR_POSITIONAL
        default = () if rest else ... if p.default is p.empty else p.default
        name = p.name.rstrip("_")  # `from_` stands for `from`
        parameters.append((name, default, _kinds(p.annotation), p.kind is p.KEYWORD_ONLY, rest))
    checked = _C.make_function(function, function.__name__, parameters, inspect.getdoc(function) or "")
    checked.__wrapped__, checked.__module__ = function, function.__module__
    return cast(_F, checked)
