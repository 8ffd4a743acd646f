"""Discrete Fourier transforms (PyTorch's ``fft``), of any length.

Inputs are float32, float64, complex64 or complex128; integers become floats. ``n`` (``s`` for several axes) cuts the input, or
pads it with zeros, before the transform. ``norm``: "backward" (the default) divides the inverse by n, "forward" the other one,
"ortho" both by its root. A RuntimeError for lengths below 1, axes that repeat, other norms and dtypes; an IndexError for axes
that the input does not have.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import _C, _factories
from ._C import Tensor, device, dtype
from ._functions import moves, spectra
from ._functions.arguments import ints
from ._public import Any, Number, public

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2",
    "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

_LAST_TWO = (-2, -1)


def _complex(op: str, input: Tensor, s: Any, dim: Any, norm: str | None, inverse: bool) -> Tensor:
    x = spectra.number(op, input)
    dims, sizes = spectra.axes(op, x.shape, s, dim)
    spectra.check_sizes(op, sizes)
    factor = spectra.scale(op, norm, sizes, inverse)
    return _C.view_as_complex(spectra.complex_to_complex(spectra.pairs(x), dims, sizes, inverse, factor))


def _forward(op: str, input: Tensor, s: Any, dim: Any, norm: str | None, conjugate: bool) -> Tensor:
    """From real numbers; the conjugate is the inverse transform's."""
    if input.dtype.is_complex:
        raise RuntimeError(
            f"[{op}] expects a real input tensor, but got {input.dtype}; take .real, or the transform of complex numbers"
        )
    x = spectra.number(op, input)
    dims, sizes = spectra.axes(op, x.shape, s, dim)
    if not dims:
        raise RuntimeError(f"[{op}] must transform at least one axis; got shape {list(x.shape)} and dim={dim}")
    spectra.check_sizes(op, sizes)
    result = spectra.real_to_complex(x, dims, sizes, spectra.scale(op, norm, sizes, conjugate))
    return _C.view_as_complex(spectra.conjugate(result) if conjugate else result)


def _to_real(op: str, input: Tensor, s: Any, dim: Any, norm: str | None, conjugate: bool) -> Tensor:
    """To real numbers, whose last size is by default twice the input's less 2; of the conjugate: the forward transform."""
    x = spectra.number(op, input)
    dims, sizes = spectra.axes(op, x.shape, s, dim)
    if not dims:
        raise RuntimeError(f"[{op}] must transform at least one axis; got shape {list(x.shape)} and dim={dim}")
    last = None if s is None else ints(op, "s", s)[-1]
    if last is None or last == -1:
        sizes[-1] = 2 * (x.shape[dims[-1]] - 1)
    spectra.check_sizes(op, sizes)
    z = spectra.pairs(x)
    factor = spectra.scale(op, norm, sizes, not conjugate)
    return spectra.complex_to_real(spectra.conjugate(z) if conjugate else z, dims, sizes, factor)


def _length(op: str, input: Tensor, n: int | None, dim: int) -> tuple[int | None, int]:
    """n and dim of one axis, as s and dim of several."""
    if n is not None:
        spectra.check_sizes(op, [n])
    return n, spectra.axis(op, dim, input.ndim)


@public
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """``sum_j x[j] exp(-2 pi i j k / n)`` along ``dim``; complex, [..., n, ...]."""
    return _complex("fft", input, *_length("fft", input, n, dim), norm, False)


@public
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``fft``: ``1 / n sum_k x[k] exp(2 pi i j k / n)`` along ``dim``; complex, [..., n, ...]."""
    return _complex("ifft", input, *_length("ifft", input, n, dim), norm, True)


@public
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first ``n // 2 + 1`` elements of ``fft`` of a real input; the others are their conjugates."""
    return _forward("rfft", input, *_length("rfft", input, n, dim), norm, False)


@public
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``rfft``: real, of ``n`` elements, by default twice the input's less 2.

    The imaginary part of the first element, and for an even n of the last, is not read.
    """
    return _to_real("irfft", input, *_length("irfft", input, n, dim), norm, False)


@public
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """``fft`` of a signal of which the input is the first half, the rest being its conjugates: real, of ``n`` elements."""
    return _to_real("hfft", input, *_length("hfft", input, n, dim), norm, True)


@public
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of ``hfft``: the first ``n // 2 + 1`` elements of ``ifft`` of a real input."""
    return _forward("ihfft", input, *_length("ihfft", input, n, dim), norm, True)


