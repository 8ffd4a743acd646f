"""The table of operators: which function runs which operator of which version.

A function takes the node's inputs in order (None for one that is left out) and its attributes by keyword; what it returns are the
node's outputs, a tuple where the node may have several. Values are tensors. Those named ``host`` are NumPy arrays, whose elements the
operator needs as numbers; ``raw`` functions get whatever the value is: tensors, arrays that are known, lists (sequences) or None.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

TABLE: dict[tuple[str, str], dict[int, "Operator"]] = {}


class Operator(NamedTuple):
    function: Callable[..., Any]
    host: frozenset  # positions of the inputs that are needed as numbers
    raw: bool
    required: int  # inputs
    accepted: int  # inputs; -1: any number
    attributes: frozenset  # names
    counts: bool  # takes the number of outputs


def operator(name, *since, host=(), raw=False, domain=""):
    """Enters a function as that of the operator's versions; each is the opset in which the operator last changed."""

    def enter(function):
        entry = _described(function, host, raw)
        for version in since:
            TABLE.setdefault((domain, name), {})[version] = entry
        return function

    return enter


def _described(function, host, raw):
    parameters = inspect.signature(function).parameters.values()
    inputs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    many = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    unknown = set(host) - {p.name for p in inputs}
    assert not unknown, unknown
    return Operator(
        function,
        frozenset(i for i, p in enumerate(inputs) if p.name in host),
        raw,
        sum(p.default is p.empty for p in inputs),
        -1 if many else len(inputs),
        frozenset(named - {"outputs"}),
        "outputs" in named,
    )


def versions(domain, name):
    """The versions of an operator that have a function."""
    return tuple(sorted(TABLE.get((domain, name), {})))
