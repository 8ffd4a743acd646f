"""A learning rate that changes needs no new trace, unless something but the optimizer has seen it."""

import pytest
import weft
import weft.nn.functional as F
from conftest import assert_same_bits
from weft import nn

OPTIMIZERS = {
    "sgd": lambda p: weft.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: weft.optim.Adam(p, lr=0.01, weight_decay=0.1),
    "adamw": lambda p: weft.optim.AdamW(p, lr=0.01),
}
RATES = [0.1, 0.1, 0.01, 1 / 3, 0.0, 1e-7, 0.1, 3.0]


def model(dtype=weft.float32):
    weft.manual_seed(7)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).to(dtype)


def step_of(model, optimizer):
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64], ids=str)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_schedule_is_replayed_with_the_same_bits(kind, dtype):
    eager, compiled = model(dtype), model(dtype)
    optimizers = [OPTIMIZERS[kind](m.parameters()) for m in (eager, compiled)]
    plain, replayed = step_of(eager, optimizers[0]), weft.compile(step_of(compiled, optimizers[1]))
    for rate in RATES:
        x, y = weft.randn(4, 6, dtype=dtype), weft.tensor([0, 1, 2, 1])
        for optimizer in optimizers:
            set_rate(optimizer, rate)
        assert_same_bits(plain(x, y), replayed(x, y))
    for a, b in zip(eager.parameters(), compiled.parameters()):
        assert_same_bits(a, b)
    # The first call finds no gradients, the second the first one's.
    assert len(weft._C.entries(replayed)) <= 2


def test_groups_have_rates_of_their_own():
    a, b = weft.ones(2, requires_grad=True), weft.ones(2, requires_grad=True)
    optimizer = weft.optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.5)

    @weft.compile
    def step():
        optimizer.zero_grad()
        (a + b).sum().backward()
        optimizer.step()

    step()
    for i, group in enumerate(optimizer.param_groups):
        group["lr"] = float(i + 2)
    step()
    assert a.tolist() == [-1.5, -1.5] and b.tolist() == [-3, -3]


def returns_it(optimizer):
    return optimizer.param_groups[0]["lr"]


def branches_on_it(optimizer):
    return 1 if optimizer.param_groups[0]["lr"] > 0.5 else 2


def keeps_the_group(optimizer):
    group = optimizer.param_groups[0]
    return lambda: sum(v for v in group.values() if isinstance(v, float))


def prints_the_optimizer(optimizer):
    return f"{optimizer}"


def saves_the_optimizer(optimizer):
    return list(optimizer.state_dict().values())[1][0]


@pytest.mark.parametrize(
    "look",
    [returns_it, branches_on_it, keeps_the_group, prints_the_optimizer, saves_the_optimizer],
    ids=lambda f: f.__name__,
)
def test_what_reads_the_rate_sees_it(look):
    w = weft.ones(2, requires_grad=True)
    optimizer = weft.optim.SGD([w], lr=0.25)
    seen = look(optimizer) if look is keeps_the_group else lambda: look(optimizer)

    def step():
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()
        return seen()

    compiled = weft.compile(step)
    for rate in (0.25, 0.25, 1.0, 1.0, 0.25):
        set_rate(optimizer, rate)
        got = compiled()
        assert repr(got) == repr(seen())
    assert w.tolist() == [1 - 2.75] * 2


@pytest.mark.parametrize("dtype, rates", [(weft.float32, [0.5, 1, 0.25, True]), (weft.bfloat16, [0.3, 0.7])], ids=str)
def test_rates_and_parameters_of_other_types(dtype, rates):
    w, v = (weft.ones(2, dtype=dtype, requires_grad=True) for _ in range(2))
    optimizers = [weft.optim.SGD([t], lr=0.5) for t in (w, v)]

    def step(t, optimizer):
        optimizer.zero_grad()
        (t * t).sum().backward()
        optimizer.step()

    compiled = weft.compile(lambda: step(w, optimizers[0]))
    for rate in rates:
        for optimizer in optimizers:
            set_rate(optimizer, rate)
        compiled()
        step(v, optimizers[1])
        assert_same_bits(w, v)


@pytest.mark.parametrize("key, values", [("betas", [(0.9, 0.99), (0.8, 0.99), (0.8, 0.9)]), ("weight_decay", [0.1, 0.2, 0.0, 0.3]), ("eps", [1e-3, 1e-2])])  # fmt: skip
def test_other_numbers_that_are_read(key, values):
    def run(wrap):
        w = weft.ones(2, requires_grad=True)
        optimizer = weft.optim.Adam([w], lr=0.25, weight_decay=0.1)

        def step():
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
            return optimizer.param_groups[0][key]

        step, seen = wrap(step), []
        for value in values:
            for _ in range(2):
                optimizer.param_groups[0][key] = value
                seen.append(step())
        return seen, w.tolist()

    plain, compiled = run(lambda f: f), run(weft.compile)
    assert repr(plain) == repr(compiled) and compiled[0][::2] == values
