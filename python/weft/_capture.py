"""What a traced Python function read, as guards, and what it did that a replay could not do.

1. Before the trace, `Capture` walks what the function can reach (closure, the globals its code names, arguments, modules and their
   attributes, containers) and notes how it found it. What no table admits (_admission.py) it notes as opaque.
2. During the trace, `Watch` (_watch.py) sees every Python code object that runs and every C function that is called.
3. After it, the call is replayable if what was noted still holds (nothing outside was changed), all code that ran was walked, none
   of it names the way to something opaque, and all C functions called are pure. The notes are then the guards of later calls
   (python/bindings/Guards.h checks them).
"""

import builtins
import collections
import functools
import os
import sys
import types
import weakref
from dis import EXTENDED_ARG, opmap

from . import _C, _admission
from ._admission import (
    is_one_of,
    is_ours,
    is_plain_key,
    is_stdlib,
    is_user_class,
    is_user_module,
    module_of,
    mro_of,
    name_of,
)

(
    DICT_ITEM, DICT_ABSENT, LENGTH, LIST_ITEM, CELL, SLOT, TYPE_MEMBER, ITEMS, _, DICT_KEYS, DICT_VALUES, FUNCTION, TYPE, BASES,
    UNCHANGED, BARE,
) = range(16)  # fmt: skip
MAX_GUARDS = 20000

