"""What a capture admits: the kinds of objects, modules and C functions of which a table says how their state is guarded, or that they
have none. All else makes a call run as Python.
"""

import array
import collections
import datetime
import functools
import os
import re
import sys
import types

from . import _C

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_THIRD_PARTY = (os.sep + "site-packages" + os.sep, os.sep + "dist-packages" + os.sep)


@functools.cache
def is_ours(filename):
    return os.path.abspath(filename).startswith(_PACKAGE)


@functools.cache
def is_stdlib(filename):
    if filename.startswith("<frozen"):
        return True
    path = os.path.abspath(filename)
    return path.startswith(_STDLIB) and not any(part in path for part in _THIRD_PARTY)


@functools.cache
def is_users(filename):
    """Whether code in the file is the program's own. Text that was compiled has no file, and is."""
    return not (is_ours(filename) or is_stdlib(filename) or any(part in filename for part in _THIRD_PARTY))


# What modules and classes are, of which no code of theirs is asked: a module's __getattr__, a metaclass's __getattribute__.
members_of = vars(type)["__dict__"].__get__
mro_of = vars(type)["__mro__"].__get__
name_of = vars(type)["__qualname__"].__get__
_module_of = vars(type)["__module__"].__get__
_flags_of = vars(type)["__flags__"].__get__
_dict_of_module = vars(types.ModuleType)["__dict__"].__get__


def is_one_of(cls, *classes):
    return any(cls is one for one in classes)


def module_of(cls):
    """The name of the class's module, "" where it is no text."""
    try:
        name = _module_of(cls)
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def member_of(cls, name):
    """What the class or the first of its bases has under the name, or None."""
    return next((members_of(base)[name] for base in mro_of(cls) if name in members_of(base)), None)


def name_of_module(module):
    name = _dict_of_module(module).get("__name__")
    return name if type(name) is str else ""


def file_of(module):
    """The module's file, or None."""
    file = _dict_of_module(module).get("__file__") if issubclass(type(module), types.ModuleType) else None
    return file if type(file) is str else None


def is_user_class(cls):
    name = module_of(cls)
    module = sys.modules.get(name)
    file = file_of(module)
    if file is None:
        return name == "__main__" or (module is None and name != "builtins")
    return not is_ours(file) and not is_stdlib(file) and file.endswith(".py")


def is_user_module(module):
    file = file_of(module)
    if file is None:  # built in, or made by the program
        return name_of_module(module).partition(".")[0] not in sys.stdlib_module_names
    return file.endswith(".py") and is_users(file)


def is_plain_key(key):
    """Whether a dict may be asked for the key without running Python."""
    kind = type(key)
    if kind is tuple or kind is frozenset:
        return all(map(is_plain_key, key))
    return not any(isinstance(member_of(kind, name), types.FunctionType) for name in ("__hash__", "__eq__"))


# ---------------------------------------------------------------- Objects

# They stay what they are: that a place holds the same one says all.
UNCHANGING = (
    type(None), bool, int, float, complex, str, bytes, range, type(Ellipsis), type(NotImplemented), types.CodeType, re.Pattern,
    _C.dtype, _C.device, _C.Function, types.WrapperDescriptorType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType, types.GenericAlias, types.UnionType,
    type(vars(collections.namedtuple("_", "x"))["x"]), datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone,
)  # fmt: skip
# Classes are told apart by their ids: a metaclass may hash and compare them in its own way.
_ids = lambda *classes: frozenset(map(id, classes))
_UNCHANGING = _ids(*UNCHANGING)
# Iterating over them runs no Python and shows all that they hold.
ITERATED: tuple = (collections.deque, array.array, bytearray, type({}.keys()), type({}.values()), type({}.items()))
MOST_ITERATED = 1000  # items
# C types whose state lies in what is guarded of their objects: contents, attributes, or nothing.
_BASES = _ids(
    object, int, float, complex, str, bytes, tuple, frozenset, list, dict, set, type, types.SimpleNamespace, types.ModuleType,
    collections.OrderedDict, collections.defaultdict, BaseException, Exception, *UNCHANGING,
)  # fmt: skip


def _is_of_python(cls):
    """Whether the class was made by a class statement, so that its objects hold attributes alone."""
    of_c = (types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType)
    return bool(_flags_of(cls) & 1 << 9) and not any(
        is_one_of(type(member), *of_c) and member.__objclass__ is cls and name not in ("__dict__", "__weakref__")
        for name, member in members_of(cls).items()
    )


def is_unchanging(kind):
    if module_of(kind) not in ("typing", "numpy", "numpy.dtypes"):
        return id(kind) in _UNCHANGING
    return not is_memory(kind) and member_of(kind, "__next__") is None


def is_memory(kind):
    """Whether tensors may share memory with objects of the class (NumPy's numbers are values)."""
    if member_of(kind, "__array_interface__") is not None:
        return not any(name_of(base) == "generic" for base in mro_of(kind))
    return issubclass(kind, (bytearray, memoryview, array.array)) or module_of(kind) in ("mmap", "_ctypes", "ctypes")


