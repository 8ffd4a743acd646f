"""Shapes, and where elements are."""

from __future__ import annotations

from typing import Any

import weft

from .._C import Tensor
from .dtypes import result_type

__all__ = [
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "matmul", "matrix_transpose", "moveaxis", "permute_dims", "repeat",
    "reshape", "roll", "squeeze", "stack", "take", "take_along_axis", "tensordot", "tile", "unstack", "vecdot",
]  # fmt: skip


def _axes(axis: Any) -> tuple[int, ...]:
    return axis if isinstance(axis, tuple) else (axis,)


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """Each in the shape of all."""
    return list(weft.broadcast_tensors(*arrays))


def broadcast_to(x: Tensor, /, shape: tuple[int, ...]) -> Tensor:
    """A view in another shape, by repetition."""
    return weft.broadcast_to(x, shape)


def concat(arrays: Any, /, *, axis: int | None = 0) -> Tensor:
    """One after the other along an axis; None: each flattened."""
    dtype = result_type(*arrays)
    parts = [x.to(dtype) for x in arrays]
    return weft.cat([x.reshape(-1) for x in parts]) if axis is None else weft.cat(parts, axis)


def stack(arrays: Any, /, *, axis: int = 0) -> Tensor:
    """Side by side along a new axis."""
    dtype = result_type(*arrays)
    return weft.stack([x.to(dtype) for x in arrays], axis)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return tuple(weft.unbind(x, axis))


def expand_dims(x: Tensor, /, axis: Any) -> Tensor:
    """A new axis of one before each of these."""
    rank = x.ndim + len(_axes(axis))
    for place in sorted(a % rank if -rank <= a < rank else a for a in _axes(axis)):
        x = weft.unsqueeze(x, place)
    return x


def squeeze(x: Tensor, /, axis: Any) -> Tensor:
    """Without these axes, which must be of one; ValueError."""
    for a in _axes(axis):
        if x.shape[a] != 1:
            raise ValueError(f"[squeeze] axis {a} must be of size 1; got shape {list(x.shape)}")
    return weft.squeeze(x, axis)


def flip(x: Tensor, /, *, axis: Any = None) -> Tensor:
    """In reverse along the axes; None: all."""
    return weft.flip(x, tuple(range(x.ndim)) if axis is None else _axes(axis))


def moveaxis(x: Tensor, source: Any, destination: Any, /) -> Tensor:
    """Axes at other places."""
    return weft.movedim(x, source, destination)


def permute_dims(x: Tensor, /, axes: tuple[int, ...]) -> Tensor:
    """Axes in another order."""
    return weft.permute(x, axes)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """The last two axes exchanged."""
    return x.mT


def reshape(x: Tensor, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Tensor:
    """Another shape. copy: None where it must; False: ValueError where it must."""
    if copy:
        x = x.clone()
    if copy is False:
        try:
            return x.view(shape)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
    return weft.reshape(x, shape)


def roll(x: Tensor, /, shift: Any, *, axis: Any = None) -> Tensor:
    """Moved along the axes; what leaves at the end comes back at the start. None: of the array flattened."""
    if axis is None:
        return weft.roll(x, shift)
    axes = _axes(axis)
    return weft.roll(x, shift if isinstance(shift, tuple) else (shift,) * len(axes), axes)


def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each element so many times; of an array of counts, its own."""
    return weft.repeat_interleave(x, repeats.to(weft.int64) if isinstance(repeats, Tensor) else repeats, axis)


def tile(x: Tensor, repetitions: tuple[int, ...], /) -> Tensor:
    """The whole so many times along each axis."""
    return weft.tile(x, repetitions)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The elements at the indices of an axis, which may be left out for an array of one."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"[take] needs axis= for an array of shape {list(x.shape)}")
        axis = 0
    indices = weft.where(indices < 0, indices + x.shape[axis], indices)
    return weft.index_select(x, axis, indices)


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """By an index for each element of the result along an axis; the others broadcast."""
    indices = weft.where(indices < 0, indices + x.shape[axis], indices)
    return weft.take_along_dim(x, indices.to(weft.int64), axis)


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Products of matrices."""
    dtype = result_type(x1, x2)
    return weft.matmul(x1.to(dtype), x2.to(dtype))


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: Any = 2) -> Tensor:
    """Sums of products over so many axes, or over these of the one and those of the other."""
    dtype = result_type(x1, x2)
    return weft.tensordot(x1.to(dtype), x2.to(dtype), axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Sums of products along an axis, of the first conjugated; the others broadcast."""
    dtype = result_type(x1, x2)
    x1, x2 = weft.movedim(x1.to(dtype), axis, -1), weft.movedim(x2.to(dtype), axis, -1)
    x1 = weft.conj(x1) if dtype.is_complex else x1
    return weft.matmul(x1[..., None, :], x2[..., :, None])[..., 0, 0]
