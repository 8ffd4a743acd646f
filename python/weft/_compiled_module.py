"""A module whose calls are compiled: of the module's class, and with the module's own attributes."""

import copy
import types

from . import _C


def compiled_module(module, compiled, rebuild):
    """An object that is ``module`` in all but its calls, which go to ``compiled``: it has the same attributes, now and later, and
    methods run on it. rebuild: what makes another one of a module, for copies and pickles."""
    cls = type(module)
    members = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__call__": staticmethod(compiled),
        "__wrapped__": module,
        "__copy__": lambda self: rebuild(copy.copy(module)),
        "__reduce_ex__": lambda self, protocol: (rebuild, (module,)),
        "_compiled": compiled,
    }
    if hasattr(cls, "__del__"):
        members["__del__"] = lambda self: None  # the module's runs once
    for base in cls.__mro__:
        for name, member in vars(base).items():
            if type(member) is types.MemberDescriptorType:
                members.setdefault(name, _of(module, member))
    wrapper = object.__new__(_subclass(cls, members))
    object.__setattr__(wrapper, "__dict__", module.__dict__)
    return wrapper


def compiled_of(function):
    """What compile() made of a function or a module; None of anything else."""
    return function if isinstance(function, _C.Compiled) else getattr(type(function), "_compiled", None)


def _subclass(cls, members):
    # Nothing that the class does when it gets a subclass is done: __init_subclass__, what its metaclass adds.
    subclass = type.__new__(type(cls), cls.__name__, (_module(),), members)
    try:
        subclass.__bases__ = (cls,)
    except TypeError:  # objects of the class have slots
        subclass = type(cls)(cls.__name__, (cls,), members)
    return subclass


def _module():
    from .nn import Module  # which is loaded after this

    return Module


def _of(module, slot):
    return property(
        lambda self: slot.__get__(module),
        lambda self, value: slot.__set__(module, value),
        lambda self: slot.__delete__(module),
    )
