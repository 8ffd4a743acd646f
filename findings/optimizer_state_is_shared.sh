#!/usr/bin/env bash
# PyTorch 2.13.0: Optimizer.load_state_dict() does not copy the state. The two optimizers then share their running means, so that a
# step of the first one changes the second one's next step. Parameters are copied by Module.load_state_dict(), and the state was in
# earlier versions. Only where dtype or device differ is there a copy, and the count of steps is shared as well.
#
# Seen: "shared exp_avg: True", "shared step: True", "the copy's step: 0.0053 alone, -0.0262 after the other's step".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch


def trained():
    """An Adam that made a step with a gradient of 1, and its parameter."""
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([p], lr=0.1)
    p.grad = torch.ones(1)
    optimizer.step()
    return p, optimizer


def step_of_a_copy(disturb):
    """The step that an optimizer with the loaded state makes for a gradient of -1."""
    p, optimizer = trained()
    q = torch.nn.Parameter(p.detach().clone())
    copy = torch.optim.Adam([q], lr=0.1)
    copy.load_state_dict(optimizer.state_dict())
    shared = [copy.state[q][name] is optimizer.state[p][name] for name in ("exp_avg", "step")]
    if disturb:
        optimizer.step()  # of the other one
    q.grad = -torch.ones(1)
    before = q.item()
    copy.step()
    return q.item() - before, shared


alone, shared = step_of_a_copy(False)
after, _ = step_of_a_copy(True)
print(f"shared exp_avg: {shared[0]}")
print(f"shared step: {shared[1]}")
print(f"the copy's step: {alone:.4f} alone, {after:.4f} after the other's step")
assert shared[0] and alone != after, "PyTorch copies the state now"
PYTHON
