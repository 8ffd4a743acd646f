#!/usr/bin/env bash
# PyTorch 2.13.0: trapezoid(y, x) with an x of more axes than y counts dim=-1 by the axes of y. With y of shape [2] and x of shape [2, 2] it integrates
# along the first axis of x, where NumPy takes the last; with x of shape [2, 3] and y of [3] it is an error. y.expand_as(x) gives NumPy's numbers.
#
# Seen: "PyTorch: [0.0, 1.5], NumPy: [1.5, 3.0], expanded: [1.5, 3.0]", "[3] at [2, 3]: RuntimeError".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import numpy
import torch

y, x = torch.tensor([1.0, 2.0]), torch.tensor([[0.0, 1.0], [0.0, 2.0]])
found, wanted = torch.trapezoid(y, x).tolist(), numpy.trapezoid(y.numpy(), x.numpy()).tolist()
print(f"PyTorch: {found}, NumPy: {wanted}, expanded: {torch.trapezoid(y.expand_as(x), x).tolist()}")
try:
    torch.trapezoid(torch.ones(3), torch.arange(6.0).view(2, 3))
except RuntimeError as error:
    print(f"[3] at [2, 3]: {type(error).__name__}")
assert found != wanted, "PyTorch counts the axis as NumPy does now"
PYTHON
