"""Ops of several results: named tuples, gradients through each result, the tape, traces, export and models ahead of time."""

import pickle

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import array_of, assert_same_bits


def test_results_are_a_named_tuple():
    x = weft.randn(3, 4)
    result = x.max(1)
    assert type(result) is weft.return_types.max and result._fields == ("values", "indices")
    values, indices = result
    assert values is result.values and indices.dtype is weft.int64
    again = pickle.loads(pickle.dumps(result))
    assert type(again) is type(result)
    assert_same_bits(again, result)


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremum_along_an_axis(name):
    nan = float("nan")
    x = numpy.array([[3.0, 7.0, 7.0, -1.0], [2.0, nan, 9.0, nan], [-0.0, 0.0, 0.0, -0.0]], "float32")
    indices = getattr(numpy, "arg" + name)(x, axis=1)
    result = getattr(weft, name)(weft.from_numpy(x), -1)
    numpy.testing.assert_array_equal(result.indices.numpy(), indices)
    numpy.testing.assert_array_equal(result.values.numpy(), x[range(3), indices])
    kept = getattr(weft.from_numpy(x), name)(0, keepdim=True)
    assert kept.values.shape == (1, 4) and kept.indices.shape == (1, 4)
    assert getattr(weft.tensor(3), name)(0) == (3, 0)
    with pytest.raises(IndexError, match="no element to choose from along axis 1"):
        getattr(weft.ones(2, 0), name)(1)


def test_the_chosen_element_gets_the_gradient():
    x = weft.tensor([[1.0, 5.0, 5.0], [7.0, 2.0, 3.0]], requires_grad=True)
    x.max(1).values.backward(weft.tensor([2.0, 3.0]))
    assert x.grad.tolist() == [[0, 2, 0], [3, 0, 0]]


def statistics(x):
    return weft.var_mean(x, 1)


def losses():
    """What may be made of two results: of one, of the other, of both."""
    yield lambda r: (r.var * r.var).sum()
    yield lambda r: (r.mean * r.mean).sum()
    yield lambda r: (r.var * r.mean).sum()


@pytest.mark.parametrize("loss", list(losses()))
def test_gradients_come_through_each_result(loss):
    x = weft.randn(3, 5, dtype=weft.float64, requires_grad=True)
    apart = weft.return_types.var_mean(x.var(1), x.mean(1))
    (expected,) = weft.autograd.grad(loss(apart), x, create_graph=True)
    (gradient,) = weft.autograd.grad(loss(statistics(x)), x, create_graph=True)
    numpy.testing.assert_allclose(array_of(gradient), array_of(expected), rtol=1e-12, atol=1e-14)
    (expected,) = weft.autograd.grad((expected * expected).sum(), x)
    (second,) = weft.autograd.grad((gradient * gradient).sum(), x)
    numpy.testing.assert_allclose(array_of(second), array_of(expected), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("loss", list(losses()))
def test_replays_and_repeated_tapes_have_the_same_bits(loss):
    x = weft.randn(6, 33, requires_grad=True)

    def gradient(function):
        x.grad = None
        loss(function(x)).backward()
        return x.grad.clone()

    eager = gradient(statistics)
    for _ in range(8):  # a tape seen often becomes one program
        assert_same_bits(gradient(statistics), eager)
    compiled = weft.compile(statistics)
    for _ in range(3):
        assert_same_bits(compiled(x), statistics(x))
        assert_same_bits(gradient(compiled), eager)
    assert weft.explain(compiled, x).mode == "replay"
    step = weft.compile(lambda t: weft.autograd.grad(loss(statistics(t)), t)[0])
    for _ in range(2):
        assert_same_bits(step(x), eager)


def test_hooks_and_retained_gradients_of_each_result():
    x = weft.randn(3, 5, requires_grad=True)
    result = statistics(x)
    seen = []
    result.mean.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    result.var.retain_grad()
    (result.var * 3 + result.mean).sum().backward()
    assert seen == [[1.0] * 3] and result.var.grad.tolist() == [3.0] * 3
    y = x.detach().requires_grad_()
    (y.var(1) * 3 + y.mean(1) * 2).sum().backward()
    numpy.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-5, atol=1e-6)
    gradients = weft.autograd.grad(statistics(x).mean.sum(), x)
    numpy.testing.assert_allclose(gradients[0].numpy(), 1 / 5, rtol=1e-6)


def test_a_result_is_an_output_of_grad():
    x = weft.randn(3, 5, requires_grad=True)
    result = statistics(x)
    loss = (result.mean**2).sum() + result.var.sum()
    by_mean, by_var = weft.autograd.grad(loss, [result.mean, result.var])
    assert_same_bits(by_mean, result.mean.detach() * 2)
    assert by_var.tolist() == [1.0] * 3


def test_writes_to_results():
    x = weft.tensor([[1.0, 5.0], [7.0, 2.0]], requires_grad=True)
    result = x.max(1)
    result.values.mul_(2)
    result.values.sum().backward()
    assert x.grad.tolist() == [[0, 2], [2, 0]]
    result = x.max(1)
    result.indices.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.values.sum().backward()
    compiled = weft.compile(lambda t: t.max(1).values.mul_(3))
    assert_same_bits(compiled(x), compiled(x))
    assert compiled(x).tolist() == [15.0, 21.0]


def test_results_that_nobody_reads():
    x = weft.randn(4, 6)
    compiled = weft.compile(lambda t: t.max(1).indices + 1)
    for _ in range(2):
        assert_same_bits(compiled(x), x.argmax(1) + 1)


def test_export_and_ahead_of_time(tmp_path):
    x = weft.randn(5, 9)

    def model(t):
        r = t.max(1)
        return r.values * 2, r.indices, t.min(0, keepdim=True).values

    weft.export(model, (x,), tmp_path / "model.mlir")
    assert "%0:2 = weft.max" in (tmp_path / "model.mlir").read_text()
    results = Artifact.of(tmp_path)(x)
    for got, expected in zip(results, model(x)):
        assert_same_bits(got, expected)
