"""Tensors made by calling a type, as in PyTorch's first years: ``Tensor(2, 3)``, ``FloatTensor([1, 2])``; and the types' names."""

from __future__ import annotations

from . import _C, _factories
from ._C import Tensor

_NAMES = {
    "FloatTensor": _C.float32, "DoubleTensor": _C.float64, "HalfTensor": _C.float16, "BFloat16Tensor": _C.bfloat16,
    "LongTensor": _C.int64, "IntTensor": _C.int32, "ShortTensor": _C.int16, "CharTensor": _C.int8, "ByteTensor": _C.uint8,
    "BoolTensor": _C.bool, "ComplexFloatTensor": _C.complex64, "ComplexDoubleTensor": _C.complex128,
}  # fmt: skip


def _is_size(value):
    return hasattr(type(value), "__index__") and not hasattr(type(value), "__len__")  # an array has both


def _new(op, dtype, device, args):
    """Uninitialised memory of given sizes, or a copy of data."""
    if len(args) == 1 and isinstance(args[0], Tensor):
        if args[0].dtype is not dtype:
            raise TypeError(f"[{op}] expected a tensor of {dtype}; got {args[0].dtype}; convert it by to()")
        return args[0].detach()
    if len(args) == 1 and type(args[0]) is not _C.Size and not _is_size(args[0]):
        if not hasattr(args[0], "__len__"):
            raise TypeError(f"[{op}] data must be a sequence or sizes; got {type(args[0]).__name__}; use weft.tensor()")
        return _factories.tensor(args[0], dtype=dtype, device=device)
    if any([isinstance(size, bool) for size in args]):
        raise TypeError(f"[{op}] data must be a sequence or sizes; got bool; use weft.tensor()")
    return _factories.empty(*args or (0,), dtype=dtype, device=device)


def construct(cls, *args, device=None):
    """What ``cls(*args)`` makes, of Tensor or a sub-class: of the default dtype, but on a tensor's memory of its dtype."""
    dtype = args[0].dtype if len(args) == 1 and isinstance(args[0], Tensor) else _C.default_dtype()
    made = _new(cls.__name__, dtype, device, args)
    return made if cls is Tensor else _C.tensor_alias(cls, made)


def new(input, args, device):
    """What ``input.new(*args)`` makes."""
    return _new("new", input.dtype, input.device if device is None else device, args)


class _TensorType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.device.type == cls.where

    def __call__(cls, *args, device=None):
        return _new(cls.__name__, cls.dtype, cls.where if device is None else device, args)

    def __repr__(cls):
        return f"<class '{name_of(cls.dtype, cls.where)}'>"


def types(where="cpu"):
    """Name → type, for the module of that device."""
    module = "weft" if where == "cpu" else f"weft.{where}"
    return {
        name: _TensorType(name, (), {"dtype": dtype, "where": where, "is_cuda": where == "cuda", "__module__": module})
        for name, dtype in _NAMES.items()
    }


def name_of(dtype, where):
    """The name of the type of tensors of a dtype on a kind of device."""
    unsigned = f"UInt{8 * dtype.itemsize}Tensor"  # which are no types
    name = next((name for name, known in _NAMES.items() if known is dtype), unsigned)
    return f"weft.{name}" if where == "cpu" else f"weft.{where}.{name}"


def described(op, kind):
    """dtype and kind of device (None: any) of a dtype, a type of tensors, or its name, in which the package may have any name."""
    if isinstance(kind, _TensorType):
        return kind.dtype, kind.where
    if isinstance(kind, str):
        package, *where, name = kind.split(".") if "." in kind else ("", kind)
        if package and name in _NAMES and where in ([], ["cuda"]):
            return _NAMES[name], where[0] if where else "cpu"
        raise ValueError(f"[{op}] invalid type: '{kind}'; pass a dtype, a type as weft.FloatTensor, or its name")
    return kind, None


def set_default_tensor_type(t):
    """The default dtype, and on a GPU the default device, by a type as weft.DoubleTensor or its name; a TypeError for integers."""
    dtype, where = described("set_default_tensor_type", t)
    if not isinstance(dtype, _C.dtype) or not dtype.is_floating_point:
        raise TypeError(
            f"[set_default_tensor_type] only floating-point types are supported as the default type; got {t}"
        )
    _C.set_default_dtype(dtype)
    if where is not None:
        _C.set_default_device(where)


def _assert(condition, message):
    """Python's assert as a function."""
    assert condition, message


def typename(obj):
    """The name of a tensor's type, or of an object's class with its module."""
    if isinstance(obj, Tensor):
        return name_of(obj.dtype, obj.device.type)
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module in (None, "builtins") else f"{module}.{kind.__qualname__}"
