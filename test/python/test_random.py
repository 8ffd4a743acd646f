"""Random tensors of distributions, and dropout of channels: frequencies, compiled bits, errors."""

import numpy
import pytest
import weft
from compositions import check_compiled
from weft import nn

F = nn.functional
ONES = numpy.ones((4, 3, 2, 5))


def test_bernoulli():
    weft.manual_seed(0)
    p = weft.tensor([0.0, 0.3, 1.0])
    draws = weft.bernoulli(p.expand(20000, 3))
    assert draws.dtype is weft.float32 and set(draws.flatten().tolist()) == {0.0, 1.0}
    numpy.testing.assert_allclose(draws.mean(0).numpy(), [0, 0.3, 1], atol=0.02)
    assert abs(weft.zeros(20000).bernoulli_(0.3).mean() - 0.3) < 0.02
    assert weft.zeros(5, 3, dtype=weft.int64).bernoulli_(p)[:, 0].sum() == 0
    assert weft.tensor([3, 4]).bernoulli(1.0).tolist() == [1, 1]


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial(replacement):
    weft.manual_seed(0)
    p = weft.tensor([1.0, 0.0, 3.0, 4.0])  # sums to 8
    draws = weft.multinomial(p.expand(20000, 4), 2, replacement)
    assert draws.shape == (20000, 2) and draws.dtype is weft.int64
    first = numpy.bincount(draws[:, 0].numpy(), minlength=4) / 20000
    numpy.testing.assert_allclose(first, p.numpy() / 8, atol=0.02)
    assert (draws[:, 0] == draws[:, 1]).any().item() is replacement
    assert p.multinomial(50 if replacement else 3, replacement).shape == (50 if replacement else 3,)


def test_exponential():
    weft.manual_seed(0)
    draws = weft.empty(50000).exponential_(2.0)
    assert (draws > 0).all() and abs(draws.mean() - 0.5) < 0.01 and abs(draws.std() - 0.5) < 0.02
    assert weft.empty(3, dtype=weft.bfloat16).exponential_().dtype is weft.bfloat16


def test_normal():
    weft.manual_seed(0)
    mean, std = weft.tensor([[0.0], [5.0]]), weft.tensor([1.0, 3.0])
    draws = weft.stack([weft.normal(mean, std) for _ in range(4000)])
    numpy.testing.assert_allclose(draws.mean(0).numpy(), [[0, 0], [5, 5]], atol=0.2)
    numpy.testing.assert_allclose(draws.std(0).numpy(), [[1, 3], [1, 3]], rtol=0.1)
    assert weft.normal(mean).shape == (2, 1) and weft.normal(0.0, std).shape == (2,)
    assert weft.normal(1.0, 0.0, (2,), dtype=weft.float64).tolist() == [1.0, 1.0]


def test_randint_like():
    draws = weft.randint_like(weft.zeros(1000), 2, 5)
    assert draws.dtype is weft.float32 and set(draws.tolist()) == {2.0, 3.0, 4.0}
    assert set(weft.randint_like(weft.zeros(1000), 2).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    "function, layer, shape",
    [(F.dropout1d, nn.Dropout1d, (6, 40, 7)), (F.dropout2d, nn.Dropout2d, (6, 40, 3, 4)), (F.dropout3d, nn.Dropout3d, (6, 40, 2, 3, 4))],
)  # fmt: skip
def test_channel_dropout(function, layer, shape):
    weft.manual_seed(0)
    for result in (function(weft.ones(*shape), 0.25), layer(0.25)(weft.ones(*shape))):
        channels = result.reshape(240, -1)
        assert (channels == channels[:, :1]).all()
        numpy.testing.assert_allclose(numpy.unique(channels.numpy()), [0, 4 / 3], rtol=1e-6)
        assert 0.1 < (channels[:, 0] == 0).float().mean() < 0.4
    x = weft.ones(*shape)
    assert function(x, inplace=True).data_ptr() == x.data_ptr() and (x == 0).any()
    assert layer(0.25).eval()(x) is x


def test_dropout_without_a_batch():
    weft.manual_seed(0)
    x = F.dropout1d(weft.ones(40, 7))
    assert (x == x[:, :1]).all() and (x == 0).any()
    x = F.dropout3d(weft.ones(40, 2, 2, 2)).reshape(40, 8)
    assert (x == x[:, :1]).all() and (x == 0).any()


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout(function):
    weft.manual_seed(0)
    x = weft.randn(300, 300)
    result = function(x, 0.3, training=True)
    assert abs(result.mean()) < 0.03 and abs(result.std() - 1) < 0.03
    assert function(x, 0.3) is x
    assert not function(x, 1.0, training=True).any()


@pytest.mark.parametrize(
    "function", [F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout, F.dropout]
)
def test_compiled_dropout(function):
    shape = {"dropout1d": (4, 3, 10), "dropout3d": (4, 3, 2, 5, 1)}.get(function.__name__, (4, 3, 2, 5))
    check_compiled(lambda x: function(x, 0.4, training=True), [ONES.reshape(shape)])


def test_compiled_draws():
    check_compiled(lambda x: x * weft.bernoulli(x * 0.3), [ONES])
    check_compiled(lambda x: x * weft.empty(4).exponential_().sum(), [ONES])
    check_compiled(lambda x: x.reshape(12, 10).gather(1, weft.multinomial(x.reshape(12, 10), 4)), [ONES])
    check_compiled(lambda x: x * weft.normal(x), [ONES])


ERRORS = {
    "bernoulli": (lambda: weft.bernoulli(weft.ones(2), 1.5), RuntimeError, r"\[bernoulli\] p .* 1.5"),
    "bernoulli of integers": (lambda: weft.bernoulli(weft.tensor([1])), RuntimeError, "int64"),
    "bernoulli_": (lambda: weft.ones(2).bernoulli_(-1.0), RuntimeError, r"\[bernoulli_\] p"),
    "exponential_": (lambda: weft.ones(2).exponential_(0), RuntimeError, "lambd"),
    "samples": (
        lambda: weft.multinomial(weft.ones(2), 3),
        RuntimeError,
        r"3 samples without replacement from shape \[2\]",
    ),
    "no samples": (lambda: weft.multinomial(weft.ones(2), 0, True), RuntimeError, "0 samples"),
    "dimensions": (lambda: weft.multinomial(weft.ones(2, 2, 2), 1), RuntimeError, r"\[2, 2, 2\]"),
    "multinomial of integers": (lambda: weft.multinomial(weft.tensor([1, 2]), 1), RuntimeError, "int64"),
    "std": (lambda: weft.normal(weft.ones(2), -1.0), RuntimeError, r"\[normal\] std"),
    "size": (lambda: weft.normal(0.0, 1.0), TypeError, "size"),
    "dropout2d": (lambda: F.dropout2d(weft.ones(2, 3, 4, 5), 1.5), ValueError, r"\[dropout2d\] p"),
    "dropout1d": (lambda: F.dropout1d(weft.ones(2)), RuntimeError, r"\[dropout1d\].*\[2\]"),
    "Dropout2d": (lambda: nn.Dropout2d(1.5), ValueError, r"\[Dropout2d\] p"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
