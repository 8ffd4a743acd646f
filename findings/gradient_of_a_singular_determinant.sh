#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: the gradient of torch.linalg.det at a singular matrix depends on create_graph. The determinant is a polynomial of
# the elements, and its gradient the matrix of cofactors: of [[1, 2], [2, 4]] it is [[4, -2], [-2, 1]], which backward(create_graph=True)
# gives. A plain backward() gives zeros, because it solves a linear system whose right side is det * I. Training by a loss such as
# (det(A) - 1)^2 therefore does not move from diag(1, 0), where recording the gradient for a second one does.
#
# Seen: "plain: [[0.0, 0.0], [0.0, 0.0]]", "create_graph: [[4.0, -2.0], [-2.0, 1.0]]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch


def gradient(values, create_graph):
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(torch.linalg.det(x), x, create_graph=create_graph)
    return (found.detach().round(decimals=6) + 0.0).tolist()


singular = [[1.0, 2.0], [2.0, 4.0]]
plain, recorded = gradient(singular, False), gradient(singular, True)
print("plain:", plain)
print("create_graph:", recorded)
assert plain == [[0.0, 0.0], [0.0, 0.0]] and recorded == [[4.0, -2.0], [-2.0, 1.0]], "changed"
PYTHON
