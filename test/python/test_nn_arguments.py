"""What nn and nn.functional take: PyTorch's keywords with its meaning, and for bad input one error of its class."""

import math

import numpy
import pytest
import weft
from weft import nn

F = nn.functional
x = weft.randn(3, 4)
classes = weft.tensor([0, 1, 2])
q, k = weft.randn(1, 4, 3, 8), weft.randn(1, 3, 3, 8)

REFUSED = {
    "smoothing": (lambda: F.cross_entropy(x, classes, label_smoothing=2.0), RuntimeError, "[cross_entropy] label_smoothing"),
    "probabilities' shape": (lambda: F.cross_entropy(x, weft.rand(3, 5)), RuntimeError, "[3, 5]"),
    "one probability": (lambda: F.cross_entropy(x, weft.rand(3)), RuntimeError, "[3]"),
    "batch sizes": (lambda: F.cross_entropy(x, classes[:2]), ValueError, "[2]"),
    "batch sizes of probabilities": (lambda: F.cross_entropy(x, weft.rand(2, 4)), ValueError, "[2, 4]"),
    "0-d input": (lambda: F.cross_entropy(weft.tensor(1.0), classes), ValueError, "0-d"),
    "ignored probability": (lambda: F.cross_entropy(x, weft.rand(3, 4), ignore_index=1), RuntimeError, "ignore_index"),
    "class weights": (lambda: F.cross_entropy(x, classes, weft.ones(3)), RuntimeError, "4 classes"),
    "class weights of probabilities": (lambda: F.cross_entropy(x, weft.rand(3, 4), weft.ones(3)), RuntimeError, "4 classes"),
    "reduction": (lambda: F.mse_loss(x, x, reduction="avg"), ValueError, "'avg'"),
    "reduction of a layer": (lambda: nn.CrossEntropyLoss(reduction="avg"), ValueError, "'avg'"),
    "reduction as weight": (lambda: nn.CrossEntropyLoss("mean"), TypeError, "weight"),
    "nll batch": (lambda: F.nll_loss(x, classes[:2]), ValueError, "[nll_loss]"),
    "nll of floats": (lambda: F.nll_loss(x, weft.rand(3)), RuntimeError, "float32"),
    "nll class": (lambda: F.nll_loss(x, weft.tensor([0, 1, 7])), IndexError, "7"),
    "nll weights": (lambda: F.nll_loss(x, classes, weft.ones(3)), RuntimeError, "4 classes"),
    "mse shapes": (lambda: F.mse_loss(x, weft.rand(3)), RuntimeError, "[3]"),
    "mse weights": (lambda: F.mse_loss(x, x, weight=weft.ones(3)), ValueError, "[3]"),
    "probability": (lambda: F.dropout(x, 1.5), ValueError, "1.5"),
    "probability of a layer": (lambda: nn.Dropout(-0.5), ValueError, "-0.5"),
    "embedding by floats": (lambda: F.embedding(x, x), RuntimeError, "float32"),
    "embedding of a vector": (lambda: F.embedding(classes, weft.rand(4)), RuntimeError, "[4]"),
    "padding index": (lambda: F.embedding(classes, x, padding_idx=5), AssertionError, "5"),
    "padding index of a layer": (lambda: nn.Embedding(3, 2, -4), AssertionError, "-4"),
    "frequency": (lambda: nn.Embedding(3, 2, scale_grad_by_freq=True)(classes), NotImplementedError, "scale_grad_by_freq"),
    "a table of a vector": (lambda: nn.Embedding.from_pretrained(weft.ones(3)), AssertionError, "[3]"),
    "heads": (lambda: F.scaled_dot_product_attention(q, k, k), RuntimeError, "[1, 3, 3, 8]"),
    "grouped heads": (lambda: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), RuntimeError, "4 heads"),
    "attention dropout": (lambda: F.scaled_dot_product_attention(q, q, q, dropout_p=1.5), RuntimeError, "1.5"),
    "attention mask": (lambda: F.scaled_dot_product_attention(q, q, q, weft.ones(3, 4)), RuntimeError, "[3, 4]"),
    "normalized shape": (lambda: F.layer_norm(x, [3]), RuntimeError, "[3]"),
    "normalized shape of nothing": (lambda: F.layer_norm(x, []), RuntimeError, "[]"),
    "norm weight": (lambda: F.layer_norm(x, [4], weft.ones(3)), RuntimeError, "[3]"),
    "linear": (lambda: F.linear(x, weft.rand(2, 3)), RuntimeError, "[2, 3]"),
    "linear bias": (lambda: F.linear(x, weft.rand(2, 4), weft.rand(3)), RuntimeError, "[3]"),
    "sizes": (lambda: nn.Linear(-1, 2), RuntimeError, "[Linear] in_features must not be negative"),
    "size of a string": (lambda: nn.Linear("a", 2), TypeError, "[Linear] in_features must be an int; got str"),
    "size of a float": (lambda: nn.Embedding(3, 2.0), TypeError, "[Embedding] embedding_dim must be an int; got float"),
    "size of None": (lambda: nn.Linear(2, None), TypeError, "NoneType"),
    "norm sizes": (lambda: nn.LayerNorm("a"), TypeError, "[LayerNorm]"),
    "norm sizes of floats": (lambda: F.layer_norm(x, [4.0]), TypeError, "[layer_norm]"),
    "probability of a string": (lambda: F.dropout(x, "a"), TypeError, "[dropout] p must be a number; got str"),
    "probability of nothing": (lambda: nn.Dropout(None), TypeError, "[Dropout] p"),
    "padding index of a string": (lambda: nn.Embedding(3, 2, "a"), TypeError, "padding_idx"),
    "dtype of a layer": (lambda: nn.Linear(2, 2, dtype=weft.int64), RuntimeError, "floating"),
    "device": (lambda: nn.Linear(2, 2, device="foo"), RuntimeError, "foo"),
    "parameter of integers": (lambda: nn.Parameter(classes), RuntimeError, "floating"),
    "parameter of a list": (lambda: nn.Parameter([1.0]), TypeError, "list"),
    "gelu": (lambda: F.gelu(x, approximate="erf"), RuntimeError, "'erf'"),
    "fans": (lambda: nn.init.xavier_uniform_(weft.ones(3)), ValueError, "[3]"),
    "memory": (lambda: nn.init.xavier_uniform_(x, memoryview(b"a")), TypeError, "[xavier_uniform_] gain must be a number; got memoryview"),
    "nonlinearity": (lambda: nn.init.kaiming_uniform_(weft.ones(3, 3), nonlinearity="x"), ValueError, "'x'"),
    "fan": (lambda: nn.init.kaiming_normal_(weft.ones(3, 3), mode="fan"), ValueError, "'fan'"),
    "classes of floats": (lambda: F.one_hot(x), RuntimeError, "[one_hot] classes must be integers"),
    "no classes": (lambda: F.one_hot(weft.tensor([], dtype=weft.int64)), RuntimeError, "num_classes"),
    "init of a number": (lambda: nn.init.uniform_(3), TypeError, "[uniform_] tensor must be a tensor; got int"),
    "clipping a module": (lambda: nn.utils.clip_grad_norm_(nn.ReLU(), 1.0), TypeError, "[clip_grad_norm_]"),
    "clipping names": (lambda: nn.utils.clip_grad_value_(["a"], 1.0), TypeError, "[clip_grad_value_]"),
    "keyword of to": (lambda: nn.Linear(1, 1).to(foo=3), TypeError, "[to] has no parameter foo"),
    "seed": (lambda: weft.manual_seed(2**64), ValueError, "[manual_seed]"),
    "seed of a string": (lambda: weft.manual_seed("a"), TypeError, "[manual_seed]"),
    "generator": (lambda: nn.init.normal_(weft.ones(3), generator=3), TypeError, "weft.Generator; got int"),
}  # fmt: skip


