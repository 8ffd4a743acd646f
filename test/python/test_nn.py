"""Layers and losses against plain NumPy, and what Module does."""

import math

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional


def softmax(a, axis):
    e = numpy.exp(a - a.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def close(tensor, expected, rtol=1e-5):
    numpy.testing.assert_allclose(tensor.detach().numpy(), expected, rtol=rtol, atol=rtol)


def test_linear():
    m = nn.Linear(5, 3)
    a = numpy.random.randn(2, 4, 5).astype("float32")
    close(m(weft.from_numpy(a)), a @ m.weight.detach().numpy().T + m.bias.detach().numpy())
    assert nn.Linear(5, 3, bias=False).bias is None
    bound = 1 / math.sqrt(5)
    assert m.weight.abs().max().item() <= bound and m.bias.abs().max().item() <= bound
    assert repr(m) == "Linear(in_features=5, out_features=3, bias=True)"


def test_activations():
    a = numpy.random.randn(50).astype("float32")
    x = weft.from_numpy(a)
    phi = numpy.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in a])
    close(nn.GELU()(x), a * phi)
    close(nn.GELU("tanh")(x), 0.5 * a * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3))))
    close(nn.ReLU()(x), numpy.maximum(a, 0))
    close(nn.SiLU()(x), a / (1 + numpy.exp(-a)))
    close(F.softplus(x), numpy.log1p(numpy.exp(a)))
    close(nn.Softmax(dim=0)(x), softmax(a, 0))


def test_layer_norm():
    a = numpy.random.randn(4, 3, 6).astype("float32")
    m = nn.LayerNorm((3, 6))
    mean, var = a.mean((1, 2), keepdims=True), a.var((1, 2), keepdims=True)
    close(m(weft.from_numpy(a)), (a - mean) / numpy.sqrt(var + 1e-5), 1e-4)
    assert nn.LayerNorm(6, elementwise_affine=False).weight is None
    y = F.layer_norm(weft.from_numpy(a), (6,), None, weft.ones(6))
    close(y.mean(-1), numpy.ones((4, 3)), 1e-4)


def test_embedding():
    m = nn.Embedding(7, 4)
    index = weft.tensor([[1, 6], [1, 0]])
    assert numpy.array_equal(m(index).detach().numpy(), m.weight.detach().numpy()[index.numpy()])
    m(index).sum().backward()
    assert m.weight.grad[1].tolist() == [2] * 4 and m.weight.grad[2].tolist() == [0] * 4


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(reduction):
    a, target = numpy.random.randn(6, 5).astype("float32"), numpy.array([0, 4, 2, -100, 1, 1])
    logs = numpy.log(softmax(a, 1))
    losses = numpy.where(target >= 0, -logs[numpy.arange(6), numpy.maximum(target, 0)], 0)
    expected = {"mean": losses.sum() / 5, "sum": losses.sum(), "none": losses}[reduction]
    close(nn.CrossEntropyLoss(reduction=reduction)(weft.from_numpy(a), weft.from_numpy(target)), expected)


def test_cross_entropy_of_probabilities():
    a, p = numpy.random.randn(6, 5).astype("float32"), softmax(numpy.random.randn(6, 5), 1).astype("float32")
    close(F.cross_entropy(weft.from_numpy(a), weft.from_numpy(p)), -(numpy.log(softmax(a, 1)) * p).sum(1).mean())


def test_label_smoothing_and_weights_of_probabilities():
    a, p = numpy.random.randn(6, 5).astype("float32"), softmax(numpy.random.randn(6, 5), 1).astype("float32")
    weight = numpy.arange(1.0, 6, dtype="float32")
    smooth = p * 0.9 + 0.1 / 5
    expected = -(numpy.log(softmax(a, 1)) * smooth * weight).sum(1).mean()
    loss = nn.CrossEntropyLoss(weft.from_numpy(weight), label_smoothing=0.1)
    close(loss(weft.from_numpy(a), weft.from_numpy(p)), expected)
    assert list(loss.state_dict()) == ["weight"]


def test_other_losses():
    a, b = numpy.random.randn(2, 6, 5).astype("float32")
    x, y = weft.from_numpy(a), weft.from_numpy(b)
    close(nn.MSELoss()(x, y), ((a - b) ** 2).mean())
    close(F.mse_loss(x, y, reduction="sum"), ((a - b) ** 2).sum(), 1e-4)
    close(F.l1_loss(x, y), numpy.abs(a - b).mean())
    target = numpy.array([0, 1, 2, 3, 4, 0])
    close(F.nll_loss(F.log_softmax(x, 1), weft.from_numpy(target)), F.cross_entropy(x, weft.from_numpy(target)).item())


