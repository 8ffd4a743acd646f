"""Optimizers' steps in compiled functions: the same bits as eager, whatever is set or changed between the steps."""

import pytest
import weft
from conftest import assert_same_bits
from weft import nn, optim

OPTIONS = {
    "sgd": (optim.SGD, {"lr": 0.1}),
    "nesterov": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "dampening": (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
    "adam": (optim.Adam, {"lr": 0.01, "weight_decay": 0.1}),
    "amsgrad": (optim.Adam, {"lr": 0.01, "amsgrad": True, "maximize": True}),
    "decoupled": (optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "adamw": (optim.AdamW, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6}),
    "rate of a tensor": (optim.AdamW, {"lr": weft.tensor(0.01)}),
}


def set_in_group(**values):
    return lambda model, optimizer: optimizer.param_groups[0].update(values)


def freeze(model, optimizer):
    model[0].weight.requires_grad_(False)
    model[0].weight.grad = None


def add_group(model, optimizer):
    optimizer.add_param_group({"params": model[2].parameters(), "lr": 0.5})


def reload(model, optimizer):
    optimizer.load_state_dict(optimizer.state_dict())


def replace_child(model, optimizer):
    model[1] = nn.Sigmoid()


def hook(model, optimizer):
    model[1].register_forward_hook(lambda module, args, output: output * 2)


CHANGES = {
    "momentum": set_in_group(momentum=0.5),
    "amsgrad": set_in_group(amsgrad=True),
    "decay": set_in_group(weight_decay=0.3, maximize=True),
    "rate": set_in_group(lr=0.02),
    "freeze": freeze,
    "group": add_group,
    "reload": reload,
    "child": replace_child,
    "hook": hook,
}


def run(kind, options, change, compiled):
    weft.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    optimizer = kind(model[0].parameters(), **options)

    def step(x):
        optimizer.zero_grad()
        loss = model(x).square().sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    step = weft.compile(step) if compiled else step
    results = []
    for i in range(8):
        if i == 4:
            change(model, optimizer)
        results.append(step(weft.randn(3, 4)))
    return results + [p.detach() for p in model.parameters()]


CASES = [
    *((name, "reload") for name in OPTIONS),
    *((name, change) for name in ("nesterov", "adam") for change in CHANGES),
]


@pytest.mark.parametrize("name, change", CASES)
def test_same_bits(name, change):
    plain, compiled = (run(*OPTIONS[name], CHANGES[change], compiled) for compiled in (False, True))
    for a, b in zip(plain, compiled, strict=True):
        assert_same_bits(a, b)
