"""Spectra of the parts of a signal, one after the other, and the signal of such spectra."""

from __future__ import annotations

import math

from .. import _C, _ops
from .. import _factories as factories
from .._C import Tensor
from .._public import Any, public
from . import padding, spectra

__all__ = ["stft", "istft"]
METHODS = __all__


def _window(op: str, window: Tensor | None, like: Tensor, n_fft: int, win_length: int) -> Tensor:
    """The window in the middle of n_fft elements; ones where there is none."""
    if not 0 < win_length <= n_fft:
        raise RuntimeError(f"[{op}] expected 0 < win_length <= n_fft; got win_length={win_length} and n_fft={n_fft}")
    if window is None:
        window = factories.ones(win_length, dtype=like.dtype, device=like.device)
    elif window.ndim != 1 or window.shape[0] != win_length:
        raise RuntimeError(
            f"[{op}] expected a 1D window of win_length={win_length} elements; got shape {list(window.shape)}; pass win_length= with it"
        )
    left = (n_fft - win_length) // 2
    return padding.pad(window, (left, n_fft - win_length - left)) if win_length < n_fft else window


@public
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The spectra of parts of ``n_fft`` elements, ``hop_length`` (default n_fft / 4) apart, of a signal [T] or [B, T].

    Gives [(B,) frequencies, parts]: ``n_fft // 2 + 1`` frequencies of a real signal with a real window, or with onesided=False and of
    complex ones ``n_fft``. With return_complex=False, real and imaginary parts are a last axis of 2; one of the two must be said for
    real signals. A part is multiplied by ``window``, [win_length] in its middle, without one by ones; ``center``: the parts' middles
    begin at the signal's first element, around which ``padding.pad`` of pad_mode makes more; ``normalized``: divided by the root
    of n_fft; ``align_to_window`` (without center): the windows, not the parts, begin at the first element. A RuntimeError where
    lengths, dtypes or these do not fit.
    """
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(
            f"[stft] expected a tensor of floating point or complex values; got {input.dtype}; convert with .float()"
        )
    x = spectra.number("stft", input)
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    is_complex = x.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "[stft] requires the return_complex parameter be given for real inputs; pass return_complex=True"
        )
    if x.ndim not in (1, 2):
        raise RuntimeError(f"[stft] expected a 1D or 2D tensor; got shape {list(x.shape)}; make the leading axes one")
    if align_to_window is not None and center:
        raise RuntimeError("[stft] align_to_window should only be set when center = false; got both")
    batched = x if x.ndim == 2 else x.unsqueeze(0)
    if center and n_fft > 0:
        batched = _padded(batched, n_fft // 2, pad_mode)
    count = batched.shape[1]
    if not 0 < n_fft <= count:
        raise RuntimeError(
            f"[stft] expected 0 < n_fft <= {count}, the signal's length; got n_fft={n_fft} for shape {list(x.shape)}"
        )
    if hop <= 0:
        raise RuntimeError(
            f"[stft] expected hop_length > 0; got hop_length={hop} for n_fft={n_fft}; pass hop_length=1 or more"
        )
    weights = _window("stft", window, x, n_fft, length)
    if onesided and is_complex:
        raise RuntimeError("[stft] Cannot have onesided output if window or input is complex; pass onesided=False")
    if align_to_window:
        left = (n_fft - length) // 2
        batched = padding.pad(batched, (left, n_fft - length - left))
    parts = (
        batched.unfold(1, n_fft, hop) if window is None and length == n_fft else batched.unfold(1, n_fft, hop) * weights
    )
    factor = 1.0 / math.sqrt(n_fft) if normalized else 1.0
    if is_complex or onesided is False:
        result = _ops.fft_complex(spectra.pairs(parts), 2, False, factor)
    else:
        result = _ops.fft_real(parts, 2, factor)
    result = result.transpose(1, 2)
    if x.ndim == 1:
        result = result.squeeze(0)
    return _C.view_as_complex(result.contiguous()) if return_complex is not False else result


def _padded(x: Tensor, by: int, mode: str) -> Tensor:
    if not x.dtype.is_complex:
        return padding.pad(x, (by, by), mode)
    parts = _C.view_as_real(x)
    return _C.view_as_complex(factories.stack([padding.pad(parts.select(-1, i), (by, by), mode) for i in (0, 1)], -1))


def _overlapped(parts: Tensor, hop: int) -> Tensor:
    """Parts [B, count, n], ``hop`` apart, added up: [B, hop (count - 1) + n]."""
    batch, count, n = parts.shape
    pieces = -(-n // hop)
    parts = spectra.fitted(parts, 2, pieces * hop).reshape(batch, count, pieces, hop)
    total: Any = None
    for i in range(pieces):
        piece = _ops.pad(parts.select(2, i), [0, i, 0], [0, pieces - 1 - i, 0], [0, 0, 0], 0.0)
        total = piece if total is None else total + piece
    return total.reshape(batch, -1).narrow(1, 0, hop * (count - 1) + n)


@public
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal, [T] or [B, T], whose ``stft`` is the complex input [(B,) frequencies, parts]: parts added up, over their windows' squares.

    Arguments are those of ``stft``. ``length`` cuts the result, or pads it with zeros; without it it ends where the last part's
    middle does (center) or its end. onesided is by default whether there are not ``n_fft`` frequencies. A RuntimeError where lengths
    do not fit, or where windows add up to 0 somewhere.
    """
    if not input.dtype.is_complex:
        raise RuntimeError(
            f"[istft] requires a complex-valued input tensor matching stft's of return_complex=True; got {input.dtype}"
        )
    if input.ndim not in (2, 3):
        raise RuntimeError(f"[istft] expected a tensor with 2 or 3 dimensions; got shape {list(input.shape)}")
    if input.numel() == 0:
        raise RuntimeError(f"[istft] input tensor cannot be empty; got shape {list(input.shape)}")
    hop = n_fft // 4 if hop_length is None else hop_length
    wide = n_fft if win_length is None else win_length
    frequencies, count = input.shape[-2:]
    if onesided is None:
        onesided = frequencies != n_fft
    expected = n_fft // 2 + 1 if onesided else n_fft
    if frequencies != expected:
        raise RuntimeError(
            f"[istft] expected the frequency dimension to be {expected} for n_fft={n_fft} and onesided={onesided}; got shape {list(input.shape)}"
        )
    if not 0 < hop <= wide:
        raise RuntimeError(f"[istft] expected 0 < hop_length <= win_length; got hop_length={hop} and win_length={wide}")
    complex_window = window is not None and window.dtype.is_complex
    if return_complex and onesided:
        raise RuntimeError(
            "[istft] Cannot have onesided output if window or input is complex; pass return_complex=False"
        )
    if complex_window:
        raise RuntimeError(
            f"[istft] windows are real numbers; got {window.dtype if window is not None else None}; take its .real"
        )
    pairs = _C.view_as_real(input).transpose(-3, -2)
    if input.ndim == 2:
        pairs = pairs.unsqueeze(0)
    weights = _window("istft", window, pairs, n_fft, wide)
    factor = 1.0 / (math.sqrt(n_fft) if normalized else n_fft)
    if return_complex:
        parts = _ops.fft_complex(pairs, 2, True, factor)
        signals = [_overlapped(parts.select(-1, i) * weights, hop) for i in (0, 1)]
    else:
        half = spectra.fitted(pairs, 2, n_fft // 2 + 1)
        signals = [_overlapped(_ops.fft_to_real(half, 2, n_fft, factor) * weights, hop)]
    envelope = _overlapped((weights * weights).expand(1, count, n_fft), hop)
    start, total = n_fft // 2 if center else 0, envelope.shape[1]
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    if length is not None and length < 1:
        raise RuntimeError(f"[istft] length must be 1 or more; got {length}")
    stop = min(end, total)
    envelope = envelope.narrow(1, start, stop - start)
    if not bool(envelope.abs().min() > 1e-11):
        raise RuntimeError(
            "[istft] the windows add up to less than 1e-11 somewhere: the signal is not known there; take a smaller hop_length, or center=True"
        )
    results = [spectra.fitted(signal.narrow(1, start, stop - start) / envelope, 1, end - start) for signal in signals]
    result = _C.view_as_complex(factories.stack(results, -1)) if return_complex else results[0]
    return result.squeeze(0) if input.ndim == 2 else result
