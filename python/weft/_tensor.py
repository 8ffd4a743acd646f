"""What weft.Tensor has besides ops and views: attach() completes the type."""

from . import _C, _factories, _functions, _ops, _print
from ._C import Tensor
from ._functions import elementwise
from ._functions.elementwise import array_of

# In-place variants of ops: x.add_(y) is x.copy_(x + y) in one kernel.
IN_PLACE = (
    "add", "sub", "mul", "div", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "reciprocal", "square", "tanh", "sigmoid", "relu",
    "floor", "ceil", "trunc", "round", "pow", "maximum", "minimum", "remainder", "sin", "cos",
)  # fmt: skip


def _in_place(name):
    op = name

    def method(self, *operands):
        return _C.in_place(op, self, *operands)

    method.__name__ = method.__qualname__ = name + "_"
    method.__doc__ = f"``{name}`` written into this tensor."
    return method


def _add(self, other, *, alpha=1):
    return _ops.add(self, other if alpha == 1 else other * alpha)


def _sub(self, other, *, alpha=1):
    return _ops.sub(self, other if alpha == 1 else other * alpha)


def _add_in_place(self, other, *, alpha=1):
    return _C.in_place("add", self, other if alpha == 1 else other * alpha)


def _sub_in_place(self, other, *, alpha=1):
    return _C.in_place("sub", self, other if alpha == 1 else other * alpha)


def _uniform_in_place(self, a=0.0, b=1.0):
    """Fills with uniform numbers of [a, b)."""
    return self.copy_(_C.rand(self.shape, self.dtype, self.device) * (b - a) + a)


def _normal_in_place(self, mean=0.0, std=1.0):
    """Fills with normal numbers."""
    return self.copy_(_C.randn(self.shape, self.dtype, self.device) * std + mean)


def _convert_to(dtype):
    def method(self):
        return self.to(dtype)

    method.__doc__ = f"Converted to {dtype}."
    return method


def _array_protocol(self, dtype=None, copy=None):
    array = _C.numpy(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(f"[__array__] {array.dtype} to {dtype} takes a copy, which copy=False forbids")
        return array.astype(dtype)
    return array.copy() if copy else array


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    return _C.to_dlpack(self, stream, max_version, dl_device, copy)


def _new(make):
    def method(self, *size, dtype=None, device=None):
        return make(*size, dtype=dtype or self.dtype, device=device or self.device)

    return method


def attach():
    """Completes weft.Tensor."""
    for name in _ops.METHODS:
        setattr(Tensor, name, getattr(_ops, name))
    for name in _functions.METHODS:
        setattr(Tensor, name, getattr(_functions, name))
    for name in IN_PLACE:
        setattr(Tensor, name + "_", _in_place(name))
    for name, dtype in (
        ("float", _C.float32), ("double", _C.float64), ("half", _C.float16), ("bfloat16", _C.bfloat16), ("bool", _C.bool),
        ("int", _C.int32), ("long", _C.int64), ("short", _C.int16),
    ):  # fmt: skip
        setattr(Tensor, name, _convert_to(dtype))
    members = {
        "add": _add, "sub": _sub, "add_": _add_in_place, "sub_": _sub_in_place,
        "uniform_": _uniform_in_place, "normal_": _normal_in_place,
        "clamp_": elementwise.clamp_,
        "masked_fill_": lambda self, mask, value: self.copy_(_functions.masked_fill(self, mask, value)),
        "where": lambda self, condition, other: _functions.where(condition, self, other),
        "type": lambda self, dtype: self.to(dtype),
        "type_as": lambda self, other: self.to(other.dtype),
        "view_as": lambda self, other: self.view(other.shape),
        "reshape_as": lambda self, other: self.reshape(other.shape),
        "expand_as": lambda self, other: self.expand(other.shape),
        "cpu": lambda self: self.to("cpu"),
        "cuda": lambda self: self.to("cuda"),
        "numpy": lambda self: _C.numpy(self),
        "tolist": lambda self: _C.tolist(self),
        "__array__": _array_protocol,
        "__array_priority__": 1000,
        "__dlpack__": _dlpack,
        "__dlpack_device__": lambda self: _C.dlpack_device(self),
        "__repr__": lambda self: _print.tensor_repr(self),
        "__format__": lambda self, spec: format(self.item(), spec) if spec else _print.tensor_repr(self),
        "__deepcopy__": _deepcopy,
        "__reduce_ex__": _reduce,
        "T": property(lambda self: self.permute(tuple(range(self.ndim - 1, -1, -1)))),
        "mT": property(lambda self: self.transpose(-2, -1)),
        "itemsize": property(lambda self: self.dtype.itemsize),
        "nbytes": property(lambda self: self.dtype.itemsize * self.numel()),
        "is_cuda": property(lambda self: self.device.type == "cuda"),
        "new_zeros": _new(_factories.zeros), "new_ones": _new(_factories.ones), "new_empty": _new(_factories.empty),
    }  # fmt: skip
    for name, member in members.items():
        setattr(Tensor, name, member)


def _deepcopy(self, memo):
    if not self.is_leaf:
        raise RuntimeError("[deepcopy] only leaf tensors can be deep-copied; use .detach() or .clone()")
    copy = self.detach().clone().requires_grad_(self.requires_grad)
    memo[id(self)] = copy
    return copy


def _rebuild(array, dtype, requires_grad):
    return _factories.from_numpy(array).to(dtype).clone().requires_grad_(requires_grad)


def _reduce(self, protocol):
    return _rebuild, (array_of(self), self.dtype, self.requires_grad)