@public
def fft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``fftn`` along the last two axes."""
    return _complex("fft2", input, s, dim, norm, False)


@public
def ifft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``ifftn`` along the last two axes."""
    return _complex("ifft2", input, s, dim, norm, True)


@public
def rfft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``rfftn`` along the last two axes."""
    return _forward("rfft2", input, s, dim, norm, False)


@public
def irfft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``irfftn`` along the last two axes."""
    return _to_real("irfft2", input, s, dim, norm, False)


@public
def hfft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``hfftn`` along the last two axes."""
    return _to_real("hfft2", input, s, dim, norm, True)


@public
def ihfft2(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] = _LAST_TWO, norm: str | None = None
) -> Tensor:
    """``ihfftn`` along the last two axes."""
    return _forward("ihfft2", input, s, dim, norm, True)


@public
def fftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """``fft`` along each of ``dim``, by default of the last axes that ``s`` has sizes for, or of all; a size of -1 is the input's."""
    return _complex("fftn", input, s, dim, norm, False)


@public
def ifftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of ``fftn``."""
    return _complex("ifftn", input, s, dim, norm, True)


@public
def rfftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """``rfft`` of a real input along the last of ``dim``, and ``fft`` along the others."""
    return _forward("rfftn", input, s, dim, norm, False)


@public
def irfftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of ``rfftn``: real, the size along the last of ``dim`` as ``irfft`` has it."""
    return _to_real("irfftn", input, s, dim, norm, False)


@public
def hfftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """``hfft`` along the last of ``dim``, and ``fft`` along the others."""
    return _to_real("hfftn", input, s, dim, norm, True)


@public
def ihfftn(
    input: Tensor, s: int | Sequence[int] | None = None, dim: int | Sequence[int] | None = None, norm: str | None = None
) -> Tensor:
    """The inverse of ``hfftn``."""
    return _forward("ihfftn", input, s, dim, norm, True)


def _frequencies(
    op: str, n: int, d: Number, half: bool, dtype: dtype | None, device: device | None, requires_grad: bool
) -> Tensor:
    if n < 0:
        raise RuntimeError(f"[{op}] n must not be negative; got {n}")
    dtype = dtype or _C.default_dtype()
    if not isinstance(dtype, _C.dtype):
        raise TypeError(f"[{op}] dtype must be a weft.dtype; got {dtype!r}")
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"[{op}] requires a floating point or complex dtype; got {dtype}")
    wide = _factories.arange(n // 2 + 1 if half else n, dtype=_C.float64, device=device)
    if not half:
        wide = wide - n * (wide >= (n + 1) // 2)
    return (wide * (1.0 / (n * d) if n * d else float("inf"))).to(dtype).requires_grad_(requires_grad)


@public
def fftfreq(
    n: int,
    d: Number = 1.0,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of ``fft``'s ``n`` elements, those from the middle on negative, of a signal with ``d`` between its elements: [n]."""
    return _frequencies("fftfreq", n, d, False, dtype, device, requires_grad)


@public
def rfftfreq(
    n: int,
    d: Number = 1.0,
    *,
    dtype: dtype | None = None,
    layout: Any = None,
    device: device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of ``rfft``'s elements, of a signal of ``n`` with ``d`` between its elements: [n // 2 + 1]."""
    return _frequencies("rfftfreq", n, d, True, dtype, device, requires_grad)


def _shifted(input: Tensor, dim: Any, back: bool) -> Tensor:
    dims = range(input.ndim) if dim is None else ints("ifftshift" if back else "fftshift", "dim", dim)
    if not len(dims):
        return input.clone()
    sizes = [input.shape[d] if -input.ndim <= d < input.ndim else 0 for d in dims]
    return moves.roll(input, [(size + back) // 2 for size in sizes], list(dims))


@public
def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The elements with the first, of frequency 0, moved to the middle along ``dim``, by default all axes."""
    return _shifted(input, dim, False)


@public
def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """The inverse of ``fftshift``."""
    return _shifted(input, dim, True)
