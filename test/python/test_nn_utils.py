"""nn.utils against PyTorch's results (test/data/torch_nn_utils.json, made by tools/torch_nn_utils.py): orthogonal parametrizations, pruning,
padded and packed sequences, norms; and what else they do."""

import copy
import json
import pathlib

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.nn import utils
from weft.nn.utils import parametrizations, parametrize, prune, rnn

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_nn_utils.json").read_text())
NAMES = {"t": weft, "nn": nn, "utils": utils, "parametrizations": parametrizations, "prune": prune, "rnn": rnn}
NAMES |= {name: weft.tensor(value, dtype=weft.float64) for name, value in TABLE["tensors"].items()}
exec(TABLE["program"], NAMES)


@pytest.mark.parametrize("text", TABLE["results"])
def test_pytorch_s_values(text):
    found = eval(text, NAMES)
    numpy.testing.assert_allclose(found.detach().numpy(), TABLE["results"][text], rtol=1e-9, atol=1e-12)


# ---- orthogonal
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 6)])
def test_orthogonal_through_training(kind, shape):
    layer = parametrizations.orthogonal(nn.Linear(*reversed(shape)), orthogonal_map=kind)
    optimizer = weft.optim.SGD(layer.parameters(), lr=0.1)
    x = weft.randn(5, shape[1])
    first = None
    for _ in range(5):
        optimizer.zero_grad()
        loss = (layer(x) - 1).square().sum()
        first = first or loss.item()
        loss.backward()
        optimizer.step()
    weight = layer.weight.detach().double()
    assert (
        weight @ weight.T - weft.eye(shape[0], dtype=weft.float64)
    ).abs().max().item() < 1e-5 and loss.item() < first
    target = nn.init.orthogonal_(weft.empty(*shape))
    layer.weight = target
    assert (layer.weight - target).abs().max().item() < 1e-5
    other = parametrizations.orthogonal(nn.Linear(*reversed(shape)), orthogonal_map=kind)
    other.load_state_dict(layer.state_dict())
    assert_same_bits(other.weight, layer.weight)


def test_cached():
    layer = parametrizations.spectral_norm(nn.Linear(3, 4))
    with parametrize.cached():
        first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first
    compiled = weft.compile(lambda: (layer.weight * layer.weight).sum())

    def both():
        return compiled().item(), (layer.weight * layer.weight).sum().item()

    with parametrize.cached():
        assert len(set(both() + both())) == 1
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


# ---- pruning
def test_a_pruned_layer():
    layer = nn.Linear(4, 3)
    prune.random_unstructured(layer, "weight", 0.5)
    prune.random_structured(layer, "weight", 1, 0)
    assert prune.is_pruned(nn.Sequential(layer)) and "weight_orig" in dict(layer.named_parameters())
    mask = layer.weight_mask
    assert ((mask == 0).all(1)).any() and (mask == 0).sum() >= 6
    layer(weft.ones(1, 4)).sum().backward()
    assert ((layer.weight_orig.grad != 0) <= (mask != 0)).all()
    twin = copy.deepcopy(layer)
    assert_same_bits(twin.weight, layer.weight)
    with weft.no_grad():
        layer.weight_orig.add_(1.0)
    weight = layer.weight.detach()
    assert prune.remove(layer, "weight") is layer and not prune.is_pruned(layer)
    assert_same_bits(layer.weight.detach(), weight)
    assert list(layer.state_dict()) == ["bias", "weight"] and type(layer) is nn.Linear
    assert prune.is_pruned(twin)


