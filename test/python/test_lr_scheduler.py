"""Schedules of learning rates against PyTorch's (test/data/torch_optimizers.json), their states, and means of weights."""

import inspect
import json
import pathlib
import warnings

import pytest
import weft
from conftest import assert_same_bits
from weft import nn, optim
from weft.optim import lr_scheduler, swa_utils

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_optimizers.json").read_text())
SCHEDULERS = TABLE["schedulers"]


def two_groups():
    a, b = (weft.ones(1, requires_grad=True) for _ in range(2))
    return optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.2}], lr=0.1, momentum=0.7)


def scheduler_of(call, optimizer):
    return eval(call, {**vars(lr_scheduler), "SWALR": swa_utils.SWALR, "o": optimizer})


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("call", SCHEDULERS)
def test_pytorch_s_values(call, resumed):
    optimizer = two_groups()
    scheduler = scheduler_of(call, optimizer)
    for step, expected in enumerate(SCHEDULERS[call]["rates"]):
        if resumed and step == 6:
            states = optimizer.state_dict(), scheduler.state_dict()
            optimizer = two_groups()
            scheduler = scheduler_of(call, optimizer)
            optimizer.load_state_dict(states[0])
            scheduler.load_state_dict(states[1])
        found = [group[key] for group in optimizer.param_groups for key in ("lr", "momentum")]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert scheduler.get_last_lr() == found[::2]
        scheduler.step(*([TABLE["metrics"][step]] if "Plateau" in call else []))
    assert sorted(scheduler.state_dict()) == SCHEDULERS[call]["state"]


CLOSED = ["StepLR(o, 3)", "MultiStepLR(o, [2, 5])", "ExponentialLR(o, 0.8)", "PolynomialLR(o, 9)", "LinearLR(o, 0.5)",
          "ConstantLR(o, 0.5)", "CosineAnnealingLR(o, 5)", "CosineAnnealingWarmRestarts(o, 2, 2)"]  # fmt: skip


@pytest.mark.parametrize("call", CLOSED)
def test_closed_form(call):
    chained, closed = (scheduler_of(call, two_groups()) for _ in range(2))
    for _ in range(4):
        chained.step()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        closed.step(4)
    assert chained.get_last_lr() == pytest.approx(closed.get_last_lr())
    assert len(caught) == ("Restarts" not in call)


def test_one_of_ones_own_and_get_lr():
    class Warmup(lr_scheduler._LRScheduler):
        def get_lr(self):
            return [rate * min(1, (self.last_epoch + 1) / 4) for rate in self.base_lrs]

    optimizer = two_groups()
    scheduler = Warmup(optimizer)
    assert isinstance(scheduler, lr_scheduler.LRScheduler)
    assert scheduler.get_last_lr() == pytest.approx([0.025, 0.05])
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    with pytest.warns(UserWarning, match="get_last_lr"):
        lr_scheduler.StepLR(optimizer, 2).get_lr()


def test_a_rate_in_a_tensor_and_saved_functions():
    class Half:
        def __init__(self):
            self.by = 0.5

        def __call__(self, epoch):
            return self.by**epoch

    optimizer = optim.SGD([weft.ones(1, requires_grad=True)], lr=weft.tensor(0.5))
    rate = optimizer.param_groups[0]["lr"]
    scheduler = lr_scheduler.LambdaLR(optimizer, Half())
    scheduler.step()
    assert rate.item() == 0.25 and optimizer.param_groups[0]["lr"] is rate
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"by": 0.5}] and "optimizer" not in state
    state["lr_lambdas"][0]["by"] = 0.25
    scheduler.load_state_dict(state)
    scheduler.step()
    assert rate.item() == 0.5 * 0.0625


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdamW], ids=lambda k: k.__name__)
def test_one_cycle_of_compiled_steps(kind):
    """Rates and momenta, or betas, are others at each step, of one program."""

    def run(wrap):
        weft.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer = kind(model.parameters(), **({"momentum": 0.9, "lr": 0.1} if kind is optim.SGD else {}))
        scheduler = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=12)

        def step(x):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()

        step = wrap(step)
        for _ in range(12):
            step(weft.randn(4, 3))
            scheduler.step()
        return list(model.parameters()), step

    (plain, _), (compiled, step) = run(lambda f: f), run(weft.compile)
    for a, b in zip(plain, compiled):
        assert_same_bits(a, b)
    assert len(weft._C.entries(step)) <= 2


