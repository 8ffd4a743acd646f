"""Batches of sequences of different lengths: padded, and packed (the steps' rows one after another, without padding)."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable

from ... import _C, _factories, _ops
from .. import functional as F

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
    return _mapped(permutation, lambda p: p.argsort())


def _fail(op, what, kind=RuntimeError):
    raise kind(f"[{op}] {what}")


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Packs padded sequences: (T, B, ...), or (B, T, ...) with ``batch_first``. ``lengths``: a list or tensor of B ints, in falling order
    unless not ``enforce_sorted``. Reads a tensor of lengths. RuntimeError where lengths are not in order, not positive, or too large."""
    op = "pack_padded_sequence"
    values = lengths.tolist() if isinstance(lengths, _C.Tensor) else [int(n) for n in lengths]
    if input.ndim < 2:
        _fail(op, f"input must have at least 2 dimensions; got shape {list(input.shape)}")
    batch, steps = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
    if len(values) != batch:
        _fail(op, f"lengths must be one for each of {batch} sequences; got {len(values)}")
    if not values or min(values) <= 0:
        _fail(op, f"lengths must be positive; got {values}")
    if max(values) > steps:
        _fail(op, f"lengths must be at most {steps}, the input's; got {max(values)}")
    order = None
    if not enforce_sorted:
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
    return PackedSequence(data, _factories.tensor(sizes, dtype=_C.int64), indices)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(the padded sequences, their lengths): (T, B, ...), or (B, T, ...) with ``batch_first``, T at least ``total_length``."""
    sizes = sequence.batch_sizes.tolist()
    steps, batch = len(sizes), sizes[0]
    if total_length is not None:
        if total_length < steps:
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
    lengths = _factories.tensor([lengths[b] for b in order], dtype=_C.int64)
    return padded.reshape(*shape, *data.shape[1:]), lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L, ...) of different lengths as one tensor: (T, B, ...), or (B, T, ...) with ``batch_first``."""
    if not isinstance(sequences, Iterable):
        _fail("pad_sequence", f"sequences must be a list of tensors; got {type(sequences).__name__}")
    sequences = list(sequences)
    if not sequences:
        _fail("pad_sequence", "got no sequences; pass at least one")
    if padding_side not in ("left", "right"):
        _fail("pad_sequence", f"padding_side must be 'left' or 'right'; got {padding_side!r}")
    longest = max(s.shape[0] for s in sequences)
    padded = []
    for s in sequences:
        missing = longest - s.shape[0]
        ends = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(F.pad(s, [0, 0] * (s.ndim - 1) + [*ends], value=padding_value) if missing else s)
    return _factories.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences of pad_sequence, as a list."""
    rows = padded_sequences.unbind(0 if batch_first else 1)
    return [row[: int(n)] for row, n in zip(rows, lengths.tolist() if isinstance(lengths, _C.Tensor) else lengths)]


def pack_sequence(sequences, enforce_sorted=True):
    """Packs a list of sequences (L, ...)."""
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The sequences of pack_sequence, as a list."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
