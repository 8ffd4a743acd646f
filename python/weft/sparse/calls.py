"""What the package's functions, methods and operators do with sparse tensors: a table by their names."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._functions import indexing, moves, ordering
from .._functions.arguments import integer, ints, number, tensors
from .._public import Any, Number
from . import making, products, reductions
from .tensor import (
    COO,
    CSC,
    CSR,
    LAYOUTS,
    coalesced,
    compressed,
    coo,
    dense,
    flat,
    from_dense,
    is_sparse,
    layout_of,
    make,
    mapped,
    parts_of,
    sparse_dims,
    spread,
    transposed,
    values_of,
    with_values,
)

# What asks for the shape, the dtype or the device alone.
_METADATA = frozenset((
    "size", "dim", "ndimension", "numel", "nelement", "is_floating_point", "is_complex", "is_signed", "element_size", "get_device", "is_tensor",
    "is_same_size", "result_type", "is_inference", "typename", "can_cast", "promote_types", "__len__",
))  # fmt: skip
# f(0) is 0: they are done to the values.
_KEEP_ZERO = frozenset((
    "abs", "absolute", "neg", "negative", "positive", "sgn", "sign", "sqrt", "square", "sin", "sinh", "tan", "tanh", "asin", "arcsin", "asinh",
    "arcsinh", "atan", "arctan", "atanh", "arctanh", "ceil", "floor", "round", "trunc", "fix", "frac", "erf", "erfinv", "expm1", "log1p", "relu",
    "deg2rad", "rad2deg", "isnan", "isinf", "isposinf", "isneginf", "signbit", "conj", "nan_to_num", "real", "imag",
))  # fmt: skip
_CONVERSIONS = frozenset((
    "to", "type", "float", "double", "half", "bfloat16", "bool", "int", "long", "short", "char", "byte", "cfloat", "cdouble", "cpu", "cuda",
))  # fmt: skip
_TABLE: dict[str, Any] = {}


def take_over(func: Any, args: Any, kwargs: Any) -> Any:
    name = func.__name__
    plain: Any = getattr(func, "__wrapped__", None)
    if getattr(func, "__module__", "").startswith("weft.sparse") or name in _PLAIN:
        return plain(*args, **kwargs)
    if name in _METADATA:
        return _C.default_weft_function(Tensor, func, (Tensor,), args, kwargs)
    if name in _TABLE:
        return _TABLE[name](*args, **kwargs)
    if args and is_sparse(args[0]):
        x, *rest = args
        if name in _KEEP_ZERO:
            x = coalesced(x) if layout_of(x) == COO else x
            return with_values(x, func(values_of(x), *rest, **kwargs))
        if name in _CONVERSIONS:
            return _converted(func, x, rest, kwargs)
    shown = [f"{a.layout} {list(a.shape)}" if isinstance(a, Tensor) else type(a).__name__ for a in args]
    raise NotImplementedError(f"[{name}] is not made for sparse tensors; got {', '.join(shown)}; call to_dense()")


# Functions in Python that are made of others.
_PLAIN = frozenset(("clip_grad_value_",))


def _says(*names: str) -> Any:
    def enter(function: Any) -> Any:
        for name in names:
            _TABLE[name] = function
        return function

    return enter


def _converted(func: Any, x: Any, rest: Any, kwargs: Any) -> Any:
    layout, is_coalesced, parts = _C.sparse_parts(x)
    values = func(parts[-1], *rest, **kwargs)
    if not isinstance(values, Tensor):
        return values
    if values is parts[-1]:
        return x
    return make(x.shape, layout, [*[part.to(values.device) for part in parts[:-1]], values], is_coalesced)


# ---- Arithmetic


def _number(value: Any) -> bool:
    return not isinstance(value, Tensor) or (value.ndim == 0 and not is_sparse(value))


def _same_shape(op: str, a: Any, b: Any) -> None:
    if a.shape != b.shape:
        raise RuntimeError(f"[{op}] sparse tensors must have one shape; got {list(a.shape)} and {list(b.shape)}")


def _sum(op: str, a: Any, b: Any, alpha: Number) -> Any:
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        raise RuntimeError(
            f"[{op}] a sparse tensor and a number are added by none; add to its values, or to to_dense()"
        )
    if not is_sparse(a):
        a, b = _C.broadcast_tensors([a, dense(b)]) if a.shape != b.shape else (a, b)
        if not is_sparse(b):
            return a + b * alpha
        return _dense_plus(a, b, alpha)
    if not is_sparse(b) and layout_of(a) != COO and alpha == 1:
        return _dense_plus(b, a, 1)
    if not is_sparse(b):
        raise RuntimeError(
            f"[{op}] a sparse plus a dense tensor: write the dense one first; got {a.layout} {list(a.shape)}"
        )
    _same_shape(op, a, b)
    if layout_of(a) != layout_of(b) or sparse_dims(a) != sparse_dims(b):
        raise RuntimeError(
            f"[{op}] sparse tensors must have one layout; got {a.layout} and {b.layout}; use to_sparse()"
        )
    first, second = coo(a), coo(b)
    both = _C.sparse_parts(first)[1] and _C.sparse_parts(second)[1]
    right = values_of(second) if alpha == 1 else _ops.mul(values_of(second), alpha)
    kind = _C.result_type(values_of(first), right)
    values = _ops.concatenate([values_of(first).to(kind), right.to(kind)], 0)
    result = make(a.shape, COO, (_ops.concatenate([parts_of(first)[0], parts_of(second)[0]], 1), values))
    if layout_of(a) != COO:
        return compressed(coalesced(result), layout_of(a))
    return coalesced(result) if both else result


def _dense_plus(a: Tensor, b: Any, alpha: Number) -> Tensor:
    indices, values = parts_of(coo(b))
    kind = _C.result_type(a, values)
    rows = (values if alpha == 1 else _ops.mul(values, alpha)).to(kind)
    count = indices.shape[0]
    if not rows.numel():
        return a.to(kind, copy=True)
    sizes = b.shape[:count]
    flattened = a.to(kind).reshape(-1, *b.shape[count:])
    index = flat(indices, sizes).reshape(-1, *[1] * (rows.ndim - 1)).expand(*rows.shape)
    return _ops.scatter_add(flattened, index, rows, 0).reshape(a.shape)


@_says("add", "__add__", "__radd__")
def _add(input: Any, other: Any, *, alpha: Number = 1, out: Any = None) -> Any:
    return _sum("add", input, other, alpha)


_TABLE["__radd__"] = lambda input, other: _sum("add", other, input, 1)


@_says("sub", "subtract", "__sub__")
def _sub(input: Any, other: Any, *, alpha: Number = 1) -> Any:
    return _sum("sub", input, other, -alpha)


_TABLE["__rsub__"] = lambda input, other: _sum("sub", other, input, -1)


def _common_places(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """(indices, values of a, values of b) where both have an element."""
    a, b = coalesced(a), coalesced(b)
    (indices, left), (others, right) = parts_of(a), parts_of(b)
    sizes = a.shape[: indices.shape[0]]
    keys, known = flat(indices, sizes), flat(others, sizes)
    if not known.shape[0] or not keys.shape[0]:
        none = keys.narrow(0, 0, 0)
        return tuple(_ops.index_select(t, none, axis) for t, axis in ((indices, 1), (left, 0), (right, 0)))  # type: ignore[return-value]
    place = _ops.clamp_max(ordering.searchsorted(known, keys), known.shape[0] - 1)
    both = indexing.nonzero(_ops.eq(_ops.index_select(known, place, 0), keys)).reshape(-1)
    place = _ops.index_select(place, both, 0)
    return _ops.index_select(indices, both, 1), _ops.index_select(left, both, 0), _ops.index_select(right, place, 0)


@_says("mul", "multiply", "__mul__", "__rmul__")
def _mul(input: Any, other: Any) -> Any:
    if not is_sparse(input):
        input, other = other, input
    if _number(other):
        return with_values(input, values_of(input) * number("mul", "other", other))
    if not is_sparse(other):
        indices, values = parts_of(coo(input))
        at = other.expand(*input.shape)[tuple(indices.unbind(0))]
        result = make(input.shape, COO, (indices, values * at), _C.sparse_parts(coo(input))[1])
        return result if layout_of(input) == COO else compressed(result, layout_of(input))
    _same_shape("mul", input, other)
    indices, left, right = _common_places(coo(input), coo(other))
    result = make(input.shape, COO, (indices, left * right), True)
    return result if layout_of(input) == COO else compressed(result, layout_of(input))


@_says("div", "divide", "true_divide", "__truediv__")
def _div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if not is_sparse(input) or not _number(other):
        raise RuntimeError(
            "[div] a sparse tensor is divided by a number or a 0-d tensor alone; multiply by the reciprocal"
        )
    if rounding_mode is not None and layout_of(input) == COO:
        input = coalesced(input)
    return with_values(input, _ops_div(values_of(input), other, rounding_mode))


def _ops_div(values: Tensor, other: Any, rounding_mode: str | None) -> Tensor:
    return values.div(other) if rounding_mode is None else values.div(other, rounding_mode=rounding_mode)


@_says("pow", "__pow__")
def _pow(input: Any, exponent: Any, modulo: Any = None) -> Any:
    if not is_sparse(input) or not _number(exponent) or not float(exponent) > 0:
        raise RuntimeError("[pow] a sparse tensor takes a positive number as its exponent; use to_dense()")
    x = coalesced(input) if layout_of(input) == COO else input
    return with_values(x, values_of(x) ** exponent)


_TABLE["__neg__"] = lambda x: with_values(x, -values_of(x))
_TABLE["__abs__"] = lambda x: take_over(_ops.abs, (x,), {})
_TABLE["__pos__"] = lambda x: x
for _name in ("__matmul__", "matmul"):
    _TABLE[_name] = products.matmul
_TABLE["__rmatmul__"] = lambda input, other: products.matmul(other, input)
_TABLE["mm"] = lambda input, mat2: products.product("mm", input, mat2)
_TABLE["dsmm"] = _TABLE["spmm"] = _TABLE["mm"]
_TABLE["mv"] = lambda input, vec: products.vector_product("mv", input, vec)
_TABLE["bmm"] = lambda input, mat2: products.batched("bmm", input, mat2)
_TABLE["addmm"] = lambda input, mat1, mat2, *, beta=1, alpha=1: products.added("addmm", input, mat1, mat2, beta, alpha)
_TABLE["sum"] = lambda input, dim=None, keepdim=False, *, dtype=None: reductions.total("sum", input, dim, dtype)
_TABLE["softmax"] = lambda input, dim, dtype=None: reductions._normalised("softmax", input, dim, dtype, False)
_TABLE["log_softmax"] = lambda input, dim, dtype=None: reductions._normalised("log_softmax", input, dim, dtype, True)


@_says("norm")
def _norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    if dim is not None:
        raise NotImplementedError(f"[norm] of a sparse tensor is that of all elements; got dim={dim}; call to_dense()")
    values = values_of(coalesced(input) if layout_of(input) == COO else input).reshape(-1)
    return values.norm(2 if p == "fro" else p, dtype=dtype)


@_says("any")
def _any(input: Any) -> Tensor:
    return _ops.any(
        _ops.ne(values_of(coalesced(input) if layout_of(input) == COO else input).reshape(-1), 0), (), False
    )


# ---- Moves


@_says("clone")
def _clone(input: Any, *, memory_format: Any = None) -> Any:
    return mapped(input, lambda part: part.clone())


@_says("detach")
def _detach(input: Any) -> Any:
    return input.detach()


@_says("transpose", "swapaxes", "swapdims")
def _transpose(input: Any, dim0: int, dim1: int) -> Any:
    return transposed(input, moves.axis_of(input, dim0), moves.axis_of(input, dim1))


@_says("t", "adjoint", "numpy_T")
def _t(input: Any) -> Any:
    if input.ndim > 2:
        raise RuntimeError(f"[t] takes a matrix; got shape {list(input.shape)}; use transpose")
    return transposed(input, 0, 1) if input.ndim == 2 else input


@_says("permute")
def _permute(input: Any, *dims: Any) -> Any:
    order = [d % input.ndim for d in ints("permute", "dims", dims[0] if len(dims) == 1 else dims)]
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(f"[permute] dims must name each dimension once; got {order} for shape {list(input.shape)}")
    for place in range(len(order)):
        source = order[place]
        input = transposed(input, place, source)
        order = [source if o == place else o for o in order]
    return input


@_says("unsqueeze")
def _unsqueeze(input: Any, dim: int) -> Any:
    return making.unsqueezed(coo(input), dim)


@_says("cat", "concat", "concatenate")
def _cat(tensors: Any, dim: int = 0) -> Any:
    if not all(is_sparse(t) for t in tensors):
        raise RuntimeError("[cat] sparse tensors are joined with sparse ones; convert all by to_sparse() or to_dense()")
    return making.stacked([coo(t) for t in tensors], dim)


@_says("stack")
def _stack(tensors: Any, dim: int = 0) -> Any:
    if not all(is_sparse(t) for t in tensors):
        raise RuntimeError(
            "[stack] sparse tensors are joined with sparse ones; convert all by to_sparse() or to_dense()"
        )
    return making.stacked([making.unsqueezed(coo(t), dim) for t in tensors], dim)


@_says("select")
def _select(input: Any, dim: int, index: int) -> Any:
    axis = moves.axis_of(input, dim)
    size, index = input.shape[axis], integer("select", "index", index)
    if not -size <= index < size:
        raise IndexError(f"[select] index {index} is out of bounds for dimension {axis} with size {size}")
    x = coo(input)
    indices, values = parts_of(x)
    count, shape = indices.shape[0], [n for a, n in enumerate(x.shape) if a != axis]
    done = _C.sparse_parts(x)[1]
    if axis >= count:
        return make(shape, COO, (indices, values.select(axis - count + 1, index)), done)
    kept = indexing.nonzero(_ops.eq(indices.select(0, axis), index % size)).reshape(-1)
    values = _ops.index_select(values, kept, 0)
    if count == 1:
        return values.sum(0)
    rows = reductions.chosen(indices, [a for a in range(count) if a != axis])
    return make(shape, COO, (_ops.index_select(rows, kept, 1), values), done)


@_says("__getitem__")
def _item(input: Any, index: Any) -> Any:
    for place in index if isinstance(index, tuple) else (index,):
        if isinstance(place, bool) or not isinstance(place, int):
            raise NotImplementedError(
                f"[getitem] a sparse tensor takes ints; got {type(place).__name__}; use index_select or to_dense()"
            )
        input = _select(input, 0, place) if is_sparse(input) else input[place]
    return input


@_says("index_select")
def _index_select(input: Any, dim: int, index: Tensor) -> Any:
    tensors("index_select", index=index)
    if index.ndim > 1:
        raise IndexError(f"[index_select] index must be a vector; got shape {list(index.shape)}; use reshape(-1)")
    index = index.reshape(-1)
    axis, x = moves.axis_of(input, dim), coalesced(coo(input))
    indices, values = parts_of(x)
    count, shape = indices.shape[0], list(x.shape)
    shape[axis] = index.shape[0]
    if index.numel() and not (0 <= int(index.min().item()) and int(index.max().item()) < x.shape[axis]):
        raise IndexError(f"[index_select] index out of range in dimension {axis} of size {x.shape[axis]}")
    if axis >= count:
        return make(shape, COO, (indices, _ops.index_select(values, index, axis - count + 1)), True)
    row, order = ordering.sort(indices.select(0, axis), stable=True)
    first, end = ordering.searchsorted(row, index), ordering.searchsorted(row, index, right=True)
    lengths = _ops.sub(end, first)
    ends = _ops.cumsum(lengths, 0)
    total = int(ends[-1].item()) if ends.shape[0] else 0
    to = spread(_ops.sub(ends, lengths), total)
    start = _ops.index_select(_ops.sub(_ops.add(first, lengths), ends), to, 0)
    taken = _ops.index_select(order, _ops.add(start, _ops.iota((total,), 0, _C.int64).to(order.device)), 0)
    rows = [
        to if a == axis else _ops.index_select(indices.select(0, a), taken, 0)
        for a in range(count)
    ]  # fmt: skip
    return make(
        shape, COO, (_ops.concatenate([r.reshape(1, -1) for r in rows], 0), _ops.index_select(values, taken, 0))
    )


# ---- Layouts, and tensors like others


@_says("to_sparse")
def _to_sparse(input: Any, sparse_dim: Any = None, *, layout: Any = None, **_: Any) -> Any:
    kind = _kind(layout)
    return coo(input) if kind == COO else compressed(input, kind)


_TABLE["to_sparse_coo"] = coo
_TABLE["to_sparse_csr"] = lambda input, dense_dim=None: compressed(input, CSR)
_TABLE["to_sparse_csc"] = lambda input, dense_dim=None: compressed(input, CSC)


def _kind(layout: Any) -> int:
    if layout is None:
        return COO
    for kind, known in enumerate(LAYOUTS):
        if layout is known:
            return kind
    raise NotImplementedError(f"[to_sparse] the layouts are {', '.join(map(str, LAYOUTS))}; got {layout}")


def sparse_from(input: Tensor, sparse_dim: int | None, layout: Any) -> Any:
    """What ``to_sparse`` makes of a dense tensor."""
    kind = _kind(layout)
    count = input.ndim if sparse_dim is None else sparse_dim
    if not (0 <= count <= input.ndim) or (count == 0 and input.ndim):
        raise RuntimeError(f"[to_sparse] there can be 1 to {input.ndim} sparse dimensions; got {count}")
    x = from_dense(input, count)
    return x if kind == COO else compressed(x, kind)


def masked(input: Tensor, mask: Any) -> Any:
    """A dense tensor at the places of a sparse one."""
    if not is_sparse(mask):
        raise RuntimeError(f"[sparse_mask] the mask must be sparse; got a dense tensor of shape {list(mask.shape)}")
    _same_shape("sparse_mask", input, mask)
    places = coalesced(coo(mask))
    indices = parts_of(places)[0]
    if is_sparse(input):
        index, left, _ = _common_places(coo(input), places)
        return make(input.shape, COO, (index, left), True)
    result = make(input.shape, COO, (indices, input[tuple(indices.unbind(0))]), True)
    return result if layout_of(mask) == COO else compressed(result, layout_of(mask))


_TABLE["sparse_mask"] = masked


@_says("zeros_like", "empty_like")
def _zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Any:
    indices, values = parts_of(coo(input))
    none = _factories.zeros(0, *values.shape[1:], dtype=dtype or values.dtype, device=device or values.device)
    result = make(input.shape, COO, (indices.narrow(1, 0, 0).to(none.device), none.requires_grad_(requires_grad)), True)
    return result if layout_of(input) == COO else compressed(result, layout_of(input))


# ---- In place


def _assign(x: Any, other: Any) -> Any:
    if layout_of(x) != layout_of(other) or x.shape != other.shape:
        raise RuntimeError(f"[copy_] takes a tensor of the same layout and shape; got {other.layout} for {x.layout}")
    _, is_coalesced, parts = _C.sparse_parts(other)
    _C.assign_sparse(x, [*parts[:-1], parts[-1].to(x.dtype)], is_coalesced)
    return x


@_says("copy_")
def _copy(input: Any, src: Any, non_blocking: bool = False) -> Any:
    return _assign(input, _clone(src)) if is_sparse(input) and is_sparse(src) else input.copy_(dense(src))


@_says("zero_")
def _zero(input: Any) -> Any:
    return _assign(input, _zeros_like(input))


def _in_place(name: str, function: Any) -> None:
    def write(input: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(input, *args, **kwargs)
        return _assign(input, result) if is_sparse(input) else input.copy_(result)

    _TABLE[f"{name}_"] = _TABLE[f"__i{name}__"] = write


for _name, _function in (("add", _add), ("sub", _sub), ("mul", _mul), ("div", _div)):
    _in_place(_name, _function)
_TABLE["__itruediv__"] = _TABLE["div_"]


# ---- What only a dense tensor has


def _refuse(name: str, error: Any) -> None:
    def refuse(input: Any, *args: Any, **kwargs: Any) -> Any:
        raise error(f"[{name}] a {input.layout} tensor has none; got shape {list(input.shape)}; call to_dense() first")

    _TABLE[name] = refuse


for _name in ("item", "tolist", "reshape", "contiguous", "data_ptr"):
    _refuse(_name, RuntimeError)
for _name in ("numpy", "__array__"):
    _refuse(_name, TypeError)

# ---- Gradients


@_says("grad")
def _grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
    from ..autograd import grad

    wanted = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    found = grad(outputs, [values_of(x) if is_sparse(x) else x for x in wanted], *args, **kwargs)
    return tuple([with_values(x, g) if is_sparse(x) and g is not None else g for x, g in zip(wanted, found)])