def holds_attributes_alone(kind):
    """Whether an object of the class is what its attributes, slots and, of a container, its contents are."""
    return all(
        id(base) in _BASES or module_of(base).partition(".")[0] == "weft" or _is_of_python(base)
        for base in mro_of(kind)
    )


# ---------------------------------------------------------------- Modules

# Modules of Python's library whose functions and classes depend on their arguments alone.
PURE_STDLIB = {
    "__future__", "abc", "bisect", "builtins", "cmath", "collections", "contextlib", "copy", "dataclasses", "enum",
    "fractions", "functools", "heapq", "inspect", "itertools", "math", "numbers", "operator", "re", "statistics", "string",
    "struct", "textwrap", "types", "typing",
}  # fmt: skip
_PURE_CLASSES = {"argparse", "datetime", "json", "pathlib", "uuid", "copyreg", "warnings"}


def is_pure_module(name, also=()):
    top = name.partition(".")[0]
    return top not in sys.stdlib_module_names or top in PURE_STDLIB or top in also


def is_pure_class(cls):
    return is_pure_module(module_of(cls), _PURE_CLASSES)


# ---------------------------------------------------------------- C functions

# They neither change anything outside nor depend on it.
_PURE_BUILTINS = {
    "abs", "all", "any", "ascii", "bin", "callable", "chr", "delattr", "divmod", "format", "getattr", "hasattr", "hex",
    "isinstance", "issubclass", "iter", "len", "max", "min", "next", "oct", "ord", "pow", "repr", "round", "setattr", "sorted",
    "sum", "__build_class__", "__import__", "vars",
}  # fmt: skip
# The same, where Python's library calls them: who an object is, it compares and forgets.
_OF_LIBRARIES = {"id", "hash", "get_ident", "_abc_instancecheck", "_abc_subclasscheck", "_abc_init", "warn"}
_PURE_MODULES = {
    "math", "cmath", "_operator", "operator", "itertools", "_functools", "_collections", "_struct", "_string", "_weakref",
    "_typing", "_sre", "_bisect", "_heapq", "unicodedata", "_imp",
}  # fmt: skip
_PURE_OF_THREADS = {"allocate_lock", "RLock"}
# Functions of the extension that change more than the tensors a trace follows, or read what it does not guard.
_IMPURE_OF_OURS = {
    "manual_seed", "set_rng_state", "get_rng_state", "initial_seed", "seed", "set_default_dtype", "set_num_threads", "get_num_threads",
}  # fmt: skip
# Methods of these types change at most the object, which a capture compares if it can be reached.
_PLAIN_TYPES = (
    str, bytes, bytearray, int, float, complex, bool, list, dict, set, frozenset, tuple, range, slice, type(None), _C.Tensor,
    _C.Compiled, _C.GradMode, _C.dtype, types.MappingProxyType, types.CodeType, types.FunctionType, property, BaseException,
    types.SimpleNamespace,
)  # fmt: skip
_PLAIN_TYPE_METHODS = (*_PLAIN_TYPES, object, type)


def _is_numpys(kind):
    """Whether the class is that of arrays or of functions of them, which libraries use as temporaries: what a program can reach is memory."""
    return module_of(kind) == "numpy" and name_of(kind) in ("ndarray", "ufunc", "dtype", "generic")


def is_pure(function, caller):
    """Whether a replay may leave the call of a C function out. caller: the file of the code that calls it."""
    name, owner = function.__name__, getattr(function, "__self__", None)
    module = getattr(function, "__module__", None) or ""
    if not isinstance(module, str):
        return False
    if not is_users(caller) and (name in _OF_LIBRARIES or _is_numpys(getattr(function, "__objclass__", type(owner)))):
        return True
    if module.split(".")[0] == "weft":
        return name not in _IMPURE_OF_OURS
    if type(owner).__name__.startswith("pybind11_detail"):
        return True  # one of our own
    if owner is None or type(owner) is types.ModuleType:
        if owner is None and not module:  # a method descriptor
            return issubclass(getattr(function, "__objclass__", object), _PLAIN_TYPE_METHODS)
        if module == "builtins":
            return name in _PURE_BUILTINS
        if module == "_thread":
            return name in _PURE_OF_THREADS
        return module in _PURE_MODULES or (module.startswith("numpy") and "random" not in module)
    kind = type(owner)
    if issubclass(kind, type):
        return (
            issubclass(owner, _PLAIN_TYPES)
            or module_of(owner) in ("typing", "collections", "enum")
            or owner is object
            or owner is type
        )
    return issubclass(kind, _PLAIN_TYPES) or module_of(kind) in (
        "itertools", "_functools", "functools", "collections", "weft._C", "re", "enum",
    )  # fmt: skip
