"""Automatic mixed precision: in a region of `autocast` products run in a 16-bit dtype and losses in float32."""

from __future__ import annotations

import functools

from . import _C

__all__ = ["autocast", "is_autocast_enabled"]


class autocast:
    """A region, as a context manager or a decorator, where products (linear, matmul, mm, bmm, addmm, einsum, attention) take their
    operands in ``dtype`` (bfloat16 unless given; float16), and losses and prod theirs in float32: PyTorch's lists for CPUs. Regions
    nest; ``enabled=False`` is one without casts. Parameters stay float32, and so do their gradients. backward() casts nothing of its
    own accord, in a region or not.
    """

    def __init__(self, device_type: str, dtype=None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"[autocast] device_type must be a str; got {type(device_type).__name__}")
        if device_type != "cpu":
            raise RuntimeError(f"[autocast] unsupported device type '{device_type}'; regions are for 'cpu'")
        dtype = _C.bfloat16 if dtype is None else dtype
        if enabled and dtype not in (_C.bfloat16, _C.float16):
            raise RuntimeError(f"[autocast] dtype must be bfloat16 or float16; got {dtype}")
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


def is_autocast_enabled(device_type: str = "cpu") -> bool:
    """Whether this thread is in a region that casts."""
    return device_type == "cpu" and _C.autocast_dtype() is not None


def in_float32(*tensors):
    """For what is no op of the table: its operands as it takes them in a region."""
    if _C.autocast_dtype() is None:
        return tensors
    narrow = (_C.bfloat16, _C.float16)
    return tuple(t.float() if t is not None and t.dtype in narrow else t for t in tensors)
