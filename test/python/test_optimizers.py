"""All optimizers against PyTorch's results (test/data/torch_optimizers.json, made by tools/torch_optimizers.py), compiled and with
options that change between the steps."""

import json
import pathlib

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn, optim

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_optimizers.json").read_text())
OPTIMIZERS = TABLE["optimizers"]


def made(call, parameters):
    return eval("optim." + call, {"optim": optim, "p": parameters})


def parameters_of(dtype=weft.float64):
    return [weft.tensor(p, dtype=dtype, requires_grad=True) for p in TABLE["start"]]


def give_gradients(parameters, gradients):
    for p, g in zip(parameters, gradients):
        p.grad = weft.tensor(g, dtype=p.dtype)


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_pytorch_s_values_and_state(call):
    parameters = parameters_of()
    optimizer = made(call, parameters)
    for gradients in TABLE["gradients"]:
        give_gradients(parameters, gradients)
        optimizer.step()
    expected = OPTIMIZERS[call]
    tolerance = 1e-5 if "Muon" in call else 1e-6  # it computes in bfloat16
    for p, values in zip(parameters, expected["parameters"]):
        numpy.testing.assert_allclose(p.detach().numpy(), values, rtol=tolerance, atol=tolerance)
    state = optimizer.state_dict()
    assert sorted(state["param_groups"][0]) == expected["group"]
    found = {k: [str(v.dtype).removeprefix("weft."), list(v.shape)] for k, v in state["state"].get(0, {}).items()}
    assert found == expected["state"]


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_a_state_goes_on_elsewhere(call):
    def run(stop):
        parameters = parameters_of(weft.float32)
        optimizer = made(call, parameters)
        for i, gradients in enumerate(TABLE["gradients"]):
            give_gradients(parameters, gradients)
            if i == stop:
                state = optimizer.state_dict()
                optimizer = made(call.split("(")[0] + ("(p[:1])" if "Muon" in call else "(p)"), parameters)
                optimizer.load_state_dict(state)
            optimizer.step()
        return parameters

    for a, b in zip(run(3), run(None)):
        assert_same_bits(a, b)


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_compiled(call):
    def run(wrap):
        parameters = parameters_of(weft.float32)
        optimizer = made(call, parameters)

        def step(x):
            optimizer.zero_grad()
            loss = sum((p * p * x[: p.shape[-1]]).sum() for p in parameters)
            loss.backward()
            optimizer.step()
            return loss.detach()

        step = wrap(step)
        weft.manual_seed(0)
        for i in range(7):
            step(weft.randn(5))
            if i == 4:
                parameters[1].requires_grad_(False)
                parameters[1].grad = None
        return parameters, step

    (plain, _), (compiled, step) = run(lambda f: f), run(weft.compile)
    for a, b in zip(plain, compiled):
        assert_same_bits(a, b)
    assert weft._C.entries(step)


VARYING = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    "Adam": {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.01, "eps": 1e-6},
    "AdamW": {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.01},
    "RMSprop": {"lr": 0.1, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1, "eps": 1e-3},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
    "Adadelta": {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1},
    "Adamax": {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.1},
    "NAdam": {"lr": 0.1, "betas": (0.9, 0.99), "momentum_decay": 0.1, "weight_decay": 0.1},
    "RAdam": {"lr": 0.1, "betas": (0.9, 0.8), "weight_decay": 0.1},
    "Rprop": {"etas": (0.5, 1.2), "step_sizes": (0.01, 0.5)},
    "ASGD": {"lr": 0.1, "lambd": 0.01, "t0": 2.0, "weight_decay": 0.1},
    "Adafactor": {"lr": 0.1, "d": 1.5, "weight_decay": 0.1},
    "Muon": {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", VARYING)
def test_other_numbers_need_no_other_program(name):
    def run(wrap):
        weft.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
        parameters = [p for p in model.parameters() if p.ndim == 2 or name != "Muon"]
        optimizer = getattr(optim, name)(parameters, **VARYING[name])

        def step(x):
            optimizer.zero_grad()
            loss = model(x).square().sum()
            loss.backward()
            optimizer.step()
            return loss.detach()

        step, losses = wrap(step), []
        for i in range(9):
            for group in optimizer.param_groups:
                for key, value in VARYING[name].items():
                    factor = 1 - 0.01 * i
                    group[key] = (
                        (
                            value[0] * factor,
                            value[1] * factor if value[1] != 1.2 else 1.2 / factor,
                        )
                        if isinstance(value, tuple)
                        else value * factor
                    )
            losses.append(step(weft.randn(3, 4)))
        return losses + [p.detach() for p in parameters], step

    (plain, _), (compiled, step) = run(lambda f: f), run(weft.compile)
    for a, b in zip(plain, compiled):
        assert_same_bits(a, b)
    # The first call finds no gradients, the second the first one's.
    assert len(weft._C.entries(step)) <= 2


def test_a_number_that_becomes_zero():
    def run(wrap):
        p = weft.ones(3, requires_grad=True)
        optimizer = optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.1)

        def step():
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()

        step = wrap(step)
        for key, value in [
            ("momentum", 0.5),
            ("momentum", 0.0),
            ("weight_decay", 0.0),
            ("weight_decay", 0.2),
            ("momentum", 0.9),
        ]:
            step()
            optimizer.param_groups[0][key] = value
            step()
        return p

    assert_same_bits(run(lambda f: f), run(weft.compile))


