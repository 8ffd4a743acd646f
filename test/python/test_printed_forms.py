"""What modules, optimizers and distributions print, which is what PyTorch 2.13 prints."""

import pytest
import weft
from weft import distributions, nn

FORMS = [
    (lambda: nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"),
    (lambda: nn.LayerNorm(4, bias=False), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=False)"),
    (lambda: nn.GroupNorm(1, 4, affine=False), "GroupNorm(1, 4, eps=1e-05, affine=False, bias=False)"),
    (
        lambda: nn.BatchNorm1d(3),
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
    ),
    (
        lambda: nn.InstanceNorm1d(3),
        "InstanceNorm1d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)",
    ),
    (lambda: nn.RMSNorm(3), "RMSNorm((3,), eps=None, elementwise_affine=True)"),
    (lambda: nn.MaxUnpool2d(2), "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"),
    (lambda: nn.ModuleList(), "ModuleList()"),
    (
        lambda: nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(1, 2), nn.Sequential(nn.Tanh()), nn.Sequential(nn.Tanh())]),
        "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (3-4): 2 x Sequential(\n    (0): Tanh()\n  )\n)",
    ),
    (lambda: nn.ParameterList(), "ParameterList()"),
    (
        lambda: nn.ParameterList([weft.zeros(2, 3), "text"]),
        "ParameterList(  (0): Parameter containing: [weft.float32 of size 2x3]\n  (1): Object of type: str)",
    ),
    (lambda: nn.Buffer(weft.zeros(1)), "tensor([0.])"),
    (
        lambda: distributions.Categorical(logits=weft.zeros(4, 5)),
        "Categorical(logits: weft.Size([4, 5]))",
    ),
    (lambda: distributions.Normal(weft.zeros(2), 1.0), "Normal(loc: weft.Size([2]), scale: weft.Size([2]))"),
]  # fmt: skip


@pytest.mark.parametrize("make, form", FORMS)
def test_printed(make, form):
    assert repr(make()) == form


def test_groups_of_an_optimizer():
    groups = [{"params": [weft.zeros(2)]}, {"params": [weft.zeros(3)], "lr": 3}]
    optimizer = weft.optim.SGD(groups, lr=0.1)
    lines = repr(optimizer).split("\n")
    assert lines[:2] == ["SGD (", "Parameter Group 0"] and lines[-1] == ")"
    second = lines.index("Parameter Group 1")
    assert lines[second - 1] == "" and "    lr: 3" in lines[second:]
    for group in optimizer.state_dict()["param_groups"]:
        assert list(group)[-1] == "params"
