"""The standard's extension ``fft``: transforms along axes, by the standard's keywords."""

from __future__ import annotations

from typing import Any

import weft

from .._C import Tensor

__all__ = [
    "fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn", "rfft", "rfftfreq", "rfftn",
]  # fmt: skip


def _along_one(name: str, summary: str) -> Any:
    ours = getattr(weft.fft, name)

    def transform(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
        return ours(x, n=n, dim=axis, norm=norm)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = summary
    return transform


def _along_several(name: str, summary: str) -> Any:
    ours = getattr(weft.fft, name)

    def transform(x: Tensor, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Tensor:
        return ours(x, s=s, dim=axes, norm=norm)

    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = summary
    return transform


fft = _along_one("fft", "The discrete Fourier transform along an axis.")
ifft = _along_one("ifft", "Its inverse.")
rfft = _along_one("rfft", "The transform of real numbers: the half that determines the rest.")
irfft = _along_one("irfft", "The real numbers of such a half.")
hfft = _along_one("hfft", "The transform of the half of a signal that is its own mirror image, conjugated.")
ihfft = _along_one("ihfft", "Its inverse.")
fftn = _along_several("fftn", "The discrete Fourier transform along axes; all if not given.")
ifftn = _along_several("ifftn", "Its inverse.")
rfftn = _along_several("rfftn", "The transform of real numbers along axes: the half that determines the rest.")
irfftn = _along_several("irfftn", "The real numbers of such a half.")


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of ``fft``'s results, of n samples at distance d."""
    return weft.fft.fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of ``rfft``'s results, of n samples at distance d."""
    return weft.fft.rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """Frequency 0 in the middle."""
    return weft.fft.fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    """Its inverse."""
    return weft.fft.ifftshift(x, axes)
