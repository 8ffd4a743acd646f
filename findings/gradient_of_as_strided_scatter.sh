#!/usr/bin/env bash
# PyTorch 2.13.0: backward() of torch.as_strided_scatter(x, values, ...) gives x the gradient of the elements that were replaced, on which the
# result does not depend, and zeros for those that were kept: the opposite of what it should. Forward mode is right, and so is slice_scatter,
# which replaces the same element.
#
# Seen, first of three elements replaced: "as_strided_scatter: [1.0, 0.0, 0.0]", "slice_scatter: [0.0, 1.0, 1.0]", "forward mode: [0.0, 1.0, 1.0]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch


def scatter(x):
    return torch.as_strided_scatter(x, torch.ones(1), (1,), (1,), 0)


def gradient(function):
    x = torch.zeros(3, requires_grad=True)
    y = function(x)
    assert y.tolist() == [1.0, 0.0, 0.0]
    y.sum().backward()
    return x.grad.tolist()


strided, sliced = gradient(scatter), gradient(lambda x: torch.slice_scatter(x, torch.ones(1), 0, 0, 1))
_, forward = torch.func.jvp(scatter, (torch.zeros(3),), (torch.ones(3),))
print("as_strided_scatter:", strided)
print("slice_scatter:", sliced)
print("forward mode:", forward.tolist())
assert sliced == forward.tolist() == [0.0, 1.0, 1.0] and strided == [1.0, 0.0, 0.0], "mended"
PYTHON