_FUNCTIONS = (types.BuiltinFunctionType, types.MethodWrapperType)
_OF_CLASSES = (
    "__dict__", "__weakref__", "__doc__", "__module__", "__slots__", "__abstractmethods__", "_abc_impl", "__annotations__",
    "__firstlineno__", "__static_attributes__",
)  # fmt: skip
# Names by which code gets at what it does not name.
_WAYS_TO_ANYTHING = {
    "__dict__", "__getattribute__", "__getstate__", "__reduce__", "__reduce_ex__", "__slots__", "attrgetter", "copy", "deepcopy",
    "dir", "gc", "getattr", "getmembers", "vars",
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
        self.reached = {}  # id → tensor that can be reached otherwise than by arguments
        self.reason = None
        self._reasons = []  # (code objects, why a call cannot be replayed in which one of them ran)
        self._randomness = []  # (code objects or None for all, what they draw from that cannot be guarded)
        self._seen = {}
        self._opaque = {}  # id → why a call cannot be replayed that gets there
        self._ways = []  # (id from where, id to where, by which name; None: whatever the code names)
        self._pending = collections.deque()  # (value, path, id from where, name)
        self._modules = []  # that were reached otherwise than by a name of code: (module, path)
        self._names_of_code = set()
        self._containers = set()  # ids of those among the arguments that were looked at
        self._shared = set()  # ids of containers that the function can reach in more than one way
        self._hyper_parameters = {}  # id of a parameter group → the ids of it and of its optimizer's list of groups
        self._from = None  # id of what is being looked at

    def _guard(self, kind, holder, key, value, path):
        self.guards.append((kind, holder, key, value))
        self.paths.append(path)

    def arguments(self, args, kwargs):
        for i, value in enumerate(args):
            self._argument(value, f"args[{i}]")
        for name, value in kwargs.items():
            self._argument(value, name)
        self._walk_on()

    def _argument(self, value, path):
        kind = type(value)
        self._shared.add(id(value))
        if issubclass(kind, _C.Tensor):
            self.tensors.append((value, value.requires_grad))
            return
        if is_one_of(kind, list, dict, tuple):
            if id(value) in self._containers:
                return
            self._containers.add(id(value))
        if kind is list:
            self.transient.append((LENGTH, value, len(value), None))
            for i, item in enumerate(value):
                self.transient.append((LIST_ITEM, value, i, item))
                self._argument(item, f"{path}[{i}]")
        elif kind is dict:
            keys, items = tuple(dict.keys(value)), tuple(dict.values(value))
            self.transient.append((DICT_KEYS, value, None, keys))
            self.transient.append((DICT_VALUES, value, keys, items))
            for key, item in zip(keys, items):
                self._reach(key, f"a key of {path}")
                self._argument(item, f"{path}[{_text(key)}]")
        elif kind is tuple:
            for i, item in enumerate(value):
                self._argument(item, f"{path}[{i}]")
        else:
            self._reach(value, path)

    def walk(self, value, path):
        """Notes what can be read through ``value``; that it is ``value`` itself is the holder's guard."""
        self._reach(value, path)
        self._walk_on()

    def _reach(self, value, path, name=None):
        self._pending.append((value, path, self._from, name))

    def _walk_on(self):
        while self._pending or self._modules:
            if self._pending:
                value, path, self._from, name = self._pending.popleft()
                self._ways.append((self._from, id(value), name))
                self._look(value, path)
            else:
                names, modules = tuple(self._names_of_code), list(self._modules)
                for module, path in modules:
                    self._module(module, names, None, path)
                if len(names) == len(self._names_of_code) and len(modules) == len(self._modules):
                    break
        self._from = None

    # No method or attribute of an object is asked for that could be Python code.

    def _look(self, value, path):
        kind = type(value)
        if issubclass(kind, _C.Tensor):
            self.tensors.append((value, value.requires_grad))
            self.reached[id(value)] = value
            if kind is _C.Tensor:
                self._attributes_of_tensor(value, path)
                return
        elif _admission.is_unchanging(kind) or (self.reason and not self.complete):
            return
        if id(value) in self._seen:
            self._shared.add(id(value))
            return
        self._seen[id(value)] = value  # kept alive: the id stays taken
        if len(self.guards) > MAX_GUARDS:
            self.reason = self.reason or f"it reaches more than {MAX_GUARDS} Python values (at {path})"
        self._from = id(value)
        look = _LOOKS.get(id(kind))
        if look:
            look(self, value, path)
        elif issubclass(kind, type):
            self._class(value, path)
        else:
            self._object(value, path)

    def _is_opaque(self, value, path, what="an object of the kind"):
        kind = type(value)
        self._opaque[id(value)] = (
            f"it can use {path}, {what} {module_of(kind)}.{name_of(kind)}, whose state cannot be guarded"
        )
        if module_of(kind).startswith("numpy.random"):
            self._randomness.append((None, f"it can draw from {path}, which cannot be guarded"))

    def _is_memory(self, value, path):
        """A tensor may lie there, so that its values can be seen and changed at any time."""
        self._is_opaque(value, path)
        self.reason = (
            self.reason or f"it can read {path}, memory of the kind {type(value).__name__}, which cannot be guarded"
        )

    # ---------------------------------------------------------------- Containers

    def _tuple(self, value, path):
        for i, item in enumerate(value):
            self._reach(item, f"{path}[{i}]")

    def _slice(self, value, path):
        self._tuple((value.start, value.stop, value.step), path)

    def _list(self, value, path):
        items = list.copy(value)
        self._guard(LENGTH, value, len(items), None, f"len({path})")
        for i, item in enumerate(items):
            self._guard(LIST_ITEM, value, i, item, f"{path}[{i}]")
            self._reach(item, f"{path}[{i}]")

    def _items(self, value, path):
        if _admission.is_memory(type(value)):
            return self._is_memory(value, path)
        if len(value) > _admission.MOST_ITERATED:
            return self._is_opaque(value, path)
        items = tuple(value)
        self._guard(ITEMS, value, None, items, path)
        for item in items:
            self._reach(item, f"{path}{{...}}")

    def _set(self, value, path):
        items = tuple(set.__iter__(value))
        self._guard(ITEMS, value, None, items, path)
        for item in items:
            self._reach(item, f"{path}{{...}}")

    def _dict_items(self, value, path):
        self._dict(value, path, lambda key: f"{path}[{_text(key)}]")

    def _ordered_dict(self, value, path):
        self._guard(ITEMS, value, None, tuple(value), f"the order of {path}")
        self._dict_items(value, path)

    def _dict(self, value, path, text, by_name=False):
        keys, items = tuple(dict.keys(value)), tuple(dict.values(value))
        self._guard(DICT_KEYS, value, None, keys, f"the keys of {path}")
        by_key = all(map(is_plain_key, keys))
        if not by_key:
            self._guard(DICT_VALUES, value, keys, items, f"the values of {path}")
        for key, item in zip(keys, items):
            if by_key:
                self._guard(DICT_ITEM, value, key, item, text(key))
            if type(key) is not str:
                self._reach(key, f"a key of {path}")
            self._reach(item, text(key), key if by_name and type(key) is str else None)

    # ---------------------------------------------------------------- Objects

    def _object(self, value, path):
        kind = type(value)
        if _admission.is_memory(kind):
            return self._is_memory(value, path)
        if not _admission.holds_attributes_alone(kind):
            return self._is_opaque(value, path)
        if not _admission.is_pure_class(kind) and not is_user_class(kind):
            return self._is_opaque(value, path)
        if module_of(kind).startswith("weft.optim."):
            for group in getattr(value, "param_groups", ()):
                self._hyper_parameters[id(group)] = {id(group), id(value.param_groups)}
        if not issubclass(kind, _C.Tensor):  # whose class the holder's guard knows
            self._guard(TYPE, value, None, kind, f"the class of {path}")
        for base, look in _CONTENTS:
            if issubclass(kind, base):
                look(self, value, path)
                break
        self._attributes(value, kind, path)
        self._reach(kind, name_of(kind))

    def _attributes(self, value, kind, path):
        has_state = False
        for cls in mro_of(kind):
            members = _admission.members_of(cls)
            state = members.get("__dict__")
            if not has_state and is_one_of(type(state), types.GetSetDescriptorType, types.MemberDescriptorType):
                has_state = True
                self._dict(state.__get__(value, kind), f"{path}.__dict__", lambda key: f"{path}.{key}", by_name=True)
            if not is_user_class(cls) and cls is not collections.defaultdict:
                continue
            for slot, descriptor in members.items():
                if type(descriptor) is not types.MemberDescriptorType:
                    continue
                try:
                    item = descriptor.__get__(value, kind)
                except AttributeError:  # nothing yet
                    item = NotImplemented
                self._guard(SLOT, value, descriptor, item, f"{path}.{slot}")
                self._reach(item, f"{path}.{slot}", descriptor.__name__)

    def _attributes_of_tensor(self, tensor, path):
        attributes = _C.attributes_of(tensor)
        if attributes is None:
            self._guard(BARE, tensor, None, None, f"that {path} has no attributes")
        elif id(tensor) not in self._seen:
            self._seen[id(tensor)] = tensor
            self._from = id(tensor)
            self._dict(attributes, f"{path}.__dict__", lambda key: f"{path}.{key}", by_name=True)

    def _class(self, cls, path):
        """The members of a class that the user wrote. Of weft's, that none has changed; Python's and extensions' cannot."""
        meta = type(cls)
        if meta is not type and is_user_class(meta):
            self._reach(meta, name_of(meta))
        if not is_user_class(cls):
            if is_ours(_admission.file_of(sys.modules.get(module_of(cls))) or ""):
                self._guard(UNCHANGED, cls, None, None, name_of(cls))
            elif not _admission.is_pure_class(cls):
                self._opaque[id(cls)] = f"it can use {path}, which cannot be guarded"
            return
        members = _admission.members_of(cls)
        self._guard(BASES, cls, None, mro_of(cls), f"the bases of {name_of(cls)}")
        self._guard(LENGTH, members, len(members), None, f"the members of {name_of(cls)}")
        for name, member in list(members.items()):
            if name not in _OF_CLASSES:
                self._guard(TYPE_MEMBER, cls, name, member, f"{path}.{name}")
                self._reach(member, f"{path}.{name}", name)
        for base in mro_of(cls)[1:]:
            self._reach(base, name_of(base))

    def _wrapper(self, value, path):
        self._reach(value.__func__, path)

    def _property(self, value, path):
        for accessor in (value.fget, value.fset, value.fdel):
            self._reach(accessor, path)

    def _partial(self, value, path):
        self._tuple((value.func, value.args, value.keywords), path)

    def _method(self, value, path):
        self._reach(value.__func__, path)
        self._reach(value.__self__, f"{path}.__self__")

    def _c_function(self, value, path):
        owner = value.__self__
        if owner is None or type(owner) is types.ModuleType:
            if not _admission.is_pure(value, "<user>"):
                self._opaque[id(value)] = f"it can call {path}, which cannot be guarded"
        else:
            self._reach(owner, f"{path}.__self__")

    def _compiled(self, value, path):
        self._reach(value.__wrapped__, path)

    def _cached(self, value, path):
        if not is_ours(getattr(getattr(value.__wrapped__, "__code__", None), "co_filename", "")):
            self._is_opaque(value, path, "what remembers its results,")

    # ---------------------------------------------------------------- Functions and modules

    def _function(self, function, path):
        code = function.__code__
        names, codes = self._names(code)
        for cell_name, cell in zip(code.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:
                value = NotImplemented  # not assigned yet
            self._guard(CELL, cell, None, value, f"{cell_name} (closure of {code.co_name})")
            self._named(value, names, codes, cell_name, cell_name)
        self._reach(function.__defaults__, f"{path}.__defaults__")
        self._reach(function.__kwdefaults__, f"{path}.__kwdefaults__")
        if is_ours(code.co_filename):
            self._reach(function.__dict__.get("__wrapped__"), path)
            return
        if is_stdlib(code.co_filename):
            self._reach(function.__dict__.get("__wrapped__"), path)
            if not _admission.is_pure_module(function.__module__ or ""):
                self._opaque[id(function)] = f"it can call {path}, which cannot be guarded"
            return
        parts = (code, function.__defaults__, function.__kwdefaults__)
        self._guard(FUNCTION, function, None, parts, f"the definition of {path}")
        self._dict(function.__dict__, f"{path}.__dict__", lambda key: f"{path}.{key}", by_name=True)
        for one in codes:
            self._globals(function, one, names, codes)

    def _globals(self, function, code, names, codes):
        scope = function.__globals__
        called, passed, imported = _globals_of(code)
        for name in (*called, *passed):
            if name in scope:
                self._guard(DICT_ITEM, scope, name, scope[name], f"{name} (global)")
                self._named(scope[name], names, codes, f"{name}", name)
                continue
            self._guard(DICT_ABSENT, scope, name, None, f"{name} (global, absent)")
            value = vars(builtins).get(name)
            if value is None:
                continue
            self._guard(DICT_ITEM, vars(builtins), name, value, f"{name} (builtin)")
            if type(value) is not types.BuiltinFunctionType:
                self._reach(value, name, name)
            elif name in passed and not _admission.is_pure(value, code.co_filename):
                self._reasons.append((frozenset({code}), f"it passes {name}() on in {code.co_name}"))
        package = scope.get("__package__") or ""
        for name in imported:
            for module in {name, f"{package}.{name}".rstrip("."), package}:
                parts = module.split(".")
                for whole in (".".join(parts[: i + 1]) for i in range(len(parts))):
                    if type(sys.modules.get(whole)) is types.ModuleType:
                        self._guard(DICT_ITEM, sys.modules, whole, sys.modules[whole], f"the module {whole}")
                        self._named(sys.modules[whole], names, codes, whole, None)

    def _named(self, value, names, codes, path, name):
        """What the code names. Of a module these are the names that the code may look up in it, and what it cannot be
        guarded for matters only if the code runs: a replay runs what the trace ran."""
        if type(value) is types.ModuleType:
            self._module(value, names, codes, path)
        else:
            self._reach(value, path, name)

    def _later(self, module, path):
        """A module that is reached by an object: all names of all code may be looked up in it."""
        self._modules.append((module, path))

    def _module(self, value, names, codes, path):
        which = (id(value), codes, len(names))
        if which in self._seen:
            return
        self._seen[which] = value
        reason, own_name = None, _admission.name_of_module(value)
        if not _admission.is_pure_module(own_name):
            reason = f"it can use the module {own_name}, which cannot be guarded"
        if own_name == "numpy" and "random" in names or own_name.startswith("numpy.random"):
            # Its functions are not C functions that sys.setprofile reports.
            reason = f"it can draw from {path}.random, which cannot be guarded"
            self._randomness.append((codes, reason))
        if reason and codes is None:
            self._opaque[id(value)] = reason
        elif reason:
            self._reasons.append((codes, reason))
        is_users = is_user_module(value)
        is_followed = is_users or own_name.partition(".")[0] == "weft"
        members = vars(value)
        for name in names:
            if name in members:
                self._guard(DICT_ITEM, members, name, members[name], f"{path}.{name}")
                if is_followed or type(members[name]) is types.ModuleType:
                    self._named(members[name], names, codes, f"{path}.{name}", name)
            elif is_users:
                self._guard(DICT_ABSENT, members, name, None, f"{path}.{name} (absent)")
        if is_users and "__getattr__" not in names:  # which gives what is absent
            self._module_getattr(members, path)

    def _module_getattr(self, members, path):
        if "__getattr__" in members:
            self._guard(DICT_ITEM, members, "__getattr__", members["__getattr__"], f"{path}.__getattr__")
            self._reach(members["__getattr__"], f"{path}.__getattr__")
        else:
            self._guard(DICT_ABSENT, members, "__getattr__", None, f"{path}.__getattr__ (absent)")

    def _names(self, code):
        """All names of a code object and those nested in it, and these code objects."""
        names, codes, pending = {}, [], [code]
        while pending:
            code = pending.pop()
            codes.append(code)
            names.update(dict.fromkeys(code.co_names))
            pending += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        self.codes.update(codes)
        self._names_of_code.update(names)
        return tuple(names), frozenset(codes)

    # ---------------------------------------------------------------- Afterwards

    def reason_of(self, ran):
        """Why a call in which these code objects ran cannot be replayed, or None."""
        if self.reason:
            return self.reason
        for codes, reason in self._reasons:
            if not codes.isdisjoint(ran):
                return reason
        return self._opaque_reason(ran) if self._opaque else None

    def _opaque_reason(self, ran):
        """Goes back from what is opaque along the ways whose names the code mentions."""
        mentioned = set()
        for code in ran:
            if not is_ours(code.co_filename):
                mentioned |= _words(code)
        anything = not mentioned.isdisjoint(_WAYS_TO_ANYTHING)
        back = {}
        for start, end, name in self._ways:
            if anything or name is None or name in mentioned:
                back.setdefault(end, []).append(start)
        for opaque, reason in self._opaque.items():
            pending, seen = [opaque], set()
            while pending:
                at = pending.pop()
                if at is None:
                    return reason
                if at not in seen:
                    seen.add(at)
                    pending += back.get(at, ())
        return None

    def randomness_of(self, ran):
        """What else than weft's random numbers these code objects may draw from, or None."""
        return next((reason for codes, reason in self._randomness if codes is None or not codes.isdisjoint(ran)), None)

    def free_numbers(self, numbers, watch):
        """(the guard's number, whether 0 is another) of the numbers of parameter groups, inputs of the program, that may change.

        ``numbers``: (group, key, index in a tuple or None). An optimizer's step may do without one that is 0, but for the rate.
        """
        read = {}
        for holder, key, index in numbers:
            read.setdefault((id(holder), key), (holder, set()))[1].add(index)
        for (_, key), (holder, indices) in read.items():
            if not self.is_read_by_optimizers_alone(holder, watch):
                continue
            value = holder[key]
            whole = indices == set(range(len(value))) if type(value) is tuple else True
            is_zero = 0.0 in value if type(value) is tuple else value == 0.0
            if whole and (key == "lr" or not is_zero):
                yield self.index_of(holder, key), key != "lr"

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
            elif not is_stdlib(code.co_filename) and not _WAYS_TO_A_GROUP.isdisjoint(_words(code)):
                return False
        return True


# Names by which Python code gets at a parameter group or at all that an object holds.
_WAYS_TO_A_GROUP = {
    "lr", "param_groups", "state_dict", "defaults", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__", "vars", "getattr",
    "attrgetter", "getmembers", "deepcopy", "gc",
}  # fmt: skip
_OPTIMIZERS = os.sep + "optim" + os.sep
# Functions of weft.optim that use hyper-parameters for nothing but the update, or not at all.
_OF_A_STEP = {
    "step", "zero_grad", "_hooks_of", "_update_group", "_by_step", "_common", "_update", "_arrays",
    "__init__", "__getattr__", "kept", "_root_mean_square", "_orthogonalised", "update", "ema_update", "swa_update",
    "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>",
}  # fmt: skip


def _words(code):
    """The names and the strings that a code object mentions."""
    words, pending = {*code.co_names, *code.co_freevars, *code.co_cellvars, *code.co_varnames}, list(code.co_consts)
    while pending:
        constant = pending.pop()
        if isinstance(constant, str):
            words.add(constant)
        elif isinstance(constant, (tuple, frozenset)):
            pending += constant
    return words


_GLOBALS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _globals_of(code):
    """The global names that instructions call, those that they take otherwise, and the modules that they import. Names of attributes
    are none of these."""
    known = _GLOBALS.get(code)
    if known is None:
        known = _GLOBALS[code] = _scan(code)
    return known


def _scan(code):
    called, passed, imported, more = {}, {}, {}, 0
    load_global, load_name = opmap["LOAD_GLOBAL"], opmap.get("LOAD_NAME")
    marks_calls = sys.version_info >= (3, 11)  # the lowest bit of LOAD_GLOBAL
    for op, arg in zip(code.co_code[::2], code.co_code[1::2]):
        arg |= more
        more = arg << 8 if op == EXTENDED_ARG else 0
        if op == load_global:
            name = code.co_names[arg >> 1 if marks_calls else arg]
            (called if marks_calls and arg & 1 else passed)[name] = None
        elif op == load_name:
            passed[code.co_names[arg]] = None
        elif op == opmap["IMPORT_NAME"]:
            imported[code.co_names[arg]] = None
    return tuple(called), tuple(name for name in passed if name not in called), tuple(imported)


def _text(key):
    return repr(key) if is_one_of(type(key), str, int) else "..."


_LOOKS: dict = {
    types.FunctionType: Capture._function,
    types.MethodType: Capture._method,
    types.ModuleType: Capture._later,
    _C.Compiled: Capture._compiled,
    tuple: Capture._tuple,
    frozenset: Capture._tuple,
    list: Capture._list,
    dict: Capture._dict_items,
    set: Capture._set,
    slice: Capture._slice,
    collections.OrderedDict: Capture._ordered_dict,
    staticmethod: Capture._wrapper,
    classmethod: Capture._wrapper,
    property: Capture._property,
    functools.partial: Capture._partial,
    type(is_ours): Capture._cached,
    **dict.fromkeys(_FUNCTIONS, Capture._c_function),
    **dict.fromkeys(_admission.ITERATED, Capture._items),
}
_LOOKS = {id(kind): look for kind, look in _LOOKS.items()}  # a metaclass may hash classes in its own way
# What a container's sub-class holds besides attributes.
_CONTENTS = (
    (list, Capture._list),
    (collections.OrderedDict, Capture._ordered_dict),
    (dict, Capture._dict_items),
    (set, Capture._set),
    (tuple, Capture._tuple),
)
