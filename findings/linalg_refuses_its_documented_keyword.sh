#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: the manual writes the functions of torch.linalg with a first parameter A, and about half of them do not take it by
# that name: torch.linalg.eigh(A=x) is a TypeError, and its keyword is `input`, while torch.linalg.svd(A=x) works and input= is the
# TypeError there. lstsq(A, B) of the manual is lstsq(input, b). A wrapper that passes operands on by the documented names works for
# some of the functions only.
#
# Seen: "A= is refused by: cholesky cholesky_ex cond eig eigh eigvals eigvalsh ldl_factor ldl_factor_ex matrix_exp matrix_norm matrix_rank
# pinv", "A= is taken by: det inv inv_ex lu lu_factor lu_factor_ex qr slogdet svd svdvals".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch

names = (
    "cholesky cholesky_ex cond det eig eigh eigvals eigvalsh inv inv_ex ldl_factor ldl_factor_ex lu lu_factor lu_factor_ex matrix_exp "
    "matrix_norm matrix_rank pinv qr slogdet svd svdvals"
).split()
x = torch.tensor([[2.0, 1.0], [1.0, 3.0]])
taken, refused = [], []
for name in names:
    function = getattr(torch.linalg, name)
    assert "(A" in function.__doc__.strip().splitlines()[0] or name in ("ldl_factor", "ldl_factor_ex"), name
    function(x)
    try:
        function(A=x)
        taken.append(name)
    except TypeError:
        function(input=x)
        refused.append(name)
print("A= is refused by:", *refused)
print("A= is taken by:", *taken)
assert refused == "cholesky cholesky_ex cond eig eigh eigvals eigvalsh ldl_factor ldl_factor_ex matrix_exp matrix_norm matrix_rank pinv".split(), "changed"
PYTHON
