"""Losses and distances: values against PyTorch's (test/data/torch_losses.json), gradients, compiled bits, limits, layers, errors."""

import json
import math
import pathlib
import warnings

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients
from weft import nn

F = nn.functional
DATA = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_losses.json").read_text())
TENSORS = {name: numpy.array(value) for name, value in DATA["tensors"].items()}
pytestmark = pytest.mark.filterwarnings("ignore:.kl_div. reduction='mean'")


def evaluate(text, tensors):
    return eval(text, {"F": F} | tensors)


@pytest.mark.parametrize("text", DATA["results"])
def test_values(text):
    result = evaluate(text, {name: weft.tensor(value) for name, value in TENSORS.items()})
    assert result.dtype is weft.float64
    numpy.testing.assert_allclose(result.numpy(), DATA["results"][text], rtol=1e-10, atol=1e-12)
    for dtype, tolerance in ((weft.float32, 1e-5), (weft.float16, 2e-2), (weft.bfloat16, 0.1)):
        tensors = {name: weft.tensor(v, dtype=dtype if v.dtype.kind == "f" else None) for name, v in TENSORS.items()}
        narrow = evaluate(text, tensors)
        assert narrow.dtype is dtype and narrow.shape == result.shape
        # An input that is rounded may lie on the other side of a limit, and a sum is of 20 terms.
        if "100" not in text:
            scale = max(1.0, abs(result).max().item())
            numpy.testing.assert_allclose(narrow.double().numpy() / scale, result.numpy() / scale, atol=tolerance)


NONE = [text for text in DATA["results"] if "'none'" in text or "reduction" not in text]


def arguments_of(text):
    """The expression as a function of the floating-point tensors it names, and these."""
    names = [name for name in compile(text, "", "eval").co_names if name in TENSORS]
    real = [name for name in names if TENSORS[name].dtype.kind == "f" and "signs" not in name]
    fixed = {name: weft.tensor(TENSORS[name]) for name in names if name not in real}

    def function(*tensors):
        values = dict(zip(real, tensors))
        signs = {n: t if t.dtype is weft.int64 else t.to(tensors[0].dtype) for n, t in fixed.items()}
        return evaluate(text, values | signs)

    return function, [TENSORS[name] for name in real]


@pytest.mark.parametrize(
    "text", [text for text in NONE if "exact" not in text and "eps=0.5" not in text and "100" not in text]
)
def test_gradients(text):
    check_gradients(*arguments_of(text))


@pytest.mark.parametrize("text", [text for text in DATA["results"] if "'sum'" not in text])
def test_compiled(text):
    check_compiled(*arguments_of(text))


def finite(function, *arrays):
    tensors = [weft.tensor(a, dtype=weft.float32).requires_grad_() for a in arrays]
    result = function(*tensors)
    assert result.isfinite().all()
    first = weft.autograd.grad(result.sum(), tensors, create_graph=True, allow_unused=True)
    assert all(g.isfinite().all() for g in first if g is not None)
    total = sum((g.sum() for g in first if g is not None), start=weft.tensor(0.0))
    for g in weft.autograd.grad(total, tensors, allow_unused=True) if total.requires_grad else ():
        assert g is None or g.isfinite().all()


def test_limits():
    large = [-1e4, -200.0, 0.0, 200.0, 1e4]
    finite(lambda x: F.binary_cross_entropy_with_logits(x, weft.tensor([0.0, 1.0, 0.0, 1.0, 0.0])), large)
    finite(lambda x: F.soft_margin_loss(x, -weft.ones(5)), large)
    finite(lambda x: F.multilabel_soft_margin_loss(x, weft.zeros(5)), large)
    finite(lambda x: F.smooth_l1_loss(x, weft.zeros(5)), large)
    finite(lambda x: F.huber_loss(x, weft.zeros(5)), large)
    finite(lambda x, t: F.kl_div(x, t, reduction="sum"), large, [0.0, 1.0, 0.5, 0.0, 1.0])
    finite(lambda x: F.poisson_nll_loss(x, weft.tensor([0.0, 1.0, 2.0]), full=True), [0.0, 1.0, 2.0])
    finite(lambda x: F.pairwise_distance(x, x, eps=0), [[1.0, 2.0], [0.0, 0.0]])
    finite(lambda x: F.cosine_similarity(x, weft.ones(2, 2)), [[1.0, 2.0], [0.0, 0.0]])
    finite(lambda x: F.cosine_embedding_loss(x, weft.ones(2, 2), weft.ones(2)), [[1.0, 2.0], [0.0, 0.0]])


