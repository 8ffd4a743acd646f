"""Writes what PyTorch's optimizers and learning rate schedulers do, which those of weft are compared with (test/python/test_optimizers.py,
test_lr_scheduler.py).

    python tools/torch_optimizers.py test/data/torch_optimizers.json     # where PyTorch is installed

A JSON object. "start": the parameters (nested lists); "gradients": a list of such a step; "optimizers": call → {"parameters": after the
steps, "state": name → [dtype, shape] of the first parameter's, "group": the hyper-parameters' names}; "lbfgs": call → parameters after
two steps on Rosenbrock's function; "schedulers": call → {"rates": a row a step of each rate and momentum, "state": the names in its state_dict()}.
"""

import argparse
import json
import pathlib
import warnings

import numpy
import torch
from torch import optim
from torch.optim import lr_scheduler, swa_utils

rng = numpy.random.default_rng(0)
START = [rng.standard_normal(shape).round(3).tolist() for shape in [(3, 4), (5,)]]
GRADIENTS = [[(rng.standard_normal(numpy.shape(p)) * 2.0**-i).round(4).tolist() for p in START] for i in range(6)]
OPTIMIZERS = [
    "SGD(p, lr=0.1)",
    "SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)",
    "SGD(p, lr=0.1, momentum=0.9, dampening=0.3, maximize=True)",
    "Adam(p, lr=0.1)",
    "Adam(p, lr=0.1, weight_decay=0.1, amsgrad=True)",
    "Adam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)",
    "AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=1e-6)",
    "RMSprop(p, lr=0.1)",
    "RMSprop(p, lr=0.1, alpha=0.9, weight_decay=0.1, momentum=0.9)",
    "RMSprop(p, lr=0.1, centered=True, maximize=True, eps=1e-3)",
    "RMSprop(p, lr=0.1, centered=True, momentum=0.5)",
    "Adagrad(p)",
    "Adagrad(p, lr=0.5, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, maximize=True)",
    "Adadelta(p)",
    "Adadelta(p, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.1, maximize=True)",
    "Adamax(p)",
    "Adamax(p, lr=0.1, betas=(0.8, 0.95), weight_decay=0.1, maximize=True)",
    "NAdam(p)",
    "NAdam(p, lr=0.1, weight_decay=0.1, momentum_decay=0.1, maximize=True)",
    "NAdam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)",
    "RAdam(p)",
    "RAdam(p, lr=0.1, betas=(0.9, 0.8), weight_decay=0.1, maximize=True)",
    "RAdam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)",
    "Rprop(p)",
    "Rprop(p, lr=0.1, etas=(0.3, 1.5), step_sizes=(0.08, 0.2), maximize=True)",
    "ASGD(p)",
    "ASGD(p, lr=0.1, lambd=0.01, alpha=0.5, t0=2, weight_decay=0.1, maximize=True)",
    "Adafactor(p)",
    "Adafactor(p, lr=0.1, beta2_decay=-0.5, eps=(1e-4, 1e-2), d=2.0, weight_decay=0.1, maximize=True)",
    "Muon(p[:1])",
    "Muon(p[:1], lr=0.001, weight_decay=0.0, momentum=0.5, nesterov=False, ns_steps=3, adjust_lr_fn='match_rms_adamw')",
]
LBFGS = [
    "LBFGS(p, lr=0.001)",
    "LBFGS(p, line_search_fn='strong_wolfe')",
    "LBFGS(p, max_iter=7, history_size=2, line_search_fn='strong_wolfe')",
]
SCHEDULERS = [
    "LambdaLR(o, lambda n: 0.9**n)",
    "LambdaLR(o, [lambda n: 0.9**n, lambda n: 1 / (n + 1)])",
    "MultiplicativeLR(o, lambda n: 0.9 + 0.01 * n)",
    "StepLR(o, 3)",
    "StepLR(o, step_size=4, gamma=0.5)",
    "MultiStepLR(o, [2, 5, 5, 9], gamma=0.5)",
    "ConstantLR(o, factor=0.5, total_iters=4)",
    "LinearLR(o, start_factor=0.25, end_factor=0.8, total_iters=6)",
    "ExponentialLR(o, 0.8)",
    "CosineAnnealingLR(o, T_max=5, eta_min=0.01)",
    "CosineAnnealingLR(o, 20)",
    "CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01)",
    "PolynomialLR(o, total_iters=7, power=2.0)",
    "CyclicLR(o, 0.01, 0.2, step_size_up=3, step_size_down=4)",
    "CyclicLR(o, 0.01, [0.2, 0.3], step_size_up=3, mode='triangular2')",
    "CyclicLR(o, 0.01, 0.2, step_size_up=2, mode='exp_range', gamma=0.9, cycle_momentum=False)",
    "CyclicLR(o, 0.01, 0.2, step_size_up=2, scale_fn=lambda x: 1 / x, cycle_momentum=False)",
    "OneCycleLR(o, 0.5, total_steps=15)",
    "OneCycleLR(o, [0.5, 1.0], epochs=3, steps_per_epoch=5, anneal_strategy='linear', pct_start=0.4)",
    "OneCycleLR(o, 0.5, total_steps=15, three_phase=True, div_factor=10.0, final_div_factor=100.0)",
    "SequentialLR(o, [ConstantLR(o, 0.1, total_iters=3), ExponentialLR(o, 0.9)], milestones=[4])",
    "SequentialLR(o, [LinearLR(o, 0.1, total_iters=3), CosineAnnealingLR(o, 8), StepLR(o, 2)], milestones=[3, 8])",
    "ChainedScheduler([ConstantLR(o, 0.1, total_iters=3), ExponentialLR(o, 0.9)], o)",
    "ReduceLROnPlateau(o, patience=1, factor=0.5)",
    "ReduceLROnPlateau(o, 'max', patience=0, cooldown=2, threshold=0.5, threshold_mode='abs', min_lr=[0.01, 0.02])",
    "SWALR(o, swa_lr=0.05, anneal_epochs=4)",
    "SWALR(o, swa_lr=[0.05, 0.5], anneal_epochs=4, anneal_strategy='linear')",
]
STEPS = 14
METRICS = [1.0, 0.9, 0.95, 0.91, 0.9, 0.5, 0.6, 0.5, 0.55, 0.7, 0.6, 0.6, 0.6, 0.1]


