#!/usr/bin/env bash
# SciPy 1.17.1 and PyTorch 2.13.0: Bessel and Airy functions are NaN at infinity, where all have a limit. j0, j1, y0, y1 and Ai go to 0, i0 and i1 to
# infinity; at 1e30 the Bessel functions are 1e-15 or less, or infinity. SciPy's Ai is NaN at 1e30 already, PyTorch's 0. k0 and the scaled i0e
# are right at infinity, and so are the spherical j0 of both.
#
# Seen: "SciPy: j0 nan, j1 nan, y0 nan, y1 nan, i0 nan, i1 nan, ai nan, k0 0.0, i0e 0.0", and the same numbers of PyTorch;
# "at 1e30: i0 inf, inf; ai nan, 0.0".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import math

import scipy.special
import torch

torch_names = {"j0": "bessel_j0", "j1": "bessel_j1", "y0": "bessel_y0", "y1": "bessel_y1", "ai": "airy_ai", "k0": "modified_bessel_k0"}


def by_scipy(name, x):
    return float(scipy.special.airy(x)[0] if name == "ai" else getattr(scipy.special, name)(x))


def by_torch(name, x):
    return getattr(torch.special, torch_names.get(name, name))(torch.tensor(x, dtype=torch.float64)).item()


undefined, right = ["j0", "j1", "y0", "y1", "i0", "i1", "ai"], ["k0", "i0e"]
for library, function in (("SciPy", by_scipy), ("PyTorch", by_torch)):
    found = {name: function(name, math.inf) for name in undefined + right}
    print(f"{library}:", ", ".join(f"{name} {value}" for name, value in found.items()))
    assert all(found[name] == 0 for name in right), "changed"
    assert all(math.isnan(found[name]) for name in undefined), f"{library} gives limits now"
large = {name: (by_scipy(name, 1e30), by_torch(name, 1e30)) for name in undefined}
print(f"at 1e30: i0 {large['i0'][0]}, {large['i0'][1]}; ai {large['ai'][0]}, {large['ai'][1]}")
assert all(abs(value) < 1e-14 for name in ("j0", "j1", "y0", "y1") for value in large[name]), "changed"
assert large["i0"] == large["i1"] == (math.inf, math.inf), "changed"
assert math.isnan(large["ai"][0]) and large["ai"][1] == 0, "changed"
PYTHON
