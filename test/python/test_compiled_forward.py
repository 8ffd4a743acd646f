"""A compiled forward whose backward() is called outside: it is replayed, and leaves the tape that eager would leave."""

import pytest
import weft
import weft.nn.functional as F
from conftest import assert_same_bits
from weft import nn


def leaf(*shape):
    return weft.randn(*shape, requires_grad=True)


def check(function, *args, calls=3):
    """Eager and compiled calls, each with a backward() outside, give the same bits; the later calls are replays."""
    compiled = weft.compile(function)
    leaves = [a for a in args if isinstance(a, weft.Tensor) and a.requires_grad]
    for _ in range(calls):
        expected, got = function(*args), compiled(*args)
        assert_same_bits(expected, got)
        cotangent = weft.randn(expected.shape)
        for a, b in zip(
            weft.autograd.grad(expected, leaves, cotangent), weft.autograd.grad(got, leaves, cotangent), strict=True
        ):
            assert_same_bits(a, b)
    explanation = weft.explain(compiled, *args)
    assert explanation.mode == "replay", explanation.reason
    assert not explanation.retraces
    return compiled


def test_composite_ops():
    check(lambda x, w, b: F.layer_norm(F.gelu(F.linear(x, w, b)), (8,)), leaf(4, 6), leaf(8, 6), leaf(8))


def test_views_inside():
    check(lambda x: x.view(2, 3, 4).transpose(0, 1)[1:, :, ::2].contiguous().tanh(), leaf(6, 4))


def test_in_place_inside():
    def function(x):
        y = x * 3
        y[:, 1:] = y[:, :-1] * 2
        y.add_(1)
        return y.tanh()

    check(function, leaf(3, 4))


def test_constants_made_inside():
    check(lambda x: F.cross_entropy(x * weft.tensor([1.0, 2.0, 3.0]), weft.tensor([2, 0])), leaf(2, 3))


def test_attention():
    check(lambda q, k: F.scaled_dot_product_attention(q, k, k, is_causal=True), leaf(1, 2, 5, 4), leaf(1, 2, 5, 4))


def test_dropout_draws_anew():
    x = weft.ones(1000, requires_grad=True)
    compiled = weft.compile(lambda x: F.dropout(x, 0.5) * 3)
    masks = []
    for _ in range(3):
        y = compiled(x)
        x.grad = None
        y.sum().backward()
        assert_same_bits(x.grad, y)
        masks.append(y.tolist())
    assert masks[0] != masks[1] != masks[2]


def test_a_module_trained_outside():
    def model():
        weft.manual_seed(3)
        return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    def train(model, forward):
        weft.manual_seed(5)
        optimizer = weft.optim.AdamW(model.parameters(), lr=0.01)
        for _ in range(12):
            loss = F.cross_entropy(forward(weft.randn(5, 6)), weft.tensor([0, 1, 2, 1, 0]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*model.parameters(), *model.buffers()]

    eager, compiled = model(), model()
    forward = weft.compile(compiled)
    for a, b in zip(train(eager, eager), train(compiled, forward)):
        assert_same_bits(a, b)
    explanation = weft.explain(forward, weft.randn(5, 6))
    assert explanation.mode == "replay" and not explanation.retraces


def test_within_an_eager_model():
    w, v = leaf(4, 4), leaf(4, 4)
    compiled = weft.compile(lambda x: (x @ w).tanh())
    for _ in range(3):
        for forward in (lambda x: (x @ w).tanh(), compiled):
            w.grad = v.grad = None
            x = v.exp()
            forward(forward(x) * x).sum().backward()
            if forward is not compiled:
                expected = w.grad, v.grad
        assert_same_bits(w.grad, expected[0])
        assert_same_bits(v.grad, expected[1])
    assert weft.explain(compiled, v.exp()).mode == "replay"


def test_hooks_retained_gradients_and_higher_order_outside():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    compiled = check(lambda x: x * x * x, x)
    y = compiled(x)
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    z = y.sum()
    z.backward(retain_graph=True)
    assert y.grad.tolist() == [2, 2] and x.grad.tolist() == [6, 24]
    z.backward()
    assert x.grad.tolist() == [12, 48]
    with pytest.raises(RuntimeError, match="a second time"):
        z.backward()
    (first,) = weft.autograd.grad(compiled(x).sum(), x, create_graph=True)
    (second,) = weft.autograd.grad(first.sum(), x)
    assert first.tolist() == [3, 12] and second.tolist() == [6, 12]


def test_what_is_returned_may_be_written_to():
    x = leaf(2, 3)

    def function(x):
        y = x * 2
        return y, y.view(6), x.view(6)

    compiled = weft.compile(function)
    gradients = []
    for forward in (function, compiled, compiled, compiled):
        x.grad = None
        y, part, view = forward(x)
        part.mul_(weft.arange(6).float())  # shows in y's history
        (y * y).sum().backward()
        gradients.append(x.grad)
        assert_same_bits(gradients[0], x.grad)
        assert x.grad[0, 0].item() == 0
        with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
            view.add_(1)
    assert weft.explain(compiled, x).mode == "replay"


def test_what_the_derivative_needs_is_guarded_against_writes():
    x = leaf(3)
    compiled = check(lambda x: x.exp(), x)
    y = compiled(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_without_grad_there_is_no_tape():
    x = leaf(3)
    compiled = check(lambda x: x.exp(), x)
    with weft.no_grad():
        for _ in range(2):
            assert not compiled(x).requires_grad
    assert compiled(x).requires_grad and not compiled(x).is_leaf


def test_part_of_the_history_used_up():
    x = leaf(3)

    def function(x):
        y = x.exp()
        y.sum().backward()
        return y * 2

    for forward in (function, *[weft.compile(function)] * 3):
        x.grad = None
        with pytest.raises(RuntimeError, match="a second time"):
            forward(x).sum().backward()
        assert_same_bits(x.grad, x.exp())
