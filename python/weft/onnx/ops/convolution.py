"""Convolutions."""

import weft
from weft import _ops
from weft.nn import functional as F

from ..table import operator
from ..values import numbers


def window(x, kernel, auto_pad, dilations, pads, strides):
    """(strides, dilations, low, high) of windows over the axes from 2 on."""
    count = len(kernel)
    strides = [1] * count if strides is None else list(strides)
    dilations = [1] * count if dilations is None else list(dilations)
    pads = [0] * (2 * count) if pads is None else list(pads)
    low, high = pads[:count], pads[count:]
    if x.ndim != count + 2 or not len(strides) == len(dilations) == len(low) == len(high) == count:
        raise ValueError(
            f"a kernel {list(kernel)} does not fit an input of shape {list(x.shape)}, strides {strides}, dilations {dilations} and pads {pads}"
        )
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        for i, size in enumerate(x.shape[2:]):
            reach = (kernel[i] - 1) * dilations[i] + 1
            total = max((-(-size // strides[i]) - 1) * strides[i] + reach - size, 0)
            low[i] = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
            high[i] = total - low[i]
    elif auto_pad == "VALID":
        low, high = [0] * count, [0] * count
    elif auto_pad != "NOTSET":
        raise NotImplementedError(
            f"auto_pad {auto_pad!r} is not supported; supported are NOTSET, SAME_UPPER, SAME_LOWER, VALID"
        )
    return strides, dilations, low, high


def padded(x, low, high, value=0.0):
    if not any(low) and not any(high):
        return x
    return F.pad(x, [n for pair in zip(reversed(low), reversed(high)) for n in pair], "constant", value)


_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@operator("Conv", 1, 11, 22)
def conv(x, w, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, pads=None, strides=None):
    kernel = list(w.shape[2:])
    if kernel_shape is not None and list(kernel_shape) != kernel:
        raise ValueError(f"kernel_shape {list(kernel_shape)} is not that of a weight of shape {list(w.shape)}")
    strides, dilations, low, high = window(x, kernel, auto_pad, dilations, pads, strides)
    if len(kernel) not in (1, 2, 3):
        raise NotImplementedError(f"convolutions over {len(kernel)} axes are not supported; supported are 1 to 3")
    return _ops.conv(x, w, b, strides, low, high, dilations, group)


@operator("ConvTranspose", 1, 11, 22)
def conv_transpose(
    x, w, b=None, *, auto_pad="NOTSET", dilations=None, group=1, kernel_shape=None, output_padding=None, output_shape=None,
    pads=None, strides=None,
):  # fmt: skip
    count = x.ndim - 2
    kernel = list(w.shape[2:])
    if count not in _TRANSPOSED:
        raise NotImplementedError(f"transposed convolutions over {count} axes are not supported; supported are 1 to 3")
    strides, dilations, low, high = window(x, kernel, "NOTSET", dilations, pads, strides)
    extra = [0] * count if output_padding is None else list(output_padding)
    full = [s * (n - 1) + (k - 1) * d + 1 + e for s, n, k, d, e in zip(strides, x.shape[2:], kernel, dilations, extra)]
    sizes = output_shape[-count:] if output_shape is not None else None
    if auto_pad.startswith("SAME") and sizes is None:
        sizes = [n * s for n, s in zip(x.shape[2:], strides)]
    if sizes is not None:
        total = [f - s for f, s in zip(full, sizes)]
        half = [t // 2 for t in total]
        low = half if auto_pad == "SAME_UPPER" else [t - h for t, h in zip(total, half)]
        high = [t - n for t, n in zip(total, low)]
    # What padding takes away is cut off; what lies beyond the last window is the bias alone.
    y = _TRANSPOSED[count](x, w, None, strides, [0] * count, [0] * count, group, dilations)
    y = padded(y, [-n for n in low], [e - n for e, n in zip(extra, high)])
    return y if b is None else y + b.reshape(-1, *[1] * count)


@operator("Col2Im", 18, host=("image_shape", "block_shape"))
def col2im(x, image_shape, block_shape, *, dilations=None, pads=None, strides=None):
    """The sums of columns (N, C · block, windows) where the windows of images (N, C, *image_shape) are."""
    image, block = numbers(image_shape), numbers(block_shape)
    count = len(block)
    strides = [1] * count if strides is None else strides
    dilations = [1] * count if dilations is None else dilations
    pads = [0] * (2 * count) if pads is None else pads
    whole = [s + pads[i] + pads[count + i] for i, s in enumerate(image)]
    windows = [(w - (b - 1) * d - 1) // s + 1 for w, b, d, s in zip(whole, block, dilations, strides)]
    place = weft.zeros((), dtype=weft.int64)
    for i in range(count):
        inside = weft.arange(block[i]) * dilations[i]
        at = inside.reshape(-1, *[1] * (2 * count - 1 - i)) + (weft.arange(windows[i]) * strides[i]).reshape(
            -1, *[1] * (count - 1 - i)
        )
        place = place * whole[i] + at
    kernel = 1
    for b in block:
        kernel *= b
    total = 1
    for w in whole:
        total *= w
    n, channels = x.shape[0], x.shape[1] // kernel
    columns = x.reshape(n, channels, -1)
    index = place.reshape(1, 1, -1).expand(columns.shape)
    y = weft.scatter_add(weft.zeros((n, channels, total), dtype=x.dtype), 2, index, columns).reshape(
        n, channels, *whole
    )
    return padded(y, [-p for p in pads[:count]], [-p for p in pads[count:]])


@operator("DeformConv", 19, 22)
def deform_conv(
    x, w, offset, b=None, mask=None, *, dilations=None, group=1, kernel_shape=None, offset_group=1, pads=None, strides=None
):  # fmt: skip
    """A convolution (2-D) whose taps lie where an offset says, between elements; outside of the image they are 0."""
    kernel = list(w.shape[2:])
    if len(kernel) != 2:
        raise NotImplementedError(f"deformable convolutions over {len(kernel)} axes are not supported; supported are 2")
    strides, dilations, low, _ = window(x, kernel, "NOTSET", dilations, pads, strides)
    n, channels, height, width = x.shape
    rows, columns = offset.shape[2:]
    taps = kernel[0] * kernel[1]
    offset = offset.reshape(n, offset_group, taps, 2, rows, columns)
    tap = weft.arange(taps)
    base = []
    for axis, out, index in ((0, rows, tap // kernel[1]), (1, columns, tap % kernel[1])):
        start = weft.arange(out) * strides[axis] - low[axis]
        at = (index * dilations[axis]).reshape(-1, 1, 1) + start.reshape((-1, 1) if axis == 0 else (1, -1))
        base.append(at.to(x.dtype))
    y, z = base[0] + offset[:, :, :, 0], base[1] + offset[:, :, :, 1]  # (n, groups, taps, rows, columns)
    images = x.reshape(n, offset_group, channels // offset_group, height * width)
    top, left = weft.floor(y), weft.floor(z)
    sampled = None
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            weight = (1 - weft.abs(y - row)) * (1 - weft.abs(z - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            place = weft.clamp(row, 0, height - 1) * width + weft.clamp(column, 0, width - 1)
            place = (
                place.to(weft.int64)
                .reshape(n, offset_group, 1, -1)
                .expand(n, offset_group, channels // offset_group, taps * rows * columns)
            )
            part = weft.gather(images, 3, place).reshape(n, offset_group, -1, taps, rows, columns)
            part = part * weft.where(inside, weight, weft.zeros_like(weight)).unsqueeze(2)
            sampled = part if sampled is None else sampled + part
    if mask is not None:
        sampled = sampled * mask.reshape(n, offset_group, 1, taps, rows, columns)
    sampled = sampled.reshape(n, group, channels // group * taps, rows * columns)
    weight = w.reshape(group, w.shape[0] // group, -1)
    result = weft.matmul(weight, sampled).reshape(n, w.shape[0], rows, columns)
    return result if b is None else result + b.reshape(-1, 1, 1)
