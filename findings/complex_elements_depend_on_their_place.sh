#!/usr/bin/env bash
# PyTorch 2.13.0 on the CPU: what an elementwise operation on complex numbers gives depends on where an element stands. Elements that are
# taken two or more at once go through fused multiply-adds, the odd one at the end does not: of nine equal numbers, z / z gives eight times
# 1 - 1.2e-08j and once 1 + 0j, and the square of 1e30 + 1e30j (complex128), whose real part is 0, once has one of -8.8e+43.
# So a row's values change with the size of the batch, and z / z == 1 with its parity.
#
# Seen on an Intel Xeon (AVX-512): "z / z: {(1-1.1920929132713809e-08j): 8, (1+0j): 1}",
# "square: {2.0000000000000003e+60j: 8, (-8.8023847208007e+43+2.0000000000000003e+60j): 1}".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
from collections import Counter

import torch

z = torch.full((9,), 0.6 + 0.8j)
large = torch.full((9,), 1e30 + 1e30j, dtype=torch.complex128)
quotients, squares = Counter((z / z).tolist()), Counter(large.square().tolist())
print("z / z:", dict(quotients))
print("square:", dict(squares))
assert len(quotients) == 2 and len(squares) == 2, "mended, or another processor's"
PYTHON
