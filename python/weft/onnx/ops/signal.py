"""Fourier transforms, windows, filters of the ear, and n-grams."""

import math

import weft

from ..table import operator
from ..values import dtype_of


def _waves(frequencies, length, dtype):
    """cos and sin of 2 pi f t / length, (frequencies, length); reduced before they are computed."""
    import numpy

    turns = numpy.multiply.outer(numpy.arange(frequencies), numpy.arange(length)) % length
    angles = turns * (2 * math.pi / length)
    return (weft.from_numpy(f(angles)).to(dtype) for f in (numpy.cos, numpy.sin))


def _fourier(real, imaginary, length, inverse, onesided):
    """Along the last axis, of parts cut or padded to the length: (real, imaginary), the latter None for a real result."""
    dtype = real.dtype
    wide = weft.float64 if dtype.itemsize > 2 else weft.float32
    half = length // 2 + 1
    if inverse and onesided:
        # The other half of the frequencies are conjugates.
        cos, sin = _waves(length, length, wide)
        real, imaginary = (_sized(p, half).to(wide) for p in (real, imaginary))
        twice = weft.tensor([1.0 if f == 0 or 2 * f == length else 2.0 for f in range(half)], dtype=wide)
        return ((weft.matmul(real * twice, cos[:half]) - weft.matmul(imaginary * twice, sin[:half])) / length).to(
            dtype
        ), None
    cos, sin = _waves(length if inverse or not onesided else half, length, wide)
    cos, sin = cos.t(), sin.t() * (-1 if inverse else 1)
    real = _sized(real, length).to(wide)
    first, second = weft.matmul(real, cos), -weft.matmul(real, sin)
    if imaginary is not None:
        imaginary = _sized(imaginary, length).to(wide)
        first, second = first + weft.matmul(imaginary, sin), second + weft.matmul(imaginary, cos)
    scale = 1 / length if inverse else 1
    return (first * scale).to(dtype), (second * scale).to(dtype)


def _sized(x, length):
    own = x.shape[-1]
    return x[..., :length] if own >= length else weft.nn.functional.pad(x, [0, length - own])


def _dft(x, length, axis, inverse, onesided):
    axis = axis % x.ndim
    if length is None:
        length = 2 * (x.shape[axis] - 1) if inverse and onesided else x.shape[axis]
    real = x[..., 0].movedim(axis, -1)
    imaginary = x[..., 1].movedim(axis, -1) if x.shape[-1] == 2 else None
    first, second = _fourier(real, imaginary, length, inverse, onesided)
    first = first.movedim(-1, axis)
    return first.unsqueeze(-1) if second is None else weft.stack([first, second.movedim(-1, axis)], -1)


def _number(value):
    return None if value is None else int(value.reshape(-1)[0])


@operator("DFT", 20, host=("dft_length", "axis"))
def dft(x, dft_length=None, axis=None, *, inverse=0, onesided=0):
    return _dft(x, _number(dft_length), -2 if axis is None else _number(axis), bool(inverse), bool(onesided))


@operator("DFT", 17, host=("dft_length",))
def dft_by_attribute(x, dft_length=None, *, axis=1, inverse=0, onesided=0):
    return _dft(x, _number(dft_length), axis, bool(inverse), bool(onesided))


@operator("STFT", 17, host=("frame_step", "frame_length"))
def stft(signal, frame_step, window=None, frame_length=None, *, onesided=1):
    """(batch, frames, frequencies, 2)."""
    length = window.shape[0] if frame_length is None else _number(frame_length)
    parts = [signal[..., i] for i in range(signal.shape[-1])] if signal.ndim == 3 else [signal]
    frames = [p.unfold(1, length, _number(frame_step)) for p in parts]
    if window is not None:
        frames = [f * window for f in frames]
    real, imaginary = _fourier(frames[0], frames[1] if len(frames) > 1 else None, length, False, bool(onesided))
    return weft.stack([real, imaginary], -1)


