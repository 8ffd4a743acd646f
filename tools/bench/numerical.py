"""Special functions, sparse products, decompositions, Fourier transforms, and chains of plain operations."""

from __future__ import annotations

import numpy as np
from libraries import Library, Run, data
from ordering import COUNT, eager, integers


def erfinv(lib: Library) -> Run:
    """Of a million numbers."""
    x = np.random.default_rng(0).uniform(-1, 1, COUNT).astype(np.float32)
    return lib.call(lambda x: lib.torch_like.erfinv(x), x)


def igamma(lib: Library) -> Run:
    """Of a million pairs of up to 10."""
    a, x = (np.random.default_rng(seed).uniform(0, 10, COUNT).astype(np.float32) for seed in (0, 1))
    return lib.call(lambda a, x: lib.torch_like.special.gammainc(a, x), a, x)


def igamma_large(lib: Library) -> Run:
    """Of a million pairs of up to 200."""
    a, x = (np.random.default_rng(seed).uniform(0, 200, COUNT).astype(np.float32) for seed in (0, 1))
    return lib.call(lambda a, x: lib.torch_like.special.gammainc(a, x), a, x)


def sparse_matvec(lib: Library) -> Run:
    """A CSR matrix of 100,000 x 100,000 with 10 elements a row, and a vector."""
    return _sparse(lib, None)


def sparse_matmul(lib: Library) -> Run:
    """The same matrix and one of 64 columns."""
    return _sparse(lib, 64)


def _sparse(lib: Library, columns: int | None) -> Run:
    t, n = lib.torch_like, 100_000
    arrays = np.arange(0, 10 * n + 1, 10), integers(0, n, 10 * n), data(1, 10 * n)
    matrix = t.sparse_csr_tensor(*map(lib.tensor, arrays), size=(n, n))
    return eager(lib, lambda x: matrix @ x, data(2, n) if columns is None else data(2, n, columns))


def _symmetric(lib: Library) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((1000, 32, 32))
    return x @ x.transpose(0, 2, 1) + 32 * np.eye(32)


def cholesky(lib: Library) -> Run:
    """Of a thousand matrices of 32 x 32 in float64."""
    return eager(lib, lib.torch_like.linalg.cholesky, _symmetric(lib))


def solve(lib: Library) -> Run:
    """A thousand systems of 32 equations with 32 right sides in float64."""
    return eager(
        lib, lib.torch_like.linalg.solve, np.random.default_rng(0).standard_normal((1000, 32, 32)), _symmetric(lib)
    )


def svd(lib: Library) -> Run:
    """Of a thousand matrices of 32 x 32 in float64."""
    return eager(
        lib, lambda x: lib.torch_like.linalg.svd(x)[1], np.random.default_rng(0).standard_normal((1000, 32, 32))
    )


def eigh(lib: Library) -> Run:
    """Of a thousand matrices of 32 x 32 in float64."""
    return eager(lib, lambda x: lib.torch_like.linalg.eigh(x)[0], _symmetric(lib))


def fft_long(lib: Library) -> Run:
    """Of 2^20 complex numbers."""
    return _transform(lib, "fft", 1 << 20)


def fft_rows(lib: Library) -> Run:
    """Of 4096 rows of 1000 complex numbers."""
    return _transform(lib, "fft", 4096, 1000)


def fft_prime(lib: Library) -> Run:
    """Of 1000 rows of 1009 complex numbers."""
    return _transform(lib, "fft", 1000, 1009)


def fft_image(lib: Library) -> Run:
    """Of 16 images of 256 x 256 complex numbers."""
    return _transform(lib, "fft2", 16, 256, 256)


def _transform(lib: Library, name: str, *shape: int) -> Run:
    numbers = (data(0, *shape) + 1j * data(1, *shape)).astype(np.complex64)
    return eager(lib, getattr(lib.torch_like.fft, name), numbers)


def kmeans_distances(lib: Library) -> Run:
    """Squared distances of 4096 points from 64 centres in 32 dimensions."""
    return eager(lib, lambda x, c: ((x[:, None] - c[None]) ** 2).sum(-1), data(0, 4096, 32), data(1, 64, 32))


def softmax_short(lib: Library) -> Run:
    """Of 100,000 rows of 10."""
    return eager(lib, lambda x: lib.torch_like.softmax(x, -1), data(0, 100_000, 10))


def softmax_by_hand(lib: Library) -> Run:
    """The same of plain operations."""

    def chain(x):  # type: ignore[no-untyped-def]
        e = (x - x.max(-1, keepdim=True)[0]).exp()
        return e / e.sum(-1, keepdim=True)

    return eager(lib, chain, data(0, 100_000, 10))


def rms_norm_by_hand(lib: Library) -> Run:
    """Of 4096 rows of 1024, of plain operations."""
    t = lib.torch_like
    return eager(
        lib, lambda x, w: x * t.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w, data(0, 4096, 1024), data(1, 1024)
    )


CASES = (
    erfinv,
    igamma,
    igamma_large,
    sparse_matvec,
    sparse_matmul,
    cholesky,
    solve,
    svd,
    eigh,
    fft_long,
    fft_rows,
    fft_prime,
    fft_image,
    kmeans_distances,
    softmax_short,
    softmax_by_hand,
    rms_norm_by_hand,
)
