"""Update rules against plain NumPy, written out from PyTorch's documentation."""

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
