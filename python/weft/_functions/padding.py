"""Padding of the last dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Number, public

MODES = ("constant", "reflect", "replicate", "circular")


@public
def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: Number | None = None) -> Tensor:
    """Widens the last dimensions by (left, right, top, bottom, ...), the last dimension first; a negative number cuts off.

    The new elements are ``value`` (default 0); with ``mode`` "replicate" the element at the edge, with "reflect" the
    input mirrored at it, with "circular" the input from its other end.
    """
    if mode not in MODES:
        raise NotImplementedError(f"[pad] mode must be one of {', '.join(MODES)}; got {mode!r}")
    if any(not hasattr(n, "__index__") or getattr(n, "ndim", 0) for n in pad):
        raise TypeError(f"[pad] pad must be a sequence of ints; got {pad!r}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"[pad] needs two numbers a padded dimension; got {list(pad)} for shape {list(input.shape)}; "
            "pass (left, right) for the last dimension first"
        )
    if mode != "constant":
        if value:
            raise RuntimeError(f"[pad] only mode 'constant' takes a value; got value={value} and mode={mode!r}")
        for i in range(len(pad) // 2):
            axis = input.ndim - 1 - i
            if pad[2 * i] or pad[2 * i + 1]:
                positions = _positions(input.shape[axis], pad[2 * i], pad[2 * i + 1], mode)
                input = _ops.index_select(input, _C.from_nested(positions, _C.int64).to(input.device), axis)
        return input
    low, high = [0] * input.ndim, [0] * input.ndim
    for i in range(len(pad) // 2):
        low[-1 - i], high[-1 - i] = pad[2 * i], pad[2 * i + 1]
    result = input
    for d in range(input.ndim):
        if low[d] < 0 or high[d] < 0:
            start = -low[d] if low[d] < 0 else 0
            stop = result.shape[d] + (high[d] if high[d] < 0 else 0)
            if stop < start:
                raise RuntimeError(
                    f"[pad] cannot cut off {start} and {result.shape[d] - stop} elements of a dimension of size {result.shape[d]}; "
                    f"got {list(pad)} for shape {list(input.shape)}"
                )
            result = result.narrow(d, start, stop - start)
            low[d], high[d] = max(low[d], 0), max(high[d], 0)
    return _ops.pad(result, low, high, [0] * input.ndim, 0.0 if value is None else value)


def _positions(size: int, low: int, high: int, mode: str) -> list[int]:
    """Which of ``size`` elements each one of the padded dimension is."""
    reach = {"reflect": size - 1, "replicate": max(low, high) if size else -1, "circular": size}[mode]
    kept = size + min(low, 0) + min(high, 0)
    if max(low, high) > reach or kept + max(low, 0) + max(high, 0) < 0 or (kept <= 0 and mode == "circular"):
        raise RuntimeError(
            f"[pad] padding by ({low}, {high}) in mode {mode!r} is too much for a dimension of size {size}; "
            f"at most {max(reach, 0)} is possible"
        )
    if mode == "circular":
        return [max(-low, 0) + i % kept for i in range(-max(low, 0), kept + max(high, 0))]
    positions = range(-low, size + high)
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in positions]
    return [abs(i) if i < size else 2 * (size - 1) - i for i in positions]