@pytest.mark.parametrize("act, kind, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, kind, text):
    with pytest.raises(kind) as caught:
        act()
    assert str(caught.value).startswith("[") and text in str(caught.value)


def test_older_reductions():
    for arguments, expected in (
        ((True, None), "mean"),
        ((False, None), "sum"),
        ((None, False), "none"),
        ((False, True), "sum"),
    ):
        with pytest.warns(UserWarning, match="reduction"):
            assert nn.MSELoss(*arguments).reduction == expected
    with pytest.warns(UserWarning):
        assert F.l1_loss(x, x * 0, False).item() == pytest.approx(x.abs().sum().item())


def test_weighted_errors():
    a, b, w = (weft.randn(3, 4) for _ in range(3))
    expected = {"none": (a - b) ** 2 * w, "sum": ((a - b) ** 2 * w).sum(), "mean": ((a - b) ** 2 * w).sum() / w.sum()}
    for reduction, value in expected.items():
        assert weft.allclose(F.mse_loss(a, b, reduction=reduction, weight=w), value)
    assert weft.allclose(F.l1_loss(a, b, weight=w), ((a - b).abs() * w).sum() / w.sum())


def test_embedding_options():
    m = nn.Embedding(4, 3, 1, max_norm=1.0)
    assert m.weight[1].tolist() == [0, 0, 0] and repr(m) == "Embedding(4, 3, padding_idx=1, max_norm=1.0)"
    with weft.no_grad():
        m.weight.copy_(weft.tensor([[3.0, 4, 0], [3, 4, 0], [0.1, 0, 0], [3, 4, 0]]))
    y = m(weft.tensor([0, 0, 2, 1]))
    assert weft.allclose(y[0], weft.tensor([0.6, 0.8, 0])) and weft.allclose(y[2], weft.tensor([0.1, 0, 0]))
    y.sum().backward()
    assert m.weight.grad.tolist() == [[2] * 3, [0] * 3, [1] * 3, [0] * 3] and m.weight[3].tolist() == [3, 4, 0]
    table = nn.Embedding.from_pretrained(weft.ones(2, 3))
    assert not table.weight.requires_grad and table.num_embeddings == 2 and table.embedding_dim == 3


def test_grouped_heads():
    q, k, v = weft.randn(2, 6, 5, 8), weft.randn(2, 3, 5, 8), weft.randn(2, 3, 5, 8)
    each = [h for h in range(3) for _ in range(2)]
    expected = F.scaled_dot_product_attention(q, k[:, each], v[:, each], is_causal=True)
    assert weft.equal(F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True), expected)


