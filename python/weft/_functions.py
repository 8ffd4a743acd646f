"""Functions and methods whose PyTorch arguments are not simply those of an op's record."""

import builtins
from collections import namedtuple

from . import _C, _factories, _ops, _print
from ._C import Tensor

ValuesAndIndices = namedtuple("ValuesAndIndices", ["values", "indices"])


def _dims(x, dim, op):
    """Axes of a reduction: () for all, which None means, too; else sorted and non-negative."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return ()
    rank = x.ndim
    wanted = dim if isinstance(dim, (tuple, list)) else (dim,)
    for d in wanted:
        if not isinstance(d, int):
            raise TypeError(
                f"[{op}] dim must be an int or a tuple of ints; got {type(d).__name__}; pass dim=0 or dim=(0, 1)"
            )
        low = builtins.max(rank, 1)
        if not -low <= d < low:
            raise IndexError(
                f"[{op}] dim {d} is out of range for shape {list(x.shape)}; use a value of [{-low}, {low - 1}]"
            )
    if rank == 0:
        return ()
    found = sorted({d % rank for d in wanted})
    if len(found) != len(wanted):
        raise RuntimeError(f"[{op}] dim {tuple(wanted)} names an axis twice; got shape {list(x.shape)}; name each once")
    return tuple(found)


def sum(input, dim=None, keepdim=False, *, dtype=None):
    return _ops.sum(input if dtype is None else input.to(dtype), _dims(input, dim, "sum"), keepdim)


def prod(input, dim=None, keepdim=False, *, dtype=None):
    return _ops.prod(input if dtype is None else input.to(dtype), _dims(input, dim, "prod"), keepdim)


def mean(input, dim=None, keepdim=False, *, dtype=None):
    x = input if dtype is None else input.to(dtype)
    if not x.dtype.is_floating_point:
        raise RuntimeError(
            f"[mean] needs a floating-point dtype; got {x.dtype} of shape {list(x.shape)}; pass dtype=weft.float32"
        )
    return _ops.mean(x, _dims(x, dim, "mean"), keepdim)


def var(input, dim=None, *, correction=1, keepdim=False):
    return _ops.var(input, _dims(input, dim, "var"), correction, keepdim)


def std(input, dim=None, *, correction=1, keepdim=False):
    """The square root of var."""
    return _ops.sqrt(var(input, dim, correction=correction, keepdim=keepdim))


def amax(input, dim=None, keepdim=False):
    return _ops.amax(input, _dims(input, dim, "amax"), keepdim)


def amin(input, dim=None, keepdim=False):
    return _ops.amin(input, _dims(input, dim, "amin"), keepdim)


def any(input, dim=None, keepdim=False):
    return _ops.any(input.to(_C.bool), _dims(input, dim, "any"), keepdim)


def all(input, dim=None, keepdim=False):
    return _ops.all(input.to(_C.bool), _dims(input, dim, "all"), keepdim)


def _arg(op, input, dim, keepdim):
    if dim is None:
        flat = op(input.reshape(-1), (0,), False)
        return flat.reshape((1,) * input.ndim) if keepdim else flat
    if input.ndim == 0:
        input = input.reshape(1)
        return op(input, (0,), False)
    return op(input, _dims(input, dim, "argmax" if op is _ops.argmax else "argmin"), keepdim)


def argmax(input, dim=None, keepdim=False):
    return _arg(_ops.argmax, input, dim, keepdim)


def argmin(input, dim=None, keepdim=False):
    return _arg(_ops.argmin, input, dim, keepdim)


def _extremum(input, dim, keepdim, elementwise, reduce, arg):
    if dim is None:
        return reduce(input)
    if isinstance(dim, Tensor):
        return elementwise(input, dim)
    indices = arg(input, dim, True)
    values = _ops.gather(input, indices, _dims(input, dim, "max")[0]) if input.ndim else input
    if not keepdim and input.ndim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return ValuesAndIndices(values, indices)


def max(input, dim=None, keepdim=False):
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise maximum."""
    return _extremum(input, dim, keepdim, _ops.maximum, amax, argmax)


def min(input, dim=None, keepdim=False):
    """Of all elements; with ``dim`` (values, indices) along it; with a tensor the elementwise minimum."""
    return _extremum(input, dim, keepdim, _ops.minimum, amin, argmin)


