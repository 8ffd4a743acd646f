"""The table of the operations, and how the attributes of any are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..syntax import Dense, Operation

TABLE: dict[str, Callable[[Any, Operation, list[Any]], Any]] = {}


class Unsupported(Exception):
    """What weft has nothing for; the writer names the operation and the line."""


def writes(*names: str):
    def enter(function):
        for name in names:
            assert name not in TABLE, name
            TABLE[name] = function
        return function

    return enter


def one_or_all(op: Operation, sequence: str) -> str:
    """What gives all results, or its one entry."""
    return sequence if len(op.result_types) != 1 else f"{sequence}[0]"


def integers(value: Any) -> list[int]:
    """A list of integers: array<i64: ..>, [..] or dense<..>."""
    if isinstance(value, Dense):
        value = value.value
    if isinstance(value, int):
        value = [value]
    if not isinstance(value, list) or any(type(v) is not int for v in value):
        raise ValueError(f"{str(value)[:40]} is no list of integers")
    return list(value)


def axes_of(op: Operation, *names: str) -> list[int]:
    return integers(next(op.attributes[n] for n in names if n in op.attributes))
