"""Windows of signals."""

from __future__ import annotations

import math

from .. import _C
from .. import _factories as factories
from .._C import Tensor, device, dtype
from .._public import Any, Number, public

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]
METHODS = ()


def _window(name, length, periodic, formula, dtype, device, requires_grad):
    """``formula`` of positions from -1 to 1, computed in float64. periodic: of one more, without the last."""
    if length < 0:
        raise RuntimeError(f"[{name}] window_length must not be negative; got {length}")
    dtype = dtype or _C.default_dtype()
    if not dtype.is_floating_point:
        raise RuntimeError(f"[{name}] expects a floating point dtype; got {dtype}")
    last = length if periodic else length - 1
    if length < 2:
        values = factories.ones(length, dtype=_C.float64, device=device)
    else:
        values = formula(factories.arange(length, dtype=_C.float64, device=device) * (2.0 / last) - 1.0)
    return values.to(dtype).requires_grad_(requires_grad)


def _cosines(*weights):
    return lambda t: sum([w * (t * (math.pi * k)).cos() for k, w in enumerate(weights[1:], 1)], weights[0])


@public
def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``sin(pi n / N) ** 2`` for n < window_length, [window_length]. N: the length, or with periodic=False one less."""
    return _window("hann_window", window_length, periodic, _cosines(0.5, 0.5), dtype, device, requires_grad)


@public
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: Number = 0.54,
    beta: Number = 0.46,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``alpha - beta cos(2 pi n / N)`` for n < window_length, [window_length]. N: the length, or with periodic=False one less."""
    formula = _cosines(float(alpha), float(beta))
    return _window("hamming_window", window_length, periodic, formula, dtype, device, requires_grad)


@public
def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)`` for n < window_length, [window_length]. N: the length, or with
    periodic=False one less."""
    return _window("blackman_window", window_length, periodic, _cosines(0.42, 0.5, 0.08), dtype, device, requires_grad)


@public
def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle, ``1 - |2 n / N - 1|`` for n < window_length, [window_length]. N: the length, or with periodic=False one less."""
    return _window("bartlett_window", window_length, periodic, lambda t: 1.0 - t.abs(), dtype, device, requires_grad)


@public
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: Number = 12.0,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """``i0(beta sqrt(1 - (2 n / N - 1) ** 2)) / i0(beta)`` for n < window_length, [window_length]. N: the length, or with
    periodic=False one less."""

    def formula(t):
        whole = factories.tensor(float(beta), dtype=_C.float64, device=t.device)
        return (whole * (1.0 - t * t).clamp(min=0.0).sqrt()).i0() / whole.i0()

    return _window("kaiser_window", window_length, periodic, formula, dtype, device, requires_grad)
