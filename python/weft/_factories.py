"""Tensors from nothing, from Python data and from other tensors. Arguments and defaults are PyTorch's."""

from __future__ import annotations

from collections.abc import Sequence

from . import _C, _ops
from ._C import Tensor, device, dtype
from ._public import Any, Number, public


def _shape(op: str, sizes: tuple[Any, ...]) -> Any:
    if not sizes:
        raise TypeError(f"[{op}] needs sizes; got none; pass ints or a sequence of ints, () for a 0-d tensor")
    return sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _finish(
    tensor: Tensor,
    requires_grad: bool = False,
    out: Tensor | None = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    if out is not None:
        if out.shape != tensor.shape:
            raise RuntimeError(
                f"[out] the shape of out must be that of the result; got {list(out.shape)} for {list(tensor.shape)}; "
                "pass a tensor of that shape"
            )
        tensor = out.copy_(tensor)
    if memory_format is not None:
        tensor = tensor.to(memory_format=memory_format)
    if pin_memory:
        tensor = _C.pin_memory(tensor)
    return tensor.requires_grad_() if requires_grad else tensor


def _column_of(op: str, data: Any) -> tuple[Tensor, bool] | None:
    """``_columns.of``, which most data need not ask."""
    if isinstance(data, (Tensor, list, tuple, int, float, complex)) or type(data).__module__ == "numpy":
        return None
    from . import _columns

    return _columns.of(op, data)


@public
def tensor(
    data: Any,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A copy of numbers, nested sequences (of numbers, arrays and tensors), a NumPy array, a column or table, or a tensor."""
    if (column := _column_of("tensor", data)) is not None:
        data = column[0]
    result = _C.from_nested(data, dtype)
    if device is None and not isinstance(data, Tensor):
        device = _C.get_default_device()
    if device is not None:
        result = result.to(device)
    return _finish(result, requires_grad, pin_memory=pin_memory)


@public
def scalar_tensor(
    s: Number, *, dtype: dtype | None = None, device: device | None = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor, of the default dtype."""
    return _finish(_C.full((), s, dtype or _C.default_dtype(), device), requires_grad)


@public
def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


@public
def as_tensor(data: Any, dtype: dtype | None = None, device: device | None = None) -> Tensor:
    """The data itself if it is a tensor, NumPy array or column of that dtype, else a copy."""
    if (column := _column_of("as_tensor", data)) is not None:
        data = column[0]
    elif not isinstance(data, Tensor):
        if not (hasattr(data, "__array_interface__") and getattr(data, "ndim", None)):
            return tensor(data, dtype=dtype, device=device)
        data = from_numpy(data)
    return data.to(device=device, dtype=dtype)


@public
def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the array's memory."""
    return _C.from_numpy(ndarray)


@public
def empty(
    *size: Any,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory."""
    return _finish(
        _C.empty(_shape("empty", size), dtype, device), requires_grad, out, memory_format, pin_memory=pin_memory
    )


@public
def full(
    size: Sequence[int],
    fill_value: Number | Tensor,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is ``fill_value``, a number or 0-d tensor; without ``dtype`` its type decides."""
    return _finish(_C.full(size, fill_value, dtype, device), requires_grad, out, pin_memory=pin_memory)


@public
def zeros(
    *size: Any,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is 0."""
    return _finish(
        _C.full(_shape("zeros", size), 0.0, dtype, device), requires_grad, out, memory_format, pin_memory=pin_memory
    )


@public
def ones(
    *size: Any,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is 1."""
    return _finish(
        _C.full(_shape("ones", size), 1.0, dtype, device), requires_grad, out, memory_format, pin_memory=pin_memory
    )


@public
def empty_like(
    input: Tensor,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory, of the input's shape."""
    return _finish(
        _C.empty(input.shape, dtype or input.dtype, device or input.device),
        requires_grad,
        None,
        memory_format,
        pin_memory=pin_memory,
    )


@public
def full_like(
    input: Tensor,
    fill_value: Number | Tensor,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is ``fill_value``; shape, dtype and device are the input's."""
    return _finish(
        _C.full(input.shape, fill_value, dtype or input.dtype, device or input.device),
        requires_grad,
        None,
        memory_format,
        pin_memory=pin_memory,
    )


@public
def zeros_like(
    input: Tensor,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is 0; shape, dtype and device are the input's."""
    return full_like(
        input,
        0,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
        memory_format=memory_format,
        pin_memory=pin_memory,
    )


@public
def ones_like(
    input: Tensor,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Every element is 1; shape, dtype and device are the input's."""
    return full_like(
        input,
        1,
        dtype=dtype,
        device=device,
        requires_grad=requires_grad,
        memory_format=memory_format,
        pin_memory=pin_memory,
    )


@public
def arange(
    start: Number | Tensor,
    end: Number | Tensor | None = None,
    step: Number | Tensor = 1,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, ... below ``end``; int64 if all are ints."""
    bounds: list[Any] = [v.item() if isinstance(v, Tensor) else v for v in (start, end, step)]
    if end is None:
        bounds[:2] = 0, bounds[0]
    if dtype is None:
        dtype = _C.default_dtype() if any(isinstance(v, float) for v in bounds) else _C.int64
    return _finish(_C.arange(*bounds, dtype, device), requires_grad, out, pin_memory=pin_memory)


@public
def linspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    first, last = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if dtype is None:
        dtype = _C.default_dtype()
        dtype = dtype.to_complex() if isinstance(first, complex) or isinstance(last, complex) else dtype
    if steps < 0:
        raise RuntimeError(f"[linspace] number of steps must be non-negative; got {steps}; pass at least 0")
    if steps == 0:
        return _finish(_C.empty((0,), dtype, device), requires_grad, out, pin_memory=pin_memory)
    if steps == 1:
        return _finish(_C.full((1,), first, dtype, device), requires_grad, out, pin_memory=pin_memory)
    # From both ends, so that the last element is exactly `end`.
    position = _C.arange(0, steps, 1, _C.float64, device)
    step = (last - first) / (steps - 1)
    result = _ops.where(position < steps / 2, position * step + first, (position - (steps - 1)) * step + last)
    return _finish(result.to(dtype), requires_grad, out, pin_memory=pin_memory)


@public
def eye(
    n: int,
    m: int | None = None,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Ones on the diagonal of ``n`` rows and ``m`` (default n) columns."""
    m = n if m is None else m
    if n < 0 or m < 0:
        raise RuntimeError(f"[eye] numbers of rows and columns must be non-negative; got {n} and {m}")
    rows = _C.arange(0, n, 1, _C.int64, device).unsqueeze(1)
    result = (rows == _C.arange(0, m, 1, _C.int64, device)).to(dtype or _C.default_dtype())
    return _finish(result, requires_grad, out, pin_memory=pin_memory)


@public
def rand(
    *size: Any,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uniform in [0, 1)."""
    return _finish(_C.rand(_shape("rand", size), dtype, device, generator), requires_grad, out, pin_memory=pin_memory)


@public
def randn(
    *size: Any,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Standard normal."""
    return _finish(_C.randn(_shape("randn", size), dtype, device, generator), requires_grad, out, pin_memory=pin_memory)


@public
def rand_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uniform in [0, 1); shape, dtype and device are the input's."""
    return _finish(
        _C.rand(input.shape, dtype or input.dtype, device or input.device, generator),
        requires_grad,
        None,
        memory_format,
        pin_memory=pin_memory,
    )


@public
def randn_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    memory_format: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Standard normal; shape, dtype and device are the input's."""
    return _finish(
        _C.randn(input.shape, dtype or input.dtype, device or input.device, generator),
        requires_grad,
        None,
        memory_format,
        pin_memory=pin_memory,
    )


@public
def randint(
    low: int | None = None,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Integers of [low, high): randint(high, size) or randint(low, high, size)."""
    if size is None and isinstance(high, Sequence):
        size, high, low = high, low, 0
    elif high is None:
        high, low = low, 0
    low = 0 if low is None else low
    if high is None or isinstance(high, Sequence) or size is None:
        raise TypeError("[randint] takes (high, size) or (low, high, size), size a sequence of ints; got other types")
    return _finish(
        _C.randint(low, high, size, dtype or _C.int64, device, generator), requires_grad, out, pin_memory=pin_memory
    )


@public
def randperm(
    n: int,
    *,
    generator: Any = None,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A random order of 0 .. n - 1."""
    import numpy

    keys = _C.rand((n,), _C.float64, "cpu", generator).numpy()
    device = _C.get_default_device() if device is None else device
    order = _C.from_numpy(numpy.argsort(keys, kind="stable")).to(device=device, dtype=dtype or _C.int64)
    return _finish(order, requires_grad, out, pin_memory=pin_memory)


@public
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along a new dimension."""
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("[stack] needs at least one tensor; got none; pass a non-empty sequence")
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"[stack] expected a tensor at position {i}; got {type(t).__name__}; convert it with weft.tensor(...)"
            )
    shape = tensors[0].shape
    for t in tensors:
        if t.shape != shape:
            raise RuntimeError(
                f"[stack] all tensors must have one shape; got {list(shape)} and {list(t.shape)}; use cat to join along a dimension"
            )
    return _ops.concatenate([t.unsqueeze(dim) for t in tensors], dim)


@public
def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory, of these strides."""
    if len(size) != len(stride):
        raise RuntimeError(f"[empty_strided] needs a stride for each size; got {list(size)} and {list(stride)}")
    held = 1 + sum([(length - 1) * step for length, step in zip(size, stride)]) if all(size) else 0
    return _finish(
        _C.empty((max(held, 0),), dtype, device).as_strided(size, stride), requires_grad, pin_memory=pin_memory
    )


@public
def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Uninitialised memory whose axes lie in the order ``physical_layout``, the outermost first; a RuntimeError where that is no order."""
    if sorted(physical_layout) != [axis for axis, _ in enumerate(size)]:
        raise RuntimeError(
            f"[empty_permuted] physical_layout must name each of {len(size)} axes once; got {list(physical_layout)}"
        )
    strides, step = [0] * len(size), 1
    for axis in reversed(physical_layout):
        strides[axis], step = step, step * max(size[axis], 1)
    return empty_strided(size, strides, dtype=dtype, device=device, requires_grad=requires_grad, pin_memory=pin_memory)


@public
def logspace(
    start: Number | Tensor,
    end: Number | Tensor,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``base`` to the powers of ``linspace``."""
    exponents = linspace(
        start, end, steps, device=device, dtype=None if dtype is None or not dtype.is_complex else dtype
    )
    if not exponents.dtype.is_complex:
        exponents = exponents if steps < 2 else linspace(start, end, steps, device=device, dtype=_C.float64)
    wanted = dtype if dtype is not None else exponents.dtype if exponents.dtype.is_complex else _C.default_dtype()
    return _finish(_ops.pow(base, exponents).to(wanted), requires_grad, out, pin_memory=pin_memory)


@public
def range(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    out: Tensor | None = None,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """start, start + step, ... up to ``end``, which counts; of the default dtype. Warns, as PyTorch does: ``arange`` is Python's range."""
    import warnings

    warnings.warn("[range] is deprecated, as it takes in its end; use weft.arange", UserWarning, stacklevel=3)
    if end is None:
        start, end = 0, start
    for name, value in (("start", start), ("end", end), ("step", step)):
        if isinstance(value, complex):
            raise RuntimeError(f"[range] {name} must be a real number; got {value}; pass an int or a float")
    if step == 0 or not 0 <= (end - start) / step < 2**63:
        raise RuntimeError(f"[range] step must lead from start to end; got {start}, {end} and {step}")
    count = int((end - start) / step) + 1
    values = _ops.add(_ops.mul(_C.arange(0, count, 1, _C.float64, device), step), start)
    return _finish(values.to(dtype or _C.default_dtype()), requires_grad, out, pin_memory=pin_memory)