@pytest.mark.parametrize("call", TABLE["lbfgs"])
def test_lbfgs(call):
    p = [weft.tensor([-1.2, 1.0], dtype=weft.float64, requires_grad=True)]
    optimizer = made(call, p)

    def closure():
        optimizer.zero_grad()
        x, y = p[0]
        loss = 100 * (y - x * x) ** 2 + (1 - x) ** 2
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert first.item() == pytest.approx(24.2)
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.step(closure)
    numpy.testing.assert_allclose(p[0].tolist(), TABLE["lbfgs"][call], rtol=1e-5)
    assert {
        "func_evals",
        "n_iter",
        "d",
        "t",
        "old_dirs",
        "old_stps",
        "ro",
        "H_diag",
        "prev_flat_grad",
        "prev_loss",
        "al",
    } == set(optimizer.state_dict()["state"][0])


def test_a_step_that_is_differentiated():
    """The loss after three steps, by the rate: against differences."""

    def loss_of(rate, kind):
        p = weft.tensor([1.0, -2.0], dtype=weft.float64, requires_grad=True) * 1.0
        optimizer = kind([p], lr=rate, differentiable=True)
        for _ in range(3):
            (p.grad,) = weft.autograd.grad((p.clone() ** 4).sum(), [p], create_graph=True)
            optimizer.step()
        return (p**2).sum()

    for kind in (optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad):
        rate = weft.tensor(0.02, dtype=weft.float64, requires_grad=True)
        loss_of(rate, kind).backward()
        high, low = (loss_of(0.02 + d, kind).item() for d in (1e-6, -1e-6))
        assert rate.grad.item() == pytest.approx((high - low) / 2e-6, rel=1e-5)


def test_hooks_of_states_and_of_all_optimizers():
    p, seen = weft.ones(2, requires_grad=True), []
    optimizer = optim.RMSprop([p], lr=0.1)
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("before saving"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state["more"]))
    handle = optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["before saving", 1, "loaded"]
    handle.remove()
    from weft.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

    before = register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append(type(o)))
    after = register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("stepped"))
    optim.SGD([p]).step()
    before.remove(), after.remove()
    optimizer.step()
    assert seen[3:] == [optim.SGD, "stepped"]


REFUSED = {
    "alpha": (lambda p: optim.RMSprop(p, alpha=-1), ValueError, "alpha"),
    "rho": (lambda p: optim.Adadelta(p, rho=1.5), ValueError, "rho"),
    "etas": (lambda p: optim.Rprop(p, etas=(1.5, 2.0)), ValueError, "etas"),
    "betas": (lambda p: optim.NAdam(p, betas=(0.9, 1.0)), ValueError, "beta"),
    "d": (lambda p: optim.Adafactor(p, d=0.5), ValueError, "threshold"),
    "decay": (lambda p: optim.Adafactor(p, beta2_decay=0.5), ValueError, "beta2_decay"),
    "a vector": (lambda p: optim.Muon(p), ValueError, "two dimensions"),
    "rates": (lambda p: optim.Muon(p[:1], adjust_lr_fn="none"), ValueError, "match_rms_adamw"),
    "search": (lambda p: optim.LBFGS(p, line_search_fn="armijo"), RuntimeError, "strong_wolfe"),
    "groups": (lambda p: optim.LBFGS([{"params": p[:1]}, {"params": p[1:]}]), ValueError, "one group"),
    "no closure": (lambda p: optim.LBFGS(p).step(None), TypeError, "closure"),
    "dense": (lambda p: optim.SparseAdam(p).step(), RuntimeError, "dense"),
}  # fmt: skip


@pytest.mark.parametrize("act, error, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, error, text):
    parameters = parameters_of()
    give_gradients(parameters, TABLE["gradients"][0])
    with pytest.raises(error, match=text):
        act(parameters)


@pytest.mark.parametrize("name", ["SGD", "AdamW", "RMSprop", "NAdam", "Adafactor"])
def test_all_of_a_training_step(name):
    """Autocast, a scaled loss, clipping, a step, an average of the weights and a schedule around it."""
    from weft.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
    from weft.optim.swa_utils import get_ema_multi_avg_fn

    def run(wrap):
        weft.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 3))
        means = [p.detach().clone() for p in model.parameters()]
        decay = [p for p in model.parameters() if p.ndim > 1]
        rest = [p for p in model.parameters() if p.ndim < 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        optimizer = getattr(optim, name)(groups, lr=0.05)
        warmup = LinearLR(optimizer, 0.1, total_iters=3)
        schedule = SequentialLR(optimizer, [warmup, CosineAnnealingLR(optimizer, 6)], [3])
        average = get_ema_multi_avg_fn(0.9)

        def step(x, y):
            optimizer.zero_grad(set_to_none=True)
            with weft.autocast("cpu", dtype=weft.bfloat16):
                loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            average(means, list(model.parameters()), None)
            return loss.detach(), norm

        step, results = wrap(step), []
        for _ in range(9):
            results += step(weft.randn(5, 6), weft.randint(0, 3, (5,)))
            schedule.step()
        return results + means + [p.detach() for p in model.parameters()], step

    (plain, _), (compiled, step) = run(lambda f: f), run(weft.compile)
    for a, b in zip(plain, compiled):
        assert_same_bits(a, b)
    assert len(weft._C.entries(step)) <= 2