def clamp(input, min=None, max=None):
    """Limited to [min, max]; either may be None, a number or a tensor."""
    if min is None and max is None:
        raise RuntimeError("[clamp] needs at least one of min and max; got neither; pass min=, max= or both")
    if max is None:
        return _ops.maximum(input, min)
    if min is None:
        return _ops.minimum(input, max)
    return _ops.clamp(input, min, max)


def softmax(input, dim=None, dtype=None):
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return _ops.softmax(input if dtype is None else input.to(dtype), dim)


def log_softmax(input, dim=None, dtype=None):
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return _ops.log_softmax(input if dtype is None else input.to(dtype), dim)


def matmul(input, other):
    return _ops.matmul(input, other)


def mm(input, mat2):
    """Product of two matrices."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise RuntimeError(
            f"[mm] needs two matrices; got shapes {list(input.shape)} and {list(mat2.shape)}; use matmul for batches and vectors"
        )
    return _ops.matmul(input, mat2)


def bmm(input, mat2):
    """Products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"[bmm] needs two batches of equally many matrices; got shapes {list(input.shape)} and {list(mat2.shape)}; "
            "use matmul to broadcast"
        )
    return _ops.matmul(input, mat2)


def gather(input, dim, index):
    return _ops.gather(input, index, dim)


def index_select(input, dim, index):
    return _ops.index_select(input, index, dim)


def scatter_add(input, dim, index, src):
    return _ops.scatter_add(input, index, src, dim)


def cat(tensors, dim=0):
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError("[cat] needs at least one tensor; got none; pass a non-empty sequence")
    return _ops.concatenate(tensors, dim)


def split(tensor, split_size_or_sections, dim=0):
    """Views of the given size (the last may be smaller) or sizes along ``dim``."""
    return tensor.split(split_size_or_sections, dim)


def chunk(input, chunks, dim=0):
    """At most ``chunks`` views of equal size (the last may be smaller) along ``dim``."""
    return input.chunk(chunks, dim)


def unbind(input, dim=0):
    """The slices along ``dim``, without it."""
    return tuple(input.select(dim, i) for i in range(input.shape[dim]))


def where(condition, input=None, other=None):
    """``input`` where the condition holds, else ``other``."""
    if input is None:
        raise NotImplementedError("[where] needs condition, input and other; use condition.nonzero() for positions")
    if isinstance(condition, Tensor) and condition.dtype is not _C.bool:
        condition = condition.to(_C.bool)
    return _ops.where(condition, input, other)


def flip(input, dims, *more):
    return _ops.flip(input, sorted(d % input.ndim for d in ((dims, *more) if isinstance(dims, int) else dims)))