def test_attention():
    q, k, v = numpy.random.randn(3, 2, 4, 5, 8).astype("float32")
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(8)
    tensors = [weft.from_numpy(a) for a in (q, k, v)]
    close(F.scaled_dot_product_attention(*tensors), softmax(scores, -1) @ v, 1e-4)
    masked = numpy.where(numpy.tril(numpy.ones((5, 5), bool)), scores, -numpy.inf)
    close(F.scaled_dot_product_attention(*tensors, is_causal=True), softmax(masked, -1) @ v, 1e-4)


def test_dropout():
    x = weft.ones(10000)
    m = nn.Dropout(0.25)
    y = m(x)
    assert abs((y == 0).float().mean().item() - 0.25) < 0.02 and y.max().item() == pytest.approx(1 / 0.75)
    m.eval()
    assert m(x) is x


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.rest = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.register_buffer("count", weft.zeros(1))
        self.shared = self.first

    def forward(self, x):
        for m in (self.first, *self.rest):
            x = m(x)
        return x


def test_module_traversal():
    m = Net()
    assert [n for n, _ in m.named_parameters()] == [
        "first.weight", "first.bias", "rest.0.weight", "rest.0.bias", "rest.1.weight", "rest.1.bias",
    ]  # fmt: skip
    assert len(list(m.modules())) == 5 and [n for n, _ in m.named_children()] == ["first", "rest"]
    assert list(m.state_dict())[:3] == ["count", "first.weight", "first.bias"]
    seen = []
    m.apply(lambda x: seen.append(type(x).__name__))
    assert seen[-1] == "Net"
    assert not m.eval().first.training and m.train().rest[1].training
    assert m.get_submodule("rest.1") is m.rest[1]


def test_state_dict_round_trip():
    a, b = Net(), Net()
    b.load_state_dict(a.state_dict())
    for x, y in zip(a.parameters(), b.parameters()):
        assert_same_bits(x, y)
    with pytest.raises(RuntimeError, match="first.weight"):
        b.load_state_dict({**a.state_dict(), "first.weight": weft.zeros(1)})
    with pytest.raises(RuntimeError, match="unexpected: extra"):
        b.load_state_dict({**a.state_dict(), "extra": weft.zeros(1)})


def test_conversion():
    m = Net().double()
    assert m.first.weight.dtype is weft.float64 and m.count.dtype is weft.float64 and m.first.weight.requires_grad
    assert m.to(weft.float32)(weft.ones(2, 3)).dtype is weft.float32


def test_parameters_keep_their_identity():
    m = nn.Linear(2, 2)
    assert m.weight is m.weight and isinstance(m.weight, nn.Parameter) and m.weight.is_leaf and m.weight.requires_grad
    m(weft.ones(1, 2)).sum().backward()
    assert m.weight.grad is m.weight.grad
    m.zero_grad()
    assert m.weight.grad is None
    del m.weight
    with pytest.raises(AttributeError, match="weight"):
        m.weight  # noqa: B018


def test_sequential():
    m = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(m) == 3 and len(m[:2]) == 2 and isinstance(m[1], nn.ReLU)
    assert repr(m).splitlines()[1] == "  (0): Linear(in_features=2, out_features=3, bias=True)"


class Wrapped(nn.Module):
    """A module that passes on what it does not have."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.inner, name)

    def forward(self, x, *, scale=1.0):
        return self.inner(x) * scale


def test_attributes_and_calls():
    import copy
    import pickle

    layer = nn.Linear(2, 3)
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        _ = layer.wieght
    assert getattr(layer, "wieght", None) is None and not hasattr(nn.Module(), "forwards")
    wrapped = Wrapped(layer)
    assert wrapped.weight is layer.weight and wrapped.inner is layer and wrapped.in_features == 2
    x = weft.randn(4, 2)
    assert_same_bits(wrapped(x, scale=2.0), layer(x) * 2.0)
    with pytest.raises(TypeError, match="positional"):
        wrapped(x, 2.0)
    with pytest.raises(NotImplementedError, match="has no forward"):
        nn.Module()(x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.weight is not layer.weight
        assert_same_bits(other(x), layer(x))
    layer.forward = lambda x: x
    assert layer(x) is x
