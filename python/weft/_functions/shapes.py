"""Joining, cutting and rearranging."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public, public_with_short_cut

__all__ = [
    "cat", "split", "chunk", "unbind", "flip", "tril", "triu", "transpose", "permute", "reshape", "flatten", "squeeze",
    "unsqueeze", "numel", "t", "clone", "narrow", "select", "detach",
]  # fmt: skip
METHODS = ["unbind", "flip", "tril", "triu", "t"]


@public_with_short_cut
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``; those of shape (0,) join in whatever the others' shapes are."""
    tensors = tuple(tensors)
    if not tensors:
        raise ValueError("[cat] needs at least one tensor; got none; pass a non-empty sequence")
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"[cat] expects tensors; got {type(tensor).__name__} at position {i}; use weft.tensor")
        if tensor.ndim == 0:
            raise RuntimeError(f"[cat] a 0-d tensor cannot be joined; got one at position {i}; use stack")
    joined = [tensor for tensor in tensors if tensor.shape != (0,)] or tensors[:1]
    if len(joined) == len(tensors):
        return _ops.concatenate(tensors, dim)
    common = joined[0].dtype
    for tensor in tensors:
        common = _C.promote_types(common, tensor.dtype)
    return _ops.concatenate([tensor.to(common) for tensor in joined], dim)


@public
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of the given size (the last may be smaller) or sizes along ``dim``."""
    return tensor.split(split_size_or_sections, dim)


@public
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along ``dim``, without it."""
    return tuple(input.select(dim, i) for i in range(input.size(dim)))


@public
def flip(input: Tensor, *dims: Any) -> Tensor:
    return _ops.flip(input, dims[0] if len(dims) == 1 else dims)


@public
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zero above the given diagonal of the last two dimensions."""
    return _C.masked_fill(input, _diagonals("tril", input) > diagonal, 0)


@public
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Zero below the given diagonal of the last two dimensions."""
    return _C.masked_fill(input, _diagonals("triu", input) < diagonal, 0)


def _diagonals(op: str, x: Tensor) -> Tensor:
    """The number of the diagonal that each element of the last two dimensions lies on."""
    if x.ndim < 2:
        raise RuntimeError(f"[{op}] needs at least two dimensions; got shape {list(x.shape)}; unsqueeze it")
    rows = _C.arange(0, x.shape[-2], 1, _C.int64, x.device).unsqueeze(1)
    return _C.arange(0, x.shape[-1], 1, _C.int64, x.device) - rows


@public
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors stay."""
    if input.ndim > 2:
        raise RuntimeError(
            f"[t] needs at most two dimensions; got shape {list(input.shape)}; use transpose(dim0, dim1)"
        )
    return input if input.ndim < 2 else input.transpose(0, 1)


# Methods that are functions as they are.
transpose, permute, reshape, flatten = Tensor.transpose, Tensor.permute, Tensor.reshape, Tensor.flatten
squeeze, unsqueeze, numel, clone = Tensor.squeeze, Tensor.unsqueeze, Tensor.numel, Tensor.clone
chunk, narrow, select, detach = Tensor.chunk, Tensor.narrow, Tensor.select, Tensor.detach