def test_a_method_of_ones_own():
    class Foresight(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = nn.Linear(2, 2)
    Foresight.apply(layer, "weight")
    assert (layer.weight != 0).tolist() == [[False, True], [False, True]]
    Foresight.apply(layer, "weight")
    assert (layer.weight != 0).tolist() == [[False, False], [False, True]]
    assert Foresight().prune(weft.ones(3)).tolist() == [0, 1, 0]
    compiled = weft.compile(layer)
    assert_same_bits(compiled(weft.ones(1, 2)), layer(weft.ones(1, 2)))


# ---- clipping and vectors
@pytest.mark.parametrize("order", [0.5, 1, 2.0, 3, float("inf"), "inf"])
def test_clipping(order):
    parameters = [weft.zeros(3, requires_grad=True), weft.zeros(2, 2, requires_grad=True)]
    for p in parameters:
        p.grad = weft.randn(*p.shape)
    before = utils.get_total_norm([p.grad for p in parameters], order)
    found = utils.clip_grad_norm_((p for p in parameters), 0.5, order)
    assert_same_bits(found, before)
    assert utils.get_total_norm([p.grad for p in parameters], order).item() == pytest.approx(0.5, rel=1e-4)
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        utils.clip_grad_norm(parameters, 1.0)
    parameters[0].grad = weft.tensor([float("nan"), 1.0, 2.0])
    with pytest.raises(RuntimeError, match="nan"):
        utils.clip_grad_norm_(parameters, 1.0, order, error_if_nonfinite=True)


def test_vectors():
    model = nn.Linear(3, 2)
    vector = utils.parameters_to_vector(model.parameters())
    utils.vector_to_parameters(vector * 0 + weft.arange(8.0), model.parameters())
    assert model.weight.tolist() == [[0, 1, 2], [3, 4, 5]] and model.bias.tolist() == [6, 7]
    assert model.weight.is_leaf and model.weight.requires_grad
    with pytest.raises(RuntimeError, match="8 elements"):
        utils.vector_to_parameters(weft.ones(4), model.parameters())
    with pytest.raises(TypeError, match="int"):
        utils.vector_to_parameters(3, model.parameters())
    with pytest.raises(ValueError, match="no parameters"):
        utils.parameters_to_vector([])


# ---- sequences
def test_gradients_of_packed_sequences():
    x = weft.randn(4, 3, 2, dtype=weft.float64, requires_grad=True)
    packed = rnn.pack_padded_sequence(x, [2, 4, 1], enforce_sorted=False)
    padded, lengths = rnn.pad_packed_sequence(packed)
    (padded.square() / 2).sum().backward()
    there = (weft.arange(4).unsqueeze(1) < lengths).unsqueeze(-1)
    assert_same_bits(x.grad, weft.where(there, x.detach(), weft.zeros(1, dtype=weft.float64)))
    halves = packed.to(weft.float16)
    assert halves.data.dtype is weft.float16 and isinstance(halves, rnn.PackedSequence)
    assert packed.double() is packed and not packed.is_cuda
    assert packed.sorted_indices[packed.unsorted_indices].tolist() == [0, 1, 2]


def test_unpadding_leaves_the_batch_alone():
    padded = weft.arange(6.0).view(3, 2).requires_grad_()
    parts = rnn.unpad_sequence(padded, weft.tensor([3, 1]))
    assert [p.tolist() for p in parts] == [[0, 2, 4], [1]] and padded.shape == (3, 2)


def test_compiled_sequences():
    def run(x):
        packed = rnn.pack_padded_sequence(x, [3, 2], batch_first=True)
        return rnn.pad_packed_sequence(packed._replace(data=packed.data.tanh()), batch_first=True)[0]

    compiled = weft.compile(run)
    for _ in range(3):
        x = weft.randn(2, 3, 4)
        assert_same_bits(compiled(x), run(x))


# ---- the rest
@pytest.mark.parametrize("layer, kind", [(nn.Conv2d(3, 4, 2), nn.BatchNorm2d), (nn.Conv1d(2, 4, 3, bias=False), nn.BatchNorm1d),
                                         (nn.ConvTranspose2d(3, 4, 2), nn.BatchNorm2d), (nn.Linear(5, 4), nn.BatchNorm1d)])  # fmt: skip
def test_fused_batch_norm(layer, kind):
    bn = kind(4)
    bn.running_mean.uniform_(-1.0, 1.0)
    bn.running_var.uniform_(0.5, 2.0)
    nn.init.uniform_(bn.weight, 0.5, 1.5)
    x = weft.randn(2, 5) if kind is nn.BatchNorm1d and isinstance(layer, nn.Linear) else weft.randn(2, layer.weight.shape[0 if layer.weight.ndim == 4 and isinstance(layer, nn.ConvTranspose2d) else 1], *[6] * (layer.weight.ndim - 2))  # fmt: skip
    with pytest.raises(ValueError, match="evaluation"):
        utils.fuse_conv_bn_eval(layer, bn)
    layer, bn = layer.eval(), bn.eval()
    if isinstance(layer, nn.Linear):
        fused = utils.fuse_linear_bn_eval(layer, bn)
    else:
        fused = utils.fuse_conv_bn_eval(layer, bn, isinstance(layer, nn.ConvTranspose2d))
    assert (fused(x) - bn(layer(x))).abs().max().item() < 1e-5


def test_skip_init_and_stateless():
    weft.manual_seed(3)
    expected = weft.randn(2)
    weft.manual_seed(3)
    layer = utils.skip_init(nn.Linear, 2, 3, bias=False)
    assert_same_bits(weft.randn(2), expected)
    assert layer.weight.shape == (3, 2)
    with pytest.raises(RuntimeError, match="device"):
        utils.skip_init(nn.ReLU)
    with pytest.warns(FutureWarning, match="func"):
        assert utils.stateless.functional_call(layer, {"weight": weft.ones(3, 2)}, weft.ones(1, 2)).tolist() == [
            [2, 2, 2]
        ]


x = weft.ones(3, 2, 4)
REFUSED = {
    "order": (lambda: rnn.pack_padded_sequence(x, [1, 3]), RuntimeError, "enforce_sorted"),
    "too long": (lambda: rnn.pack_padded_sequence(x, [4, 3]), RuntimeError, "at most 3"),
    "zero": (lambda: rnn.pack_padded_sequence(x, [3, 0]), RuntimeError, "positive"),
    "count": (lambda: rnn.pack_padded_sequence(x, [3]), RuntimeError, "2 sequences"),
    "a vector": (lambda: rnn.pack_padded_sequence(x[0, 0], [3]), RuntimeError, "2 dimensions"),
    "total": (lambda: rnn.pad_packed_sequence(rnn.pack_sequence([x]), total_length=2), ValueError, "total_length"),
    "no list": (lambda: rnn.pad_sequence(3), RuntimeError, "int"),
    "nothing": (lambda: rnn.pad_sequence([]), RuntimeError, "at least one sequence"),
    "side": (lambda: rnn.pad_sequence([x], padding_side="top"), RuntimeError, "top"),
    "amount": (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 1.5), ValueError, "amount"),
    "a string": (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", "all"), TypeError, "str"),
    "too many": (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 5), ValueError, "4"),
    "a bias": (lambda: prune.ln_structured(nn.Linear(2, 2), "bias", 1, 2, 0), ValueError, "2 dimensions"),
    "dim": (lambda: prune.ln_structured(nn.Linear(2, 2), "weight", 1, 2, 5), IndexError, "dim 5"),
    "no parameter": (lambda: prune.identity(nn.Linear(2, 2), "wait"), AttributeError, "wait"),
    "not pruned": (lambda: prune.remove(nn.Linear(2, 2), "weight"), ValueError, "pruned"),
    "mask": (lambda: prune.custom_from_mask(nn.Linear(2, 2), "weight", weft.ones(3)), ValueError, r"\[3\]"),
    "structured": (lambda: prune.global_unstructured([], prune.LnStructured, amount=1, n=1), TypeError, "structured"),
    "map": (lambda: parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr"), ValueError, "qr"),
    "vector": (lambda: parametrizations.orthogonal(nn.Linear(2, 2), "bias"), ValueError, "matrix"),
}  # fmt: skip


@pytest.mark.parametrize("act, error, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, error, text):
    with pytest.raises(error, match=text):
        act()
