#!/usr/bin/env bash
# PyTorch 2.13.0 on the CPU: what a Python float beside a bfloat16 or float16 tensor is rounded to depends on the operator. Guessed: one
# rule for all four. Seen: * and tensor / number take the number as float32 and round the result once; + and - round the number to the
# tensor's 16 bits first; number / tensor rounds twice in another way, as the tensor's reciprocal in 16 bits times the number. So s - x
# loses digits of s that s * x keeps.
#
# Seen, for both dtypes: "+ number rounded first", "- number rounded first", "* number as float32", "x / number as float32",
# "number / x by the reciprocal".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import operator

import torch

number = 0.5244144809415479


def rules(dtype):
    """By operator and side, the rule whose results are all elements' of a tensor."""
    x = (torch.arange(1, 400, dtype=torch.float32) / 7).to(dtype)
    exact, first = torch.tensor(number), torch.tensor(number).to(dtype).float()
    found = {}
    for name, op in (("+", operator.add), ("-", operator.sub), ("*", operator.mul), ("/", operator.truediv)):
        for side, apply in (("x op number", lambda s, t: op(t, s)), ("number op x", lambda s, t: op(s, t))):
            result = apply(number, x)
            candidates = {
                "as float32": apply(exact, x.float()).to(dtype),
                "rounded first": apply(first, x.float()).to(dtype),
            }
            if name == "/" and side == "number op x":
                candidates["by the reciprocal"] = x.reciprocal() * number
            found[name, side] = [rule for rule, want in candidates.items() if torch.equal(result, want)]
    return found


for dtype in (torch.bfloat16, torch.float16):
    found = rules(dtype)
    for (name, side), rule in found.items():
        print(f"{dtype}: {side.replace('op', name)}: {', '.join(rule)}")
    for side in ("x op number", "number op x"):
        assert found["+", side] == found["-", side] == ["rounded first"], "sums take the number otherwise now"
        assert found["*", side] == ["as float32"], "products take the number otherwise now"
    assert found["/", "x op number"] == ["as float32"], "quotients take the divisor otherwise now"
    assert found["/", "number op x"] == ["by the reciprocal"], "quotients take the dividend otherwise now"
PYTHON
