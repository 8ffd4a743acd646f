"""Regions where products run in a 16-bit dtype and losses in float32."""

from __future__ import annotations

import functools
import warnings

from .. import _C
from .._functions.arguments import truth

__all__ = [
    "autocast",
    "autocast_decrement_nesting",
    "autocast_increment_nesting",
    "clear_autocast_cache",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
    "set_autocast_gpu_dtype",
]

_DTYPES = {"cpu": _C.bfloat16, "cuda": _C.float16}  # of regions, unless they say


class autocast:
    """A region, as a context manager or a decorator, where products (linear, matmul, mm, bmm, addmm, einsum, attention) take their
    operands in ``dtype`` (bfloat16 unless given; float16), and losses and prod theirs in float32: PyTorch's lists for CPUs. Regions
    nest; ``enabled=False`` is one without casts. Parameters stay float32, and so do their gradients. backward() casts nothing of its
    own accord, in a region or not.

    A region for "cuda" warns and casts nothing where there is no GPU; on one it is an error, as there are no lists for it.
    """

    def __init__(self, device_type: str, dtype=None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"[autocast] device_type must be a str; got {type(device_type).__name__}")
        if device_type not in _DTYPES:
            raise RuntimeError(f"[autocast] unsupported device type '{device_type}'; regions are for 'cpu'")
        enabled = truth("autocast", "enabled", enabled)
        dtype = _DTYPES[device_type] if dtype is None else dtype
        if enabled and not any(dtype is half for half in (_C.bfloat16, _C.float16)):
            raise RuntimeError(f"[autocast] dtype must be bfloat16 or float16; got {dtype}")
        if enabled and device_type == "cuda":
            if _C.cuda_device_count():
                raise RuntimeError("[autocast] regions are for 'cpu'; on a GPU call .to(dtype), or pass enabled=False")
            warnings.warn("[autocast] there is no GPU; a region for 'cuda' casts nothing", UserWarning, stacklevel=2)
            enabled = False
        self.device = device_type
        self.fast_dtype = dtype
        self._enabled = bool(enabled)
        self._before: list = []

    def __enter__(self):
        self._before.append(_C.autocast_dtype())
        _C.set_autocast_dtype(self.fast_dtype if self._enabled else None)
        return self

    def __exit__(self, *exception):
        _C.set_autocast_dtype(self._before.pop())

    def __call__(self, function):
        @functools.wraps(function)
        def in_region(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return in_region


def _check_device_type(op: str, device_type: str) -> None:
    if not isinstance(device_type, str) or device_type not in _DTYPES:
        raise RuntimeError(f"[{op}] unsupported device type {device_type!r}; it must be 'cpu' or 'cuda'")


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this thread is in a region that casts what is on that kind of device; as in PyTorch "cuda" unless given."""
    _check_device_type("is_autocast_enabled", device_type)
    return device_type == "cpu" and _C.autocast_dtype() is not None


def is_autocast_cpu_enabled() -> bool:
    """is_autocast_enabled("cpu")."""
    return is_autocast_enabled("cpu")


def is_autocast_available(device_type: str) -> bool:
    """Whether there are regions for that kind of device."""
    return device_type == "cpu"


def get_autocast_dtype(device_type: str) -> _C.dtype:
    """The dtype of the region that this thread is in; outside of one, that of a region to which none is given."""
    _check_device_type("get_autocast_dtype", device_type)
    return (_C.autocast_dtype() if device_type == "cpu" else None) or _DTYPES[device_type]


def get_autocast_cpu_dtype() -> _C.dtype:
    """get_autocast_dtype("cpu")."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> _C.dtype:
    """get_autocast_dtype("cuda")."""
    return get_autocast_dtype("cuda")


def set_autocast_enabled(*args: object) -> None:
    """``(device_type, enabled)`` begins or ends a region without a context manager, in this thread; ``(enabled)`` is for "cuda"."""
    if len(args) not in (1, 2) or not isinstance(args[-1], bool):
        raise TypeError(f"[set_autocast_enabled] takes (device_type, enabled) or (enabled); got {args}")
    device_type = str(args[0]) if len(args) == 2 else "cuda"
    _check_device_type("set_autocast_enabled", device_type)
    if args[-1] and device_type == "cuda":
        raise RuntimeError("[set_autocast_enabled] regions are for 'cpu'; on a GPU call .to(dtype)")
    if device_type == "cpu":
        _C.set_autocast_dtype(_DTYPES["cpu"] if args[-1] else None)


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """set_autocast_enabled("cpu", enabled)."""
    set_autocast_enabled("cpu", enabled)


def set_autocast_dtype(device_type: str, dtype: _C.dtype) -> None:
    """The dtype of regions to which none is given, and of the one that this thread is in: bfloat16 or float16."""
    _check_device_type("set_autocast_dtype", device_type)
    if dtype not in (_C.bfloat16, _C.float16):
        raise RuntimeError(f"[set_autocast_dtype] dtype must be bfloat16 or float16; got {dtype}")
    _C.not_replayable("it changes a setting")
    _DTYPES[device_type] = dtype
    if is_autocast_enabled(device_type):
        _C.set_autocast_dtype(dtype)


def set_autocast_cpu_dtype(dtype: _C.dtype) -> None:
    """set_autocast_dtype("cpu", dtype)."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: _C.dtype) -> None:
    """set_autocast_dtype("cuda", dtype)."""
    set_autocast_dtype("cuda", dtype)


_cache = {"enabled": 1, "nesting": 0}


def is_autocast_cache_enabled() -> bool:
    """What set_autocast_cache_enabled() was given: True at first."""
    _C.not_replayable("it asks for a setting")
    return bool(_cache["enabled"])


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Keeps the flag. Casts are not kept in any case."""
    _C.not_replayable("it changes a setting")
    _cache["enabled"] = int(enabled)


def clear_autocast_cache() -> None:
    """Does nothing: casts are not kept."""


def autocast_increment_nesting() -> int:
    """Counts a region that begins; the count."""
    _C.not_replayable("it changes a setting")
    _cache["nesting"] += 1
    return _cache["nesting"]


def autocast_decrement_nesting() -> int:
    """Counts a region that ends; the count."""
    _C.not_replayable("it changes a setting")
    _cache["nesting"] -= 1
    return _cache["nesting"]


def custom_fwd(fwd=None, *, device_type: str, cast_inputs=None):
    """Decorates ``forward(ctx, ...)`` of an autograd.Function: notes in ``ctx`` whether it is in a region; with ``cast_inputs`` a region
    casts the floating-point tensors among the arguments to that dtype, and nothing in it."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    _check_device_type("custom_fwd", device_type)

    def cast(value):
        if isinstance(value, _C.Tensor):
            applies = (
                value.dtype.is_floating_point and value.dtype is not _C.float64 and value.device.type == device_type
            )
            return value.to(cast_inputs) if applies else value
        if isinstance(value, dict):
            return {key: cast(item) for key, item in value.items()}
        return type(value)(map(cast, value)) if isinstance(value, (list, tuple)) else value

    @functools.wraps(fwd)
    def forward(ctx, *args, **kwargs):
        in_region = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = in_region and cast_inputs is None
        if not in_region or cast_inputs is None:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *map(cast, args), **cast(kwargs))

    return forward


def custom_bwd(bwd=None, *, device_type: str):
    """Decorates ``backward(ctx, ...)`` of an autograd.Function whose forward has custom_fwd: runs it in a region if that was in one."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    _check_device_type("custom_bwd", device_type)

    @functools.wraps(bwd)
    def backward(ctx, *args, **kwargs):
        with autocast(device_type, dtype=ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(ctx, *args, **kwargs)

    return backward


def in_float32(*tensors):
    """For what is no op of the table: its operands as it takes them in a region."""
    if _C.autocast_dtype() is None:
        return tensors
    narrow = (_C.bfloat16, _C.float16)
    return tuple(t.float() if t is not None and t.dtype in narrow else t for t in tensors)