def pad(input, pad, mode="constant", value=0.0):
    """Adds ``value`` around the last dimensions: (left, right, top, bottom, ...), the last dimension first."""
    if mode != "constant":
        raise NotImplementedError(f"[pad] only mode 'constant' is supported; got {mode!r}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"[pad] needs two numbers a padded dimension; got {list(pad)} for shape {list(input.shape)}; "
            "pass (left, right) for the last dimension first"
        )
    low, high = [0] * input.ndim, [0] * input.ndim
    for i in range(len(pad) // 2):
        low[-1 - i], high[-1 - i] = pad[2 * i], pad[2 * i + 1]
    result = input
    for d in range(input.ndim):  # a negative padding cuts off
        if low[d] < 0 or high[d] < 0:
            start = -low[d] if low[d] < 0 else 0
            stop = result.shape[d] + (high[d] if high[d] < 0 else 0)
            result = result.narrow(d, start, stop - start)
            low[d], high[d] = builtins.max(low[d], 0), builtins.max(high[d], 0)
    return _ops.pad(result, low, high, [0] * input.ndim, value)


def tril(input, diagonal=0):
    """Zero above the given diagonal of the last two dimensions."""
    return _ops.where(_triangle(input) <= diagonal, input, 0)


def triu(input, diagonal=0):
    """Zero below the given diagonal of the last two dimensions."""
    return _ops.where(_triangle(input) >= diagonal, input, 0)


def _triangle(x):
    rows = _C.arange(0, x.shape[-2], 1, _C.int64, x.device).unsqueeze(1)
    return _C.arange(0, x.shape[-1], 1, _C.int64, x.device) - rows


def addmm(input, mat1, mat2):
    """input + mat1 @ mat2."""
    return _ops.matmul(mat1, mat2) + input


def outer(input, vec2):
    """All products of two vectors' elements."""
    return input.unsqueeze(1) * vec2.unsqueeze(0)


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input - other| <= atol + rtol |other| everywhere."""
    import numpy

    return bool(numpy.allclose(_array(input), _array(other), rtol, atol, equal_nan))


def equal(input, other):
    """Whether both have one shape and equal elements."""
    return input.shape == other.shape and bool(all(_ops.eq(input, other)))


def _array(tensor):
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype is _C.bfloat16 else tensor).numpy()


def nonzero(input):
    """Positions of the nonzero elements, one a row."""
    import numpy

    return _factories.from_numpy(numpy.stack(numpy.nonzero(_array(input)), 1).astype(numpy.int64))


def masked_fill(input, mask, value):
    """``value`` where the mask holds, else the input."""
    return _ops.where(mask, value, input)


def transpose(input, dim0, dim1):
    """A view with two dimensions exchanged."""
    return input.transpose(dim0, dim1)


def permute(input, dims):
    return input.permute(dims)


def reshape(input, shape):
    return input.reshape(shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions ``start_dim`` to ``end_dim`` as one."""
    return input.flatten(start_dim, end_dim)


def squeeze(input, dim=None):
    """Without the dimensions of size 1, or without that one."""
    return input.squeeze(dim)


def unsqueeze(input, dim):
    """With a dimension of size 1 at ``dim``."""
    return input.unsqueeze(dim)


def numel(input):
    return input.numel()


def t(input):
    """The transpose of a matrix; vectors stay."""
    return input if input.ndim < 2 else input.transpose(0, 1)


def clone(input):
    return input.clone()


# What weft exports; those of METHODS are methods of Tensor, too.
__all__ = [
    "sum", "prod", "mean", "var", "std", "amax", "amin", "any", "all", "argmax", "argmin", "max", "min", "clamp", "softmax",
    "log_softmax", "matmul", "mm", "bmm", "gather", "index_select", "scatter_add", "cat", "split", "chunk", "unbind", "where",
    "flip", "tril", "triu", "addmm", "outer", "allclose", "equal", "nonzero", "masked_fill", "transpose", "permute", "reshape",
    "flatten", "squeeze", "unsqueeze", "numel", "t", "clone",
]  # fmt: skip
METHODS = (
    "sum", "prod", "mean", "var", "std", "amax", "amin", "any", "all", "argmax", "argmin", "max", "min", "clamp", "softmax",
    "log_softmax", "matmul", "mm", "bmm", "gather", "index_select", "scatter_add", "unbind", "flip", "tril", "triu", "addmm",
    "outer", "allclose", "equal", "nonzero", "masked_fill", "t",
)  # fmt: skip
# In-place variants of ops: x.add_(y) is x.copy_(x + y) in one kernel.
IN_PLACE = (
    "add", "sub", "mul", "div", "neg", "abs", "exp", "log", "sqrt", "rsqrt", "reciprocal", "square", "tanh", "sigmoid", "relu",
    "floor", "ceil", "trunc", "round", "pow", "maximum", "minimum", "remainder", "sin", "cos",
)  # fmt: skip


def _complete_docs():
    for name in __all__:
        function = globals()[name]
        if not function.__doc__:
            function.__doc__ = _ops.SUMMARIES.get({"cat": "concatenate"}.get(name, name), "").strip() or None


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
    return array if dtype is None else array.astype(dtype, copy=False)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    return _C.to_dlpack(self.clone() if copy else self)


def _new(make):
    def method(self, *size, dtype=None, device=None):
        return make(*size, dtype=dtype or self.dtype, device=device or self.device)

    return method


def attach():
    """Completes weft.Tensor."""
    _complete_docs()
    here = globals()
    for name in _ops.METHODS:
        setattr(Tensor, name, getattr(_ops, name))
    for name in METHODS:
        setattr(Tensor, name, here[name])
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
        "clamp_": lambda self, min=None, max=None: self.copy_(clamp(self, min, max)),
        "masked_fill_": lambda self, mask, value: self.copy_(masked_fill(self, mask, value)),
        "where": lambda self, condition, other: where(condition, self, other),
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
    return _rebuild, (_array(self), self.dtype, self.requires_grad)
