"""NumPy's functions of arrays, with NumPy's parameters and meaning, by weft's functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

import weft
import weft.array_api as xp

from .._C import Tensor

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# What writes to its first argument, and weft's function for it.
WRITERS: dict[Any, str] = {
    getattr(numpy, name): ours
    for name, ours in {"put": "put_()", "putmask": "masked_fill_()", "place": "masked_scatter_()",
                       "put_along_axis": "scatter_()", "fill_diagonal": "fill_diagonal_()"}.items()
}  # fmt: skip


def _implements(*names: str) -> Callable[[Any], Any]:
    """Of the function's own name, or of these, with dots."""

    def add(function: Any) -> Any:
        for name in names or (function.__name__.rstrip("_"),):
            of: Any = numpy
            for part in name.split("."):
                of = getattr(of, part, None)
            if of is not None:  # one of a newer NumPy
                FUNCTIONS[of] = function
        return function

    return add


def _dtype(dtype: Any) -> Any:
    if dtype is None or isinstance(dtype, weft.dtype):
        return dtype
    name = numpy.dtype(dtype).name
    if name not in ("bool", "float16") and not hasattr(xp, name):
        raise TypeError(f"[numpy] dtypes are those of weft; got {name}; take numpy.asarray() of the tensor")
    return getattr(weft, name)


def _as_float(x: Tensor) -> Tensor:
    return x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(weft.float64)


def _tensors(*values: Any) -> list[Tensor]:
    """All as tensors of the dtype of all; numbers have a category alone."""
    given = [v if isinstance(v, (Tensor, int, float, complex)) else weft.as_tensor(v) for v in values]
    dtype = xp.result_type(*given) if any(isinstance(v, Tensor) for v in given) else None
    return [v.to(dtype) if isinstance(v, Tensor) else weft.as_tensor(v, dtype=dtype) for v in given]


# ---------------------------------------------------------------- Reductions


