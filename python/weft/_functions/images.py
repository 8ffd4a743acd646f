"""Pixels: shuffles, windows as columns, other resolutions."""

from __future__ import annotations

import math
import struct

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public
from .convolution import per_axis

__all__ = ["channel_shuffle", "pixel_shuffle", "pixel_unshuffle"]
METHODS = ()


@public
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, ...) with the channels of ``groups`` exchanged: channel i of group g becomes number i * groups + g. RuntimeError for fewer
    than three dimensions, and where groups does not divide C."""
    if input.ndim < 3 or groups <= 0 or input.shape[1] % groups:
        raise RuntimeError(
            f"[channel_shuffle] the input must be (N, C, ...) of three dimensions or more, C a multiple of groups; got shape "
            f"{list(input.shape)} and groups={groups}"
        )
    split = input.reshape(input.shape[0], groups, input.shape[1] // groups, *input.shape[2:])
    return split.transpose(1, 2).reshape(input.shape)


@public
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(..., C · r², H, W) to (..., C, H · r, W · r)."""
    r = upscale_factor
    if input.ndim < 3 or r <= 0 or input.shape[-3] % (r * r):
        raise RuntimeError(
            f"[pixel_shuffle] the input must be (..., C · r², H, W) with a positive r; got shape {list(input.shape)} and r={r}"
        )
    *lead, channels, height, width = input.shape
    n = len(lead)
    split = input.reshape(*lead, channels // (r * r), r, r, height, width)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return split.permute(*order).reshape(*lead, channels // (r * r), height * r, width * r)


@public
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(..., C, H · r, W · r) to (..., C · r², H, W)."""
    r = downscale_factor
    if input.ndim < 3 or r <= 0 or input.shape[-2] % r or input.shape[-1] % r:
        raise RuntimeError(
            f"[pixel_unshuffle] the input must be (..., C, H · r, W · r) with a positive r; got shape {list(input.shape)} and r={r}"
        )
    *lead, channels, height, width = input.shape
    n = len(lead)
    split = input.reshape(*lead, channels, height // r, r, width // r, r)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return split.permute(*order).reshape(*lead, channels * r * r, height // r, width // r)


def _places(kernel):
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield i, j


def _blocks(op, sizes, kernel, dilation, padding, stride):
    counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(sizes, padding, dilation, kernel, stride)]
    if min(counts) < 1:
        raise RuntimeError(
            f"[{op}] no window of {kernel} with dilation {dilation} fits into {list(sizes)} with padding {padding}"
        )
    return counts


def _two(op, kernel_size, dilation, padding, stride):
    return (
        per_axis(op, "kernel_size", kernel_size, 2, 1), per_axis(op, "dilation", dilation, 2, 1),
        per_axis(op, "padding", padding, 2, 0), per_axis(op, "stride", stride, 2, 1),
    )  # fmt: skip


@public
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of (N, C, H, W) as columns: (N, C · kernel, windows)."""
    kernel, dilation, padding, stride = _two("unfold", kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4):
        raise RuntimeError(f"[unfold] the input must be (N, C, H, W) or (C, H, W); got shape {list(input.shape)}")
    if 0 in input.shape[-3:]:
        raise RuntimeError(f"[unfold] channels and sizes must not be 0; got shape {list(input.shape)}")
    unbatched = input.ndim == 3
    x = input.unsqueeze(0) if unbatched else input
    n, channels, *sizes = x.shape
    height, width = _blocks("unfold", sizes, kernel, dilation, padding, stride)
    x = _ops.pad(x, [0, 0, *padding], [0, 0, *padding], [0, 0, 0, 0], 0.0)
    parts = []
    for i, j in _places(kernel):
        top, left = i * dilation[0], j * dilation[1]
        part = x[
            :,
            :,
            top : top + (height - 1) * stride[0] + 1 : stride[0],
            left : left + (width - 1) * stride[1] + 1 : stride[1],
        ]
        parts.append(part.reshape(n, channels, 1, height * width))
    columns = _ops.concatenate(parts, 2).reshape(n, channels * len(parts), height * width)
    return columns.squeeze(0) if unbatched else columns


@public
def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The sum of columns (N, C · kernel, windows) where the windows of (N, C, *output_size) are."""
    kernel, dilation, padding, stride = _two("fold", kernel_size, dilation, padding, stride)
    sizes = per_axis("fold", "output_size", output_size, 2, 1)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"[fold] the input must be (N, C · kernel, L) or (C · kernel, L); got shape {list(input.shape)}"
        )
    x = input.unsqueeze(0) if input.ndim == 2 else input
    height, width = _blocks("fold", sizes, kernel, dilation, padding, stride)
    count = kernel[0] * kernel[1]
    if x.shape[1] % count or x.shape[2] != height * width:
        raise RuntimeError(
            f"[fold] the input must have a multiple of {count} rows and {height * width} columns; got shape {list(input.shape)}"
        )
    n, channels = x.shape[0], x.shape[1] // count
    x = x.reshape(n, channels, count, height, width)
    padded, parts = [size + 2 * p for size, p in zip(sizes, padding)], []
    for number, (i, j) in enumerate(_places(kernel)):
        low = [i * dilation[0], j * dilation[1]]
        high = [m - a - (c - 1) * s - 1 for m, a, c, s in zip(padded, low, (height, width), stride)]
        parts.append(_ops.pad(x[:, :, number], [0, 0, *low], [0, 0, *high], [0, 0, stride[0] - 1, stride[1] - 1], 0.0))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    result = total[:, :, padding[0] : padding[0] + sizes[0], padding[1] : padding[1] + sizes[1]]
    return result.squeeze(0) if input.ndim == 2 else result


# ---------------------------------------------------------------- Other resolutions

MODES = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
         "bicubic": (2,), "trilinear": (3,)}  # fmt: skip


def _index(positions, device):
    return _C.from_nested(positions, _C.int64).to(device)


def _nearest(x, axis, size, scale, exact):
    own = x.shape[axis]
    if size % own == 0 and (scale is None or own * scale == size):
        if size == own:
            return x
        lead, rest = x.shape[: axis + 1], x.shape[axis + 1 :]
        return x.unsqueeze(axis + 1).expand(*lead, size // own, *rest).reshape(*lead[:-1], size, *rest)
    ratio = _single(own / size) if scale is None else _single(1.0 / scale)
    half = 0.5 if exact else 0.0
    positions = [min(int(math.floor(_single((i + half) * ratio))), own - 1) for i in range(size)]
    return _ops.index_select(x, _index(positions, x.device), axis)


def _single(value):
    """Rounded to float32, in which PyTorch computes positions."""
    return struct.unpack("f", struct.pack("f", value))[0]


def _source(own, size, scale, align_corners):
    """Where each result is between the elements."""
    if align_corners:
        ratio = (own - 1) / (size - 1) if size > 1 else 0.0
        return [i * ratio for i in range(size)]
    ratio = own / size if scale is None else 1.0 / scale
    return [(i + 0.5) * ratio - 0.5 for i in range(size)]


def _taps(own, size, scale, align_corners, cubic, antialias):
    """For each result (positions, weights) of the elements it is made of, as many for all."""
    source, taps = _source(own, size, scale, align_corners), []
    if antialias:
        ratio = own / size if scale is None else 1.0 / scale
        reach = (2.0 if cubic else 1.0) * max(ratio, 1.0)
        for i in range(size):
            centre = (i + 0.5) * ratio
            first, end = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), own)
            weights = [_kernel((j - centre + 0.5) / max(ratio, 1.0), cubic, -0.5) for j in range(first, end)]
            total = sum(weights)
            taps.append((list(range(first, end)), [w / total for w in weights]))
    else:
        for at in source:
            if cubic:
                low = math.floor(at)
                places = [min(max(low + k, 0), own - 1) for k in range(-1, 3)]
                taps.append((places, [_kernel(at - low - k, True, -0.75) for k in range(-1, 3)]))
            else:
                at = max(at, 0.0)
                low = min(int(at), own - 1)
                taps.append(([low, min(low + 1, own - 1)], [1.0 - (at - low), at - low]))
    most = max(len(places) for places, _ in taps)
    return [(p + [p[-1]] * (most - len(p)), w + [0.0] * (most - len(w))) for p, w in taps]


def _kernel(distance, cubic, a):
    t = abs(distance)
    if not cubic:
        return max(1.0 - t, 0.0)
    if t <= 1:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a if t < 2 else 0.0


def _interpolate_axis(x, axis, size, scale, align_corners, cubic, antialias):
    if x.shape[axis] == size and (scale is None or scale == 1):
        return x
    taps = _taps(x.shape[axis], size, scale, align_corners, cubic, antialias)
    shape = [size if d == axis else 1 for d in range(x.ndim)]
    total = None
    for k in range(len(taps[0][0])):
        part = _ops.index_select(x, _index([places[k] for places, _ in taps], x.device), axis)
        weights = _C.from_nested([w[k] for _, w in taps], _C.float64).to(x.dtype).to(x.device)
        part = part * weights.reshape(shape)
        total = part if total is None else total + part
    return total


@public
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """(N, C, *sizes) at another resolution: ``size``, or the input's times ``scale_factor``."""
    axes = input.ndim - 2
    if mode not in MODES:
        raise NotImplementedError(f"[interpolate] mode must be one of {', '.join(MODES)}; got {mode!r}")
    if axes not in MODES[mode]:
        raise NotImplementedError(
            f"[interpolate] mode {mode!r} is for {' or '.join(f'{a + 2}D' for a in MODES[mode])} input; got {input.ndim}D input"
        )
    if mode in ("nearest", "nearest-exact", "area"):
        if align_corners is not None:
            raise ValueError(f"[interpolate] align_corners is not for mode {mode!r}; leave it out")
        align_corners = False
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"[interpolate] antialias is for modes 'bilinear' and 'bicubic'; got {mode!r}")
    if (size is None) == (scale_factor is None):
        raise ValueError("[interpolate] either size or scale_factor must be given, not both")
    if not input.dtype.is_floating_point and not mode.startswith("nearest"):
        raise NotImplementedError(
            f"[interpolate] mode {mode!r} needs a floating-point dtype; got {input.dtype}; use .float()"
        )
    scales = [None] * axes
    if size is not None:
        if recompute_scale_factor:
            raise ValueError("[interpolate] recompute_scale_factor needs scale_factor, not size")
        sizes = list(size) if isinstance(size, (tuple, list)) else [size] * axes
    else:
        factors = list(scale_factor) if isinstance(scale_factor, (tuple, list)) else [scale_factor] * axes
        if any(not isinstance(factor, (int, float)) for factor in factors):
            raise TypeError(
                f"[interpolate] scale_factor must be a number or one for each dimension; got {scale_factor!r}"
            )
        if len(factors) != axes:
            raise ValueError(f"[interpolate] scale_factor must have {axes} elements; got {scale_factor!r}")
        if not all(math.isfinite(factor) for factor in factors):
            raise RuntimeError(f"[interpolate] scale_factor must be finite; got {scale_factor!r}")
        sizes = [int(math.floor(float(n * f))) for n, f in zip(input.shape[2:], factors)]
        scales = [None] * axes if recompute_scale_factor else factors
    if any(not isinstance(n, int) for n in sizes):
        raise TypeError(f"[interpolate] size must be an int or one for each dimension; got {size!r}")
    if len(sizes) != axes:
        raise ValueError(f"[interpolate] size must have {axes} elements; got {size!r}")
    if min(sizes) < 1 or min(input.shape[1:]) < 1:
        raise RuntimeError(
            f"[interpolate] input and output sizes must be greater than 0; got {list(input.shape[2:])} and {sizes}"
        )
    if input.shape[0] * input.shape[1] * math.prod(sizes) >= 2**48:
        raise RuntimeError(
            f"[interpolate] the result would be too large; got shape {list(input.shape)} and sizes {sizes}"
        )
    if mode == "area":
        from .pooling import _adaptive_average

        return _adaptive_average("interpolate", axes, input, sizes)
    if mode.startswith("nearest"):
        for axis in range(axes):
            input = _nearest(input, 2 + axis, sizes[axis], scales[axis], mode == "nearest-exact")
        return input
    for axis in reversed(range(axes)):
        input = _interpolate_axis(
            input, 2 + axis, sizes[axis], scales[axis], bool(align_corners), mode == "bicubic", antialias
        )
    return input


FUNCTIONS = ["fold", "interpolate", "pixel_shuffle", "pixel_unshuffle", "unfold"]
