"""What a call changed outside tensors, as the notes of a Capture tell: replaced tensors, or an error; and everything put back."""

import os

from . import _C, _capture
from ._capture import ATTRIBUTE, CELL, DICT_ABSENT, DICT_ITEM, DICT_KEYS, LENGTH, LIST_ITEM, SET_EQUALS, TYPE_MEMBER

_MISSING = object()


def _now(kind, holder, key):
    """What is where the note found something."""
    if kind == DICT_ITEM:
        return holder.get(key, _MISSING)
    if kind == LIST_ITEM:
        return holder[key] if key < len(holder) else _MISSING
    if kind == CELL:
        return holder.cell_contents
    return getattr(holder, key, _MISSING) if kind == ATTRIBUTE else _MISSING


def replaced_tensors(capture, watch, guards):
    """(path, before, after) of each tensor in whose place another of its type is now. Any other change, and what may give
    something else at the next call, is a NotImplementedError."""
    if reason := watch.reason or capture.randomness_of(watch.codes):
        raise _refusal("", reason)
    broken = guards.broken()
    replaced = []
    for i in broken:
        kind, holder, key, before = capture.guards[i]
        after = _now(kind, holder, key)
        if not (isinstance(before, _C.Tensor) and isinstance(after, _C.Tensor) and _is_like(before, after)):
            path, name = _changed(capture, i)
            raise _refusal(_line_of(name, watch.codes), f"it changes {path}")
        replaced.append((capture.paths[i], before, after))
    places = {}
    for i, (_, _, _, value) in enumerate(capture.guards):
        if isinstance(value, _C.Tensor):
            places.setdefault(id(value), []).append(i)
    for path, before, _ in replaced:
        if len(places[id(before)]) > 1:
            others = " and ".join(capture.paths[i] for i in places[id(before)])
            raise _refusal("", f"it replaces {path}, but {others} are one tensor")
    for tensor, before in capture.tensors:
        if tensor.is_leaf and tensor.requires_grad != before:
            tensor.requires_grad_(before)
            raise _refusal("", "it changes whether a tensor requires grad")
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


def _line_of(name, codes):
    """ "model.py:12" where code that ran stores under the name; empty if it is not found."""
    import dis

    for code in codes:
        if _capture.is_ours(code.co_filename):
            continue
        lines = [(start, end, line) for start, end, line in code.co_lines()]
        for instruction in dis.get_instructions(code):
            if (
                instruction.opname in ("STORE_ATTR", "STORE_GLOBAL", "STORE_DEREF", "DELETE_ATTR")
                and instruction.argval == name
            ):
                line = next(line for start, end, line in lines if start <= instruction.offset < end)
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
        elif kind == ATTRIBUTE:
            object.__setattr__(holder, key, before)
        elif kind == TYPE_MEMBER and isinstance(holder, type):
            setattr(holder, key, before)
        elif kind == SET_EQUALS:
            holder.clear()
            holder.update(before)
