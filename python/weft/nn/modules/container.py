"""Modules that hold modules or parameters."""

import itertools
import operator
from collections.abc import Mapping, Sequence

from ..._C import Tensor
from ..parameter import Parameter
from .module import Module


def _integer(index, op):
    try:
        return operator.index(index)
    except TypeError:
        raise TypeError(f"[{op}] an index must be an int; got {type(index).__name__}") from None


def _position(container, index, op):
    """An index as one of [0, length)."""
    index = _integer(index, op)
    if not -len(container) <= index < len(container):
        raise IndexError(f"[{op}] index {index} is out of range; got a container of length {len(container)}")
    return index % len(container)


class _ModuleSequence(Module):
    """What Sequential and ModuleList share: the children in their order, named by their positions unless the user named them."""

    def _renumber(self, modules):
        self._modules.clear()
        for i, module in enumerate(modules):
            self._modules[str(i)] = module

    def append(self, module):
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        try:
            items = iter(modules)
        except TypeError:  # a 0-d array says that it can be iterated over
            raise TypeError(
                f"[{type(self).__name__}] extend needs an iterable of modules; got {type(modules).__name__}"
            ) from None
        for module in list(items):
            self.append(module)
        return self

    def insert(self, index, module):
        """Before the one at ``index``; the names become the positions."""
        modules, index = list(self), _integer(index, type(self).__name__)
        if not -len(modules) <= index <= len(modules):
            raise IndexError(
                f"[{type(self).__name__}] index {index} is out of range; got a container of length {len(modules)}"
            )
        self.append(module)  # checks it
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key):
        module = self[key]
        del self[key]
        return module

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return self._slice(idx)
        return list(self._modules.values())[_position(self, idx, type(self).__name__)]

    def __setitem__(self, idx, module):
        setattr(self, list(self._modules)[_position(self, idx, type(self).__name__)], module)

    def __delitem__(self, idx):
        modules = list(self)
        del modules[idx if isinstance(idx, slice) else _position(self, idx, type(self).__name__)]
        self._renumber(modules)

    def __iadd__(self, modules):
        return self.extend(modules)


class Sequential(_ModuleSequence):
    """Calls its modules one after another. Takes modules, or one dict of name → module."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], dict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input):
        for module in self:
            input = module(input)
        return input

    def _slice(self, idx):
        return type(self)(dict(list(self._modules.items())[idx]))

    def __add__(self, other):
        return Sequential(*self, *other)

    def __mul__(self, other):
        return Sequential(*list(self) * other)

    __rmul__ = __mul__


class ModuleList(_ModuleSequence):
    """A list of modules, whose parameters are the owner's."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _slice(self, idx):
        return type(self)(list(self)[idx])

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        """Neighbours that print alike are shown once: "(0-1): 2 x Block(...)"."""
        blocks = [(len(list(same)), text) for text, same in itertools.groupby(map(repr, self))]
        lines, at = [], 0
        for count, text in blocks:
            place = f"({at}): " if count == 1 else f"({at}-{at + count - 1}): {count} x "
            lines.append("\n  " + place + text.replace("\n", "\n  "))
            at += count
        return f"{self._get_name()}({''.join(lines)}{chr(10) * bool(lines)})"


def _pairs(entries, op):
    if isinstance(entries, (Mapping, ModuleDict, ParameterDict)):
        return list(entries.items())
    try:
        pairs = list(entries)
    except TypeError:
        raise TypeError(f"[{op}] needs a dict or pairs of name and value; got {type(entries).__name__}") from None
    for pair in pairs:
        if not isinstance(pair, Sequence):
            raise TypeError(f"[{op}] needs pairs of name and value; got {type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"[{op}] needs pairs of name and value; got one of length {len(pair)}")
    return pairs


class ModuleDict(Module):
    """A dict of modules, whose parameters are the owner's."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules):
        """Adds a dict's modules, or those of pairs (name, module)."""
        for name, module in _pairs(modules, "ModuleDict"):
            self[name] = module

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        self._modules.clear()

    def pop(self, key):
        return self._modules.pop(key)

    def keys(self):
        return self._modules.keys()

    def items(self):
        return self._modules.items()

    def values(self):
        return self._modules.values()


def _key(key):
    if not isinstance(key, str):
        raise TypeError(f"[ParameterDict] a key must be a string; got {type(key).__name__}")
    return key


def _outline(name, value):
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    where = "" if value.device.type == "cpu" else f" ({value.device})"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"  ({name}): {kind} containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}{where}]"


def _as_parameter(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters, which are the owner's. Tensors become parameters; other values are kept as they are."""

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def append(self, value):
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values):
        try:
            listed = None if isinstance(values, Tensor) else list(values)
        except TypeError:
            listed = None
        if listed is None:
            raise TypeError(f"[ParameterList] extend needs an iterable of tensors; got {type(values).__name__}")
        for value in listed:
            self.append(value)
        return self

    def __len__(self):
        return self._size

    def __iter__(self):
        return (getattr(self, str(i)) for i in range(len(self)))

    def __getitem__(self, idx):
        if isinstance(idx, slice):
            return type(self)(getattr(self, str(i)) for i in range(*idx.indices(len(self))))
        return getattr(self, str(_position(self, idx, "ParameterList")))

    def __setitem__(self, idx, param):
        setattr(self, str(_position(self, idx, "ParameterList")), _as_parameter(param))

    def __iadd__(self, values):
        return self.extend(values)

    def extra_repr(self):
        return "\n".join(_outline(i, value) for i, value in enumerate(self))


class ParameterDict(Module):
    """A dict of parameters, which are the owner's. Tensors become parameters; other values are kept as they are."""

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def update(self, parameters):
        """Adds a dict's values in the order of their names (of an OrderedDict and a ParameterDict in theirs), or those of pairs."""
        pairs = _pairs(parameters, "ParameterDict")
        for name, value in sorted(pairs, key=lambda pair: pair[0]) if type(parameters) is dict else pairs:
            self[name] = value

    def __getitem__(self, key):
        if _key(key) not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key, value):
        key, value = _key(key), _as_parameter(value)
        if isinstance(value, Parameter):
            if key in self._keys and key not in self._parameters:
                delattr(self, key)
            self.register_parameter(key, value)
        else:
            setattr(self, key, value)
        self._keys[key] = None

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, key)

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __contains__(self, key):
        return _key(key) in self._keys

    def get(self, key, default=None):
        return self[key] if key in self else default

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key):
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        if not self._keys:
            raise KeyError("[ParameterDict] popitem(): the dict is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self):
        for key in list(self._keys):
            del self[key]

    def keys(self):
        return self._keys.keys()

    def items(self):
        return [(key, self[key]) for key in self._keys]

    def values(self):
        return [self[key] for key in self._keys]

    def extra_repr(self):
        return "\n".join(_outline(key, value) for key, value in self.items())
