#!/usr/bin/env bash
# PyTorch 2.13.0: nn.CrossMapLRN2d, whose sum of squares runs along the channels, never takes the first channel out of it. With a window of
# one channel, where each should be divided by 1 + its own square, all others are divided by the first one's square as well.
# nn.LocalResponseNorm, the same formula, looks at one channel. Wider windows are wrong from where the first channel should leave.
#
# Seen, channels [3, 1, 1, 1, 1], the divisors: "CrossMapLRN2d(1): [10.0, 11.0, 11.0, 11.0, 11.0]",
# "LocalResponseNorm(1): [10.0, 2.0, 2.0, 2.0, 2.0]"; "CrossMapLRN2d(3): [4.333, 4.667, 5.0, 5.0, 4.667]",
# "LocalResponseNorm(3): [4.333, 4.667, 2.0, 2.0, 1.667]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch

x = torch.tensor([3.0, 1.0, 1.0, 1.0, 1.0]).reshape(1, 5, 1, 1)


def divisors(layer, size):
    y = layer(size, alpha=1.0, beta=1.0, k=1.0)(x)
    return [round(v, 3) for v in (x / y).flatten().tolist()]


for size in (1, 3):
    found, wanted = divisors(torch.nn.CrossMapLRN2d, size), divisors(torch.nn.LocalResponseNorm, size)
    print(f"CrossMapLRN2d({size}): {found}")
    print(f"LocalResponseNorm({size}): {wanted}")
    assert found[0] == wanted[0] and found[1:] != wanted[1:], "the first channel leaves the sum now"
PYTHON
