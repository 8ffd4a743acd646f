"""Update rules against plain NumPy, written out from PyTorch's documentation."""

import copy
import pickle

import numpy
import pytest
import weft

STEPS = 5


def sgd(p, grads, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    buffer = None
    for g in grads:
        g = g + weight_decay * p
        if momentum:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
    return p


def adam(p, grads, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = v = numpy.zeros_like(p)
    for t, g in enumerate(grads, 1):
        if decoupled:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        p = p - lr * (m / (1 - betas[0] ** t)) / (numpy.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


CASES = [
    (weft.optim.SGD, sgd, {"lr": 0.1}),
    (weft.optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (weft.optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (weft.optim.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    (weft.optim.Adam, adam, {"lr": 0.1}),
    (weft.optim.Adam, adam, {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.1, "eps": 1e-6}),
    (weft.optim.AdamW, lambda *a, **k: adam(*a, decoupled=True, **k), {"lr": 0.1, "weight_decay": 0.1}),
]


@pytest.mark.parametrize("kind, reference, options", CASES, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_rule(kind, reference, options):
    rng = numpy.random.RandomState(0)
    start, grads = rng.randn(3, 4), rng.randn(STEPS, 3, 4)
    p = weft.from_numpy(start.copy()).requires_grad_()
    optimizer = kind([p], **options)
    for g in grads:
        p.grad = weft.from_numpy(g.copy())
        optimizer.step()
    numpy.testing.assert_allclose(p.detach().numpy(), reference(start, grads, **options), rtol=1e-9)


def test_parameters_without_a_gradient_stay():
    a, b = (weft.ones(2, dtype=weft.float64).requires_grad_() for _ in range(2))
    optimizer = weft.optim.AdamW([a, b], lr=0.1)
    for i in range(3):
        a.grad = weft.ones(2, dtype=weft.float64)
        b.grad = weft.ones(2, dtype=weft.float64) if i else None
        optimizer.step()
    expected = [adam(numpy.ones(2), numpy.ones((n, 2)), 0.1, weight_decay=0.01, decoupled=True) for n in (3, 2)]
    numpy.testing.assert_allclose(a.detach().numpy(), expected[0])
    numpy.testing.assert_allclose(b.detach().numpy(), expected[1])


def test_groups_and_zero_grad():
    a, b = weft.ones(1, requires_grad=True), weft.ones(1, requires_grad=True)
    optimizer = weft.optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.5)
    (a + b).sum().backward()
    optimizer.step()
    assert a.item() == 0.5 and b.item() == 0.0
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.item() == 0
    optimizer.zero_grad()
    assert a.grad is None and "lr: 0.5" in repr(optimizer)


def test_state_dict():
    def run(first, second):
        p = weft.ones(2, dtype=weft.float64).requires_grad_()
        optimizer = weft.optim.Adam([p], lr=0.1)
        state = None
        for i in range(first + second):
            if i == first:
                state = optimizer.state_dict()
                optimizer = weft.optim.Adam([p], lr=0.5)
                optimizer.load_state_dict(state)
            p.grad = weft.full((2,), float(i + 1), dtype=weft.float64)
            optimizer.step()
        return p.tolist()

    assert run(3, 3) == run(6, 0)


def test_closure():
    p = weft.tensor([2.0], requires_grad=True)
    optimizer = weft.optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4 and p.item() == pytest.approx(1.6)


def amsgrad(p, grads, lr):
    m = v = peak = numpy.zeros_like(p)
    for t, g in enumerate(grads, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        peak = numpy.maximum(peak, v)
        p = p - lr * (m / (1 - 0.9**t)) / (numpy.sqrt(peak / (1 - 0.999**t)) + 1e-8)
    return p


def test_amsgrad():
    rng = numpy.random.RandomState(0)
    start, grads = rng.randn(3), rng.randn(STEPS, 3) * [[10], [1], [1], [0.1], [0.1]]
    p = weft.from_numpy(start.copy()).requires_grad_()
    optimizer = weft.optim.Adam([p], 0.1, amsgrad=True)
    for g in grads:
        p.grad = weft.from_numpy(g.copy())
        optimizer.step()
    numpy.testing.assert_allclose(p.detach().numpy(), amsgrad(start, grads, 0.1), rtol=1e-9)


def test_hyper_parameters_set_later():
    """Momentum and amsgrad from the second step on, a parameter that joins its group, and one more group."""
    a, b, c = (weft.ones(2, dtype=weft.float64).requires_grad_() for _ in range(3))
    sgd, adam = weft.optim.SGD([a], lr=0.1), weft.optim.Adam([b], lr=0.1)
    for i in range(3):
        for p in (a, b, c):
            p.grad = weft.ones(2, dtype=weft.float64)
        sgd.step(), adam.step()
        if i == 0:
            sgd.param_groups[0]["momentum"] = 0.9
            adam.param_groups[0]["amsgrad"] = True
            adam.param_groups[0]["params"].append(c)
    # 1 - 0.1, then velocities 1 and 1.9
    assert a.tolist() == pytest.approx([1 - 0.1 - 0.1 - 0.19] * 2)
    assert b.tolist() == pytest.approx([0.7, 0.7], abs=1e-6) and c.tolist() == pytest.approx([0.8, 0.8], abs=1e-6)
    group = {"params": c, "lr": 1.0}
    sgd.add_param_group(group)
    group["lr"] = 0.5
    sgd.step()
    assert c.tolist() == pytest.approx([0.3, 0.3], abs=1e-6) and group["momentum"] == 0


class Lion(weft.optim.Optimizer):
    """As people write an optimizer of their own: state made in the first step."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @weft.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with weft.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if len(state) == 0:
                    state["step"] = 0
                    state["exp_avg"] = weft.zeros_like(p)
                state["step"] += 1
                average = state["exp_avg"]
                update = (average * beta1 + p.grad * (1 - beta1)).sign()
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])
                average.mul_(beta2).add_(p.grad, alpha=1 - beta2)
        return loss


@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimizer_of_ones_own(compiled):
    def run(wrap):
        weft.manual_seed(0)
        p = weft.randn(4, requires_grad=True)
        optimizer = Lion([p], lr=0.1, weight_decay=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = ((p - x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss.detach()

        step = wrap(step)
        losses = [step(weft.ones(4)).item() for _ in range(6)]
        state = optimizer.state_dict()
        assert state["state"][0]["step"] == 6 and optimizer.state[p]["exp_avg"].shape == (4,)
        other = Lion([p], lr=0.5)
        other.load_state_dict(state)
        assert other.param_groups[0]["lr"] == 0.1 and other.state[p]["step"] == 6
        assert other.state[p]["exp_avg"] is not optimizer.state[p]["exp_avg"]
        return losses, p.tolist()

    plain = run(lambda f: f)
    assert plain[0][-1] < plain[0][0]
    assert run(weft.compile if compiled else lambda f: f) == plain


@pytest.mark.parametrize("kind", [weft.optim.SGD, Lion])
@pytest.mark.parametrize("compiled", [False, True])
def test_step_hooks(kind, compiled):
    p, seen = weft.ones(2, requires_grad=True), []
    optimizer = kind([p], lr=1.0)

    def step():
        p.grad = weft.ones(2)
        optimizer.step()

    step = weft.compile(step) if compiled else step

    def halve(optimizer, args, kwargs):
        p.grad.mul_(0.5 if kind is weft.optim.SGD else -1)

    before = optimizer.register_step_pre_hook(halve)
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(o is optimizer))
    step(), step()
    after.remove()
    step()
    before.remove()
    step()
    assert seen == [True, True]
    assert p.tolist() == ([-1.5, -1.5] if kind is weft.optim.SGD else [3, 3])
    with pytest.raises(TypeError, match="callable"):
        optimizer.register_step_pre_hook(3)


def test_copies_of_model_and_optimizer():
    model = weft.nn.Linear(2, 2)
    optimizer = weft.optim.AdamW(model.parameters(), lr=0.1)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(weft.ones(1, 2)).square().sum().backward()
        optimizer.step()
        return [p.tolist() for p in model.parameters()]

    step(model, optimizer)
    copies = [copy.deepcopy((model, optimizer)), pickle.loads(pickle.dumps((model, optimizer)))]
    expected = step(model, optimizer)
    for other, its in copies:
        assert its.param_groups[0]["params"][0] is other.weight and step(other, its) == expected


def test_state_of_pytorch_s_form():
    """A state_dict that PyTorch wrote, here with a parameter that never had a gradient."""
    a, b = (weft.ones(2, requires_grad=True) for _ in range(2))
    optimizer = weft.optim.Adam([a, b])
    optimizer.load_state_dict({
        "state": {0: {"step": weft.tensor(3.0), "exp_avg": weft.ones(2).double(), "exp_avg_sq": weft.ones(2)}},
        "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "foreach": None, "params": [0, 1]}],
    })  # fmt: skip
    a.grad, b.grad = weft.ones(2), weft.ones(2)
    optimizer.step()
    assert optimizer.state[a]["step"].item() == 4 and optimizer.state[b]["step"].item() == 1
    assert optimizer.state[a]["exp_avg"].dtype is weft.float32
    names = weft.nn.Linear(1, 1).named_parameters()
    assert weft.optim.SGD(names).param_groups[0]["param_names"] == ["weight", "bias"]


def test_zero_grad_of_a_gradient_with_history():
    x = weft.ones(2, requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    weft.optim.SGD([x]).zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0, 0] and not x.grad.requires_grad


def test_required_hyper_parameters():
    from weft.optim.optimizer import Optimizer, required

    class Own(Optimizer):
        def __init__(self, params, lr=required):
            super().__init__(params, {"lr": lr})

    p = weft.ones(1, requires_grad=True)
    assert Own([{"params": [p], "lr": 0.5}]).param_groups[0]["lr"] == 0.5 and repr(required) == "<required parameter>"
    with pytest.raises(ValueError, match=r"\[Own\].*'lr'"):
        Own([p])


leaf = weft.ones(2, requires_grad=True)
layer = weft.nn.Linear(1, 1)
REFUSED = {
    "a module": (lambda kind: kind(layer), TypeError, "model.parameters()"),
    "a tensor": (lambda kind: kind(leaf), TypeError, "model.parameters()"),
    "nothing": (lambda kind: kind([]), ValueError, "empty"),
    "None": (lambda kind: kind(None), TypeError, "NoneType"),
    "numbers": (lambda kind: kind([1]), TypeError, "int"),
    "a string": (lambda kind: kind("ab"), TypeError, "str"),
    "a result": (lambda kind: kind([leaf * 2]), ValueError, "non-leaf"),
    "a set": (lambda kind: kind([{"params": {leaf}}]), TypeError, "set"),
    "no params": (lambda kind: kind([{"lr": 1}]), KeyError, "params"),
    "mixed groups": (lambda kind: kind([{"params": leaf}, 3]), TypeError, "int"),
    "twice": (lambda kind: kind([{"params": leaf}, {"params": leaf}]), ValueError, "more than one"),
    "names of some": (lambda kind: kind([("a", leaf), layer.weight]), ValueError, "names"),
    "rate": (lambda kind: kind([leaf], lr=-1), ValueError, "learning rate"),
    "rate nan": (lambda kind: kind([leaf], lr=float("nan")), ValueError, "nan"),
    "rate of a string": (lambda kind: kind([leaf], lr="a"), TypeError, "str"),
    "rates": (lambda kind: kind([leaf], lr=weft.ones(2)), ValueError, "[2]"),
    "decay": (lambda kind: kind([leaf], weight_decay=-1), ValueError, "weight_decay"),
    "closure": (lambda kind: kind([leaf]).step(3), TypeError, "closure"),
    "another state": (lambda kind: kind([leaf]).load_state_dict({}), TypeError, "state_dict"),
    "other sizes": (lambda kind: kind([leaf]).load_state_dict(kind([leaf, layer.weight]).state_dict()), ValueError, "[2]"),
}  # fmt: skip


@pytest.mark.parametrize("kind", [weft.optim.SGD, weft.optim.Adam, weft.optim.AdamW], ids=lambda k: k.__name__)
@pytest.mark.parametrize("act, error, text", REFUSED.values(), ids=REFUSED)
def test_refused(kind, act, error, text):
    with pytest.raises(error) as caught:
        act(kind)
    assert text in str(caught.value) and f"[{kind.__name__}]" in str(caught.value)


@pytest.mark.parametrize(
    "betas, error", [((0.9,), TypeError), (0.9, TypeError), ((0.9, 1.0), ValueError), ((-0.1, 0.9), ValueError)]
)
def test_betas(betas, error):
    with pytest.raises(error, match=r"\[Adam\]"):
        weft.optim.Adam([leaf], betas=betas)
