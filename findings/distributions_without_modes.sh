#!/usr/bin/env bash
# PyTorch 2.13.0: Kumaraswamy.mode is NaN for every Kumaraswamy distribution that has a mode. It is ((a - 1) / (a b - 1))^(1 / a); the
# code takes log1p(-b) for log(a - 1), the logarithm of a negative number where b > 1. Weibull.mode is NaN below a concentration of 1,
# where the density is highest at 0. And kl_divergence of Uniform(0, 1) and a ContinuousBernoulli, either way, is infinite, though both
# have the support [0, 1]: the comparison with its ends should be strict.
#
# Seen: "Kumaraswamy(2, 3).mode: nan, the density is highest at 0.4471", "Weibull(3, 0.6).mode: nan",
# "KL(ContinuousBernoulli(0.2) || Uniform(0, 1)): inf, by sampling 0.076".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributions import ContinuousBernoulli, Kumaraswamy, Uniform, Weibull, kl_divergence

torch.manual_seed(0)
k = Kumaraswamy(torch.tensor(2.0), torch.tensor(3.0))
x = torch.linspace(0.001, 0.999, 9999)
print(f"Kumaraswamy(2, 3).mode: {k.mode:.4f}, the density is highest at {x[k.log_prob(x).argmax()]:.4f}")
w = Weibull(torch.tensor(3.0), torch.tensor(0.6))
print(f"Weibull(3, 0.6).mode: {w.mode:.4f}")
p, q = ContinuousBernoulli(torch.tensor(0.2)), Uniform(torch.tensor(0.0), torch.tensor(1.0))
samples = p.sample((100_000,))
sampled = (p.log_prob(samples) - q.log_prob(samples)).mean()
print(f"KL(ContinuousBernoulli(0.2) || Uniform(0, 1)): {kl_divergence(p, q):.4f}, by sampling {sampled:.3f}")
assert k.mode.isnan() and w.mode.isnan() and kl_divergence(p, q).isinf() and kl_divergence(q, p).isinf(), "mended"
PYTHON