@_implements()
def sum_(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return xp.sum(a, axis=axis, dtype=_dtype(dtype), keepdims=keepdims)


@_implements()
def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return xp.prod(a, axis=axis, dtype=_dtype(dtype), keepdims=keepdims)


@_implements()
def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return xp.mean(a.to(_dtype(dtype)) if dtype is not None else _as_float(a), axis=axis, keepdims=keepdims)


@_implements()
def var(a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return xp.var(
        a.to(_dtype(dtype)) if dtype is not None else _as_float(a), axis=axis, correction=ddof, keepdims=keepdims
    )


@_implements()
def std(a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return weft.sqrt(var(a, axis, dtype, ddof, keepdims))


@_implements("max", "amax")
def max_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.max(a, axis=axis, keepdims=keepdims)


@_implements("min", "amin")
def min_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.min(a, axis=axis, keepdims=keepdims)


@_implements()
def all_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.all(a, axis=axis, keepdims=keepdims)


@_implements()
def any_(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.any(a, axis=axis, keepdims=keepdims)


@_implements()
def argmax(a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return xp.argmax(a, axis=axis, keepdims=keepdims)


@_implements()
def argmin(a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return xp.argmin(a, axis=axis, keepdims=keepdims)


@_implements()
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return xp.count_nonzero(a, axis=axis, keepdims=keepdims)


@_implements()
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    a, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    return xp.cumulative_sum(a, axis=axis, dtype=_dtype(dtype))


@_implements()
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    a, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    return xp.cumulative_prod(a, axis=axis, dtype=_dtype(dtype))


@_implements()
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    return xp.diff(a, n=n, axis=axis) if a.dtype != weft.bool else NotImplemented


@_implements()
def nansum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return sum_(weft.where(weft.isnan(a), 0, a), axis, dtype, keepdims)


# ---------------------------------------------------------------- Shapes


@_implements()
def reshape(a: Any, shape: Any = None) -> Any:
    return (
        NotImplemented
        if shape is None
        else weft.reshape(a, shape if isinstance(shape, tuple) else tuple(numpy.ravel(shape).tolist()))
    )


@_implements()
def ravel(a: Any) -> Any:
    return a.reshape(-1)


@_implements()
def transpose(a: Any, axes: Any = None) -> Any:
    return a.permute(tuple(range(a.ndim - 1, -1, -1)) if axes is None else tuple(axes))


@_implements("linalg.matrix_transpose", "matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    return x.mT


@_implements()
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return weft.swapaxes(a, axis1, axis2)


@_implements()
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return weft.movedim(a, source, destination)


@_implements()
def squeeze(a: Any, axis: Any = None) -> Any:
    return weft.squeeze(a) if axis is None else xp.squeeze(a, axis)


@_implements()
def expand_dims(a: Any, axis: Any) -> Any:
    return xp.expand_dims(a, axis)


@_implements()
def broadcast_to(array: Any, shape: Any) -> Any:
    return weft.broadcast_to(array, shape if isinstance(shape, tuple) else (shape,))


@_implements()
def flip(m: Any, axis: Any = None) -> Any:
    return xp.flip(m, axis=axis)


@_implements()
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return xp.roll(a, shift, axis=axis)


@_implements()
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return weft.rot90(m, k, tuple(axes))


@_implements()
def tile(A: Any, reps: Any) -> Any:
    return (
        weft.tile(A, reps if isinstance(reps, tuple) else (reps,)) if not isinstance(reps, Tensor) else NotImplemented
    )


@_implements()
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return weft.repeat_interleave(a, weft.as_tensor(repeats) if isinstance(repeats, (list, tuple)) else repeats, axis)


@_implements()
def concatenate(arrays: Any, /, axis: int | None = 0) -> Any:
    return xp.concat(_tensors(*arrays), axis=axis)


@_implements()
def stack(arrays: Any, axis: int = 0) -> Any:
    return xp.stack(_tensors(*arrays), axis=axis)


def _joins(name: str) -> None:
    ours = getattr(weft, name)

    @_implements(name)
    def join(tup: Any) -> Any:
        return ours(_tensors(*tup))


for _name in ("vstack", "hstack", "dstack", "column_stack"):
    _joins(_name)


@_implements()
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    if isinstance(indices_or_sections, int) and ary.shape[axis] % indices_or_sections:
        raise ValueError(
            f"[numpy.split] must divide the axis equally; got {indices_or_sections} for shape {list(ary.shape)}; use array_split"
        )
    return array_split(ary, indices_or_sections, axis)


@_implements()
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    sections = (
        indices_or_sections if isinstance(indices_or_sections, int) else tuple(int(i) for i in indices_or_sections)
    )
    return list(weft.tensor_split(ary, sections, axis))


def _atleast(name: str) -> None:
    ours = getattr(weft, name)

    @_implements(name)
    def atleast(*arys: Any) -> Any:
        results = tuple(ours(weft.as_tensor(x)) for x in arys)
        return results[0] if len(results) == 1 else results


for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    _atleast(_name)


@_implements()
def shape(a: Any) -> Any:
    return tuple(a.shape)


@_implements()
def ndim(a: Any) -> Any:
    return a.ndim


@_implements()
def size(a: Any, axis: int | None = None) -> Any:
    return a.numel() if axis is None else a.shape[axis]


# ---------------------------------------------------------------- Elements


@_implements()
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    condition = weft.as_tensor(condition)
    if x is None or y is None:
        return NotImplemented if x is not y else xp.nonzero(condition)
    if not (isinstance(x, Tensor) or isinstance(y, Tensor)):
        return NotImplemented
    return weft.where(condition.to(weft.bool), *_tensors(x, y))


@_implements()
def nonzero(a: Any) -> Any:
    return xp.nonzero(a)


@_implements()
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    indices = weft.as_tensor(indices).to(weft.int64)
    a, axis = (a.reshape(-1), 0) if axis is None else (weft.as_tensor(a), axis)
    return a[(slice(None),) * (axis % a.ndim) + (indices,)]


@_implements()
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, axis = (arr.reshape(-1), 0) if axis is None else (arr, axis)
    return xp.take_along_axis(arr, weft.as_tensor(indices), axis=axis)


@_implements()
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return weft.diagonal(a, offset, axis1, axis2)


@_implements()
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return xp.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=_dtype(dtype))


@_implements()
def diag(v: Any, k: int = 0) -> Any:
    return weft.diag(v, k)


@_implements()
def tril(m: Any, k: int = 0) -> Any:
    return weft.tril(m, k)


@_implements()
def triu(m: Any, k: int = 0) -> Any:
    return weft.triu(m, k)


@_implements()
def sort(a: Any, axis: int | None = -1) -> Any:
    return xp.sort(a.reshape(-1)) if axis is None else xp.sort(a, axis=axis)


@_implements()
def argsort(a: Any, axis: int | None = -1) -> Any:
    return xp.argsort(a.reshape(-1)) if axis is None else xp.argsort(a, axis=axis)


@_implements()
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    return xp.searchsorted(*_tensors(a, v), side=side, sorter=sorter)


@_implements()
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is None and high is None:
        return a.clone()
    return weft.clamp(weft.as_tensor(a), low, high)


@_implements("round", "around")
def round_(a: Any, decimals: int = 0) -> Any:
    return (
        weft.round(a, decimals=decimals)
        if a.dtype.is_floating_point
        else (a.clone() if decimals >= 0 else NotImplemented)
    )


@_implements()
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    return weft.nan_to_num(x, nan, posinf, neginf) if copy else NotImplemented


@_implements()
def real(val: Any) -> Any:
    return val.real


@_implements()
def imag(val: Any) -> Any:
    return val.imag if val.dtype.is_complex else weft.zeros_like(val)


@_implements()
def angle(z: Any, deg: bool = False) -> Any:
    return weft.angle(z) * (180 / numpy.pi) if deg else weft.angle(z)


@_implements()
def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    a, b = _tensors(a, b)
    return weft.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


@_implements()
def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    return isclose(a, b, rtol, atol, equal_nan).all().item()


@_implements()
def array_equal(a1: Any, a2: Any) -> Any:
    a1, a2 = _tensors(a1, a2)
    return a1.shape == a2.shape and (a1 == a2).all().item()


@_implements()
def copy(a: Any) -> Any:
    return a.clone()


@_implements()
def copyto(dst: Any, src: Any) -> Any:
    src = weft.as_tensor(src)
    if not isinstance(dst, Tensor) or not weft.can_cast(src.dtype, dst.dtype):
        return NotImplemented
    dst.copy_(src)
    return None


def _like(name: str) -> None:
    ours = getattr(weft, name)

    @_implements(name)
    def like(a: Any, dtype: Any = None) -> Any:
        return ours(a, dtype=_dtype(dtype))


for _name in ("zeros_like", "ones_like", "empty_like"):
    _like(_name)


@_implements()
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    return weft.full_like(a, fill_value, dtype=_dtype(dtype)) if isinstance(a, Tensor) else NotImplemented


# ---------------------------------------------------------------- Products


@_implements()
def dot(a: Any, b: Any) -> Any:
    a, b = _tensors(a, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return weft.tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)])) if b.ndim > 2 else weft.matmul(a, b)


@_implements()
def inner(a: Any, b: Any) -> Any:
    a, b = _tensors(a, b)
    return a * b if a.ndim == 0 or b.ndim == 0 else weft.tensordot(a, b, ([a.ndim - 1], [b.ndim - 1]))


@_implements()
def outer(a: Any, b: Any) -> Any:
    a, b = _tensors(a, b)
    return weft.outer(a.reshape(-1), b.reshape(-1))


@_implements()
def vdot(a: Any, b: Any, /) -> Any:
    a, b = _tensors(a, b)
    return weft.vdot(a.reshape(-1), b.reshape(-1))


@_implements()
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = _tensors(a, b)
    return weft.tensordot(a, b, axes)


@_implements()
def kron(a: Any, b: Any) -> Any:
    return weft.kron(*_tensors(a, b))


@_implements()
def einsum(subscripts: Any, /, *operands: Any) -> Any:
    return weft.einsum(subscripts, *_tensors(*operands)) if isinstance(subscripts, str) else NotImplemented


# ---------------------------------------------------------------- numpy.linalg and numpy.fft


@_implements("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return weft.linalg.norm(_as_float(x), ord, axis, keepdims)


@_implements("linalg.inv")
def inv(a: Any) -> Any:
    return weft.linalg.inv(a)


@_implements("linalg.det")
def det(a: Any) -> Any:
    return weft.linalg.det(a)


@_implements("linalg.slogdet")
def slogdet(a: Any) -> Any:
    return weft.linalg.slogdet(a)


@_implements("linalg.solve")
def solve(a: Any, b: Any) -> Any:
    return xp.linalg.solve(*_tensors(a, b))


@_implements("linalg.cholesky")
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return weft.linalg.cholesky(a, upper=upper)


@_implements("linalg.qr")
def qr(a: Any, mode: str = "reduced") -> Any:
    return weft.linalg.qr(a, mode) if mode in ("reduced", "complete") else NotImplemented


@_implements("linalg.svd")
def svd(a: Any, full_matrices: bool = True) -> Any:
    return weft.linalg.svd(a, full_matrices)


@_implements("linalg.eigh")
def eigh(a: Any, UPLO: str = "L") -> Any:
    return weft.linalg.eigh(a, UPLO)


@_implements("linalg.eigvalsh")
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return weft.linalg.eigvalsh(a, UPLO)


@_implements("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    return weft.linalg.matrix_power(a, n)


def _transforms(name: str, ours: Any) -> None:
    if name[-1] in "2n":

        @_implements(f"fft.{name}")
        def several(a: Any, s: Any = None, axes: Any = (-2, -1) if name[-1] == "2" else None, norm: Any = None) -> Any:
            return ours(a, s, axes, norm)
    else:

        @_implements(f"fft.{name}")
        def one(a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
            return ours(a, n, axis, norm)


for _name in "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn".split():
    _transforms(_name, getattr(weft.fft, _name))


@_implements("fft.fftshift")
def fftshift(x: Any, axes: Any = None) -> Any:
    return weft.fft.fftshift(x, axes)


@_implements("fft.ifftshift")
def ifftshift(x: Any, axes: Any = None) -> Any:
    return weft.fft.ifftshift(x, axes)
