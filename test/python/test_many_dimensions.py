"""Tensors of more dimensions than most: views, elementwise operations, reductions, products, printing, exchange; up to 64."""

import numpy
import pytest
import weft
from conftest import assert_same_bits

SHAPES = [(2, 1, 3, 1, 2, 1, 2, 1, 2), (2,) * 12, (1,) * 20 + (3, 2) + (1,) * 5]


def both(function, *args):
    eager = function(*args)
    assert_same_bits(weft.compile(function)(*args), eager)
    return eager


@pytest.mark.parametrize("shape", SHAPES, ids=len)
def test_operations(shape):
    rank = len(shape)
    array = numpy.random.randn(*shape).astype("float32")
    x = weft.from_numpy(array.copy())
    assert x.shape == shape and x.tolist() == array.tolist()
    order = tuple(numpy.random.permutation(rank).tolist())
    turned, expected = x.permute(order), array.transpose(order)
    cases = [
        (lambda x: x.permute(order) * 2 + x.permute(order), expected * 2 + expected),
        (lambda x: x.permute(order).contiguous(), expected),
        (lambda x: x + weft.arange(shape[-1]).float(), array + numpy.arange(shape[-1], dtype="float32")),
        (lambda x: x.reshape(-1) * 3, array.reshape(-1) * 3),
        (lambda x: x.permute(order).sum((0, 2, rank - 1)), expected.sum((0, 2, rank - 1))),
        (lambda x: x.amax((1, 3), True), array.max((1, 3), keepdims=True)),
        (lambda x: x.permute(order).mean(), expected.mean()),
        (lambda x: x.argmax(2), array.argmax(2)),
        (lambda x: x.unsqueeze(3).squeeze(3).flip(0), array[::-1]),
        (lambda x: weft.cat([x, x * 2], 2), numpy.concatenate([array, array * 2], 2)),
        (lambda x: x[:, 0, ..., None, 1:], array[:, 0, ..., None, 1:]),
        (lambda x: x[weft.tensor([1, 0]), ..., weft.tensor([0, -1])], array[[1, 0], ..., [0, -1]])
        if shape[0] > 1
        else (lambda x: x, array),
        (lambda x: weft.where(x > 0, x, weft.zeros(1)), numpy.where(array > 0, array, 0)),
        (lambda x: x.transpose(-1, -2) @ x, array.swapaxes(-1, -2) @ array),
        (lambda x: weft.softmax(x, 2), numpy.exp(array) / numpy.exp(array).sum(2, keepdims=True)),
    ]
    for function, reference in cases:
        result = both(function, x)
        assert result.shape == reference.shape
        numpy.testing.assert_allclose(result.numpy(), reference, rtol=2e-5, atol=2e-6)
    turned.mul_(2)  # in place, of a view
    numpy.testing.assert_array_equal(x.numpy(), array * 2)
    assert repr(x).count("[") == repr(array).count("[")


@pytest.mark.parametrize("shape", SHAPES, ids=len)
def test_gradients(shape):
    x = weft.randn(*shape, requires_grad=True)
    scale = weft.randn(shape[-1], requires_grad=True)
    (x * scale).square().sum().backward()
    numpy.testing.assert_allclose(x.grad.numpy(), (2 * x * scale * scale).detach().numpy(), rtol=1e-5)
    assert scale.grad.shape == scale.shape


@pytest.mark.parametrize("shape", SHAPES, ids=len)
def test_exchange(shape, tmp_path):
    array = numpy.random.randn(*shape)
    x = weft.from_dlpack(array)
    assert x.shape == shape and weft.from_numpy(array).shape == shape
    back = numpy.from_dlpack(x)
    assert back.shape == shape and back.__array_interface__["data"] == array.__array_interface__["data"]
    assert numpy.asarray(memoryview(x)).shape == shape
    weft.save({"x": x}, tmp_path / "x.safetensors")
    assert_same_bits(weft.load(tmp_path / "x.safetensors")["x"], x)


def test_sixty_four_are_the_most():
    x = weft.ones((1,) * 63 + (2,))
    assert x.ndim == 64 and both(lambda x: x + x, x).sum().item() == 4
    assert both(lambda x: x.sum(63), x).shape == (1,) * 63
    for more in (
        lambda: x.unsqueeze(0),
        lambda: weft.zeros((1,) * 65),
        lambda: x[None],
        lambda: x[weft.tensor([[0]])],
        lambda: x.reshape((1,) * 65),
        lambda: x.expand((1,) * 64 + (2,)),
        lambda: weft.nn.functional.one_hot(x.long(), 3),
        lambda: weft.stack([x, x]),
    ):
        with pytest.raises((RuntimeError, ValueError), match="64"):
            more()
