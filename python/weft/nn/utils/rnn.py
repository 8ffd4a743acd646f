"""Batches of sequences of different lengths: padded, and packed (the steps' rows one after another, without padding)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable

from ... import _C, _factories, _ops
from .. import functional as F
from .._arguments import flag, listed, size, tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


def _mapped(tensor, function):
    return None if tensor is None else function(tensor)


class PackedSequence(namedtuple("PackedSequence", "data batch_sizes sorted_indices unsorted_indices")):
    """``data``: the rows of all sequences' first steps, then of the second ones ...; ``batch_sizes``: how many sequences have each step
    (int64, on the CPU); ``sorted_indices``: which sequence is in which place, the longest first, or None, and ``unsorted_indices`` the
    inverse. Made by pack_padded_sequence and pack_sequence."""

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise ValueError(
                    "[PackedSequence] needs data and batch_sizes; use pack_padded_sequence or pack_sequence"
                )
            data, batch_sizes = data
        tensor("PackedSequence", data, "data"), tensor("PackedSequence", batch_sizes, "batch_sizes")
        if batch_sizes.dtype is not _C.int64:
            raise TypeError(f"[PackedSequence] batch_sizes must be int64; got {batch_sizes.dtype}; use .long()")
        if batch_sizes.ndim != 1:
            raise RuntimeError(
                f"[PackedSequence] batch_sizes must be a vector; got shape {list(batch_sizes.shape)}; pass one size a step"
            )
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"[PackedSequence] batch_sizes must be on the CPU; got a tensor on {batch_sizes.device}")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """With the data converted or moved, as Tensor.to says; the indices move along."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = (_mapped(t, lambda t: t.to(data.device)) for t in (self.sorted_indices, self.unsorted_indices))
        return type(self)(data, self.batch_sizes, *indices)

    def cuda(self, *args, **kwargs):
        return self.to(*(args or ("cuda",)), **kwargs)

    def cpu(self, *args, **kwargs):
        return self.to(*(args or ("cpu",)), **kwargs)

    def double(self):
        return self.to(_C.float64)

    def float(self):
        return self.to(_C.float32)

    def half(self):
        return self.to(_C.float16)

    def long(self):
        return self.to(_C.int64)

    def int(self):
        return self.to(_C.int32)

    def short(self):
        return self.to(_C.int16)

    def char(self):
        return self.to(_C.int8)

    def byte(self):
        return self.to(_C.uint8)

    @property
    def is_cuda(self):
        return self.data.device.type == "cuda"


def invert_permutation(permutation):
    """The permutation that undoes one; None of None."""
    return _mapped(permutation, lambda p: tensor("invert_permutation", p, "permutation").argsort())


def _fail(op, what, kind=RuntimeError):
    raise kind(f"[{op}] {what}")


