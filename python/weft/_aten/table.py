"""The table, and how its entries are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TABLE: dict[str, Callable[..., Any]] = {}


class Unsupported(NotImplementedError):
    """These arguments of an operator are beyond weft's function."""


def aten(*overloads: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters a function under "aten.<name>" or, of "prims.<name>", under that; a name without an overload is ".default"."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for overload in overloads:
            name = overload if overload.startswith("prims.") else "aten." + overload
            TABLE[name if name.count(".") == 2 else name + ".default"] = function
        return function

    return enter


def require(condition: Any, what: str) -> None:
    if not condition:
        raise Unsupported(what)
