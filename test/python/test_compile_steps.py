"""weft.compile: whole training steps, with backward() inside or outside."""

import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional


def train_step(model, optimizer):
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step


def make_model():
    weft.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.ReLU(), nn.LayerNorm(16), nn.Linear(16, 4))


OPTIMIZERS = [
    lambda p: weft.optim.SGD(p, lr=0.1),
    lambda p: weft.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda p: weft.optim.Adam(p, lr=0.01),
    lambda p: weft.optim.AdamW(p, lr=0.01),
]


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS)
def test_training_step(make_optimizer):
    data = [(weft.randn(8, 3, 4), weft.randint(0, 4, (8,))) for _ in range(6)]
    losses, weights = [], []
    for compiled in (False, True):
        model = make_model()
        step = train_step(model, make_optimizer(model.parameters()))
        if compiled:
            step = weft.compile(step)
        losses.append([step(x, y) for x, y in data])
        weights.append(list(model.parameters()))
    for a, b in zip(*losses):
        assert_same_bits(a, b)
    for a, b in zip(*weights):
        assert_same_bits(a, b)
    assert len(weft._C.entries(step)) == 1 and step.compilation.last_reason is None


def test_training_step_that_returns_the_loss():
    model = make_model()
    optimizer = weft.optim.SGD(model.parameters(), lr=0.1)

    @weft.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = weft.randn(8, 3, 4), weft.randint(0, 4, (8,))
    losses = [step(x, y) for _ in range(4)]
    assert losses[3].item() < losses[0].item() and losses[3].requires_grad
    with pytest.raises(RuntimeError, match="second time"):
        losses[3].backward()
    assert all(p.grad is not None for p in model.parameters())


def test_learning_rate_change():
    model, reference = make_model(), make_model()
    optimizers = [weft.optim.SGD(m.parameters(), lr=0.1) for m in (model, reference)]
    compiled, eager = weft.compile(train_step(model, optimizers[0])), train_step(reference, optimizers[1])
    for lr in (0.1, 0.1, 0.01, 0.1):
        x, y = weft.randn(8, 3, 4), weft.randint(0, 4, (8,))
        for o in optimizers:
            o.param_groups[0]["lr"] = lr
        assert_same_bits(compiled(x, y), eager(x, y))
    for a, b in zip(model.parameters(), reference.parameters()):
        assert_same_bits(a, b)


def test_backward_outside():
    model = make_model()
    g = weft.compile(model)
    x, y = weft.randn(8, 3, 4), weft.randint(0, 4, (8,))
    for _ in range(2):
        F.cross_entropy(g(x), y).backward()
        got = [p.grad for p in model.parameters()]
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for a, p in zip(got, model.parameters()):
            assert_same_bits(a, p.grad)
        model.zero_grad()