def optimized(call):
    parameters = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in START]
    optimizer = eval("optim." + call, {"optim": optim, "p": parameters})
    for gradients in GRADIENTS:
        for p, g in zip(parameters, gradients):
            p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    state = {k: [str(v.dtype).removeprefix("torch."), list(v.shape)] for k, v in optimizer.state[parameters[0]].items()}
    return {
        "parameters": [p.tolist() for p in parameters],
        "state": state,
        "group": sorted(optimizer.state_dict()["param_groups"][0]),
    }


def minimized(call):
    p = [torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)]
    optimizer = eval("optim." + call, {"optim": optim, "p": p})

    def closure():
        optimizer.zero_grad()
        x, y = p[0]
        loss = 100 * (y - x * x) ** 2 + (1 - x) ** 2
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return p[0].tolist()


def scheduled(call):
    a, b = (torch.ones(1, requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.2}], lr=0.1, momentum=0.7)
    names = {name: getattr(lr_scheduler, name) for name in dir(lr_scheduler)} | {"SWALR": swa_utils.SWALR}
    scheduler = eval(call, names | {"o": optimizer})
    rows = []
    for step in range(STEPS):
        rows.append([round(group[key], 12) for group in optimizer.param_groups for key in ("lr", "momentum")])
        optimizer.step()
        scheduler.step(*([METRICS[step]] if "Plateau" in call else []))
    return {"rates": rows, "state": sorted(scheduler.state_dict())}


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output
    parts = {
        "optimizers": {call: optimized(call) for call in OPTIMIZERS},
        "lbfgs": {call: minimized(call) for call in LBFGS},
        "schedulers": {call: scheduled(call) for call in SCHEDULERS},
    }
    text = f'{{"start": {json.dumps(START)},\n"gradients": {json.dumps(GRADIENTS)},\n"metrics": {json.dumps(METRICS)}'
    for name, table in parts.items():
        rows = ",\n".join(f"{json.dumps(call)}: {json.dumps(value)}" for call, value in table.items())
        text += f",\n{json.dumps(name)}: {{\n{rows}\n}}"
    output.write_text(text + "}\n")


main()
