"""What a program of the corpus is, and how one call after the other is written down, so that eager and compiled can be compared.

A program is a function that makes `function`, or (function, state), or (function, state, change): `state()` is compared after each
call; `change(i)` is called before call i. It is made anew for each run.
"""

import contextlib
import io
import re
import threading
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import weft

CALLS = 6
THREAD_CALL = 4  # this one is made by another thread


class Program(NamedTuple):
    name: str
    make: Callable
    calls: Callable  # the arguments of each call: a list, or (list, dict of keywords)
    replays: Any  # True: calls must be replayed; None: it may as well run as Python


def three(i=0):
    return weft.tensor([1.0, 2.0, 3.0]) + i


def same_shape():
    return [[three(i)] for i in range(CALLS)]


class Corpus(list):
    """The programs of one file."""

    def program(self, calls=same_shape, replays=None):
        return lambda make: self.append(Program(make.__name__, make, calls, replays)) or make

    def add(self, name, make, calls=same_shape, replays=None):
        self.append(Program(name, make, calls, replays))


class Writer:
    """Writes values down; tensors, lists and dicts get numbers as they come, memory too, so that aliases show."""

    def __init__(self):
        self.objects, self.storages = [], []
        self.consumes = False  # generators

    def number(self, value):
        for i, known in enumerate(self.objects):
            if known is value:
                return i, False
        self.objects.append(value)
        return len(self.objects) - 1, True

    def storage(self, tensor):
        for i, known in enumerate(self.storages):
            if weft._C.same_storage(known, tensor):
                return i
        self.storages.append(tensor)
        return len(self.storages) - 1

    def seen(self, value, depth=0):
        if isinstance(value, weft.Tensor):
            number, _ = self.number(value)
            data = weft._C.raw_bytes(value.detach().contiguous()) if value.numel() else b""
            return (
                f"tensor {number} of {type(value).__name__} on {self.storage(value)}",
                str(value.dtype), tuple(value.shape), value.storage_offset(), data, value.requires_grad,
            )  # fmt: skip
        if isinstance(value, (list, tuple, dict)) and depth < 20:
            number = None
            if not isinstance(value, tuple):
                number, is_new = self.number(value)
                if not is_new:
                    return f"{type(value).__name__} {number} again"
            items = value.items() if isinstance(value, dict) else value
            return [type(value).__name__, number, *(self.seen(item, depth + 1) for item in items)]
        if type(value) is types.GeneratorType and self.consumes:
            return ["generator", *(self.seen(item, depth + 1) for item in value)]
        if callable(value):
            return getattr(value, "__name__", type(value).__name__)
        return f"{type(value).__name__} {re.sub(' at 0x[0-9a-f]*', '', repr(value))}"


def outcome(function, args, kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return type(error).__name__, str(error)


def in_a_thread(call):
    results = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    thread.join()
    return results[0]


def history(program, run):
    """What each call gives, prints and leaves behind, and whether what the call before gave is still what it was."""
    weft.manual_seed(0)
    made = program.make()
    function, state, change = (*made, None, None)[:3] if isinstance(made, tuple) else (made, None, None)
    function = run(function)
    lines, former = [], None
    for i, call in enumerate(program.calls()):
        args, kwargs = call if isinstance(call, tuple) else (call, {})
        if change:
            change(i)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            call = lambda args=args, kwargs=kwargs: outcome(function, args, kwargs)
            result = in_a_thread(call) if i == THREAD_CALL else call()
        writer = Writer()
        lines.append((i, "arguments", writer.seen([*args, *kwargs.values()])))
        writer.consumes = True
        lines.append((i, "result", writer.seen(result)))
        writer.consumes = False
        lines.append((i, "printed", out.getvalue()))
        lines.append((i, "state", writer.seen(state()) if state else None))
        lines.append((i, "former result", writer.seen(former)))
        lines.append((i, "modes", (weft.is_grad_enabled(), str(weft.get_default_dtype()), weft.rand(1).item())))
        former = result
    return lines, function


def check(program):
    """Raises where a compiled call differs from an eager one, and where a program is not replayed that must be."""
    eager, _ = history(program, lambda f: f)
    mine, compiled = history(program, weft.compile)
    for one, other in zip(mine, eager):
        assert one == other, f"{program.name}: compiled (left) differs from eager"
    assert len(mine) == len(eager)
    if program.replays:
        hits = sum(entry.hits for entry in weft._C.entries(compiled))
        assert hits, f"{program.name} is not replayed: {compiled.compilation.last_reason}"
