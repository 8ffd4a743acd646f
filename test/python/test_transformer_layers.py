"""Attention and transformer layers against PyTorch's numbers (test/data/torch_transformers.json); gradients, compiled bits, dropout, errors."""

import json
import pathlib

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients
from weft import nn

DATA = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_transformers.json").read_text())
INPUTS = {name: numpy.array(value) for name, value in DATA["inputs"].items()}
cases = pytest.mark.parametrize("name", DATA["cases"])


def numbers(shape, seed):
    """As tools/torch_transformers.py has it."""
    return 0.6 * numpy.sin(numpy.arange(numpy.prod(shape, dtype=int)) * 1.7 + seed).reshape(shape)


def made(name, dtype):
    """The layer with the case's parameters, and the call as a function of x and y."""
    case = DATA["cases"][name]
    layer = eval(case["layer"], {"nn": nn}).to(dtype)
    assert {key: list(value.shape) for key, value in layer.state_dict().items()} == case["state"]
    assert list(layer.state_dict()) == list(case["state"])
    layer.load_state_dict(
        {k: weft.tensor(numbers(s, i), dtype=dtype) for i, (k, s) in enumerate(case["state"].items())}
    )
    fixed = {n: weft.tensor(v, dtype=dtype if v.dtype.kind == "f" else None) for n, v in INPUTS.items()}

    def call(x, y):
        results = eval(case["call"], fixed | {"x": x, "y": y, "layer": layer})
        return [r for r in (results if isinstance(results, tuple) else (results,)) if r is not None]

    return layer, call


@cases
def test_values(name):
    wanted = [r for r in DATA["cases"][name]["results"] if r is not None]
    for dtype, tolerance in ((weft.float64, 1e-10), (weft.float32, 1e-5), (weft.bfloat16, 0.1)):
        _, call = made(name, dtype)
        results = call(weft.tensor(INPUTS["x"], dtype=dtype), weft.tensor(INPUTS["y"], dtype=dtype))
        assert len(results) == len(wanted)
        for result, want in zip(results, wanted):
            assert result.dtype is dtype
            numpy.testing.assert_allclose(result.double().detach().numpy(), want, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "name", ["self", "masks", "masks without weights", "encoder layer, norm first", "decoder layer"]
)
def test_gradients(name):
    _, call = made(name, weft.float64)
    check_gradients(call, [INPUTS["x"], INPUTS["y"]], second=name in ("self", "masks without weights"))


@cases
def test_compiled(name):
    layer, call = made(name, weft.float32)
    check_compiled(call, [INPUTS["x"], INPUTS["y"]])


def test_initialisation():
    weft.manual_seed(0)
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (64 + 3 * 64)) ** 0.5
    assert 0.98 * bound < layer.in_proj_weight.abs().max() <= bound
    assert not layer.in_proj_bias.any() and not layer.out_proj.bias.any() and layer.bias_k.std() > 0
    transformer = nn.Transformer(16, 2, 1, 1, 32)
    assert transformer.encoder.layers[0].linear1.weight.abs().max() <= (6 / 48) ** 0.5
    first, second = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4), 2).layers
    assert first.linear1.weight.equal(second.linear1.weight) and first.linear1.weight is not second.linear1.weight


def test_dropout():
    layer = nn.MultiheadAttention(8, 2, dropout=0.5)
    x = weft.randn(6, 2, 8)
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert 0.2 < (weights == 0).float().mean() < 0.8
    assert (layer.eval()(x, x, x)[1] > 0).all()
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
    check_compiled(model, [x.numpy()])


def test_square_subsequent_mask():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    inf = float("inf")
    assert mask.tolist() == [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]


x = weft.randn(4, 3, 8)
attention = nn.MultiheadAttention(8, 2)
ERRORS = {
    "heads": (lambda: nn.MultiheadAttention(8, 3), AssertionError, r"\[MultiheadAttention\] embed_dim"),
    "no heads": (lambda: nn.MultiheadAttention(8, 0), ValueError, "8 and 0"),
    "dimensions": (lambda: attention(x, x[0], x[0]), AssertionError, r"\[4, 3, 8\], \[3, 8\]"),
    "sizes": (lambda: attention(x, x[..., :4], x), AssertionError, r"\[4, 3, 4\]"),
    "mask": (
        lambda: attention(x, x, x, attn_mask=weft.ones(3, 4)),
        RuntimeError,
        r"attn_mask must have shape \[4, 4\]",
    ),
    "padding": (
        lambda: attention(x, x, x, weft.ones(4, 4)),
        AssertionError,
        r"key_padding_mask must have shape \[3, 4\]",
    ),
    "mask of integers": (lambda: attention(x, x, x, attn_mask=weft.ones(4, 4).long()), AssertionError, "int64"),
    "causal": (lambda: attention(x, x, x, is_causal=True), RuntimeError, "pass attn_mask"),
    "activation": (lambda: nn.TransformerEncoderLayer(8, 2, activation="sin"), RuntimeError, "'sin'"),
    "batch": (lambda: nn.Transformer(8, 2, 1, 1, 4)(x, x[:, :2]), RuntimeError, "one batch size"),
    "features": (lambda: nn.Transformer(8, 2, 1, 1, 4)(x, x[..., :4]), RuntimeError, "d_model=8"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
