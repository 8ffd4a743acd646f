#!/usr/bin/env bash
# PyTorch 2.13.0: torch.export.export() makes one input of two arguments for which the same example tensor was given. The program
# takes both, without a guard or a warning, and computes with one of them; an in-place write goes to the wrong array.
#
# Seen: "a - 2 * b of 5 and 1: [-1.0, -1.0] instead of 3.0" (not strict and strict), "a += 1: a is 5.0, the product 4.0 instead of 6.0".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch


class Difference(torch.nn.Module):
    def forward(self, a, b):
        return a - 2 * b


class Write(torch.nn.Module):
    def forward(self, a, b):
        a.add_(1)
        return a * b


def program(module, strict=False):
    example = torch.zeros(1)
    return torch.export.export(module, (example, example), strict=strict).module()


def arguments():
    return torch.tensor([5.0]), torch.tensor([1.0])


results = [program(Difference(), strict)(*arguments()).item() for strict in (False, True)]
print(f"a - 2 * b of 5 and 1: {results} instead of 3.0")
a, b = arguments()
product = program(Write())(a, b).item()
print(f"a += 1: a is {a.item()}, the product {product} instead of 6.0")
assert results != [3.0, 3.0] and 3.0 not in results, "the inputs are two"
assert product != 6.0 and a.item() == 5.0, "the write goes to its argument"
PYTHON
