"""Views by strides, and what changes a tensor's shape in place."""

from __future__ import annotations

from .. import _C
from .._C import Tensor
from .._public import Any, public
from .complex_numbers import conj
from .moves import axis_of, tile

__all__ = [
    "as_strided", "repeat", "unfold", "adjoint", "narrow_copy", "split_with_sizes", "unsafe_chunk",
    "unsafe_split", "unsqueeze_", "squeeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "resize_as_",
]  # fmt: skip
METHODS = [name for name in __all__ if name != "as_strided"]

as_strided = Tensor.as_strided
unsafe_chunk, unsafe_split = Tensor.chunk, Tensor.split


@public
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor repeated so often along each axis; further ones come in front. A copy; a RuntimeError for too few numbers."""
    counts = repeats[0] if len(repeats) == 1 and isinstance(repeats[0], (tuple, list)) else repeats
    if len(counts) < input.ndim:
        raise RuntimeError(
            f"[repeat] the number of repeats must be at least that of the tensor's dimensions; got {list(counts)} for shape"
            f" {list(input.shape)}; pass 1 for a dimension that stays"
        )
    return tile(input, *counts)


@public
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all pieces of ``size`` elements along a dimension, a ``step`` apart: the dimension counts the pieces, and a new last one
    their elements."""
    axis = axis_of(input, dimension)
    length = input.shape[axis] if input.ndim else 1
    if size < 0 or step <= 0:
        raise RuntimeError(f"[unfold] size must be at least 0 and step at least 1; got size={size} and step={step}")
    if size > length:
        raise RuntimeError(
            f"[unfold] maximum size for the tensor at dimension {dimension} is {length}; got size={size} and shape {list(input.shape)}"
        )
    shape, strides = list(input.shape), list(input.stride())
    along = strides[axis] if strides else 1
    if shape:
        shape[axis], strides[axis] = (length - size) // step + 1, along * step
    return input.as_strided([*shape, size], [*strides, along])


@public
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged, of a tensor of at least two; complex numbers conjugated."""
    if input.ndim == 1:
        raise RuntimeError(f"[adjoint] needs at least two dimensions; got shape {list(input.shape)}; unsqueeze it")
    return conj(input.transpose(-2, -1) if input.ndim else input)


@public
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A copy of what ``narrow`` shows."""
    return input.narrow(dim, start, length).clone()


@public
def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """``split`` by sizes."""
    return input.split(split_sizes, dim)


# ---- in place


def _become(op: str, input: Tensor, view: Any) -> Tensor:
    # A tensor with a history keeps one of its shape, also under no_grad.
    with _C.GradMode(_C.grad_enabled() or (input.requires_grad and not input.is_leaf)):
        return _C.become_view(op, input, view())


@public
def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """Gives this tensor a dimension of size 1 at dim."""
    return _become("unsqueeze_", input, lambda: input.unsqueeze(dim))


@public
def squeeze_(input: Tensor, dim: Any = None) -> Tensor:
    """Takes this tensor's dimensions of size 1 away, or those of ``dim``."""
    return _become("squeeze_", input, lambda: input.squeeze(dim))


@public
def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchanges two dimensions of this tensor, whose memory stays."""
    return _become("transpose_", input, lambda: input.transpose(dim0, dim1))


@public
def swapaxes_(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """``transpose_`` by NumPy's name."""
    return _become("swapaxes_", input, lambda: input.transpose(axis0, axis1))


@public
def swapdims_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """``transpose_`` by another name."""
    return _become("swapdims_", input, lambda: input.transpose(dim0, dim1))


@public
def t_(input: Tensor) -> Tensor:
    """Exchanges the dimensions of this matrix; a vector stays."""
    return _become("t_", input, input.t)


@public
def resize_as_(input: Tensor, the_template: Tensor) -> Tensor:
    """Gives this tensor the sizes of another (``Tensor.resize_``)."""
    return input.resize_(the_template.shape)
