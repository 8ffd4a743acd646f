"""What the program allows files to hold beside tensors, containers and numbers."""

from __future__ import annotations

_added: dict[str, object] = {}


def name_of(thing):
    """The name by which a file asks for it: of a pair (thing, name) that name."""
    if isinstance(thing, tuple):
        if len(thing) != 2 or not isinstance(thing[1], str):
            raise ValueError(
                f"[add_safe_globals] a pair must be of a class or function and its full name; got {thing!r}"
            )
        return thing[1]
    return f"{thing.__module__}.{thing.__qualname__}"


def add_safe_globals(safe_globals):
    """Classes and functions, or pairs of one and the full name by which files ask for it, that ``load`` may call from now on. Files can
    then call them with any arguments."""
    _added.update((name_of(thing), thing[0] if isinstance(thing, tuple) else thing) for thing in safe_globals)


def get_safe_globals():
    """A list of what was added."""
    return list(_added.values())


def clear_safe_globals():
    """Nothing more than what ``load`` knows itself."""
    _added.clear()


class safe_globals:
    """``with safe_globals([...])``: added for a while."""

    def __init__(self, safe_globals):
        self.safe_globals = safe_globals

    def __enter__(self):
        self.before = dict(_added)
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception):
        _added.clear()
        _added.update(self.before)


def find(name):
    """A pair of whether it was added, and what."""
    return name in _added, _added.get(name)


def is_added(thing):
    return any(thing is known for known in _added.values())