def test_softplus():
    a = numpy.linspace(-30, 30, 61)
    y = F.softplus(weft.from_numpy(a), 2.0, 10.0).numpy()
    numpy.testing.assert_allclose(y, numpy.where(a * 2 > 10, a, numpy.log1p(numpy.exp(2 * a)) / 2), rtol=1e-12)


def test_normalize_by_other_norms():
    for p, norm in ((1.0, x.abs().sum(1)), (math.inf, x.abs().amax(1)), (3.0, (x.abs() ** 3).sum(1) ** (1 / 3))):
        assert weft.allclose(F.normalize(x, p), x / norm.unsqueeze(1))
    out = weft.zeros(3, 4)
    assert F.normalize(x, out=out) is out and weft.equal(out, F.normalize(x))


def test_gains():
    gain = nn.init.calculate_gain
    assert gain("relu") == math.sqrt(2) and gain("leaky_relu", 1.0) == 1 and gain("tanh") == 5 / 3
    w = nn.init.kaiming_normal_(weft.empty(400, 100), mode="fan_out", nonlinearity="relu")
    assert w.std().item() == pytest.approx(math.sqrt(2 / 400), rel=0.05)
    w = nn.init.xavier_normal_(weft.empty(400, 100))
    assert w.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.05)


@pytest.mark.parametrize("p", [2.0, 1.0, math.inf])
def test_clipping(p):
    a, b = weft.ones(2, requires_grad=True), weft.ones(1, 2, dtype=weft.float16, requires_grad=True)
    grads = [numpy.array([3.0, -4.0]), numpy.array([[300.0, 0.0]])]
    flat = numpy.concatenate([g.reshape(-1) for g in grads])
    a.grad, b.grad = (weft.from_numpy(g).to(t.dtype) for g, t in zip(grads, (a, b)))
    total = nn.utils.clip_grad_norm_([a, b, weft.ones(1)], 10.0, p)
    norm = numpy.linalg.norm(flat, p)
    assert total.item() == pytest.approx(norm) and b.grad.dtype is weft.float16
    numpy.testing.assert_allclose(a.grad.numpy(), grads[0] * 10 / norm, rtol=1e-5)
    nn.utils.clip_grad_value_(a, 0.1)
    assert a.grad.tolist() == pytest.approx(numpy.clip(grads[0] * 10 / norm, -0.1, 0.1), rel=1e-5)
    assert nn.utils.clip_grad_norm_(weft.ones(1), 1.0).item() == 0
    a.grad[0] = math.inf
    with pytest.raises(RuntimeError, match="inf"):
        nn.utils.clip_grad_norm_(a, 1.0, error_if_nonfinite=True)


def test_materialized_gradients():
    a, b = weft.ones(2, requires_grad=True), weft.ones(3, requires_grad=True)
    grads = weft.autograd.grad(a.sum(), [a, b], materialize_grads=True)
    assert [g.tolist() for g in grads] == [[1, 1], [0, 0, 0]]
