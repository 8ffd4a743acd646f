#!/usr/bin/env bash
# PyTorch 2.13.0: 24 functions of torch.special (Bessel functions, airy_ai, orthogonal polynomials) have no derivative and do not say so. Guessed: an
# error, as igamma and zeta give one. Seen: the result of an argument that requires a gradient does not, without a warning, so that in a sum
# with other terms its part of the gradient is missing. special.i0 and special.modified_bessel_i0 are the same function; the first has a
# gradient. A Chebyshev series, a polynomial, is a constant to autograd.
#
# Seen: "i0: requires_grad True, modified_bessel_i0: requires_grad False", "x + T_2(x) at 0.5: 1.0 instead of 3.0", "gammainc: NotImplementedError",
# "silent: 24".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch import special

x = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
print(f"i0: requires_grad {special.i0(x).requires_grad}, modified_bessel_i0: requires_grad {special.modified_bessel_i0(x).requires_grad}")
(gradient,) = torch.autograd.grad(x + special.chebyshev_polynomial_t(x, 2), x)
print(f"x + T_2(x) at 0.5: {gradient.item()} instead of {1 + 4 * x.item()}")
try:
    special.gammainc(x, x.detach()).backward()
    error = None
except (NotImplementedError, RuntimeError) as caught:
    error = type(caught).__name__
print("gammainc:", error)
bessel = ["airy_ai", "spherical_bessel_j0"] + [f"bessel_{kind}{order}" for kind in "jy" for order in (0, 1)]
bessel += [f"{kind}{order}" for kind in ("modified_bessel_i", "modified_bessel_k", "scaled_modified_bessel_k") for order in (0, 1)]
chebyshev = [f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"]
others = ["hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"]
silent = [name for name in bessel if not getattr(special, name)(x).requires_grad]
silent += [name for name in chebyshev + others if not getattr(special, name)(x, 3).requires_grad]
print("silent:", len(silent))
assert error and gradient.item() == 1 and special.i0(x).requires_grad and "modified_bessel_i0" in silent, "mended"
PYTHON
