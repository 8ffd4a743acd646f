"""Matrix products, convolutions and attention."""

from __future__ import annotations

import weft

from ..nn import functional
from .table import aten, require

aten("mm")(weft.mm)
aten("bmm")(weft.bmm)
aten("matmul")(weft.matmul)
aten("mv")(weft.mv)
aten("dot")(weft.dot)
aten("linear")(functional.linear)


@aten("addmm")
def addmm(x, a, b, beta=1, alpha=1):
    if beta == 1 and alpha == 1 and x.shape == b.shape[1:]:  # F.linear of a matrix
        return functional.linear(a, b.t(), x)
    return weft.addmm(x, a, b, beta=beta, alpha=alpha)


@aten("baddbmm")
def baddbmm(x, a, b, beta=1, alpha=1):
    return weft.baddbmm(x, a, b, beta=beta, alpha=alpha)


@aten("addbmm")
def addbmm(x, a, b, beta=1, alpha=1):
    return weft.addbmm(x, a, b, beta=beta, alpha=alpha)


@aten("addmv")
def addmv(x, a, b, beta=1, alpha=1):
    return weft.addmv(x, a, b, beta=beta, alpha=alpha)


_CONVOLUTIONS = {1: weft.conv1d, 2: weft.conv2d, 3: weft.conv3d}
_TRANSPOSED = {1: weft.conv_transpose1d, 2: weft.conv_transpose2d, 3: weft.conv_transpose3d}


@aten("convolution")
def convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    axes = weight.ndim - 2
    require(axes in _CONVOLUTIONS, f"a convolution over {axes} axes")
    stride, padding, dilation = ([*v] * (axes if len(v) == 1 else 1) for v in (stride, padding, dilation))
    if transposed:
        output_padding = [*output_padding] * (axes if len(output_padding) == 1 else 1)
        return _TRANSPOSED[axes](x, weight, bias, stride, padding, output_padding, groups, dilation)
    return _CONVOLUTIONS[axes](x, weight, bias, stride, padding, dilation, groups)


@aten("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "conv3d.padding")
def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _CONVOLUTIONS[weight.ndim - 2](x, weight, bias, _whole(stride), _whole(padding), _whole(dilation), groups)


@aten("conv_transpose1d", "conv_transpose2d.input", "conv_transpose3d.input")
def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    numbers = _whole(stride), _whole(padding), _whole(output_padding), groups, _whole(dilation)
    return _TRANSPOSED[weight.ndim - 2](x, weight, bias, *numbers)


def _whole(value):
    """One number for all axes may come as a list of one."""
    return value if isinstance(value, (int, str)) else value[0] if len(value) == 1 else list(value)


@aten("scaled_dot_product_attention")
def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    require(dropout_p == 0, "random numbers are the caller's")
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask, 0.0, is_causal, scale, enable_gqa=enable_gqa
    )
