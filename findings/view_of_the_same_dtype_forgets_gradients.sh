#!/usr/bin/env bash
# PyTorch 2.13.0: y.view(y.dtype), the dtype that y has already, gives a tensor without y's history, silently: no grad_fn, requires_grad
# False, and no view of y either, though it shares y's memory. y.view(y.shape) keeps it. So code that reinterprets "to whatever dtype was
# asked for" stops gradients in the one case where nothing is to be done; of a leaf parameter the result counts as a leaf of its own.
#
# Seen: "view(dtype): requires_grad False, grad_fn None, a view: False", "view(shape): requires_grad True",
# "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch

leaf = torch.ones(3, requires_grad=True)
y = leaf * 2
same, shaped = y.view(torch.float32), y.view(3)
print(f"view(dtype): requires_grad {same.requires_grad}, grad_fn {same.grad_fn}, a view: {same._is_view()}")
print(f"view(shape): requires_grad {shaped.requires_grad}")
try:
    same.sum().backward()
    error = ""
except RuntimeError as caught:
    error = str(caught)
print(f"RuntimeError: {error}")
assert not same.requires_grad and shaped.requires_grad and same.data_ptr() == y.data_ptr() and error, "mended"
PYTHON
