"""What weft.Tensor has besides ops and views: attach() completes the type."""

from __future__ import annotations

import builtins

from . import _C, _factories, _functions, _layouts, _legacy, _ops, _print, _storage
from ._C import Tensor, device, dtype
from ._functions.elementwise import add_scaled, array_of, div, masked_fill, round
from ._public import Any, Number, Operand, public, public_with_short_cut

# ---- in place


@public_with_short_cut
def add_(input: Tensor, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input + alpha · other written into this tensor."""
    return add_scaled(_ops.add_, _ops.add_scaled_, 1, input, other, legacy, alpha)


@public_with_short_cut
def sub_(input: Tensor, other: Operand, *legacy: Any, alpha: Number = 1) -> Tensor:
    """input - alpha · other written into this tensor."""
    return add_scaled(_ops.sub_, _ops.add_scaled_, -1, input, other, legacy, alpha)


@public
def div_(input: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """``div`` written into this tensor."""
    if rounding_mode is None:
        return _ops.div_(input, other)
    return input.copy_(div(input, other, rounding_mode=rounding_mode))


@public
def round_(input: Tensor, *, decimals: int = 0) -> Tensor:
    """``round`` written into this tensor."""
    return _ops.round_(input) if decimals == 0 else input.copy_(round(input, decimals=decimals))


@public
def masked_fill_(input: Tensor, mask: Tensor, value: Operand) -> Tensor:
    """``masked_fill`` written into this tensor."""
    return input.copy_(masked_fill(input, mask, value))


@public
def uniform_(input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills with uniform numbers of [from, to); both parts of complex ones."""
    if not from_ <= to:
        raise RuntimeError(f"[uniform_] the range [from, to) is none; got from={from_}, to={to}; pass from <= to")
    if input.dtype.is_complex:
        _C.view_as_real(input).uniform_(from_, to, generator=generator)
        return input
    wide = _C.float64 if input.dtype is _C.float64 else _C.float32
    values = (_C.rand(input.shape, wide, input.device, generator) * (to - from_) + from_).to(input.dtype)
    return input.copy_(_ops.where(values < to, values, from_))  # what is rounded up to `to` is as near to `from`


@public
def normal_(input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fills with normal numbers."""
    if not std >= 0:
        raise RuntimeError(f"[normal_] std must be at least 0; got {std}; pass a standard deviation")
    return input.copy_(_C.randn(input.shape, input.dtype, input.device, generator) * std + mean)


# ---- conversions


def _convert_to(name: str, to: Any) -> Any:
    def convert(input: Tensor) -> Tensor:
        return input.to(to)

    convert.__name__ = name
    convert.__doc__ = f"Converted to {to}."
    return public(convert)


_CONVERSIONS = (
    ("float", _C.float32), ("double", _C.float64), ("half", _C.float16), ("bfloat16", _C.bfloat16), ("bool", _C.bool),
    ("int", _C.int32), ("long", _C.int64), ("short", _C.int16), ("char", _C.int8), ("byte", _C.uint8),
    ("cfloat", _C.complex64), ("cdouble", _C.complex128),
)  # fmt: skip


@public
def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Converted to a dtype, to a type as weft.FloatTensor, or to what the name of one says; without one, the name of its own type."""
    if dtype is None:
        return _legacy.name_of(input.dtype, input.device.type)
    dtype, where = _legacy.described("type", dtype)
    return input.to(input.device if where in (None, input.device.type) else where, dtype)


@public
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """Converted to the dtype of ``other``."""
    return input.to(other.dtype)


@public
def cpu(input: Tensor) -> Tensor:
    """On the CPU."""
    return input.to("cpu")


@public
def cuda(input: Tensor, device: device | None = None, non_blocking: bool = False) -> Tensor:
    """On a GPU, the current one by default; itself where it is there."""
    return input.to("cuda" if device is None else device, non_blocking=non_blocking)


@public
def numpy(input: Tensor, *, force: bool = False) -> Any:
    """A NumPy array on the tensor's memory; with ``force`` also of a tensor that requires grad or is elsewhere."""
    return _C.numpy(input.detach().cpu() if force else input)


@public
def tolist(input: Tensor) -> Any:
    """The elements as nested lists; of a 0-d tensor its number."""
    return _C.tolist(input)


# ---- shapes and values by another tensor


@public
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """The same memory in the shape of ``other``."""
    return input.view(other.shape)


@public
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """In the shape of ``other``."""
    return input.reshape(other.shape)


@public
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of ``other``."""
    return input.expand(other.shape)


@public
def where(input: Tensor, condition: Tensor, other: Operand) -> Tensor:
    """The tensor where the condition holds, else ``other``."""
    return _functions.where(condition, input, other)


@public
def polygamma(input: Tensor, n: int) -> Tensor:
    """The ``n``-th derivative of digamma, elementwise."""
    return _functions.polygamma(n, input)


# ---- new tensors of this one's dtype and device


def _new(name: str, make: Any) -> Any:
    def new(
        input: Tensor,
        *size: Any,
        dtype: dtype | None = None,
        device: device | None = None,
        requires_grad: bool = False,
    ) -> Tensor:
        return make(*size, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)

    new.__name__ = f"new_{name}"
    new.__doc__ = f"``weft.{name}`` of this tensor's dtype and device."
    return public(new)


@public
def new_full(
    input: Tensor,
    size: Any,
    fill_value: Number | Tensor,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``weft.full`` of this tensor's dtype and device."""
    return _factories.full(
        size, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


@public
def new_tensor(
    input: Tensor,
    data: Any,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``weft.tensor`` of this tensor's dtype and device."""
    return _factories.tensor(
        data, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )


@public
def untyped_storage(input: Tensor) -> Any:
    """The tensor's memory, as bytes."""
    return _storage.UntypedStorage(input)


@public
def storage(input: Tensor) -> Any:
    """The tensor's memory, counted in elements."""
    return _storage.TypedStorage(input)


@public
def as_subclass(input: Tensor, cls: Any) -> Any:
    """A view of the tensor as an object of a class derived from Tensor. ``__init__`` is not called."""
    if not (isinstance(cls, builtins.type) and issubclass(cls, Tensor)):
        raise TypeError(f"[as_subclass] the class must be Tensor or derived from it; got {cls!r}")
    return _C.as_subclass(input, cls)


@public
def new(input: Tensor, *args: Any, device: device | None = None) -> Tensor:
    """A tensor of this one's dtype and device: of the sizes, uninitialised; or of the data."""
    return _legacy.new(input, args, device)


# ---- sparse forms


@public
def to_sparse(
    input: Tensor,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Any = None,
    dense_dim: int | None = None,
) -> Any:
    """The elements that are not 0 as a sparse tensor (``weft.sparse``): COO with ``sparse_dim`` sparse dimensions, or by ``layout`` CSR or CSC."""
    from .sparse import calls

    if blocksize is not None:
        raise NotImplementedError(f"[to_sparse] there are no blocks; got blocksize={blocksize}; leave it out")
    return calls.sparse_from(input, sparse_dim, layout)


@public
def to_sparse_coo(input: Tensor) -> Any:
    """The elements that are not 0 in COO."""
    return to_sparse(input)


@public
def to_sparse_csr(input: Tensor, dense_dim: int | None = None) -> Any:
    """The elements of a matrix that are not 0 in CSR."""
    return to_sparse(input, layout=_layouts.sparse_csr)


@public
def to_sparse_csc(input: Tensor, dense_dim: int | None = None) -> Any:
    """The elements of a matrix that are not 0 in CSC."""
    return to_sparse(input, layout=_layouts.sparse_csc)


@public
def to_dense(input: Tensor, dtype: dtype | None = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, or in another dtype; of a sparse one all elements."""
    return input if dtype is None else input.to(dtype)


@public
def sparse_mask(input: Tensor, mask: Tensor) -> Any:
    """The elements at the places of a sparse tensor, as one of its layout."""
    from .sparse import calls

    return calls.masked(input, mask)


def _of_sparse(name: str) -> Any:
    def refuse(input: Tensor) -> Any:
        raise RuntimeError(
            f"[{name}] is of sparse tensors; got a dense one of shape {list(input.shape)}; use to_sparse() first"
        )

    refuse.__name__ = name
    refuse.__doc__ = "Of sparse tensors (``weft.sparse``); a RuntimeError of dense ones."
    return public(refuse)


_OF_SPARSE = (
    "coalesce",
    "indices",
    "values",
    "crow_indices",
    "col_indices",
    "ccol_indices",
    "row_indices",
    "is_coalesced",
    "sparse_dim",
)

# ---- Python's protocols


def _format(self: Tensor, spec: str) -> str:
    if self.ndim == 0:
        return format(self.item(), spec)
    if spec:
        raise TypeError(f"[format] only a 0-d tensor takes a format; got shape {list(self.shape)}; format its elements")
    return _print.tensor_repr(self)


def _array_protocol(self, dtype=None, copy=None):
    array = _C.numpy(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ValueError(f"[__array__] {array.dtype} to {dtype} takes a copy, which copy=False forbids")
        return array.astype(dtype)
    return array.copy() if copy else array


def _array_ufunc(self, ufunc, method, *inputs, **keywords):
    from ._numpy import array_ufunc

    return array_ufunc(ufunc, method, inputs, keywords)


def _array_function(self, function, types, arguments, keywords):
    from ._numpy import array_function

    return array_function(function, types, arguments, keywords)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    return _C.to_dlpack(self, stream, max_version, dl_device, copy)


def copy_of(tensor, memo):
    """A copy without history for ``copy.deepcopy``: tensors that share memory give copies that share memory."""
    if not tensor.numel():  # an empty view may begin behind its memory
        return tensor.detach().clone()
    identity, size = _C.storage_of(tensor)
    key = ("weft storage", identity)
    layout = (tensor.shape, tensor.stride(), tensor.storage_offset())
    if _C.tracing():  # by operations that a trace can follow, which know no bytes
        if key not in memo:
            whole = tensor.detach().as_strided((size // tensor.element_size(),), (1,), 0)
            memo[key] = (tensor, whole.clone())
        whole = memo[key][1]
        if whole.dtype == tensor.dtype:
            return whole.as_strided(*layout)
        return _C.view_of_storage(_C.whole_storage(whole), *layout, tensor.dtype)
    if key not in memo:
        memory = _C.whole_storage(tensor)
        memo[key] = (memory, memory.clone())
    return _C.view_of_storage(memo[key][1], *layout, tensor.dtype)


def copy_grad(tensor, result, memo):
    """Gives the result of a deep copy what the tensor has in .grad."""
    if tensor.grad is not None:
        from copy import deepcopy

        result.grad = deepcopy(tensor.grad, memo)


def _deepcopy(self, memo):
    if not self.is_leaf:
        raise RuntimeError("[deepcopy] only leaf tensors can be deep-copied; use .detach() or .clone()")
    result = copy_of(self, memo)
    if builtins.type(self) is not Tensor:
        result = _C.tensor_alias(builtins.type(self), result)
    if attributes := _C.attributes_of(self):
        from copy import deepcopy

        result.__dict__.update(deepcopy(attributes, memo))
    memo[id(self)] = result.requires_grad_(self.requires_grad)
    copy_grad(self, result, memo)
    return result


def _copy(self):
    """Another tensor on the same memory, at the same place of the tape."""
    result = self.detach().requires_grad_(self.requires_grad) if self.is_leaf else self.view(self.shape)
    if attributes := _C.attributes_of(self):
        result.__dict__.update(attributes)
    return result


def _rebuild(array, dtype, requires_grad, kind=Tensor, place="cpu"):
    result = _factories.from_numpy(array).to(dtype).clone().to(place)
    return (result if kind is Tensor else _C.tensor_alias(kind, result)).requires_grad_(requires_grad)


def _reduce(self, protocol):
    kind = builtins.type(self)
    given = (array_of(self), self.dtype, self.requires_grad, kind, builtins.str(self.device))
    return _rebuild, given, _C.attributes_of(self)


def _matrix_transpose(self: Tensor) -> Tensor:
    if self.ndim == 0:
        return self
    if self.ndim == 1:
        raise RuntimeError(f"[mT] needs at least two dimensions; got shape {list(self.shape)}; unsqueeze it")
    return self.transpose(-2, -1)


def _hermitian(self: Tensor) -> Tensor:
    if self.ndim not in (0, 2):
        raise RuntimeError(f"[H] is of matrices; got shape {list(self.shape)}; mH is of batches of matrices")
    return _functions.conj(self.transpose(0, 1) if self.ndim else self)


def _set_part(name: str) -> Any:
    def set_part(self: Tensor, value: Operand) -> None:
        part = getattr(_C, name)(self)
        part.copy_(value) if isinstance(value, Tensor) else part.fill_(value)

    return set_part


def _array_namespace(self: Tensor, /, *, api_version: str | None = None) -> Any:
    from . import array_api

    return array_api.namespace(api_version)


def _to_device(self: Tensor, device: device, /, *, stream: Any = None) -> Tensor:
    return Tensor.to(self, device)  # which refuses what is no tensor


def _no(self: Tensor) -> bool:
    return False


_PROPERTIES: Any = {
    "T": lambda self: self.permute(tuple(range(self.ndim - 1, -1, -1))),
    "mT": _matrix_transpose,
    "mH": lambda self: _functions.conj(_matrix_transpose(self)),
    "H": _hermitian,
    "layout": lambda self: _layouts.strided,
    "retains_grad": _C.retains_grad,
    "output_nr": lambda self: 0 if self.grad_fn is None else self.grad_fn.output_nr,
    "is_cpu": lambda self: self.device.type == "cpu",
    "itemsize": lambda self: self.dtype.itemsize,
    "nbytes": lambda self: self.dtype.itemsize * self.numel(),
    "is_cuda": lambda self: self.device.type == "cuda",
    **dict.fromkeys((
        "is_sparse", "is_sparse_csr", "is_quantized", "is_meta", "is_mps", "is_xla", "is_xpu", "is_ipu", "is_mkldnn", "is_nested",
        "is_vulkan", "is_mtia", "is_maia",
    ), _no),
}  # fmt: skip
_METHODS = (
    add_, sub_, div_, round_, masked_fill_, uniform_, normal_, type, type_as, cpu, cuda, numpy, tolist, view_as,
    reshape_as, expand_as, where, new_full, new_tensor, new, as_subclass, untyped_storage, storage, polygamma, to_sparse, to_sparse_coo,
    to_sparse_csr, to_sparse_csc, to_dense, sparse_mask, *map(_of_sparse, _OF_SPARSE),
)  # fmt: skip
# Methods that are functions, too: in-place forms and other names.
FUNCTIONS = (
    "abs_", "acos_", "acosh_", "asin_", "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "cos_",
    "cosh_", "detach_", "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fill_", "floor_", "log10_", "log1p_", "log2_", "log_", "neg_",
    "negative_", "reciprocal_", "relu_", "round_", "rsqrt_", "sigmoid_", "sin_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_",
    "zero_", "arccos", "arccos_", "arccosh", "arccosh_", "arcsin", "arcsin_", "arcsinh", "arcsinh_", "arctan", "arctan2", "arctan_",
    "arctanh", "arctanh_", "fix", "fix_", "ger", "conj_physical_",
)  # fmt: skip
# Other names of methods.
_ALIASES = {
    "absolute_": "abs_", "negative_": "neg_", "multiply_": "mul_", "subtract_": "sub_", "divide_": "div_", "true_divide_": "div_",
    "greater_": "gt_", "greater_equal_": "ge_", "less_": "lt_", "less_equal_": "le_", "not_equal_": "ne_", "arccos": "acos",
    "arccos_": "acos_", "arccosh": "acosh", "arccosh_": "acosh_", "arcsin": "asin", "arcsin_": "asin_", "arcsinh": "asinh",
    "arcsinh_": "asinh_", "arctan": "atan", "arctan_": "atan_", "arctanh": "atanh", "arctanh_": "atanh_", "arctan2": "atan2",
    "arctan2_": "atan2_", "fix": "trunc", "fix_": "trunc_", "ger": "outer",
}  # fmt: skip
_PROTOCOLS = {
    "__weft_function__": classmethod(_C.default_weft_function),
    "__array__": _array_protocol,
    "__array_priority__": 1000,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array_namespace__": _array_namespace,
    "to_device": _to_device,
    "__dlpack__": _dlpack,
    "__arrow_c_array__": lambda self, requested_schema=None: _C.to_arrow(self),
    "__dlpack_device__": lambda self: _C.dlpack_device(self),
    "__repr__": lambda self: _print.tensor_repr(self),
    "__format__": _format,
    "__complex__": lambda self: builtins.complex(self.item()),
    "__copy__": _copy,
    "__deepcopy__": _deepcopy,
    "__reduce_ex__": _reduce,
}


def attach() -> None:
    """Completes weft.Tensor."""
    members: dict[str, Any] = {name: getattr(_ops, name) for name in _ops.METHODS}
    members.update(_functions.METHODS)
    members.update((method.__name__, method) for method in _METHODS)
    members.update((name, _convert_to(name, to)) for name, to in _CONVERSIONS)
    for make in (_factories.zeros, _factories.ones, _factories.empty):
        members[f"new_{make.__name__}"] = _new(make.__name__, make)
    members.update((name, property(get)) for name, get in _PROPERTIES.items())
    members.update((name, property(getattr(_C, name), _set_part(name))) for name in ("real", "imag"))
    members.update(_PROTOCOLS)
    for name, of in _ALIASES.items():
        members[name] = members.get(of) or getattr(Tensor, of)
    for name, member in members.items():
        setattr(Tensor, name, member)
