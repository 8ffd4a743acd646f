#!/usr/bin/env bash
# PyTorch 2.13.0: istft(length=) longer than the signal warns that the result "is being padded with zeros", but zeros come only after what
# the last part holds of stft's own padding: of 100 elements, n_fft = 16 and a length of 112, elements 100 to 107 are the signal mirrored at
# its end (stft's pad_mode="reflect"), the first of them 98, 97, ..., and 108 to 111 are 0. A signal that is brought back to a longer buffer
# by length= so ends in an echo of itself.
#
# Seen on an Intel Xeon: "the signal comes back: True; echo: True; zeros from 108 on: True".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch

signal = torch.arange(100, dtype=torch.float64) + 1
window = torch.hann_window(16, dtype=torch.float64)
spectra = torch.stft(signal, 16, window=window, return_complex=True)
result = torch.istft(spectra, 16, window=window, length=112)
back = torch.allclose(result[:100], signal)
echo = torch.allclose(result[100:107], signal.flip(0)[1:8])
zeros = bool((result[108:] == 0).all())
print(f"the signal comes back: {back}; echo: {echo}; zeros from 108 on: {zeros}")
assert back and echo and zeros, "other behaviour than was seen"
PYTHON
