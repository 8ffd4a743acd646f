"""Padding layers, Unflatten, ChannelShuffle, Bilinear and layers of distances."""

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients
from weft import nn

F = nn.functional
X = numpy.random.default_rng(0).standard_normal((2, 4, 5, 3, 4))
MODES = {"Zero": "constant", "Reflection": "reflect", "Replication": "edge", "Circular": "wrap"}


@pytest.mark.parametrize("kind", MODES)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_padding(kind, dims):
    cls = getattr(nn, f"{kind}Pad{dims}d")
    x = X.reshape(2, 4, *{1: (60,), 2: (5, 12), 3: (5, 3, 4)}[dims])
    for padding in (2, (1, 2, 2, 1, 0, 1)[: 2 * dims]):
        layer = cls(padding)
        pairs = numpy.reshape(layer.padding, (-1, 2))[::-1].tolist()
        wanted = numpy.pad(x, [(0, 0), (0, 0), *pairs], MODES[kind])
        assert (layer(weft.tensor(x)).numpy() == wanted).all()
    check_compiled(cls(1), [x])


@pytest.mark.parametrize("cls, dims", [(nn.ConstantPad1d, 1), (nn.ConstantPad2d, 2), (nn.ConstantPad3d, 3)])
def test_constant_padding(cls, dims):
    wanted = numpy.pad(X, [(0, 0)] * (5 - dims) + [(1, 1)] * dims, constant_values=3.5)
    assert (cls(1, 3.5)(weft.tensor(X)).numpy() == wanted).all()


def test_bilinear():
    rng = numpy.random.default_rng(0)
    x, y, w, b = (rng.standard_normal(shape) for shape in ((3, 2, 4), (3, 2, 5), (6, 4, 5), (6,)))
    wanted = numpy.einsum("nmi,kij,nmj->nmk", x, w, y) + b
    tensors = [weft.tensor(a) for a in (x, y, w, b)]
    numpy.testing.assert_allclose(F.bilinear(*tensors).numpy(), wanted, rtol=1e-12)
    assert F.bilinear(*(t[0, 0] for t in tensors[:2]), tensors[2]).shape == (6,)
    check_gradients(F.bilinear, [x, y, w, b])
    check_compiled(F.bilinear, [x, y, w, b])
    layer = nn.Bilinear(4, 5, 6, dtype=weft.float64)
    assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == {"weight": (6, 4, 5), "bias": (6,)}
    assert 0.4 < layer.weight.abs().max() <= 0.5 and layer.bias.abs().max() <= 0.5
    assert layer(*tensors[:2]).equal(F.bilinear(*tensors[:2], layer.weight, layer.bias))
    assert nn.Bilinear(4, 5, 6, bias=False).bias is None


def test_unflatten():
    x = weft.tensor(X)
    assert nn.Unflatten(1, (2, 2))(x).shape == (2, 2, 2, 5, 3, 4)
    assert nn.Unflatten(-1, [2, -1])(x).shape == (2, 4, 5, 3, 2, 2)
    assert nn.Flatten()(nn.Unflatten(1, (2, 2))(x)).equal(nn.Flatten()(x))


def test_channel_shuffle():
    x = weft.tensor(X)
    assert nn.ChannelShuffle(2)(x).equal(x[:, weft.tensor([0, 2, 1, 3])])
    assert weft.channel_shuffle(x, 4).equal(x)


def test_distances():
    x, y = weft.tensor(X), weft.tensor(X[::-1].copy())
    assert nn.PairwiseDistance(1, 1e-3, True)(x, y).equal(F.pairwise_distance(x, y, 1, 1e-3, True))
    assert nn.CosineSimilarity(2)(x, y).equal(F.cosine_similarity(x, y, 2))


def test_descriptions():
    assert repr(nn.ZeroPad2d(1)) == "ZeroPad2d((1, 1, 1, 1))"
    assert repr(nn.ConstantPad1d(1, 2.0)) == "ConstantPad1d(padding=(1, 1), value=2.0)"
    assert repr(nn.Unflatten(1, (2, 3))) == "Unflatten(dim=1, unflattened_size=(2, 3))"
    assert repr(nn.Bilinear(2, 3, 4)) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"


x = weft.ones(2, 6)
ERRORS = {
    "bilinear": (lambda: F.bilinear(x, x, weft.ones(3, 5, 6)), RuntimeError, r"\[bilinear\].*\[3, 5, 6\]"),
    "Bilinear": (lambda: nn.Bilinear(0, 1, 1), ValueError, "in1_features"),
    "channel_shuffle": (lambda: F.channel_shuffle(weft.ones(2, 5, 2), 2), RuntimeError, r"\[2, 5, 2\] and groups=2"),
    "channels of a matrix": (lambda: F.channel_shuffle(x, 2), RuntimeError, r"\[2, 6\]"),
    "sizes": (lambda: nn.Unflatten(1, (2, 2))(x), RuntimeError, r"multiply up to 6.*\[2, 2\]"),
    "sizes with -1": (lambda: nn.Unflatten(1, (4, -1))(x), RuntimeError, r"\[4, -1\]"),
    "dim": (lambda: nn.Unflatten(5, (2, 3))(x), IndexError, r"dim 5"),
    "no tuple": (lambda: nn.Unflatten(1, 3), TypeError, "got int"),
    "no ints": (lambda: nn.Unflatten(1, (2.0, 3)), TypeError, "got float at 0"),
    "named dim": (lambda: nn.Unflatten("a", (2, 3)), TypeError, "got str"),
    "padding": (lambda: nn.ReflectionPad1d(6)(x), RuntimeError, r"\[pad\]"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
