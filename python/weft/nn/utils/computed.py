"""Attributes of one module that are computed at each access: properties of a class of its own."""


class Computed:
    """What such a class is: its base, and the names that are computed."""

    def __init__(self, base):
        self.base, self.names = base, set()


def _record(module):
    return type(module).__dict__.get("_computed")


def base_class(module):
    """The class that the module had."""
    record = _record(module)
    return record.base if record else type(module)


def is_computed(module, name):
    record = _record(module)
    return record is not None and name in record.names


def _not_by_class(module, protocol):
    raise RuntimeError(
        f"[{type(module).__name__}] cannot be pickled, as attributes are computed; save its state_dict() and load it into a module "
        "that was made alike"
    )


def _copied(module, memo):
    """copy.deepcopy: a module of the same class."""
    import copy

    result = type(module).__new__(type(module))
    memo[id(module)] = result
    for name, value in module.__dict__.items():
        object.__setattr__(result, name, copy.deepcopy(value, memo))
    return result


def compute(module, name, getter, setter=None, prefix="Parametrized"):
    """Makes ``module.name`` what getter(module) gives."""
    if _record(module) is None:
        base = type(module)
        members = {"__module__": base.__module__, "__doc__": base.__doc__, "_computed": Computed(base)}
        members |= {"__reduce_ex__": _not_by_class, "__deepcopy__": _copied}
        module.__class__ = type(f"{prefix}{base.__name__}", (base,), members)
    type(module)._computed.names.add(name)
    setattr(type(module), name, property(getter, setter))


def compute_no_more(module, name):
    """Makes ``name`` free again, and the class what it was where nothing else is computed."""
    record = _record(module)
    delattr(type(module), name)
    record.names.remove(name)
    if not record.names:
        module.__class__ = record.base
