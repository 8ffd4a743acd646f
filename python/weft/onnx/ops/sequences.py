"""Sequences, which are lists, and optionals, which are a value or None."""

import numpy

import weft

from .. import host
from ..table import operator
from ..values import to_array, to_tensor


def _tensor(x):
    return to_tensor(x) if host.is_known(x) and x.dtype.kind not in "OUS" else x


def _position(sequence, position, count):
    at = int(to_array(position).reshape(-1)[0])
    if not -count <= at < count:
        raise IndexError(f"position {at} is not in a sequence of {len(sequence)}")
    return at + count if at < 0 else at


@operator("SequenceConstruct", 11, raw=True)
def sequence_construct(*tensors):
    return list(tensors)


@operator("SequenceEmpty", 11)
def sequence_empty(*, dtype=1):
    return []


@operator("SequenceAt", 11, raw=True)
def sequence_at(sequence, position):
    return sequence[_position(sequence, position, len(sequence))]


@operator("SequenceErase", 11, raw=True)
def sequence_erase(sequence, position=None):
    at = len(sequence) - 1 if position is None else _position(sequence, position, len(sequence))
    return [*sequence[:at], *sequence[at + 1 :]]


@operator("SequenceInsert", 11, raw=True)
def sequence_insert(sequence, tensor, position=None):
    at = len(sequence) if position is None else int(to_array(position).reshape(-1)[0])
    if not -len(sequence) <= at <= len(sequence):
        raise IndexError(f"position {at} is not in a sequence of {len(sequence)}")
    at = at + len(sequence) if at < 0 else at
    return [*sequence[:at], tensor, *sequence[at:]]


@operator("SequenceLength", 11, raw=True)
def sequence_length(sequence):
    return numpy.array(len(sequence), numpy.int64)


@operator("ConcatFromSequence", 11, raw=True)
def concat_from_sequence(sequence, *, axis, new_axis=0):
    tensors = [_tensor(t) for t in sequence]
    return weft.stack(tensors, axis) if new_axis else weft.cat(tensors, axis)


@operator("SplitToSequence", 11, 24, raw=True)
def split_to_sequence(x, split=None, *, axis=0, keepdims=1):
    """By one, without the axis where keepdims is 0; by a number, the last one shorter; or by sizes."""
    x = _tensor(x)
    if split is None:
        parts = weft.split(x, 1, axis)
        return [p if keepdims else p.squeeze(axis) for p in parts]
    sizes = to_array(split)
    return list(weft.split(x, int(sizes) if sizes.ndim == 0 else sizes.tolist(), axis))


@operator("SequenceMap", 17, raw=True)
def sequence_map(sequence, *others, outputs, body):
    results = [[] for _ in range(outputs)]
    for i, value in enumerate(sequence):
        given = [o[i] if isinstance(o, list) else o for o in others]
        for result, found in zip(results, body(value, *given)):
            result.append(found)
    return tuple(results)


@operator("Optional", 15, 28, raw=True)
def optional(value=None, *, type=None):
    return value


@operator("OptionalHasElement", 15, 18, 28, raw=True)
def optional_has_element(value=None):
    return numpy.array(value is not None)


@operator("OptionalGetElement", 15, 18, 28, raw=True)
def optional_get_element(value=None):
    if value is None:
        raise ValueError("the optional has no element")
    return value
