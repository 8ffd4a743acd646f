"""The same elements in other places: views where strides allow, else copies."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, public
from . import reductions, shapes

__all__ = [
    "roll", "tile", "repeat_interleave", "diag", "diagonal", "diag_embed", "trace", "broadcast_to", "movedim", "moveaxis",
    "swapaxes", "swapdims", "unflatten", "rot90", "fliplr", "flipud", "ravel",
]  # fmt: skip
METHODS = __all__


def axis_of(x: Tensor, dim: int) -> int:
    """The axis from the front; an IndexError where there is none."""
    rank = builtins.max(x.ndim, 1)
    if type(dim) is not int:
        (dim,) = ints([dim])
    if not -rank <= dim < rank:
        raise IndexError(
            f"[dim] dim {dim} is out of range for shape {list(x.shape)}; use a value of [{-rank}, {rank - 1}]"
        )
    return dim % rank


def axes_of(x: Tensor, dims: Sequence[int]) -> list[int]:
    """The axes from the front, each named once."""
    axes = [axis_of(x, dim) for dim in dims]
    if len({*axes}) != len(axes):
        raise RuntimeError(f"[dim] dims {list(dims)} name an axis twice; got shape {list(x.shape)}; name each once")
    return axes


def ints(value: Any) -> list[int]:
    """Of an int, also NumPy's, or a sequence of them."""
    try:
        return [operator.index(item) for item in (value if hasattr(value, "__len__") else [value])]
    except TypeError:
        raise TypeError(
            f"[dim] axes and shifts must be ints; got {value!r}; pass an int or a sequence of them"
        ) from None


@public
def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] = ()) -> Tensor:
    """The elements moved by ``shifts`` along ``dims``, those at the end to the front; without ``dims`` in row-major order."""
    shifts, dims = ints(shifts), ints(dims)
    if not dims and len(shifts) == 1:
        return _rolled(input.reshape(-1), shifts[0], 0).reshape(input.shape)
    if len(shifts) != len(dims) or not shifts:
        raise RuntimeError(f"[roll] needs a shift for each of dims; got {shifts} and {dims}; pass equally many")
    if input.ndim == 0:
        raise IndexError("[roll] a 0-d tensor has no axes; got shape []; leave out dims")
    for shift, dim in zip(shifts, dims):
        input = _rolled(input, shift, axis_of(input, dim))
    return input


def _rolled(x: Tensor, shift: int, axis: int) -> Tensor:
    size = x.shape[axis]
    shift = shift % size if size else 0
    if not shift:
        return x.clone()
    return _ops.concatenate([x.narrow(axis, size - shift, shift), x.narrow(axis, 0, size - shift)], axis)


