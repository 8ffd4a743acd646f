"""Reductions, scans and orders."""

from __future__ import annotations

import weft

from .table import aten, require


def _dims(x, dims):
    """All of them for none given, as PyTorch's reductions have it."""
    if isinstance(dims, int):
        dims = (dims,)
    return tuple(dims) if dims else tuple(range(x.ndim))


@aten("sum", "sum.dim_IntList")
def sum(x, dim=(), keepdim=False, dtype=None):
    return weft.sum(x, _dims(x, dim), keepdim, dtype=dtype)


@aten("mean", "mean.dim")
def mean(x, dim=(), keepdim=False, dtype=None):
    return weft.mean(x, _dims(x, dim), keepdim, dtype=dtype)


@aten("prod", "prod.dim_int")
def prod(x, dim=None, keepdim=False, dtype=None):
    return weft.prod(x, _dims(x, () if dim is None else dim), keepdim, dtype=dtype)


@aten("amax")
def amax(x, dim=(), keepdim=False):
    return weft.amax(x, _dims(x, dim), keepdim)


@aten("amin")
def amin(x, dim=(), keepdim=False):
    return weft.amin(x, _dims(x, dim), keepdim)


@aten("max")
def max_of_all(x):
    return weft.amax(x, _dims(x, ()), False)


@aten("min")
def min_of_all(x):
    return weft.amin(x, _dims(x, ()), False)


@aten("any", "any.dim", "any.dims")
def any(x, dim=(), keepdim=False):
    return weft.any(x, _dims(x, () if dim is None else dim), keepdim)


@aten("all", "all.dim", "all.dims")
def all(x, dim=(), keepdim=False):
    return weft.all(x, _dims(x, () if dim is None else dim), keepdim)


@aten("max.dim")
def max_dim(x, dim, keepdim=False):
    return tuple(weft.max(x, dim, keepdim))


@aten("min.dim")
def min_dim(x, dim, keepdim=False):
    return tuple(weft.min(x, dim, keepdim))


@aten("argmax")
def argmax(x, dim=None, keepdim=False):
    return weft.argmax(x, dim, keepdim)


@aten("argmin")
def argmin(x, dim=None, keepdim=False):
    return weft.argmin(x, dim, keepdim)


def _correction(number):
    number = 1 if number is None else number
    require(int(number) == number, f"a correction of {number}, which is no whole number")
    return int(number)


@aten("var.correction", "prims.var")
def var(x, dim=None, correction=1, keepdim=False):
    return weft.var(x, _dims(x, dim), correction=_correction(correction), keepdim=keepdim)


@aten("std.correction")
def std(x, dim=None, correction=1, keepdim=False):
    return weft.std(x, _dims(x, dim), correction=_correction(correction), keepdim=keepdim)


@aten("var_mean.correction")
def var_mean(x, dim=None, correction=1, keepdim=False):
    dims = _dims(x, dim)
    return var(x, dims, correction, keepdim), weft.mean(x, dims, keepdim)


@aten("logsumexp")
def logsumexp(x, dim, keepdim=False):
    return weft.logsumexp(x, _dims(x, dim), keepdim)


@aten("linalg_vector_norm")
def vector_norm(x, ord=2, dim=None, keepdim=False, dtype=None):
    return weft.linalg.vector_norm(x, ord, dim if dim is None else _dims(x, dim), keepdim, dtype=dtype)


# ---------------------------------------------------------------- Scans and orders


@aten("cumsum")
def cumsum(x, dim, dtype=None):
    return weft.cumsum(x, dim, dtype=dtype) if dtype else weft.cumsum(x, dim)


@aten("cumprod")
def cumprod(x, dim, dtype=None):
    return weft.cumprod(x, dim, dtype=dtype) if dtype else weft.cumprod(x, dim)


@aten("sort")
def sort(x, dim=-1, descending=False):
    return tuple(weft.sort(x, dim, descending))


@aten("sort.stable")
def sort_stable(x, stable=True, dim=-1, descending=False):
    return tuple(weft.sort(x, dim, descending))


@aten("argsort")
def argsort(x, dim=-1, descending=False):
    return weft.argsort(x, dim, descending)


@aten("topk")
def topk(x, k, dim=-1, largest=True, sorted=True):
    require(x.ndim, "a 0-d tensor")
    return tuple(weft.topk(x, k, dim, largest, sorted))


@aten("searchsorted.Tensor", "searchsorted.Scalar")
def searchsorted(sequence, x, out_int32=False, right=False, side=None, sorter=None):
    return weft.searchsorted(sequence, x, out_int32=out_int32, right=right or side == "right", sorter=sorter)


@aten("bucketize.Tensor", "bucketize.Scalar")
def bucketize(x, boundaries, out_int32=False, right=False):
    return weft.bucketize(x, boundaries, out_int32=out_int32, right=right)


aten("logcumsumexp")(weft.logcumsumexp)
aten("cummax")(lambda x, dim: tuple(weft.cummax(x, dim)))
aten("cummin")(lambda x, dim: tuple(weft.cummin(x, dim)))
aten("median.dim")(lambda x, dim, keepdim=False: tuple(weft.median(x, dim, keepdim)))
aten("median")(lambda x: weft.median(x))
aten("kthvalue")(lambda x, k, dim=-1, keepdim=False: tuple(weft.kthvalue(x, k, dim, keepdim)))
aten("histc")(weft.histc)
aten("nanmedian.dim")(lambda x, dim, keepdim=False: tuple(weft.nanmedian(x, dim, keepdim)))
aten("nanmedian")(lambda x: weft.nanmedian(x))
aten("mode")(lambda x, dim=-1, keepdim=False: tuple(weft.mode(x, dim, keepdim)))
aten("dist")(weft.dist)
aten("_pdist_forward")(weft.pdist)


@aten("_cdist_forward")
def cdist(x, y, p, compute_mode=None):
    return weft.cdist(x, y, p)
