"""What a traced Python function read, as guards, and what it did that a replay could not do.

1. Before the trace, `Capture` walks what the function can reach (closure, the globals its code names, arguments, modules and their
   attributes, containers) and notes how it found it.
2. During the trace, `Watch` sees every Python code object that runs and every C function that is called.
3. After it, the call is replayable if what was noted still holds (nothing outside was changed), all code that ran was walked, and
   all C functions called are pure. The notes are then the guards of later calls (python/bindings/Guards.h checks them).
"""

import functools
import gc
import os
import sys
import types

from . import _C

DICT_ITEM, DICT_ABSENT, LENGTH, LIST_ITEM, CELL, ATTRIBUTE, TYPE_MEMBER, SET_EQUALS, _, DICT_KEYS = range(10)
MAX_GUARDS = 20000

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_THIRD_PARTY = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)

_ATOMIC = (
    type(None), bool, int, float, complex, str, bytes, range, slice, type(Ellipsis), type(NotImplemented),
    _C.Tensor, _C.dtype, _C.device, _C.Function, types.BuiltinFunctionType, types.WrapperDescriptorType,
    types.MethodDescriptorType, types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip


@functools.cache
def is_ours(filename):
    return os.path.abspath(filename).startswith(_PACKAGE)


@functools.cache
def _is_stdlib(filename):
    if filename.startswith("<frozen"):
        return True
    path = os.path.abspath(filename)
    return path.startswith(_STDLIB) and not any(part in path for part in _THIRD_PARTY)


def _is_user_class(cls):
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if file is None:
        return cls.__module__ == "__main__" or (module is None and cls.__module__ != "builtins")
    return not is_ours(file) and not _is_stdlib(file) and file.endswith(".py")


def _is_user_module(module):
    file = getattr(module, "__file__", None)
    if file is None:  # built in, or made by the program
        return module.__name__.partition(".")[0] not in sys.stdlib_module_names
    return file.endswith(".py") and not (
        is_ours(file) or _is_stdlib(file) or any(part in file for part in _THIRD_PARTY)
    )


# Modules of Python's library whose functions depend on their arguments alone.
_PURE_STDLIB = {
    "__future__", "abc", "bisect", "builtins", "cmath", "collections", "contextlib", "copy", "dataclasses", "decimal", "enum",
    "fractions", "functools", "heapq", "inspect", "itertools", "math", "numbers", "operator", "re", "statistics", "string",
    "struct", "textwrap", "types", "typing", "warnings",
}  # fmt: skip


class Capture:
    """Walks from a function and its arguments; `guards` and `paths` describe what was found, in step. `complete`: walks on where
    a replay is out of the question."""

    def __init__(self, complete=False):
        self.complete = complete
        self.guards = []
        self.paths = []
        self.transient = []  # about the containers of this call's arguments: they must not change, but are not guards later
        self.codes = set()
        self.tensors = []  # (tensor, whether it requires grad)
        self.reason = None
        self._reasons = []  # (code objects, why a call cannot be replayed in which one of them ran)
        self._randomness = []  # (code objects or None for all, what they draw from that cannot be guarded)
        self._seen = {}
        self._containers = set()  # ids of those among the arguments that were looked at
        self._shared = set()  # ids of containers that the function can reach in more than one way
        self._hyper_parameters = {}  # id of a parameter group → the ids of it and of its optimizer's list of groups

    def _guard(self, kind, holder, key, value, path):
        self.guards.append((kind, holder, key, value))
        self.paths.append(path)

    def arguments(self, args, kwargs):
        for i, value in enumerate(args):
            self._argument(value, f"args[{i}]")
        for name, value in kwargs.items():
            self._argument(value, name)

    def _argument(self, value, path):
        kind = type(value)
        self._shared.add(id(value))
        if kind in (list, dict, tuple):
            if id(value) in self._containers:
                return
            self._containers.add(id(value))
        if kind is list:
            self.transient.append((LENGTH, value, len(value), None))
            for i, item in enumerate(value):
                self.transient.append((LIST_ITEM, value, i, item))
                self._argument(item, f"{path}[{i}]")
        elif kind is dict:
            self.transient.append((DICT_KEYS, value, None, tuple(value)))
            for key, item in value.items():
                self.transient.append((DICT_ITEM, value, key, item))
                self._argument(item, f"{path}[{key!r}]")
        elif kind is tuple:
            for i, item in enumerate(value):
                self._argument(item, f"{path}[{i}]")
        else:
            self.walk(value, path)

    def walk(self, value, path):
        """Notes what can be read through ``value``; that it is ``value`` itself is the holder's guard."""
        if isinstance(value, _C.Tensor):
            self.tensors.append((value, value.requires_grad))
        if isinstance(value, _ATOMIC) or (self.reason and not self.complete):
            return
        if id(value) in self._seen:
            self._shared.add(id(value))
            return
        self._seen[id(value)] = value  # kept alive: the id stays taken
        if len(self.guards) > MAX_GUARDS:
            self.reason = self.reason or f"it reaches more than {MAX_GUARDS} Python values (at {path})"
        if type(value).__module__.startswith(("numpy.random", "_cython")):
            self.reason = f"it can draw from {path}, which cannot be guarded"
            self._randomness.append((None, self.reason))
        elif isinstance(value, types.FunctionType):
            self._function(value, path)
        elif isinstance(value, types.MethodType):
            self.walk(value.__func__, path)
            self.walk(value.__self__, f"{path}.__self__")
        elif isinstance(value, _C.Compiled):
            self.walk(value.__wrapped__, path)
        elif isinstance(value, (tuple, frozenset)):
            for i, item in enumerate(value):
                self.walk(item, f"{path}[{i}]")
        elif isinstance(value, list):
            self._guard(LENGTH, value, len(value), None, f"len({path})")
            for i, item in enumerate(value):
                self._guard(LIST_ITEM, value, i, item, f"{path}[{i}]")
                self.walk(item, f"{path}[{i}]")
        elif isinstance(value, dict):
            self._dict(value, path, lambda key: f"{path}[{key!r}]" if isinstance(key, (str, int)) else f"{path}[...]")
        elif isinstance(value, set):
            self._guard(SET_EQUALS, value, None, frozenset(value), path)
        elif isinstance(value, types.ModuleType):
            self.reason = self._module_reason(value)
        elif isinstance(value, type):
            self._class(value, path)
        elif isinstance(value, (staticmethod, classmethod)):
            self.walk(value.__func__, path)
        elif isinstance(value, property):
            for accessor in (value.fget, value.fset, value.fdel):
                self.walk(accessor, path)
        elif isinstance(value, functools.partial):
            self.walk((value.func, value.args, value.keywords), path)
        elif not hasattr(value, "__dict__") and hasattr(value, "__wrapped__"):
            self.walk(value.__wrapped__, path)
        else:
            self._object(value, path)

    def _dict(self, value, path, name):
        self._guard(DICT_KEYS, value, None, tuple(dict.__iter__(value)), f"the keys of {path}")
        for key, item in list(value.items()):
            self._guard(DICT_ITEM, value, key, item, name(key))
            self.walk(item, name(key))

    def _object(self, value, path):
        kind = type(value)
        state = getattr(value, "__dict__", None)
        if state is None and (hasattr(kind, "__next__") or hasattr(kind, "__array_interface__")):
            what = "an iterator" if hasattr(kind, "__next__") else "a NumPy array"
            self.reason = f"it can read {path}, {what}, which cannot be guarded"
            return
        if kind.__module__.startswith("weft.optim."):
            for group in getattr(value, "param_groups", ()):
                self._hyper_parameters[id(group)] = {id(group), id(value.param_groups)}
        if isinstance(state, dict):
            self._dict(state, f"{path}.__dict__", lambda key: f"{path}.{key}")
        for cls in kind.__mro__:
            for slot in (
                (cls.__dict__.get("__slots__", ()),)
                if isinstance(cls.__dict__.get("__slots__"), str)
                else cls.__dict__.get("__slots__", ())
            ):
                if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                    item = getattr(value, slot)
                    self._guard(ATTRIBUTE, value, slot, item, f"{path}.{slot}")
                    self.walk(item, f"{path}.{slot}")
        self.walk(kind, kind.__qualname__)

    def _class(self, cls, path):
        """The members of a class that the user wrote; those of weft, of Python and of extensions do not change."""
        for base in cls.__mro__:
            if not _is_user_class(base):
                continue
            self._guard(LENGTH, vars(base), len(vars(base)), None, f"the members of {base.__qualname__}")
            for name, member in list(vars(base).items()):
                if name in (
                    "__dict__",
                    "__weakref__",
                    "__doc__",
                    "__module__",
                    "__slots__",
                    "__abstractmethods__",
                    "_abc_impl",
                ):
                    continue
                if base is cls:
                    self._guard(TYPE_MEMBER, cls, name, member, f"{path}.{name}")
                self.walk(member, f"{path}.{name}")
            if base is not cls:
                self.walk(base, base.__qualname__)

    def _function(self, function, path):
        code = function.__code__
        names, codes = self._names(code)
        for cell_name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:
                continue  # not assigned yet
            self._guard(CELL, cell, None, value, f"{cell_name} (closure of {code.co_name})")
            self._named(value, names, codes, cell_name)
        self.walk(function.__defaults__, f"{path}.__defaults__")
        self.walk(function.__kwdefaults__, f"{path}.__kwdefaults__")
        self.walk(getattr(function, "__wrapped__", None), path)
        if is_ours(code.co_filename) or _is_stdlib(code.co_filename):
            return
        scope = function.__globals__
        for name in names:
            if name in scope:
                value = scope[name]
                self._guard(DICT_ITEM, scope, name, value, f"{name} (global)")
                self._named(value, names, codes, name)
            else:
                self._guard(DICT_ABSENT, scope, name, None, f"{name} (global, absent)")

    def _named(self, value, names, codes, path):
        """What the code names. Of a module these are the names that the code may look up in it, and what it cannot be
        guarded for matters only if the code runs: a replay runs what the trace ran."""
        if not isinstance(value, types.ModuleType):
            self.walk(value, path)
            return
        if (id(value), codes) in self._seen:
            return
        self._seen[(id(value), codes)] = value
        reason = self._module_reason(value)
        if value.__name__ == "numpy" and "random" in names or value.__name__.startswith("numpy.random"):
            # Its functions are not C functions that sys.setprofile reports.
            reason = f"it can draw from {path}.random, which cannot be guarded"
            self._randomness.append((codes, reason))
        if reason:
            self._reasons.append((codes, reason))
        is_users = _is_user_module(value)
        members = vars(value)
        for name in names:
            if name in members:
                self._guard(DICT_ITEM, members, name, members[name], f"{path}.{name}")
                if is_users:
                    self._named(members[name], names, codes, f"{path}.{name}")

    def _module_reason(self, module):
        """Why a module of Python's own cannot be guarded, or None."""
        top = module.__name__.partition(".")[0]
        if top in sys.stdlib_module_names and top not in _PURE_STDLIB:
            return f"it can use the module {module.__name__}, which cannot be guarded"
        return None

    def _names(self, code):
        """All names of a code object and those nested in it, and these code objects."""
        names, codes, pending = {}, [], [code]
        while pending:
            code = pending.pop()
            codes.append(code)
            names.update(dict.fromkeys(code.co_names))
            pending += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        self.codes.update(codes)
        return tuple(names), frozenset(codes)

    def reason_of(self, ran):
        """Why a call in which these code objects ran cannot be replayed, or None."""
        return self.reason or next((reason for codes, reason in self._reasons if not codes.isdisjoint(ran)), None)

    def randomness_of(self, ran):
        """What else than weft's random numbers these code objects may draw from, or None."""
        return next((reason for codes, reason in self._randomness if codes is None or not codes.isdisjoint(ran)), None)

    def index_of(self, holder, key):
        """The number of the guard on an item of a dict."""
        return next(i for i, g in enumerate(self.guards) if g[0] == DICT_ITEM and g[1] is holder and g[2] == key)

    def is_read_by_optimizers_alone(self, holder, watch):
        """Whether nothing but an optimizer's step can have read the numbers of a parameter group in the call that ran."""
        path = self._hyper_parameters.get(id(holder))
        if path is None or path & self._shared:
            return False
        for code in self.codes | watch.codes:
            if is_ours(code.co_filename):
                if code in watch.codes and _OPTIMIZERS in code.co_filename and code.co_name not in _OF_A_STEP:
                    return False
            elif not _is_stdlib(code.co_filename) and not _WAYS_TO_A_GROUP.isdisjoint(_words(code)):
                return False
        return True


# Names by which Python code gets at a parameter group or at all that an object holds.
_WAYS_TO_A_GROUP = {
    "lr", "param_groups", "state_dict", "defaults", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__", "vars", "getattr",
    "attrgetter", "getmembers", "deepcopy", "gc",
}  # fmt: skip
_OPTIMIZERS = os.sep + "optim" + os.sep
# Functions of weft.optim that use hyper-parameters for nothing but the update.
_OF_A_STEP = {"step", "zero_grad", "_update_group", "_by_step", "learning_rate", "<listcomp>", "<setcomp>", "<genexpr>"}


def _words(code):
    """The names and the strings that a code object mentions."""
    words, pending = set(code.co_names), list(code.co_consts)
    while pending:
        constant = pending.pop()
        if isinstance(constant, str):
            words.add(constant)
        elif isinstance(constant, (tuple, frozenset)):
            pending += constant
    return words


# C functions that neither change anything outside nor depend on it.
_PURE_BUILTINS = {
    "abs", "all", "any", "ascii", "bin", "callable", "chr", "delattr", "divmod", "format", "getattr", "hasattr", "hash", "hex",
    "isinstance", "issubclass", "iter", "len", "max", "min", "next", "oct", "ord", "pow", "repr", "round", "setattr", "sorted",
    "sum", "__build_class__", "__import__", "id", "vars",
}  # fmt: skip
_PURE_MODULES = {
    "math", "cmath", "_operator", "operator", "itertools", "_functools", "_collections", "_abc", "_struct", "_string", "_weakref",
    "_warnings", "_typing", "_sre", "_bisect", "_heapq", "unicodedata", "_imp", "_thread", "weft._C",
}  # fmt: skip
# Functions of the extension that change more than the tensors a trace follows.
_IMPURE_OF_OURS = {
    "manual_seed",
    "set_rng_state",
    "set_default_dtype",
    "set_num_threads",
}
# Methods of these types change at most the object, which Capture compares if it is reachable.
_PLAIN_TYPES = (
    str, bytes, bytearray, int, float, complex, bool, list, dict, set, frozenset, tuple, range, slice, type(None), _C.Tensor,
    _C.Compiled, _C.GradMode, _C.dtype, types.MappingProxyType, types.CodeType, types.FunctionType, property, BaseException,
)  # fmt: skip
_PLAIN_TYPE_METHODS = (*_PLAIN_TYPES, object, type)


def _users_frame(frame):
    """The innermost frame of the user's code that led to this one; None where a module is imported, which happens once."""
    users = None
    caller = frame
    while caller is not None:
        file = caller.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if users is None and not (is_ours(file) or _is_stdlib(file) or any(part in file for part in _THIRD_PARTY)):
            users = caller
        caller = caller.f_back
    return users or frame


class Watch:
    """Sees through sys.setprofile what runs. `reason` is the first thing that a replay could not repeat, but for calls of the
    functions of these names."""

    def __init__(self, harmless=()):
        self.harmless = harmless
        self.codes = set()
        self.reason = None
        self._before = None
        self._pauses = False

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

    def _pause(self, phase, info):
        self._pauses = True

    def _resume(self, phase, info):
        self._pauses = False

    def _event(self, frame, event, function):
        if self._pauses:
            return
        if event == "call":
            self.codes.add(frame.f_code)
        elif event == "c_call" and self.reason is None and not is_ours(frame.f_code.co_filename):
            if not self._is_pure(function) and function.__name__ not in self.harmless:
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

    def _is_pure(self, function):
        if (getattr(function, "__module__", None) or "").split(".")[0] == "weft":
            return function.__name__ not in _IMPURE_OF_OURS
        owner = getattr(function, "__self__", None)
        if type(owner).__name__.startswith("pybind11_detail"):
            return True  # one of our own
        if owner is None or isinstance(owner, types.ModuleType):
            module = getattr(function, "__module__", None) or ""
            if owner is None and not module:  # a method descriptor
                return issubclass(getattr(function, "__objclass__", object), _PLAIN_TYPE_METHODS)
            if module == "builtins":
                return function.__name__ in _PURE_BUILTINS
            return module in _PURE_MODULES or (module.startswith("numpy") and "random" not in module)
        if isinstance(owner, type):
            return (
                issubclass(owner, _PLAIN_TYPES)
                or owner.__module__ in ("typing", "collections", "enum")
                or owner in (object, type)
            )
        return isinstance(owner, _PLAIN_TYPES) or type(owner).__module__ in (
            "itertools", "_functools", "functools", "collections", "weft._C", "re", "enum",
        )  # fmt: skip


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
    for code in watch.codes - capture.codes:
        if not is_ours(code.co_filename) and not _is_stdlib(code.co_filename) and not code.co_filename.startswith("<"):
            return f"it runs {code.co_name} ({os.path.basename(code.co_filename)}:{code.co_firstlineno}), whose variables cannot be found"
    return None
