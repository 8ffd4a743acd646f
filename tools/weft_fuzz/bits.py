"""Results as bits, and how they differ."""

from __future__ import annotations

import numpy
import weft

MASKS = {"float16": (numpy.uint16, 0x7C00), "bfloat16": (numpy.uint16, 0x7F80), "float32": (numpy.uint32, 0x7F800000),
         "float64": (numpy.uint64, 0x7FF0000000000000)}  # fmt: skip


def raw(tensor):
    return weft._C.raw_bytes(tensor.detach().contiguous())


def bits(values):
    """(dtype, shape, bytes) of each; None of a gradient that is not there."""
    return [t if t is None else (t.dtype.name, tuple(t.shape), raw(t)) for t in values]


def same(a, b):
    """Every NaN counts as the same."""
    if a == b or a is None or b is None:
        return a == b
    if a[:2] != b[:2] or a[0] not in MASKS:
        return False
    kind, infinity = MASKS[a[0]]
    x, y = (numpy.frombuffer(data, kind) & kind(~(1 << (8 * numpy.dtype(kind).itemsize - 1)) & numpy.iinfo(kind).max)
            for data in (a[2], b[2]))  # fmt: skip
    unequal = numpy.frombuffer(a[2], kind) != numpy.frombuffer(b[2], kind)
    return not (unequal & ~((x > infinity) & (y > infinity))).any()


def difference(got, want):
    if got is None or want is None or got[:2] != want[:2]:
        return f"{got and got[:2]} instead of {want and want[:2]}"
    size = len(got[2]) // max(1, int(numpy.prod(got[1])))
    a, b = (numpy.frombuffer(data, f"V{size}") for data in (got[2], want[2]))
    wrong = numpy.flatnonzero(a != b)
    at = int(wrong[0])
    return f"{len(wrong)} of {len(a)} elements of {want[0]}{list(want[1])}, first {at}: 0x{a[at].tobytes()[::-1].hex()} instead of 0x{b[at].tobytes()[::-1].hex()}"
