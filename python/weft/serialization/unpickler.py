"""A reader of pickles that builds nothing but what it knows: its opcodes are those that containers, numbers and tensors need, and what
a pickle may call are the functions of rebuild.py and what the program allowed.

A loop over opcodes and a stack, without recursion. Everything that it makes is of the size of the pickle, or memory that the file has.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict

import numpy

from . import allowed, arrays, rebuild
from .rebuild import Damaged

# What Python 3 calls otherwise than Python 2, of the names that we know.
_MODULES = {"__builtin__": "builtins"}
_MARK = object()


def refuse(what):
    """Files hold things that are no data."""
    raise pickle.UnpicklingError(
        f"[load] the file holds {what}; load builds tensors, NumPy arrays, containers, numbers and strings alone. Classes and functions whose "
        "files you trust: weft.serialization.add_safe_globals([...])"
    )


class Unpickler:
    """Reads one pickle of ``data`` (bytes, memoryview) from ``position``, which is then behind it. ``storage(pid)`` gives the
    rebuild.Storage of a persistent id."""

    def __init__(self, data, position, storage):
        self.data = data
        self.position = position
        self.storage = storage
        self.stack = []
        self.memo = {}

    def load(self):
        try:
            while True:
                code = self._take(1)[0]
                if code == pickle.STOP[0]:
                    return self.stack.pop()
                step = _STEPS.get(code)
                if step is None:
                    raise Damaged(f"its pickle has the opcode {bytes((code,))!r} at byte {self.position - 1}")
                step(self)
        except (IndexError, KeyError, struct.error, UnicodeDecodeError, OverflowError) as error:
            raise Damaged(f"its pickle makes no sense near byte {self.position}: {error!r}") from None

    # ---- bytes

    def _take(self, count):
        piece = self.data[self.position : self.position + count]
        if count < 0 or len(piece) != count:
            raise Damaged("its pickle is cut off")
        self.position += count
        return piece

    def _number(self, form):
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self):
        # Names are short.
        piece = bytes(self.data[self.position : self.position + 1000])
        end = piece.find(b"\n")
        if end < 0:
            raise Damaged("its pickle is cut off")
        self.position += end + 1
        return piece[:end].decode()

    # ---- the stack

    def _since_mark(self):
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise Damaged("its pickle lacks a mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _push(self, value):
        self.stack.append(value)

    def _tuple_of(self, count):
        items = tuple(self.stack[len(self.stack) - count :])
        if len(items) != count or any(item is _MARK for item in items):
            raise Damaged("its pickle lacks items of a tuple")
        del self.stack[len(self.stack) - count :]
        self._push(items)

    def _top(self, *kinds):
        top = self.stack[-1]
        if type(top) not in kinds:
            raise Damaged(f"its pickle fills {type(top).__name__}")
        return top

    def _set_items(self, items):
        target = self._top(dict, OrderedDict, Counter)
        if len(items) % 2:
            raise Damaged("its pickle has a key without a value")
        for key, value in zip(items[::2], items[1::2]):
            target[rebuild.hashable(key)] = value

    # ---- what may run code

    def _global(self):
        module, name = self._line(), self._line()
        full = f"{_MODULES.get(module, module)}.{name}"
        known = rebuild.KNOWN.get(full) or arrays.KNOWN.get(full)
        if known is None:
            added, known = allowed.find(full)
            if not added:
                refuse(f"the class or function {full}")
        self._push(known)

    def _call(self, function, arguments):
        if type(arguments) is not tuple:
            raise Damaged("its pickle calls a function with what is no tuple")
        if type(function) is rebuild.Known:
            return rebuild.call(function, arguments)
        if not allowed.is_added(function):
            refuse(f"a call of {type(function).__name__}")
        return function(*arguments)

    def _reduce(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        self._push(self._call(function, arguments))

    def _new(self):
        arguments, cls = self.stack.pop(), self.stack.pop()
        if isinstance(cls, type) and allowed.is_added(cls) and type(arguments) is tuple:
            self._push(cls.__new__(cls, *arguments))
        else:
            self._push(self._call(cls, arguments))

    def _build(self):
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is OrderedDict and type(state) is dict and all(type(key) is str for key in state):
            vars(target).update(state)  # a state_dict's _metadata
        elif type(target) is numpy.ndarray or isinstance(target, numpy.dtype):
            arrays.set_state(target, state)
        elif allowed.is_added(type(target)):
            if hasattr(target, "__setstate__"):
                target.__setstate__(state)
            else:
                vars(target).update(state)
        else:
            refuse(f"a state for {type(target).__name__}")

    def _persistent(self):
        self._push(self.storage(self.stack.pop()))


def _text(form):
    return lambda s: s._push(bytes(s._take(s._number(form))).decode("utf-8", "surrogatepass"))


def _old_string(form):
    return lambda s: s._push(bytes(s._take(s._number(form))).decode("latin1"))


def _put(form):
    def step(self):
        self.memo[self._number(form)] = self.stack[-1]

    return step


def _get(form):
    return lambda s: s._push(s.memo[s._number(form)])


def _long(form):
    return lambda s: s._push(int.from_bytes(s._take(s._number(form)), "little", signed=True))


def _append(self):
    item = self.stack.pop()
    self._top(list).append(item)


def _appends(self):
    items = self._since_mark()
    self._top(list).extend(items)


def _set_item(self):
    value, key = self.stack.pop(), self.stack.pop()
    self._set_items([key, value])


def _set_items(self):
    self._set_items(self._since_mark())


_P = pickle
_STEPS = {
    code[0]: step
    for code, step in {
        _P.PROTO: lambda s: s._take(1),
        _P.NONE: lambda s: s._push(None),
        _P.NEWTRUE: lambda s: s._push(True),
        _P.NEWFALSE: lambda s: s._push(False),
        _P.BININT: lambda s: s._push(s._number("<i")),
        _P.BININT1: lambda s: s._push(s._number("<B")),
        _P.BININT2: lambda s: s._push(s._number("<H")),
        _P.LONG1: _long("<B"),
        _P.BINFLOAT: lambda s: s._push(s._number(">d")),
        _P.BINUNICODE: _text("<I"),
        _P.SHORT_BINSTRING: _old_string("<B"),
        _P.BINSTRING: _old_string("<i"),
        _P.EMPTY_TUPLE: lambda s: s._push(()),
        _P.EMPTY_LIST: lambda s: s._push([]),
        _P.EMPTY_DICT: lambda s: s._push({}),
        _P.EMPTY_SET: lambda s: s._push(set()),
        _P.MARK: lambda s: s._push(_MARK),
        _P.TUPLE: lambda s: s._push(tuple(s._since_mark())),
        _P.TUPLE1: lambda s: s._tuple_of(1),
        _P.TUPLE2: lambda s: s._tuple_of(2),
        _P.TUPLE3: lambda s: s._tuple_of(3),
        _P.APPEND: _append,
        _P.APPENDS: _appends,
        _P.SETITEM: _set_item,
        _P.SETITEMS: _set_items,
        _P.BINPUT: _put("<B"),
        _P.LONG_BINPUT: _put("<I"),
        _P.BINGET: _get("<B"),
        _P.LONG_BINGET: _get("<I"),
        _P.GLOBAL: Unpickler._global,
        _P.REDUCE: Unpickler._reduce,
        _P.NEWOBJ: Unpickler._new,
        _P.BUILD: Unpickler._build,
        _P.BINPERSID: Unpickler._persistent,
    }.items()
}
