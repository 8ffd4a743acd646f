"""What runs during a trace, as sys.setprofile tells, and whether a replay could leave it out."""

import gc
import os
import sys

from . import _admission
from ._admission import file_of, is_ours, is_stdlib, is_users


def _users_frame(frame):
    """The innermost frame of the user's code that led to this one; None where a module is imported, which happens once."""
    users = None
    caller = frame
    while caller is not None:
        file = caller.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if users is None and is_users(file):
            users = caller
        caller = caller.f_back
    return users or frame


def _is_of_library(module):
    if not isinstance(module, str):
        return False
    file = file_of(sys.modules.get(module))
    return module.startswith("namedtuple_") or file is not None and not is_users(file)


class Watch:
    """Sees through sys.setprofile what runs. `reason` is the first thing that a replay could not repeat, but for calls of the
    functions of these names."""

    def __init__(self, harmless=(), tell=lambda reason: None):
        self.harmless = harmless
        self._tell = tell
        self.codes = set()
        # Of these, text that Python's library has compiled: methods of dataclasses and named tuples.
        self.library = set()
        self.reason = None
        self._before = None
        # Of the collector, while others' callbacks run. Ours are C functions: Python drops what a callback raises, and one of
        # Python's would be where the handler of a signal raises KeyboardInterrupt that came during a collection.
        self._phases = {}
        self._pause, self._resume = self._phases.__setitem__, self._phases.pop

    def start(self):
        self._before = sys.getprofile()
        # What the callbacks between these two do is no part of the function.
        gc.callbacks.insert(0, self._pause)
        gc.callbacks.append(self._resume)
        sys.setprofile(self._event)

    def stop(self):
        if sys.getprofile() == self._event:
            sys.setprofile(self._before if callable(self._before) else None)
            if hasattr(self._before, "enable"):  # cProfile's, which is no function
                self._before.enable()
        if self._pause in gc.callbacks:
            gc.callbacks.remove(self._pause)
            gc.callbacks.remove(self._resume)

    def _event(self, frame, event, function):
        if self._phases:
            return
        if event == "call":
            self.codes.add(frame.f_code)
            if frame.f_code.co_filename.startswith("<") and _is_of_library(frame.f_globals.get("__name__")):
                self.library.add(frame.f_code)
        elif event == "c_call" and self.reason is None and not is_ours(file := frame.f_code.co_filename):
            if function.__name__ in ("_abc_instancecheck", "_abc_subclasscheck") and frame.f_back:
                file = frame.f_back.f_code.co_filename  # what asks is not abc.py
            if not _admission.is_pure(function, file) and function.__name__ not in self.harmless:
                frame = _users_frame(frame)
                if frame is None:
                    return
                name = getattr(function, "__qualname__", None) or getattr(function, "__name__", "a C function")
                module = getattr(function, "__module__", None)
                if module == "weft":  # the qualified name is the binding's own
                    name = function.__name__
                if module and module != "builtins":
                    name = f"{module}.{name}"
                file = os.path.basename(frame.f_code.co_filename)
                self.reason = f"it calls {name}() at {file}:{frame.f_lineno}"
                self._tell(self.reason)


def not_replayable(capture, watch, guards, transient):
    """Why the call that just ran cannot be replayed, or None."""
    if reason := watch.reason or capture.reason_of(watch.codes):
        return reason
    broken = guards.first_broken()
    if broken >= 0:
        return f"it changed {capture.paths[broken]}"
    if transient.first_broken() >= 0:
        return "it changed a container among its arguments"
    if any(tensor.requires_grad != before for tensor, before in capture.tensors):
        return "it changed whether a tensor requires grad"
    for code in watch.codes - capture.codes - watch.library:
        if not is_ours(code.co_filename) and not is_stdlib(code.co_filename):
            return f"it runs {code.co_name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno}), whose variables cannot be found"
    return None
