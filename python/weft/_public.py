"""`public`: a Python function as the package exports it."""

from __future__ import annotations

from . import _C
from ._C import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `inspect` would take longer to import than the rest of the package
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    _F = TypeVar("_F", bound=Callable[..., Any])
else:
    Any = object  # for the modules that take it from here

# In annotations: what may stand beside a tensor in an operation, and a number of Python's or NumPy's.
Operand = Tensor | float
Number = float

_HAS_REST = 4  # inspect.CO_VARARGS


def _kinds(function: Callable[..., Any], name: str) -> int:
    """The kinds of arguments that an annotation as `Tensor | int | None` names; 0: any."""
    parts = function.__annotations__.get(name, "Any").split(" | ")
    return 0 if "Any" in parts else sum(_C.KINDS[part] for part in parts)


def _parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Any, bool, bool]]:
    """Name, default (`...`: none), whether it is given by keyword alone, whether it is `*name`; of each parameter."""
    code = function.__code__
    positional, end = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    defaults = (...,) * positional + (function.__defaults__ or ())
    for name, default in zip(code.co_varnames[:positional], defaults[-positional:] if positional else ()):
        yield name, default, False, False
    if code.co_flags & _HAS_REST:
        yield code.co_varnames[end], (), False, True
    for name in code.co_varnames[positional:end]:
        yield name, (function.__kwdefaults__ or {}).get(name, ...), True, False


def public_with_short_cut(function: _F) -> _F:
    """``public``, of a function whose plain case python/bindings/PlainCases.cpp knows by its name."""
    return public(function, plain=function.__name__)


def public(function: _F, *, runs_other_code: bool = False, plain: str | None = None) -> _F:
    """Checks the arguments of each call by the function's annotations, and has errors from within bear its name.

    An argument of another type is a TypeError: `[flip] dims must be an int or a sequence of ints; got str; ...`. The errors of a
    function that runs code of others, as hooks, keep their names. ``plain`` names the short cut of the usual case, in C++.
    """
    parameters = [
        (name.rstrip("_"), default, _kinds(function, name), keyword, rest)  # `from_` stands for `from`
        for name, default, keyword, rest in _parameters(function)
    ]
    checked = _C.make_function(function, function.__name__, parameters, function.__doc__ or "", runs_other_code, plain)
    checked.__wrapped__, checked.__module__ = function, function.__module__
    return checked


def in_place(function: _F) -> _F:
    """The form of a public function that writes its result into its first argument, and returns that."""
    plain: Any = function.__wrapped__  # type: ignore[attr-defined]

    def write(input: Tensor, *args: Any, **keywords: Any) -> Tensor:
        return input.copy_(plain(input, *args, **keywords))

    name = f"{plain.__name__}_"
    parameters = [
        (name.rstrip("_"), default, _kinds(plain, name), keyword, rest)
        for name, default, keyword, rest in _parameters(plain)
    ]
    doc = f"``{plain.__name__}`` written into this tensor."
    checked = _C.make_function(write, name, parameters, doc, False, None)
    checked.__wrapped__, checked.__module__ = plain, plain.__module__
    return checked
