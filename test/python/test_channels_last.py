"""Networks of convolutions, in which images lie channels last between layers when compiled: the bits of eager execution, values and
gradients, whatever the sizes."""

import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.nn import functional as F


class Network(nn.Module):
    """A convolution of few channels, then one of the given kind, with what networks do between them."""

    def __init__(self, width, outputs, kernel, **arguments):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, outputs, kernel, **arguments)
        self.third = nn.Conv2d(outputs, width, 1)
        self.last = nn.Conv2d(width, 5, 3, padding=1)

    def forward(self, x):
        x = F.max_pool2d(self.norm(self.first(x)).relu(), 3, 1, 1)
        y = self.third(self.second(x).relu())
        y = F.interpolate(y, size=x.shape[2:]) + x
        return self.last(weft.cat([y[:, 8:], x[:, :8]], 1))


KINDS = {
    "3x3": (32, 48, 3, {"padding": 1}),
    "1x1": (24, 70, 1, {}),
    "strided": (16, 33, 5, {"stride": 2, "padding": 2}),
    "dilated": (40, 16, 3, {"padding": (2, 0), "dilation": (2, 1)}),
    "a vector of channels": (16, 64, 3, {"padding": 1}),
    "more than a group of K": (256, 32, 3, {"padding": 1}),
    "depthwise": (32, 32, 3, {"padding": 1, "groups": 32}),
    "grouped": (32, 64, 3, {"padding": 1, "groups": 4}),
}


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("kind", KINDS)
def test_as_eager(kind, dtype):
    *sizes, arguments = KINDS[kind]
    model = Network(*sizes, **arguments).to(dtype).eval()
    x = weft.randn(3, 3, 19, 26, dtype=dtype)
    with weft.no_grad():
        expected = model(x)
        compiled = weft.compile(model)
        assert_same_bits(compiled(x), expected)
        assert_same_bits(compiled(x)[1:2], model(x[1:2]))
    x[1, :, 3] = float("nan")  # zeros around an image are multiplied with, too
    with weft.no_grad():
        model.second.weight[:1] = float("inf")
        assert_same_bits(compiled(x), model(x))


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64], ids=["f32", "f64"])
@pytest.mark.parametrize("kind", ["3x3", "1x1", "strided", "a vector of channels", "more than a group of K"])
def test_gradients_as_eager(kind, dtype):
    *sizes, arguments = KINDS[kind]
    model = Network(*sizes, **arguments).to(dtype)
    x = weft.randn(2, 3, 70, 67, dtype=dtype)

    def step(x):
        model(x).square().mean().backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        for parameter in model.parameters():
            parameter.grad = None
        return gradients

    for found, expected in zip(weft.compile(step)(x), step(x)):
        assert_same_bits(found, expected)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("channels", [32, 33])
def test_gradients_of_channels_last_input(channels, groups):
    channels *= groups
    model = nn.Conv2d(channels, 14, 3, padding=1, groups=groups)
    x = weft.randn(4, channels, 30, 21).to(memory_format=weft.channels_last)

    def step(x):
        model(x).relu().square().mean().backward()
        gradient, model.weight.grad, model.bias.grad = model.weight.grad, None, None
        return gradient

    assert_same_bits(weft.compile(step)(x), step(x))


@pytest.mark.parametrize("outputs", [32, 240])
def test_gradients_over_several_groups_of_k(outputs):
    """Where their sums are few, groups are tasks of their own, whose sums are added afterwards."""
    model = nn.Conv2d(256, outputs, 3, padding=1)
    x = weft.randn(3, 256, 39, 36).to(memory_format=weft.channels_last)

    def step(x):
        model(x).relu().square().mean().backward()
        gradient, model.weight.grad, model.bias.grad = model.weight.grad, None, None
        return gradient

    assert_same_bits(weft.compile(step)(x), step(x))


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("channels, outputs", [(13, 29), (40, 70), (1, 3)])
def test_short_lines_as_eager(channels, outputs, batch):
    """Of an image in rows that are shorter than a vector windows are rows, too."""
    x = weft.randn(batch, channels, 7, 7)
    for model in (nn.Conv2d(channels, outputs, 5, padding=2), nn.Conv2d(channels, outputs, (2, 3), 2, dilation=2)):
        with weft.no_grad():
            assert_same_bits(weft.compile(model)(x), model(x))


def test_sequences_and_volumes_as_eager():
    for convolution, size in ((nn.Conv1d, (50,)), (nn.Conv3d, (5, 6, 7))):
        model = nn.Sequential(convolution(3, 20, 3, padding=1), nn.ReLU(), convolution(20, 35, 3), nn.Tanh()).eval()
        x = weft.randn(2, 3, *size)
        with weft.no_grad():
            assert_same_bits(weft.compile(model)(x), model(x))
