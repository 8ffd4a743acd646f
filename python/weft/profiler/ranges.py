"""record_function: parts of a program that profiles show under a name."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

# Lists of those that record: each gets (name, start, end, thread) of every range that ends, in nanoseconds.
listeners: list[list[tuple[str, int, int, int]]] = []


class record_function:
    """Shows what runs inside as one range of that name in profiles; a context manager, or a decorator.

    Without a profile it does nothing. It is Python: where a compiled function is replayed, ranges within it are not seen; one around
    the call is.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name if args is None else f"{name}({args})"
        self._starts: list[int] = []

    def __enter__(self) -> record_function:
        if listeners:
            self._starts.append(time.perf_counter_ns())
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._starts:
            tell(self.name, self._starts.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def named(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return named


def tell(name: str, start: int) -> None:
    """A range from then until now, to all that record."""
    for listener in listeners:
        listener.append((name, start, time.perf_counter_ns(), threading.get_native_id()))
