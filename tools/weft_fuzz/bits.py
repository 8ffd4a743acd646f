"""Results as bits, and how they differ."""

from __future__ import annotations

import numpy
import weft


def raw(tensor):
    return weft._C.raw_bytes(tensor.detach().cpu().contiguous())


def bits(values):
    """(dtype, shape, bytes) of each; None of a gradient that is not there."""
    return [t if t is None else (t.dtype.name, tuple(t.shape), raw(t)) for t in values]


def difference(got, want):
    if got is None or want is None or got[:2] != want[:2]:
        return f"{got and got[:2]} instead of {want and want[:2]}"
    size = len(got[2]) // max(1, int(numpy.prod(got[1])))
    a, b = (numpy.frombuffer(data, f"V{size}") for data in (got[2], want[2]))
    wrong = numpy.flatnonzero(a != b)
    at = int(wrong[0])
    return f"{len(wrong)} of {len(a)} elements of {want[0]}{list(want[1])}, first {at}: 0x{a[at].tobytes()[::-1].hex()} instead of 0x{b[at].tobytes()[::-1].hex()}"
