"""Joining, cutting, padding and rearranging."""

import builtins

from .. import _C, _ops

__all__ = [
    "cat",
    "split",
    "chunk",
    "unbind",
    "flip",
    "tril",
    "triu",
    "transpose",
    "permute",
    "reshape",
    "flatten",
    "squeeze",
    "unsqueeze",
    "numel",
    "t",
    "clone",
]
METHODS = ("unbind", "flip", "tril", "triu", "t")


def cat(tensors, dim=0):
    tensors = tuple(tensors)
    if not tensors:
        raise RuntimeError("[cat] needs at least one tensor; got none; pass a non-empty sequence")
    return _ops.concatenate(tensors, dim)


def split(tensor, split_size_or_sections, dim=0):
    """Views of the given size (the last may be smaller) or sizes along ``dim``."""
    return tensor.split(split_size_or_sections, dim)


def chunk(input, chunks, dim=0):
    """At most ``chunks`` views of equal size (the last may be smaller) along ``dim``."""
    return input.chunk(chunks, dim)


def unbind(input, dim=0):
    """The slices along ``dim``, without it."""
    return tuple(input.select(dim, i) for i in range(input.shape[dim]))


def flip(input, dims, *more):
    return _ops.flip(input, sorted(d % input.ndim for d in ((dims, *more) if isinstance(dims, int) else dims)))


def pad(input, pad, mode="constant", value=0.0):
    """Adds ``value`` around the last dimensions: (left, right, top, bottom, ...), the last dimension first."""
    if mode != "constant":
        raise NotImplementedError(f"[pad] only mode 'constant' is supported; got {mode!r}")
    if len(pad) % 2 or len(pad) // 2 > input.ndim:
        raise RuntimeError(
            f"[pad] needs two numbers a padded dimension; got {list(pad)} for shape {list(input.shape)}; "
            "pass (left, right) for the last dimension first"
        )
    low, high = [0] * input.ndim, [0] * input.ndim
    for i in range(len(pad) // 2):
        low[-1 - i], high[-1 - i] = pad[2 * i], pad[2 * i + 1]
    result = input
    for d in range(input.ndim):  # a negative padding cuts off
        if low[d] < 0 or high[d] < 0:
            start = -low[d] if low[d] < 0 else 0
            stop = result.shape[d] + (high[d] if high[d] < 0 else 0)
            result = result.narrow(d, start, stop - start)
            low[d], high[d] = builtins.max(low[d], 0), builtins.max(high[d], 0)
    return _ops.pad(result, low, high, [0] * input.ndim, value)


def tril(input, diagonal=0):
    """Zero above the given diagonal of the last two dimensions."""
    return _C.masked_fill(input, _triangle(input) > diagonal, 0)


def triu(input, diagonal=0):
    """Zero below the given diagonal of the last two dimensions."""
    return _C.masked_fill(input, _triangle(input) < diagonal, 0)


def _triangle(x):
    rows = _C.arange(0, x.shape[-2], 1, _C.int64, x.device).unsqueeze(1)
    return _C.arange(0, x.shape[-1], 1, _C.int64, x.device) - rows


def transpose(input, dim0, dim1):
    """A view with two dimensions exchanged."""
    return input.transpose(dim0, dim1)


def permute(input, dims):
    return input.permute(dims)


def reshape(input, shape):
    return input.reshape(shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions ``start_dim`` to ``end_dim`` as one."""
    return input.flatten(start_dim, end_dim)


def squeeze(input, dim=None):
    """Without the dimensions of size 1, or without that one."""
    return input.squeeze(dim)


def unsqueeze(input, dim):
    """With a dimension of size 1 at ``dim``."""
    return input.unsqueeze(dim)


def numel(input):
    return input.numel()


def t(input):
    """The transpose of a matrix; vectors stay."""
    return input if input.ndim < 2 else input.transpose(0, 1)


def clone(input):
    return input.clone()
