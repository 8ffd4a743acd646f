#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: the gradient of ctc_loss by its argument log_probs is not the derivative. It is larger by exp(log_probs), so that each step's
# sum over the classes is 0 where it is -1. Behind log_softmax, whose backward takes that sum away, nothing changes, which is why training is
# right. Whoever reads log_probs.grad, or makes log_probs in another way (a mixture, smoothed or masked probabilities), gets another
# gradient; gradcheck of the loss fails.
#
# Seen: "sums over classes: backward [0.0, 0.0, 0.0, 0.0], differences [-1.0, -1.0, -1.0, -1.0]", "larger by exp(log_probs): True",
# "behind log_softmax: True".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.functional import ctc_loss

torch.manual_seed(0)
logits = torch.randn(4, 1, 3, dtype=torch.float64)


def loss(log_probs):
    return ctc_loss(log_probs, torch.tensor([[1, 2]]), (4,), (2,), reduction="sum")


def compare(function, x):
    """The gradient by backward(), and by central differences."""
    x = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(x), x)
    units = 1e-6 * torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape)
    with torch.no_grad():
        wanted = torch.stack([(function(x + e) - function(x - e)) / 2e-6 for e in units]).view_as(x)
    return found, wanted


log_probs = logits.log_softmax(2)
found, wanted = compare(loss, log_probs)
sums = [[round(v, 4) + 0.0 for v in g.sum(2).flatten().tolist()] for g in (found, wanted)]
print(f"sums over classes: backward {sums[0]}, differences {sums[1]}")
more = torch.allclose(found - log_probs.exp(), wanted, atol=1e-6)
print("larger by exp(log_probs):", more)
behind = torch.allclose(*compare(lambda x: loss(x.log_softmax(2)), logits), atol=1e-6)
print("behind log_softmax:", behind)
assert behind and more and not torch.allclose(found, wanted, atol=1e-3), "mended"
PYTHON
