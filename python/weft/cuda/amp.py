"""PyTorch's older names: weft.amp for "cuda". Without a GPU these warn and do nothing."""

from __future__ import annotations

import warnings

from .. import _C, amp
from ..amp import custom_bwd as _custom_bwd
from ..amp import custom_fwd as _custom_fwd

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def _is_deprecated(name):
    warnings.warn(
        f"weft.cuda.amp.{name}(...) is deprecated; use weft.amp.{name}('cuda', ...)", FutureWarning, stacklevel=3
    )


class autocast(amp.autocast):
    """amp.autocast("cuda", ...)."""

    def __init__(self, enabled: bool = True, dtype=_C.float16, cache_enabled: bool = True) -> None:
        _is_deprecated("autocast")
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """amp.GradScaler("cuda", ...)."""

    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        _is_deprecated("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def custom_fwd(fwd=None, *, cast_inputs=None):
    """amp.custom_fwd(..., device_type="cuda")."""
    _is_deprecated("custom_fwd")
    return _custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd):
    """amp.custom_bwd(..., device_type="cuda")."""
    _is_deprecated("custom_bwd")
    return _custom_bwd(bwd, device_type="cuda")
