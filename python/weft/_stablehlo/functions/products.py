"""Contractions, convolutions, transforms and what linear algebra has."""

import weft
from weft.nn import functional as F

from .moves import pad


def dot_general(x, y, batch, contract, dtype):
    if not dtype.is_complex and (x.dtype != y.dtype or x.dtype != dtype):
        x, y = x.to(dtype), y.to(dtype)
    if dtype == weft.bool:
        return dot_general(x.to(weft.int32), y.to(weft.int32), batch, contract, weft.int32) != 0
    return weft.dot_general(x, y, batch[0], batch[1], contract[0], contract[1])


def convolution(x, weight, axes, stride, pads, x_dilation, dilation, reverse, groups, batch_groups, dtype):
    """axes: of x (batch, channels, sizes), of the kernel (results, channels, sizes), and of the result, in weft's order."""
    if x.dtype != dtype or weight.dtype != dtype:
        x, weight = x.to(dtype), weight.to(dtype)
    x, weight = x.permute(axes[0]), weight.permute(axes[1])
    turned = [i + 2 for i, r in enumerate(reverse) if r]
    if turned:
        weight = weight.flip(turned)
    zero = weft.zeros((), dtype=dtype)
    around = any(low != high or low < 0 for low, high in pads) or any(d != 1 for d in x_dilation)
    if around:
        x = pad(
            x,
            zero,
            [0, 0, *(low for low, _ in pads)],
            [0, 0, *(high for _, high in pads)],
            [0, 0, *(d - 1 for d in x_dilation)],
        )
        pads = [(0, 0)] * len(pads)
    conv = (None, F.conv1d, F.conv2d, F.conv3d)[len(stride)]
    parts = [(x, weight)] if batch_groups == 1 else list(zip(x.chunk(batch_groups, 0), weight.chunk(batch_groups, 0)))
    results = [conv(a, w, None, stride, [low for low, _ in pads], dilation, groups) for a, w in parts]
    return (results[0] if len(results) == 1 else weft.cat(results, 1)).permute(axes[2])


def fft(x, kind, length):
    dims = list(range(x.ndim - len(length), x.ndim))
    if kind == "FFT":
        return weft.fft.fftn(x, dim=dims)
    if kind == "IFFT":
        return weft.fft.ifftn(x, dim=dims)
    return weft.fft.rfftn(x, dim=dims) if kind == "RFFT" else weft.fft.irfftn(x, s=length, dim=dims)


def cholesky(a, lower):
    found = weft.linalg.cholesky(a)
    return found if lower else found.mH


def triangular_solve(a, b, left, lower, unit, transpose):
    if transpose != "NO_TRANSPOSE":
        a, lower = (a.mH if transpose == "ADJOINT" else a.mT), not lower
    return weft.linalg.solve_triangular(a, b, upper=not lower, left=left, unitriangular=unit)
