"""What a call changed outside tensors, as the notes of a Capture tell: replaced tensors, or an error; and everything put back."""

import os

from . import _C
from ._admission import is_ours
from ._capture import CELL, DICT_ABSENT, DICT_ITEM, DICT_KEYS, DICT_VALUES, ITEMS, LENGTH, LIST_ITEM, SLOT, TYPE_MEMBER

_MISSING = object()


def _now(kind, holder, key):
    """What is where the note found something."""
    if kind == DICT_ITEM:
        return holder.get(key, _MISSING)
    if kind == LIST_ITEM:
        return holder[key] if key < len(holder) else _MISSING
    if kind == CELL:
        return holder.cell_contents
    if kind == SLOT:
        try:
            return key.__get__(holder, type(holder))
        except AttributeError:
            return _MISSING
    return _MISSING


def replaced_tensors(capture, watch, guards):
    """(path, before, after, line) of each tensor in whose place another of its type is now. Any other change, and what may give
    something else at the next call, is a NotImplementedError."""
    if watch.reason:
        raise _refusal("", watch.reason)
    if reason := capture.randomness_of(watch.codes):
        raise _refusal(_line(watch.codes, lambda i: i.argval == "random" and i.opname.startswith("LOAD_")), reason)
    broken = guards.broken()
    replaced = []
    for i in broken:
        kind, holder, key, before = capture.guards[i]
        after = _now(kind, holder, key)
        if not (isinstance(before, _C.Tensor) and isinstance(after, _C.Tensor) and _is_like(before, after)):
            path, name = _changed(capture, i)
            name = name.__name__ if kind == SLOT else name
            line = _line_of(name, watch.codes) or _line_of(_last_name(path), watch.codes)
            raise _refusal(line, f"it changes {path}")
        replaced.append((capture.paths[i], before, after, _line_of(_last_name(capture.paths[i]), watch.codes)))
    places = {}
    for i, (_, _, _, value) in enumerate(capture.guards):
        if isinstance(value, _C.Tensor):
            places.setdefault(id(value), []).append(i)
    for path, before, _, line in replaced:
        if len(places[id(before)]) > 1:
            others = " and ".join(capture.paths[i] for i in places[id(before)])
            raise _refusal(line, f"it replaces {path}, but {others} are one tensor")
    for tensor, before in capture.tensors:
        if tensor.is_leaf and tensor.requires_grad != before:
            tensor.requires_grad_(before)
            line = _line_of("requires_grad", watch.codes) or _line_of("requires_grad_", watch.codes)
            raise _refusal(line, "it changes whether a tensor requires grad")
    return replaced


def _is_like(a, b):
    return type(a) is type(b) and (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)


def _refusal(line, reason):
    return NotImplementedError(
        f"[export] {line and line + ': '}{reason}, so that the next call may differ; keep what changes in tensors of one shape "
        "(buffers), and call the function once before if it makes something at its first call"
    )


def _changed(capture, i):
    """What the note was about and under which name it is; of a dict's keys, the first that came or went."""
    kind, holder, key, before = capture.guards[i]
    path = capture.paths[i]
    if kind != DICT_KEYS:
        return path, key
    owner = path.removeprefix("the keys of ")
    changed = [k for k in [*holder, *before] if (k in holder) != (k in before)]
    if not changed:
        return f"the order of {owner}", None
    if owner.endswith(".__dict__"):
        return f"{owner.removesuffix('.__dict__')}.{changed[0]}", changed[0]
    return f"{owner}[{changed[0]!r}]", changed[0]


def _last_name(path):
    """What holds the place: "seen" of "len(model.seen)", of "model.seen[3]" and of "seen (global)"."""
    import re

    names = re.findall(r"[^\W\d]\w*", re.sub(r"\[.*?\]| \(.*", "", path.removesuffix(".__dict__")))
    return names[-1] if names else None


_STORES = ("STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "DELETE_ATTR", "STORE_SUBSCR", "DELETE_SUBSCR")
# Methods and functions that change an object.
_CHANGING = {
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add", "discard",
    "appendleft", "popleft", "setattr", "register_buffer", "requires_grad_",
}  # fmt: skip


def _line_of(name, codes):
    """ "model.py:12" where code that ran stores under the name, or changes what it finds there; empty if it is not found."""
    return _line(codes, lambda i: i.opname in _STORES and i.argval == name) or _line(
        codes,
        lambda i: i.argval == name,
        lambda i: i.opname in _STORES or (isinstance(i.argval, str) and i.argval in _CHANGING),
    )


def _line(codes, *wanted):
    """The first line of which instructions are all that is wanted."""
    import dis

    for code in codes:
        if is_ours(code.co_filename):
            continue
        instructions = list(dis.get_instructions(code))
        lines = {}
        for start, end, line in code.co_lines():
            lines.setdefault(line, []).extend(i for i in instructions if start <= i.offset < end)
        for line, here in lines.items():
            if line is not None and all(any(map(is_wanted, here)) for is_wanted in wanted):
                return f"{os.path.basename(code.co_filename)}:{line}"
    return ""


def put_back(capture, guards):
    """Makes everything that a note no longer holds of as it was."""
    whole = {id(capture.guards[i][1]) for i in guards.broken() if capture.guards[i][0] in (DICT_KEYS, LENGTH)}
    for i in guards.broken():
        kind, holder, key, before = capture.guards[i]
        if kind == DICT_ITEM and id(holder) not in whole:
            holder[key] = before
        elif kind == DICT_KEYS:
            items = {k: v for what, of, k, v in capture.guards if what == DICT_ITEM and of is holder}
            holder.clear()
            holder.update(items)
        elif kind == DICT_ABSENT:
            holder.pop(key, None)
        elif kind == LENGTH and isinstance(holder, list):
            holder[:] = [v for what, of, _, v in capture.guards if what == LIST_ITEM and of is holder]
        elif kind == LIST_ITEM and id(holder) not in whole:
            holder[key] = before
        elif kind == CELL:
            holder.cell_contents = before
        elif kind == DICT_VALUES:
            holder.clear()
            holder.update(zip(key, before))
        elif kind == SLOT and before is NotImplemented:
            key.__delete__(holder)
        elif kind == SLOT:
            key.__set__(holder, before)
        elif kind == TYPE_MEMBER and isinstance(holder, type):
            setattr(holder, key, before)
        elif kind == ITEMS and isinstance(holder, set):
            holder.clear()
            holder.update(before)
