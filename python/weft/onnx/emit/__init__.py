"""weft's ops as ONNX nodes, one file a family. An emitter gets the writer and a Node, and gives the name of the result, or a tuple of them."""

from collections.abc import Callable
from typing import Any

EMITTERS: dict[str, Callable[..., Any]] = {}


def emits(*names):
    """Enters a function as the emitter of ops."""

    def enter(function):
        for name in names:
            assert name not in EMITTERS, name
            EMITTERS[name] = function
        return function

    return enter


from . import control, elementwise, moves, products, reductions, windows  # noqa: E402,F401  they fill the table
