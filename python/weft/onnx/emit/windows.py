"""Convolutions and pooling."""

import math

from ..writer import Value, Varying
from . import emits


@emits("conv", "conv_general")
def _conv(w, node):
    attrs = node.attrs
    if min(*attrs["low"], *attrs["high"]) < 0:
        raise NotImplementedError("a convolution with negative padding has no ONNX operator; slice its input")
    return w.node(
        "Conv", [v.name for v in node.operands], strides=list(attrs["stride"]), pads=[*attrs["low"], *attrs["high"]],
        dilations=list(attrs["dilation"]), group=attrs["groups"], kernel_shape=list(node.operands[1].shape[2:]),
    )  # fmt: skip


@emits("conv_transpose")
def _conv_transpose(w, node):
    x, weight = node.operands
    attrs, extra = node.attrs, []
    kernel = weight.shape[2:]
    for n, k, s, d, low, high, size in zip(
        x.shape[2:], kernel, attrs["stride"], attrs["dilation"], attrs["low"], attrs["high"], attrs["sizes"]
    ):
        n, size = (v[0] if isinstance(v, Varying) else v for v in (n, size))
        extra.append(size - ((n - 1) * s + (k - 1) * d + 1 - low - high))
    if min(extra) < 0:
        raise NotImplementedError("a transposed convolution of this size has no ONNX operator")
    return w.node(
        "ConvTranspose", [x.name, weight.name], strides=list(attrs["stride"]), pads=[*attrs["low"], *attrs["high"]],
        dilations=list(attrs["dilation"]), group=attrs["groups"], kernel_shape=list(kernel), output_padding=extra if any(extra) else None,
    )  # fmt: skip


def _with_channels(w, node):
    """The input as (N, C, *sizes)."""
    x, count = node.operands[0], len(node.attrs["kernel"])
    if len(x.shape) == count + 2:
        return x.name, False
    if len(x.shape) == count + 1:
        return w.node("Unsqueeze", [x.name, w.integers([0])]), True
    lead = x.shape[: len(x.shape) - count]
    if any(isinstance(s, Varying) for s in x.shape):
        raise NotImplementedError(
            f"pooling over the last {count} of {len(x.shape)} axes of sizes that vary has no ONNX operator"
        )
    return w.reshape(x, (1, math.prod(lead), *x.shape[len(lead) :])), True


def _back(w, node, name, changed):
    if not changed:
        return name
    return w.reshape(Value(name, node.dtype, (1, *node.shape)), node.shape)


@emits("max_pool")
def _max_pool(w, node):
    attrs = node.attrs
    x, changed = _with_channels(w, node)
    y = w.node(
        "MaxPool", [x], kernel_shape=list(attrs["kernel"]), strides=list(attrs["stride"]), pads=[*attrs["low"], *attrs["high"]],
        dilations=list(attrs["dilation"]),
    )  # fmt: skip
    return _back(w, node, y, changed)


@emits("avg_pool")
def _avg_pool(w, node):
    attrs = node.attrs
    kernel, stride, low, high = (list(attrs[k]) for k in ("kernel", "stride", "low", "high"))
    x, changed = _with_channels(w, node)
    if low == high and not attrs["divisor"]:
        y = w.node(
            "AveragePool",
            [x],
            kernel_shape=kernel,
            strides=stride,
            pads=low + high,
            count_include_pad=int(attrs["include_pad"]),
        )
        return _back(w, node, y, changed)
    # Sums over zeros all around, divided by how many elements weft counts.
    sizes = node.operands[0].shape[-len(kernel) :]
    if any(isinstance(s, Varying) for s in sizes) and not attrs["divisor"]:
        raise NotImplementedError(
            "average pooling with ceil_mode over sizes that vary has no ONNX operator; leave their axes out of dynamic_shapes"
        )
    zeros = [0, 0, *low, 0, 0, *high]
    x = w.node("Pad", [x, w.integers(zeros)])
    mean = w.node("AveragePool", [x], kernel_shape=kernel, strides=stride)
    total = w.node("Mul", [mean, w.number(float(math.prod(kernel)), node.dtype)])
    return _back(w, node, w.node("Div", [total, _counts(w, node, sizes)]), changed)


def _counts(w, node, sizes):
    import numpy

    attrs = node.attrs
    if attrs["divisor"]:
        return w.number(float(attrs["divisor"]), node.dtype)
    counts = numpy.ones(())
    for m, k, s, low, size in zip(node.shape[-len(sizes) :], attrs["kernel"], attrs["stride"], attrs["low"], sizes):
        start = numpy.arange(m) * s - low
        end = numpy.minimum(start + k, size + low)
        along = end - start if attrs["include_pad"] else numpy.minimum(end, size) - numpy.maximum(start, 0)
        counts = counts[..., None] * along
    return w.constant(counts.astype(node.dtype), "counts")