def _lengths(op, lengths):
    """Lengths as ints."""
    if isinstance(lengths, _C.Tensor):
        if lengths.ndim != 1 or lengths.dtype.is_floating_point:
            _fail(op, f"lengths must be a vector of ints; got {lengths.dtype} of shape {list(lengths.shape)}")
        return lengths.tolist()
    return [size(op, "each of lengths", n) for n in listed(op, "lengths", lengths)]


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Packs padded sequences: (T, B, ...), or (B, T, ...) with ``batch_first``. ``lengths``: a list or tensor of B ints, in falling order
    unless not ``enforce_sorted``. Reads a tensor of lengths. RuntimeError where lengths are not in order, not positive, or too large."""
    op = "pack_padded_sequence"
    values, batch_first = _lengths(op, lengths), flag(op, "batch_first", batch_first)
    if tensor(op, input).ndim < 2:
        _fail(op, f"input must have at least 2 dimensions; got shape {list(input.shape)}")
    batch, steps = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
    if len(values) != batch:
        _fail(op, f"lengths must be one for each of {batch} sequences; got {len(values)}")
    if not values or min(values) <= 0:
        _fail(op, f"lengths must be positive; got {values}")
    if max(values) > steps:
        _fail(op, f"lengths must be at most {steps}, the input's; got {max(values)}")
    order = None
    if not flag(op, "enforce_sorted", enforce_sorted):
        order = sorted(range(batch), key=lambda i: -values[i])
        values = [values[i] for i in order]
    elif any(a < b for a, b in zip(values, values[1:])):
        _fail(op, f"lengths must be in falling order; got {values}; sort the sequences, or pass enforce_sorted=False")
    sizes = [sum(n > t for n in values) for t in range(values[0])]
    places = order or range(batch)
    rows = [
        places[b] * steps + t if batch_first else t * batch + places[b] for t, n in enumerate(sizes) for b in range(n)
    ]
    device = input.device
    flat = input.reshape(batch * steps, *input.shape[2:])
    data = flat.index_select(0, _factories.tensor(rows, dtype=_C.int64, device=device))
    indices = None if order is None else _factories.tensor(order, dtype=_C.int64, device=device)
    return PackedSequence(data, _factories.tensor(sizes, dtype=_C.int64, device="cpu"), indices)


def _check_packed(op, sequence):
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"[{op}] expected a PackedSequence; got {type(sequence).__name__}")


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(the padded sequences, their lengths): (T, B, ...), or (B, T, ...) with ``batch_first``, T at least ``total_length``."""
    _check_packed("pad_packed_sequence", sequence)
    sizes, batch_first = sequence.batch_sizes.tolist(), flag("pad_packed_sequence", "batch_first", batch_first)
    steps, batch = len(sizes), sizes[0]
    if total_length is not None:
        if size("pad_packed_sequence", "total_length", total_length) < steps:
            _fail(
                "pad_packed_sequence",
                f"total_length must be at least that of the longest sequence, {steps}; got {total_length}",
                ValueError,
            )
        steps = total_length
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    lengths = [sum(n > b for n in sizes) for b in range(batch)]
    order = range(batch) if sequence.unsorted_indices is None else sequence.unsorted_indices.tolist()

    def row(t, b):
        return starts[t] + b if t < len(sizes) and b < sizes[t] else -1

    if batch_first:
        rows = [row(t, b) for b in order for t in range(steps)]
        shape = (batch, steps)
    else:
        rows = [row(t, b) for t in range(steps) for b in order]
        shape = (steps, batch)
    data = sequence.data
    index = _factories.tensor(rows, dtype=_C.int64, device=data.device)
    there = (index >= 0).reshape(-1, *[1] * (data.ndim - 1))
    padded = _ops.where(there, data.index_select(0, index.clamp(min=0)), padding_value).to(data.dtype)
    lengths = _factories.tensor([lengths[b] for b in order], dtype=_C.int64, device="cpu")
    return padded.reshape(*shape, *data.shape[1:]), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L, ...) of different lengths as one tensor: (T, B, ...), or (B, T, ...) with ``batch_first``."""
    if not isinstance(sequences, Iterable):
        _fail("pad_sequence", f"sequences must be a list of tensors; got {type(sequences).__name__}")
    sequences = listed("pad_sequence", "sequences", sequences, _C.Tensor)
    if not sequences or any(not s.ndim for s in sequences):
        _fail("pad_sequence", "needs at least one sequence, and of at least one dimension each")
    if any(s.shape[1:] != sequences[0].shape[1:] for s in sequences):
        _fail("pad_sequence", f"sequences may differ in length alone; got shapes {[list(s.shape) for s in sequences]}")
    if not isinstance(padding_side, str) or padding_side not in ("left", "right"):
        _fail("pad_sequence", f"padding_side must be 'left' or 'right'; got {padding_side!r}")
    batch_first = flag("pad_sequence", "batch_first", batch_first)
    longest = max(s.shape[0] for s in sequences)
    padded = []
    for s in sequences:
        missing = longest - s.shape[0]
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(F.pad(s, [0, 0] * (s.ndim - 1) + [*ends], value=padding_value) if missing else s)
    return _factories.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences of pad_sequence, as a list."""
    if tensor("unpad_sequence", padded_sequences, "padded_sequences").ndim < 2:
        _fail("unpad_sequence", f"needs at least 2 dimensions; got shape {list(padded_sequences.shape)}")
    rows = padded_sequences.unbind(0 if flag("unpad_sequence", "batch_first", batch_first) else 1)
    return [row[:n] for row, n in zip(rows, _lengths("unpad_sequence", lengths))]


def pack_sequence(sequences, enforce_sorted=True):
    """Packs a list of sequences (L, ...)."""
    sequences = listed("pack_sequence", "sequences", sequences, _C.Tensor)
    if not all(s.ndim for s in sequences):
        _fail("pack_sequence", "sequences need at least one dimension each")
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The sequences of pack_sequence, as a list."""
    _check_packed("unpack_sequence", packed_sequences)
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
