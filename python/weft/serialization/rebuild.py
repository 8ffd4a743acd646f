"""What a PyTorch file may name and call, and what is made of it here."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Any

from .. import _C
from .._functions.complex_numbers import conj
from ..nn.parameter import Parameter


class Damaged(Exception):
    """The text says what is wrong in the file."""


@dataclass
class Storage:
    """Memory that tensors share: uint8, and the dtype that the file gives it, None where tensors have their own."""

    memory: Any
    dtype: Any


@dataclass(frozen=True)
class Known:
    """A name of PyTorch's or Python's, with what a call of it makes; storage classes have a dtype instead."""

    name: str
    make: Any = None
    dtype: Any = None


def hashable(key, depth=3):
    """The key of a dict or item of a set, if it is a plain one: to hash deep tuples takes any time, and stack."""
    if type(key) is tuple:
        if depth == 0 or len(key) > 100:
            raise Damaged("its pickle has large tuples as keys")
        for part in key:
            hashable(part, depth - 1)
    elif not isinstance(key, (type(None), bool, int, float, complex, str, bytes, _C.dtype, _C.device, _C.Size)):
        raise Damaged(f"its pickle has {type(key).__name__} as a key")
    return key


def call(known, arguments):
    if known.make is None:
        raise Damaged(f"its pickle calls {known.name}")
    try:
        return known.make(*arguments)
    except Damaged:
        raise
    except Exception as error:
        raise Damaged(f"its pickle calls {known.name} with what does not fit ({error})") from None


def _sizes(values):
    if not isinstance(values, tuple) or not all(type(v) is int for v in values):
        raise Damaged("its sizes or strides are no ints")
    return tuple(values)


def _tensor(storage, offset, size, stride, dtype=None):
    dtype = dtype or getattr(storage, "dtype", None)
    if type(storage) is not Storage or type(dtype) is not _C.dtype or type(offset) is not int:
        raise Damaged("its pickle makes a tensor of what is no memory")
    return _C.view_of_storage(storage.memory, _sizes(size), _sizes(stride), offset, dtype)


def _leaf(tensor, requires_grad):
    if requires_grad is True and (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        tensor.requires_grad_()
    return tensor


def _as_kept(tensor, metadata):
    """What PyTorch keeps conjugated or negated, as a mark on the memory, is so here in memory of its own."""
    marks = metadata if isinstance(metadata, dict) else {}
    tensor = conj(tensor) if marks.get("conj") is True else tensor
    return -tensor if marks.get("neg") is True else tensor


def _tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None):
    return _leaf(_as_kept(_tensor(storage, offset, size, stride), metadata), requires_grad)


def _tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    return _leaf(_as_kept(_tensor(storage, offset, size, stride, dtype), metadata), requires_grad)


def _layout(name):
    if name not in ("torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc"):
        raise Damaged(f"it holds a tensor of layout {name}, which weft does not have; convert it with PyTorch")
    return name


def _sparse(layout, data):
    from .. import sparse

    try:
        *parts, size = data[:-1] if layout == "torch.sparse_coo" else data
        make = getattr(sparse, layout.removeprefix("torch.") + "_tensor")
        result = make(*[_checked(part) for part in parts], _sizes(tuple(size)))
    except (TypeError, ValueError, RuntimeError) as error:
        raise Damaged(f"its pickle makes no sparse tensor: {error}") from error
    return result.coalesce() if layout == "torch.sparse_coo" and data[-1] is True else result


def _checked(tensor):
    if not isinstance(tensor, _C.Tensor):
        raise Damaged("its pickle makes a parameter of what is no tensor")
    return tensor


def _parameter(data, requires_grad=True, hooks=None, state=None):
    return Parameter(_checked(data).detach(), requires_grad is True)


def _of_type(function, cls, arguments, state):
    """A tensor with attributes of Python's, which are left out if there are none."""
    if type(function) is not Known or type(cls) is not Known or not isinstance(arguments, tuple):
        raise Damaged("its pickle makes a tensor of an unknown class")
    if state:
        raise Damaged("it has a tensor with attributes of its own; save the tensor without them, by .detach()")
    made = call(function, arguments)
    return _parameter(made) if cls.name.endswith("Parameter") and not isinstance(made, Parameter) else made


def _bytes(text, encoding):
    if type(text) is not str or encoding != "latin1":
        raise Damaged("its pickle encodes what is no text")
    return text.encode("latin1")


def _set(items=()):
    if not isinstance(items, (list, tuple)):
        raise Damaged("its pickle makes a set of what is no list")
    return set(map(hashable, items))


def _ordered(pairs=()):
    if not isinstance(pairs, (list, tuple)):
        raise Damaged("its pickle makes a dict of what is no list")
    return OrderedDict((hashable(key), value) for key, value in pairs)


def _counter(counts=None):
    if counts is not None and type(counts) is not dict:
        raise Damaged("its pickle counts what is no dict")
    return Counter(counts)


def _complex(real, imaginary):
    return complex(float(real), float(imaginary))


def _bytearray(data=b"", encoding=None):
    if encoding is not None:
        data = _bytes(data, encoding)
    if not isinstance(data, bytes):
        raise Damaged("its pickle makes a bytearray of what is no bytes")
    return bytearray(data)


def _device(kind, index=None):
    if type(kind) is not str or not (index is None or type(index) is int):
        raise Damaged("its pickle names no device")
    return _C.device(kind if index is None else f"{kind}:{index}")


def _lacking(name):
    def make(*arguments):
        raise Damaged(f"it holds {name}, which weft does not have; convert it with PyTorch")

    return make


DTYPES = {
    name: _C.dtype_by_name(name)
    for name in (
        "float64", "float32", "float16", "bfloat16", "complex128", "complex64", "int64", "int32", "int16", "int8", "uint8", "bool",
        "uint64", "uint32", "uint16",  # which have no storage class
    )
}  # fmt: skip
STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexDouble": "complex128", "ComplexFloat": "complex64",
}  # fmt: skip
_FUNCTIONS = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch.serialization._get_layout": _layout,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.Size": lambda sizes=(): _C.Size(_sizes(tuple(sizes))),
    "torch.device": _device,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "_codecs.encode": _bytes,
    "builtins.bytes": lambda: b"",  # what it is called for
    "builtins.set": _set,
    "builtins.complex": _complex,
    "builtins.bytearray": _bytearray,
}
_LACKING = (
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_wrapper_subclass",
)  # fmt: skip
KNOWN: dict[str, Any] = {
    **{name: Known(name, function) for name, function in _FUNCTIONS.items()},
    **{name: Known(name, _lacking(name.rpartition("_rebuild_")[2])) for name in _LACKING},
    **{f"torch.{name}Storage": Known(f"torch.{name}Storage", dtype=DTYPES[of]) for name, of in STORAGES.items()},
    **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
    "torch.Tensor": Known("torch.Tensor"),
    "torch.storage.UntypedStorage": Known("torch.storage.UntypedStorage"),
}
