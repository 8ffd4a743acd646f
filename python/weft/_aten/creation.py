"""Tensors of given values."""

from __future__ import annotations

import weft

from .table import aten


@aten("full")
def full(size, value, dtype=None, **kwargs):
    return weft.full(size, value, dtype=dtype)


@aten("full_like")
def full_like(x, value, dtype=None, **kwargs):
    return weft.full(x.shape, value, dtype=dtype or x.dtype)


@aten("new_full")
def new_full(x, size, value, dtype=None, **kwargs):
    return weft.full(size, value, dtype=dtype or x.dtype)


@aten("zeros", "empty.memory_format")
def zeros(size, dtype=None, **kwargs):
    """What is empty may hold anything."""
    return weft.zeros(size, dtype=dtype)


@aten("empty_permuted", "empty_strided")
def empty_permuted(size, order, dtype=None, **kwargs):
    return weft.zeros(size, dtype=dtype)


@aten("ones")
def ones(size, dtype=None, **kwargs):
    return weft.ones(size, dtype=dtype)


@aten("zeros_like", "empty_like")
def zeros_like(x, dtype=None, **kwargs):
    return weft.zeros(x.shape, dtype=dtype or x.dtype)


@aten("ones_like")
def ones_like(x, dtype=None, **kwargs):
    return weft.ones(x.shape, dtype=dtype or x.dtype)


@aten("new_zeros", "new_empty")
def new_zeros(x, size, dtype=None, **kwargs):
    return weft.zeros(size, dtype=dtype or x.dtype)


@aten("new_empty_strided")
def new_empty_strided(x, size, stride, dtype=None, **kwargs):
    return weft.zeros(size, dtype=dtype or x.dtype)


@aten("new_ones")
def new_ones(x, size, dtype=None, **kwargs):
    return weft.ones(size, dtype=dtype or x.dtype)


@aten("scalar_tensor", "prims.scalar_tensor")
def scalar_tensor(value, dtype=None, **kwargs):
    return weft.full([], value, dtype=dtype or weft.get_default_dtype())


@aten("arange")
def arange(end, dtype=None, **kwargs):
    return weft.arange(end, dtype=dtype)


@aten("arange.start", "arange.start_step")
def arange_start(start, end, step=1, dtype=None, **kwargs):
    return weft.arange(start, end, step, dtype=dtype)


@aten("prims.iota")
def iota(length, start, step, dtype=None, **kwargs):
    return weft.arange(length, dtype=dtype) * step + start


@aten("eye")
def eye(n, dtype=None, **kwargs):
    return weft.eye(n, dtype=dtype)


@aten("eye.m")
def eye_of(n, m, dtype=None, **kwargs):
    return weft.eye(n, m, dtype=dtype)


@aten("tril_indices")
def tril_indices(rows, columns, offset=0, dtype=None, **kwargs):
    return weft.tril_indices(rows, columns, offset, dtype=dtype or weft.int64)


@aten("triu_indices")
def triu_indices(rows, columns, offset=0, dtype=None, **kwargs):
    return weft.triu_indices(rows, columns, offset, dtype=dtype or weft.int64)


@aten("linspace")
def linspace(start, end, steps, dtype=None, **kwargs):
    return weft.linspace(start, end, steps, dtype=dtype)


@aten("tril")
def tril(x, diagonal=0):
    return weft.tril(x, diagonal)


@aten("triu")
def triu(x, diagonal=0):
    return weft.triu(x, diagonal)