REFUSED = {
    "no optimizer": (lambda o: lr_scheduler.StepLR(3, 2), TypeError, "int"),
    "no start": (lambda o: lr_scheduler.StepLR(o, 2, last_epoch=3), KeyError, "initial_lr"),
    "functions": (lambda o: lr_scheduler.LambdaLR(o, [abs]), ValueError, "2 groups"),
    "a number": (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), TypeError, "float"),
    "factor": (lambda o: lr_scheduler.ConstantLR(o, 1.5), ValueError, "factor"),
    "start factor": (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor"),
    "mode": (lambda o: lr_scheduler.CyclicLR(o, 0.1, 0.2, mode="round"), ValueError, "round"),
    "momentum": (lambda o: lr_scheduler.CyclicLR(optim.Adagrad(o.param_groups[0]["params"]), 0.1, 0.2), ValueError, "momentum"),
    "steps": (lambda o: lr_scheduler.OneCycleLR(o, 0.1), ValueError, "total_steps"),
    "T_0": (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
    "plateau factor": (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "factor"),
    "plateau mode": (lambda o: lr_scheduler.ReduceLROnPlateau(o, "least"), ValueError, "least"),
    "nothing": (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "at least one"),
    "milestones": (lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 2)], [3]), ValueError, "milestone"),
    "of another": (lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(o, 2)], two_groups()), ValueError, "another"),
    "decay": (lambda o: swa_utils.get_ema_avg_fn(1.5), ValueError, "decay"),
    "too far": (lambda o: [s.step() for s in [lr_scheduler.OneCycleLR(o, 0.1, total_steps=2)] * 4], ValueError, "beyond"),
}  # fmt: skip


@pytest.mark.parametrize("act, error, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, error, text):
    with pytest.raises(error, match=text):
        act(two_groups())


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, [1.0, 1.5, 2.0]),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, [1.0, 1.5, 2.25]),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, [1.0, 1.5, 2.25]),
        ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, [1.0, 1.5, 2.0]),
        ({"avg_fn": lambda mean, value, count: value}, [1.0, 2.0, 3.0]),
    ],
)
def test_averaged_model(options, expected):
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    averaged = swa_utils.AveragedModel(model, **options)
    for i, value in enumerate(expected):
        nn.init.constant_(model[0].weight, float(i + 1))
        model[1].running_mean.fill_(i)
        averaged.update_parameters(model)
        assert averaged.module[0].weight.item() == value and averaged.n_averaged.item() == i + 1
        assert averaged.module[1].running_mean.item() == i
    assert averaged.eval()(weft.ones(2, 1)).shape == (2, 1)
    assert "n_averaged" in averaged.state_dict() and "module.0.weight" in averaged.state_dict()


def test_update_bn():
    model = nn.Sequential(nn.BatchNorm1d(2)).eval()
    batches = [weft.randn(8, 2) for _ in range(4)]
    swa_utils.update_bn([(batch, None) for batch in batches], model)
    expected = weft.stack(batches).mean((0, 1))
    assert (model[0].running_mean - expected).abs().max().item() < 1e-6
    assert model[0].momentum == 0.1 and not model.training


def test_signatures_have_no_options_of_our_own():
    for name in lr_scheduler.__all__:
        assert "verbose" not in inspect.signature(getattr(lr_scheduler, name)).parameters
