"""Convolutions over one, two and three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _ops
from .._C import Tensor
from .._public import public

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]
METHODS = ()


def per_axis(op, name, value, axes, least=None):
    """``axes`` ints of a number or of as many, none below ``least``."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= axes
    if len(values) != axes or any(not isinstance(v, int) or isinstance(v, bool) for v in values):
        raise RuntimeError(f"[{op}] {name} must be an int or {axes} of them; got {value!r}; give one a dimension")
    if least is not None and min(values) < least:
        what = "positive" if least == 1 else "at least 0"
        raise RuntimeError(f"[{op}] {name} must be {what}; got {value!r}; pass at least {least}")
    return list(values)


def _batched(op, axes, input, weight, channels="in"):
    """The input with a batch, and whether it had none."""
    if weight.ndim != axes + 2:
        raise RuntimeError(
            f"[{op}] weight must have {axes + 2} dimensions; got shape {list(weight.shape)}; pass [out, in / groups, "
            f"*kernel], or [in, out / groups, *kernel] to a transposed convolution"
        )
    if input.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"[{op}] the input must have {axes + 2} dimensions, or {axes + 1} without a batch; got shape "
            f"{list(input.shape)}; pass [N, C, *sizes] or [C, *sizes]"
        )
    return (input, False) if input.ndim == axes + 2 else (input.unsqueeze(0), True)


def same_padding(kernel, dilation):
    """(before, after) of each dimension with which a result is as large as the input."""
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return [n // 2 for n in total], [n - n // 2 for n in total]


def _convolve(op, axes, input, weight, bias, stride, padding, dilation, groups):
    input, unbatched = _batched(op, axes, input, weight)
    stride, dilation = per_axis(op, "stride", stride, axes, 1), per_axis(op, "dilation", dilation, axes, 1)
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"[{op}] padding must be numbers, 'same' or 'valid'; got {padding!r}")
        if padding == "same" and max(stride) > 1:
            raise RuntimeError(f"[{op}] padding='same' needs stride 1; got stride {stride}; pass numbers")
        none = [0] * axes
        low, high = same_padding(weight.shape[2:], dilation) if padding == "same" else (none, none)
    else:
        low = high = per_axis(op, "padding", padding, axes, 0)
    result = _ops.conv(input, weight, bias, stride, low, high, dilation, groups)
    return result.squeeze(0) if unbatched else result


@public
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int | str = 0,
    dilation: Sequence[int] | int = 1,
    groups: int = 1,
) -> Tensor:
    """Sums of products of weight (out, in / groups, k) and windows of the input (N, in, L) or (in, L), plus bias (out)."""
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@public
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int | str = 0,
    dilation: Sequence[int] | int = 1,
    groups: int = 1,
) -> Tensor:
    """Sums of products of weight (out, in / groups, kh, kw) and windows of the input (N, in, H, W) or (in, H, W), plus bias (out)."""
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@public
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int | str = 0,
    dilation: Sequence[int] | int = 1,
    groups: int = 1,
) -> Tensor:
    """Sums of products of weight (out, in / groups, kd, kh, kw) and windows of the input (N, in, D, H, W), plus bias (out)."""
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _transpose(op, axes, input, weight, bias, stride, padding, output_padding, groups, dilation):
    input, unbatched = _batched(op, axes, input, weight)
    stride, dilation = per_axis(op, "stride", stride, axes, 1), per_axis(op, "dilation", dilation, axes, 1)
    padding = per_axis(op, "padding", padding, axes, 0)
    extra = per_axis(op, "output_padding", output_padding, axes, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise RuntimeError(
            f"[{op}] output_padding must be smaller than stride or dilation; got {extra} with stride {stride} and dilation "
            f"{dilation}"
        )
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(input.shape[2:], stride, padding, dilation, weight.shape[2:], extra)
    ]
    if min(sizes) < 1:
        raise RuntimeError(
            f"[{op}] the result would have the sizes {sizes}; got input {list(input.shape)}, weight {list(weight.shape)}, padding "
            f"{padding}; pad less"
        )
    high = [
        p - e for p, e in zip(padding, extra)
    ]  # so that windows over the result are as many as the input's elements
    result = _ops.conv_transpose(input, weight, sizes, stride, padding, high, dilation, groups)
    if bias is not None:
        if bias.shape != (weight.shape[1] * groups,):
            raise RuntimeError(
                f"[{op}] bias must have one element an output channel; got shape {list(bias.shape)} for "
                f"{weight.shape[1] * groups} channels"
            )
        result = result + bias.reshape(-1, *(1 for _ in range(axes)))
    return result.squeeze(0) if unbatched else result


@public
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int = 0,
    output_padding: Sequence[int] | int = 0,
    groups: int = 1,
    dilation: Sequence[int] | int = 1,
) -> Tensor:
    """The transpose of conv1d: input (N, in, L) or (in, L), weight (in, out / groups, k)."""
    return _transpose("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@public
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int = 0,
    output_padding: Sequence[int] | int = 0,
    groups: int = 1,
    dilation: Sequence[int] | int = 1,
) -> Tensor:
    """The transpose of conv2d: input (N, in, H, W) or (in, H, W), weight (in, out / groups, kh, kw)."""
    return _transpose("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


@public
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | int = 1,
    padding: Sequence[int] | int = 0,
    output_padding: Sequence[int] | int = 0,
    groups: int = 1,
    dilation: Sequence[int] | int = 1,
) -> Tensor:
    """The transpose of conv3d: input (N, in, D, H, W), weight (in, out / groups, kd, kh, kw)."""
    return _transpose("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