def _window(*weights):
    def make(size, *, output_datatype=1, periodic=1):
        count = int(size.reshape(-1)[0])
        span = count if periodic else count - 1
        total = weft.full((count,), weights[0], dtype=weft.float64)
        if span > 0:
            for k, weight in enumerate(weights[1:], 1):
                total = total + weight * weft.cos(weft.arange(count, dtype=weft.float64) * (2 * math.pi * k / span))
        return total.to(dtype_of(output_datatype, "output_datatype"))

    return make


operator("HannWindow", 17, host=("size",))(_window(0.5, -0.5))
operator("HammingWindow", 17, host=("size",))(_window(25 / 46, -21 / 46))
operator("BlackmanWindow", 17, host=("size",))(_window(0.42, -0.5, 0.08))


@operator("MelWeightMatrix", 17, host=("bins", "dft_length", "sample_rate", "low", "high"))
def mel_weight_matrix(bins, dft_length, sample_rate, low, high, *, output_datatype=1):
    """(frequencies, bins): triangles that are of one width on the mel scale."""
    count, length, rate = (int(v.reshape(-1)[0]) for v in (bins, dft_length, sample_rate))
    first, last = (2595 * math.log10(1 + float(v.reshape(-1)[0]) / 700) for v in (low, high))
    step = (last - first) / (count + 2)
    edges = [int((length + 1) * 700 * (10 ** ((first + i * step) / 2595) - 1) // rate) for i in range(count + 2)]
    rows = [[0.0] * count for _ in range(length // 2 + 1)]
    for i in range(count):
        start, middle, end = edges[i : i + 3]
        if middle == start:
            rows[middle][i] = 1.0
        else:
            for j in range(start, middle + 1):
                rows[j][i] = (j - start) / (middle - start)
        for j in range(middle, end):
            rows[j][i] = (end - j) / (end - middle)
    return weft.tensor(rows, dtype=dtype_of(output_datatype, "output_datatype"))


MOST_COLUMNS = 1 << 24


@operator("TfIdfVectorizer", 9, host=("x",))
def tf_idf_vectorizer(
    x, *, max_gram_length, max_skip_count, min_gram_length, mode, ngram_counts, ngram_indexes, pool_int64s=None, pool_strings=None,
    weights=None,
):  # fmt: skip
    """How often each n-gram of the pool is in a row, its items as far apart as a skip count allows."""
    pool, grams, number = list(pool_int64s or pool_strings), {}, 0
    longest = x.shape[-1] if x.ndim else 1
    min_gram_length = max(min_gram_length, 1)
    max_gram_length, max_skip_count = min(max_gram_length, longest), min(max_skip_count, longest)
    if max(ngram_indexes) >= MOST_COLUMNS or min(ngram_indexes) < 0 or len(ngram_counts) > len(pool):
        raise ValueError(
            f"ngram_indexes up to {max(ngram_indexes)} and {len(ngram_counts)} sizes of n-grams do not fit a pool of {len(pool)}"
        )
    for n, start in enumerate(ngram_counts, 1):
        end = ngram_counts[n] if n < len(ngram_counts) else len(pool)
        for at in range(start, end - n + 1, n):
            grams[tuple(pool[at : at + n])] = number
            number += 1
    width, flat = max(ngram_indexes) + 1, x.ndim < 2
    table = []
    for row in x.reshape(1, -1).tolist() if flat else x.tolist():
        counts = [0] * width
        for n in range(min_gram_length, max_gram_length + 1):
            for skip in range(1, 2 if n == 1 else max_skip_count + 2):
                for at in range(len(row) - (n - 1) * skip):
                    found = grams.get(tuple(row[at : at + n * skip : skip][:n]))
                    if found is not None:
                        counts[ngram_indexes[found]] += 1
        table.append(
            [_weighted(mode, c, weights[_of(ngram_indexes, i)] if weights else 1.0) for i, c in enumerate(counts)]
        )
    result = weft.tensor(table, dtype=weft.float32)
    return result[0] if flat else result


def _of(indexes, column):
    return indexes.index(column) if column in indexes else 0


def _weighted(mode, count, weight):
    if mode == "TF":
        return float(count)
    return float(count) * weight if mode == "TFIDF" else (weight if count else 0.0)