def test_binary_cross_entropy_of_certain_probabilities():
    x = weft.tensor([0.0, 1.0, 0.0, 1.0]).requires_grad_()
    loss = F.binary_cross_entropy(x, weft.tensor([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert loss.tolist() == [0, 0, 100, 100]
    (slope,) = weft.autograd.grad(loss.sum(), x)
    numpy.testing.assert_allclose(slope.numpy(), [1, -1, -1e12, 1e12], rtol=1e-6)
    assert F.binary_cross_entropy(weft.tensor([1.5]), weft.ones(1)).isnan()
    assert F.gaussian_nll_loss(weft.ones(1), weft.ones(1), weft.tensor([-1.0])).isnan()


t = {name: weft.tensor(value) for name, value in TENSORS.items()}
x, y, z, p, q, w = (t[name] for name in "xyzpqw")
LAYERS = [
    (nn.L1Loss(), F.l1_loss, (x, y), {}),
    (nn.SmoothL1Loss(beta=0.3), F.smooth_l1_loss, (x, y), {"beta": 0.3}),
    (nn.HuberLoss("sum", 0.4), F.huber_loss, (x, y), {"delta": 0.4, "reduction": "sum"}),
    (nn.NLLLoss(t["class_weights"], ignore_index=2), F.nll_loss, (x, t["classes"]), {"weight": t["class_weights"], "ignore_index": 2}),
    (nn.BCELoss(w), F.binary_cross_entropy, (p, q), {"weight": w}),
    (nn.BCEWithLogitsLoss(w, pos_weight=p), F.binary_cross_entropy_with_logits, (x, q), {"weight": w, "pos_weight": p}),
    (nn.KLDivLoss(reduction="batchmean", log_target=True), F.kl_div, (x, y), {"reduction": "batchmean", "log_target": True}),
    (nn.HingeEmbeddingLoss(0.3), F.hinge_embedding_loss, (x, t["signs"]), {"margin": 0.3}),
    (nn.MarginRankingLoss(0.3), F.margin_ranking_loss, (x, y, t["signs"]), {"margin": 0.3}),
    (nn.CosineEmbeddingLoss(0.3), F.cosine_embedding_loss, (x, y, t["row_signs"]), {"margin": 0.3}),
    (nn.TripletMarginLoss(2, 1, 1e-3, True), F.triplet_margin_loss, (x, y, z), {"margin": 2, "p": 1, "eps": 1e-3, "swap": True}),
    (nn.PoissonNLLLoss(False, True), F.poisson_nll_loss, (p, t["counts"]), {"log_input": False, "full": True}),
    (nn.GaussianNLLLoss(full=True, eps=0.1), F.gaussian_nll_loss, (x, y, p), {"full": True, "eps": 0.1}),
    (nn.SoftMarginLoss(), F.soft_margin_loss, (x, t["signs"]), {}),
    (nn.MultiLabelSoftMarginLoss(w), F.multilabel_soft_margin_loss, (x, q), {"weight": w}),
    (nn.MultiMarginLoss(2, 0.5, t["class_weights"]), F.multi_margin_loss, (x, t["classes"]), {"p": 2, "margin": 0.5, "weight": t["class_weights"]}),
]  # fmt: skip


@pytest.mark.parametrize("layer, function, arguments, options", LAYERS, ids=lambda v: type(v).__name__)
def test_layers(layer, function, arguments, options):
    assert layer(*arguments).equal(function(*arguments, **options))


def test_mean_of_kl_div_warns():
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(x, p)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.kl_div(x, p, reduction="sum")


ERRORS = {
    "bce shapes": (lambda: F.binary_cross_entropy(p, q[0]), ValueError, r"\[binary_cross_entropy\].*\[4, 5\] and \[5\]"),
    "bce of integers": (lambda: F.binary_cross_entropy(p[:, 0], t["classes"][:4]), RuntimeError, "int64"),
    "logits' shapes": (lambda: F.binary_cross_entropy_with_logits(x, q[0]), ValueError, r"\[4, 5\] and \[5\]"),
    "delta": (lambda: F.huber_loss(x, y, delta=0), RuntimeError, r"\[huber_loss\] delta"),
    "beta": (lambda: F.smooth_l1_loss(x, y, beta=-1), RuntimeError, r"\[smooth_l1_loss\] beta"),
    "reduction": (lambda: F.smooth_l1_loss(x, y, reduction="avg"), ValueError, "'avg'"),
    "reduction of kl_div": (lambda: F.kl_div(x, y, reduction="avg"), ValueError, "'avg'"),
    "reduction of a layer": (lambda: nn.KLDivLoss(reduction="avg"), ValueError, "'avg'"),
    "ranking": (lambda: F.margin_ranking_loss(x, y, y[0]), RuntimeError, r"\[margin_ranking_loss\]"),
    "cosine": (lambda: F.cosine_embedding_loss(x, y, y), RuntimeError, r"\[cosine_embedding_loss\]"),
    "triplet": (lambda: F.triplet_margin_loss(x, y, y[0]), RuntimeError, r"\[triplet_margin_loss\]"),
    "triplet margin": (lambda: F.triplet_margin_loss(x, y, z, margin=0), ValueError, "margin"),
    "variance": (lambda: F.gaussian_nll_loss(x, y, p[0, :3]), ValueError, r"\[3\] for input \[4, 5\]"),
    "negative variance": (lambda: F.gaussian_nll_loss(x, y, -1.0), ValueError, "var"),
    "p": (lambda: F.multi_margin_loss(x, t["classes"], p=3), ValueError, "p == 1"),
    "classes": (lambda: F.multi_margin_loss(x, t["classes"][:2]), RuntimeError, r"\[4, 5\] and \[2\]"),
    "class weights": (lambda: F.multi_margin_loss(x, t["classes"], weight=w[0, :3]), RuntimeError, "5 classes"),
    "dim": (lambda: F.cosine_similarity(x, y, 2), IndexError, r"\[cosine_similarity\] dim 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_infinite_difference():
    assert F.huber_loss(weft.tensor([math.inf]), weft.zeros(1)).item() == math.inf


@pytest.mark.parametrize("cutoffs, head_bias", [([3], False), ([2, 5, 8], True)])
def test_adaptive_log_softmax(cutoffs, head_bias):
    layer = weft.nn.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs, div_value=2.0, head_bias=head_bias).double()
    x, targets = weft.randn(20, 8, dtype=weft.float64, requires_grad=True), weft.randint(0, 12, (20,))
    every = layer.log_prob(x)
    assert (every.exp().sum(1) - 1).abs().max().item() < 1e-12
    output, loss = layer(x, targets)
    assert (output - every.gather(1, targets.unsqueeze(1)).squeeze(1)).abs().max().item() < 1e-12
    assert loss.item() == pytest.approx(-output.mean().item())
    (a,) = weft.autograd.grad(loss, [x])
    (b,) = weft.autograd.grad(-layer.log_prob(x).gather(1, targets.unsqueeze(1)).mean(), [x])
    assert (a - b).abs().max().item() < 1e-12
    assert (layer.predict(x) == every.argmax(1)).all()
    one = layer(x[0], targets[0])
    assert one.output.shape == () and one.output.item() == pytest.approx(output[0].item())
    assert "tail.0.1.weight" in layer.state_dict() and layer.head.weight.shape == (cutoffs[0] + len(cutoffs), 8)
    compiled = weft.compile(lambda x, t: layer(x, t).loss)
    assert compiled(x, targets).item() == loss.item() == compiled(x, targets).item()


@pytest.mark.parametrize(
    "act, error",
    [
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, []), ValueError),
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]), ValueError),
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [5]), ValueError),
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(weft.ones(2, 4), weft.tensor([0, 5])), RuntimeError),
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(weft.ones(2, 4), weft.tensor([0])), RuntimeError),
        (lambda: weft.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(weft.ones(4), weft.tensor([0])), RuntimeError),
    ],
)
def test_adaptive_log_softmax_refuses(act, error):
    with pytest.raises(error, match="AdaptiveLogSoftmaxWithLoss"):
        act()
