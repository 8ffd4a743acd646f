#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: cumsum of float32 is carried in float64 and rounded for each element, so it passes through infinity and comes back:
# [3e38, 3e38, -3e38] gives [3e38, inf, 3e38], while the sums of its parts do not: [3e38, 3e38] adds up to inf, and inf - 3e38 is inf. An
# element is therefore not the one before plus the input. Of cummax, every NaN after the first one moves the index on to itself, though
# the value does not change, while of equal numbers the last one has the index.
#
# Seen: "cumsum: [3e+38, inf, 3e+38]", "step by step: inf", "cummax indices: [0, 1, 2, 3, 3, 5]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch

x = torch.tensor([3e38, 3e38, -3e38])
sums = x.cumsum(0)
print("cumsum:", [float(f"{v:.0e}") for v in sums.tolist()])
step = (x[0] + x[1]) + x[2]
print("step by step:", step.item())
nan = float("nan")
indices = torch.tensor([1.0, 2.0, 2.0, nan, 1.0, nan]).cummax(0).indices.tolist()
print("cummax indices:", indices)
assert sums[1].isinf() and sums[2] == x[0] and step.isinf() and indices == [0, 1, 2, 3, 3, 5], "changed"
PYTHON
