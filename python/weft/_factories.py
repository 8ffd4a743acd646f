"""Tensors from nothing, from Python data and from other tensors. Arguments and defaults are PyTorch's."""

from . import _C, _ops
from ._C import Tensor


def _shape(sizes):
    return sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _finish(tensor, requires_grad):
    return tensor.requires_grad_() if requires_grad else tensor


def tensor(data, dtype=None, device=None, requires_grad=False):
    """A copy of numbers, nested sequences, a NumPy array or a tensor."""
    result = _C.from_nested(data, dtype)
    if device is not None:
        result = result.to(device)
    return _finish(result, requires_grad)


def as_tensor(data, dtype=None, device=None):
    """The data itself if it is a tensor or NumPy array of that dtype, else a copy."""
    if not isinstance(data, Tensor):
        data = from_numpy(data) if hasattr(data, "__array_interface__") and getattr(data, "ndim", 0) else tensor(data)
    return data.to(device=device, dtype=dtype)


def from_numpy(array):
    """A tensor that shares the array's memory."""
    return _C.from_numpy(array)


def empty(*size, dtype=None, device=None, requires_grad=False):
    """Uninitialised memory."""
    return _finish(_C.empty(_shape(size), dtype, device), requires_grad)


def full(size, fill_value, dtype=None, device=None, requires_grad=False):
    """Every element is ``fill_value``; without ``dtype`` its Python type decides."""
    return _finish(_C.full(size, fill_value, dtype, device), requires_grad)


def zeros(*size, dtype=None, device=None, requires_grad=False):
    return _finish(_C.full(_shape(size), 0.0, dtype, device), requires_grad)


def ones(*size, dtype=None, device=None, requires_grad=False):
    return _finish(_C.full(_shape(size), 1.0, dtype, device), requires_grad)


def empty_like(input, dtype=None, device=None):
    return _C.empty(input.shape, dtype or input.dtype, device or input.device)


def full_like(input, fill_value, dtype=None, device=None):
    return _C.full(input.shape, fill_value, dtype or input.dtype, device or input.device)


def zeros_like(input, dtype=None, device=None):
    return full_like(input, 0, dtype, device)


def ones_like(input, dtype=None, device=None):
    return full_like(input, 1, dtype, device)


def arange(start, end=None, step=1, dtype=None, device=None):
    """start, start + step, ... below ``end``; int64 if all are ints."""
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) / step < 0:
        raise ValueError(
            f"[arange] the step does not lead from start to end; got start {start}, end {end}, step {step}; "
            "use a nonzero step of the right sign"
        )
    if dtype is None:
        dtype = _C.default_dtype() if any(isinstance(v, float) for v in (start, end, step)) else _C.int64
    return _C.arange(start, end, step, dtype, device)


def linspace(start, end, steps, dtype=None, device=None):
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    dtype = dtype or _C.default_dtype()
    if steps < 0:
        raise RuntimeError(f"[linspace] number of steps must be non-negative; got {steps}")
    if steps == 0:
        return empty(0, dtype=dtype, device=device)
    if steps == 1:
        return full((1,), start, dtype, device)
    # From both ends, so that the last element is exactly `end`.
    position = _C.arange(0, steps, 1, _C.float64, device)
    step = (end - start) / (steps - 1)
    return _ops.where(position < steps / 2, position * step + start, (position - (steps - 1)) * step + end).to(dtype)


def eye(n, m=None, dtype=None, device=None):
    """Ones on the diagonal."""
    m = n if m is None else m
    rows = _C.arange(0, n, 1, _C.int64, device).unsqueeze(1)
    return (rows == _C.arange(0, m, 1, _C.int64, device)).to(dtype or _C.default_dtype())


def rand(*size, dtype=None, device=None, requires_grad=False):
    """Uniform in [0, 1)."""
    return _finish(_C.rand(_shape(size), dtype, device), requires_grad)


def randn(*size, dtype=None, device=None, requires_grad=False):
    """Standard normal."""
    return _finish(_C.randn(_shape(size), dtype, device), requires_grad)


def rand_like(input, dtype=None):
    return _C.rand(input.shape, dtype or input.dtype, input.device)


def randn_like(input, dtype=None):
    return _C.randn(input.shape, dtype or input.dtype, input.device)


def randint(low, high=None, size=None, dtype=None, device=None):
    """Integers of [low, high)."""
    if size is None:
        low, high, size = 0, low, high
    if high <= low:
        raise RuntimeError(f"[randint] the range is empty; got low {low}, high {high}; pass high > low")
    uniform = _C.rand(size, _C.float64, device)
    return ((uniform * (high - low)).floor() + low).to(dtype or _C.int64)


def randperm(n, device=None):
    """A random order of 0 .. n - 1."""
    import numpy

    keys = _C.rand((n,), _C.float64, None).numpy()
    order = from_numpy(numpy.argsort(keys, kind="stable"))
    return order if device is None else order.to(device)


def stack(tensors, dim=0):
    """The tensors one after the other along a new dimension."""
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("[stack] needs at least one tensor; got none; pass a non-empty sequence")
    shape = tensors[0].shape
    for t in tensors:
        if t.shape != shape:
            raise RuntimeError(
                f"[stack] all tensors must have one shape; got {list(shape)} and {list(t.shape)}; use cat to join along a dimension"
            )
    return _ops.concatenate([t.unsqueeze(dim) for t in tensors], dim)


def manual_seed(seed):
    """Restarts the random stream; the same seed gives the same numbers, eager and compiled."""
    _C.not_replayable("it calls manual_seed()")
    _C.manual_seed(seed)