@public
def tile(input: Tensor, *dims: Any) -> Tensor:
    """The tensor repeated so often along each axis, the last ones where there are more axes than ``dims``."""
    counts = list(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else list(dims)
    for count in counts:
        if not isinstance(count, int):
            raise TypeError(f"[tile] dims must be ints or a sequence of ints; got {type(count).__name__}")
    if any(count < 0 for count in counts):
        raise RuntimeError(f"[tile] dims must not be negative; got {counts} and shape {list(input.shape)}")
    rank = builtins.max(len(counts), input.ndim)
    counts = [1] * (rank - len(counts)) + counts
    sizes = [1] * (rank - input.ndim) + list(input.shape)
    apart = input.reshape([part for size in sizes for part in (1, size)])
    spread = apart.expand([part for count, size in zip(counts, sizes) for part in (count, size)])
    return spread.reshape([count * size for count, size in zip(counts, sizes)]).clone()


@public
def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element along ``dim`` repeated ``repeats`` times; without ``dim`` of the flattened tensor.

    repeats: a number, or integers [size of dim] or [1]; alone, ``repeat_interleave(repeats)`` gives the positions. With integers the
    result's size depends on them: they are read, unless ``output_size`` gives it. A RuntimeError where sizes do not fit.
    """
    if repeats is None:
        if input.ndim != 1:
            raise RuntimeError(f"[repeat_interleave] repeats must be a vector; got shape {list(input.shape)}")
        return _positions(input, output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    axis = axis_of(input, dim)
    if input.ndim == 0:
        input = input.reshape(1)
    size = input.shape[axis]
    if isinstance(repeats, Tensor) and repeats.ndim and repeats.shape != (1,) and repeats.shape != (size,):
        raise RuntimeError(
            f"[repeat_interleave] repeats must be one number or as many as the axis has elements; got shape {list(repeats.shape)} "
            f"for axis {axis} of shape {list(input.shape)}"
        )
    if isinstance(repeats, Tensor):
        return _ops.index_select(input, _positions(repeats.reshape(-1).expand(size), output_size), axis)
    if repeats < 0:
        raise RuntimeError(f"[repeat_interleave] repeats must not be negative; got {repeats}")
    if output_size is not None and output_size != size * repeats:
        raise RuntimeError(
            f"[repeat_interleave] output_size must be {size * repeats}; got {output_size} for shape {list(input.shape)}; leave it out"
        )
    sizes = list(input.shape)
    spread = input.unsqueeze(axis + 1).expand([*sizes[: axis + 1], repeats, *sizes[axis + 1 :]])
    return spread.reshape([*sizes[:axis], size * repeats, *sizes[axis + 1 :]]).clone()


def _positions(repeats: Tensor, output_size: int | None) -> Tensor:
    """0 as often as the first of repeats says, 1 as the second …"""
    if repeats.dtype not in (_C.int32, _C.int64):
        raise NotImplementedError(
            f"[repeat_interleave] repeats must be int32 or int64; got {repeats.dtype}; use .long()"
        )
    if output_size is None:
        import numpy

        counts = repeats.detach().cpu().numpy()
        if (counts < 0).any():
            raise RuntimeError(f"[repeat_interleave] repeats must not be negative; got {counts.min()}")
        found = numpy.repeat(numpy.arange(len(counts)), counts)
        return _C.from_numpy(found).to(device=repeats.device, dtype=repeats.dtype)
    size = repeats.shape[0]
    numbers = _C.arange(0, size, 1, _C.int64, repeats.device)
    before = numbers <= numbers.unsqueeze(1)
    ends = reductions.sum(_ops.where(before, repeats.to(_C.int64), 0), 1)
    places = _C.arange(0, output_size, 1, _C.int64, repeats.device).unsqueeze(1)
    return reductions.sum((ends <= places).to(_C.int64), 1).to(repeats.dtype)


@public
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of the matrices of two axes, which become the last axis; ``offset`` counts to the right.

    A view where both axes lie in memory as those of a contiguous tensor do, or the other way round; else a copy.
    """
    first, second = _two_axes(input, dim1, dim2)
    x = input.permute([axis for axis in range(input.ndim) if axis not in (first, second)] + [first, second])
    if x.stride(-2) < x.stride(-1):
        x, offset = x.transpose(-1, -2), -offset
    rows, columns = x.shape[-2:]
    start, length = _run(rows, columns, offset)
    flat = x.reshape([*x.shape[:-2], rows * columns])
    if not length:
        return flat.narrow(-1, 0, 0)
    return flat[..., start : start + (length - 1) * (columns + 1) + 1 : columns + 1]


def _two_axes(x: Tensor, dim1: int, dim2: int) -> tuple[int, int]:
    if x.ndim < 2:
        raise IndexError(f"[diagonal] needs at least two axes; got shape {list(x.shape)}; unsqueeze it")
    first, second = axis_of(x, dim1), axis_of(x, dim2)
    if first == second:
        raise RuntimeError(f"[diagonal] dim1 and dim2 must be two axes; got {dim1} and {dim2}, shape {list(x.shape)}")
    return first, second


def _run(rows: int, columns: int, offset: int) -> tuple[int, int]:
    """Where the diagonal starts in the row-major elements, and its length."""
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    return (offset if offset >= 0 else -offset * columns), builtins.max(length, 0)


@public
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal; of integers in int64."""
    if input.ndim != 2:
        raise RuntimeError(f"[trace] needs a matrix; got shape {list(input.shape)}; use diagonal(dim1, dim2).sum(-1)")
    if input.dtype is _C.bool:
        raise NotImplementedError(f"[trace] bools are not summed; got {list(input.shape)} of them; use .int()")
    return reductions.sum(diagonal(input))


@public
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, on axes dim1 and dim2 of the result, with the last axis's elements on a diagonal and 0 elsewhere."""
    if input.ndim == 0:
        raise IndexError("[diag_embed] needs at least one axis; got shape []; unsqueeze it")
    first, second = _two_axes(input.unsqueeze(-1), dim1, dim2)
    size = input.shape[-1] + abs(offset)
    padded = _ops.pad(
        input,
        [0] * (input.ndim - 1) + [builtins.max(offset, 0)],
        [0] * (input.ndim - 1) + [builtins.max(-offset, 0)],
        [0] * input.ndim,
    )
    numbers = _C.arange(0, size, 1, _C.int64, input.device)
    # An element lies in the column of its number plus the offset.
    on = numbers - numbers.unsqueeze(1) == offset
    result = _ops.where(on, padded.unsqueeze(-2), _C.full((), 0, input.dtype, input.device))
    return movedim(result, (-2, -1), (first, second))


@public
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Of a vector the matrix with it on a diagonal; of a matrix that diagonal."""
    if input.ndim not in (1, 2):
        raise RuntimeError(
            f"[diag] needs a vector or a matrix; got shape {list(input.shape)}; use diagonal() or diag_embed()"
        )
    return diag_embed(input, diagonal) if input.ndim == 1 else _diagonal(input, diagonal).clone()


_diagonal = diagonal


@public
def broadcast_to(input: Tensor, *size: Any) -> Tensor:
    """A view in a shape that the tensor broadcasts to; -1 keeps a size."""
    return input.expand(*size)


@public
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """A view with the axes ``source`` at ``destination``, the others in order."""
    sources, places = ints(source), ints(destination)
    if len(sources) != len(places):
        raise RuntimeError(
            f"[movedim] source and destination must be equally long; got {sources} and {places}, shape {list(input.shape)}"
        )
    sources, places = axes_of(input, sources), axes_of(input, places)
    if input.ndim == 0:
        return input
    others = iter(axis for axis in range(input.ndim) if axis not in sources)
    moved = dict(zip(places, sources))
    return input.permute([moved[axis] if axis in moved else next(others) for axis in range(input.ndim)])


@public
def moveaxis(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """``movedim`` by NumPy's name."""
    return movedim(input, source, destination)


@public
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """``transpose`` by NumPy's name."""
    return input.transpose(axis0, axis1)


@public
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """``transpose`` by another name."""
    return input.transpose(dim0, dim1)


@public
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """A view with one axis as several; one of ``sizes`` may be -1."""
    sizes = list(sizes)
    if not all(isinstance(size, int) for size in sizes):
        raise TypeError(f"[unflatten] sizes must be ints; got {sizes}; pass a sequence of ints")
    if not sizes or input.ndim == 0:
        raise RuntimeError(f"[unflatten] needs an axis and sizes for it; got shape {list(input.shape)} and {sizes}")
    axis = axis_of(input, dim)
    size, known = input.shape[axis], _C.Size([s for s in sizes if s != -1]).numel()
    unknown = sizes.count(-1)
    if unknown > 1 or min(sizes) < -1 or (size % known if unknown and known else unknown or known != size):
        raise RuntimeError(
            f"[unflatten] sizes must multiply up to the axis's, one may be -1; got {sizes} for axis {axis} of shape {list(input.shape)}"
        )
    sizes = [size // known if s == -1 else s for s in sizes]
    return input.view([*input.shape[:axis], *sizes, *input.shape[axis + 1 :]])


@public
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned k times by 90 degrees in the plane of two axes, from the first to the second."""
    if len(dims) != 2 or input.ndim < 2:
        raise RuntimeError(f"[rot90] needs two axes; got dims {list(dims)} and shape {list(input.shape)}; pass two")
    first, second = axes_of(input, dims)
    turns = k % 4
    if turns == 1:
        return shapes.flip(input, second).transpose(first, second)
    if turns == 3:
        return shapes.flip(input, first).transpose(first, second)
    return shapes.flip(input, (first, second)) if turns else input.clone()


@public
def fliplr(input: Tensor) -> Tensor:
    """Backwards along axis 1; needs two axes."""
    if input.ndim < 2:
        raise RuntimeError(f"[fliplr] needs at least two axes; got shape {list(input.shape)}; use flip(0)")
    return shapes.flip(input, 1)


@public
def flipud(input: Tensor) -> Tensor:
    """Backwards along axis 0; needs one axis."""
    if input.ndim < 1:
        raise RuntimeError("[flipud] needs at least one axis; got shape []; unsqueeze it")
    return shapes.flip(input, 0)


@public
def ravel(input: Tensor) -> Tensor:
    """All elements in one axis, in row-major order; a view where strides allow."""
    return input.reshape(-1)
