"""weft.onnx.export: models that ONNX's checker takes and ONNX Runtime runs, at the sizes of the example and at others."""

import onnx
import onnxruntime
import pytest
import weft
from vision_models import UNet, densenet, efficientnet, mobilenet, resnet
from weft import nn
from weft.testing import assert_close

F = nn.functional


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, 2, bidirectional=True)

    def forward(self, x):
        y, (h, c) = self.lstm(x)
        return y, h, c


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.positions = nn.Embedding(20, 16), nn.Embedding(64, 16)
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)

    def forward(self, tokens):
        size = tokens.shape[1]
        mask = weft.full((size, size), float("-inf")).triu(1)
        x = self.embed(tokens) + self.positions(weft.arange(size))
        return self.layer(x, src_mask=mask) @ self.embed.weight.t()


def elementwise(x):
    named = "abs acos asin asinh atan cos cosh erf exp expm1 exp2 erfc floor ceil round trunc sigmoid sin sinh tan tanh sign square relu atanh"
    return tuple(getattr(weft, n)(x) for n in f"{named} isnan isinf isfinite neg".split())


def positive(x):
    return tuple(getattr(weft, n)(x) for n in "log log2 log10 log1p sqrt rsqrt reciprocal acosh".split())


def of_two(x, y):
    named = "add sub mul div pow remainder fmod floor_divide maximum minimum eq ne lt le gt ge logical_and logical_or logical_xor atan2"
    return tuple(getattr(weft, n)(x, y) for n in named.split())


def moved(x):
    y = (
        F.pad(x, (1, 2), value=3.0),
        x.flip(1),
        x[:, 1:, ::2],
        x[:, -1],
        x[:, :-1],
        x.flatten(1),
        x.tril(),
        F.one_hot((x > 0).long(), 3),
    )
    return (
        *y,
        x.index_select(2, weft.tensor([2, 0])),
        x.gather(1, x.argmax(1, True)),
        x.scatter(2, x.argmax(2, True), 5.0),
    )


def reduced(x):
    y = (
        x.sort(-1)[0],
        x.topk(2)[1],
        x.cumsum(1),
        x.std(-1),
        x.var(1),
        x.argmax(-1),
        x.mean((0, 2)),
        x.amin(1, True),
        x.prod(2),
        x.max(1)[1],
    )
    return *y, F.normalize(x, dim=1), x.softmax(1), x.log_softmax(-1), (x > 0).any(1), x.argmin()


def pooled(x):
    y = (
        F.avg_pool2d(x, 3, 2, ceil_mode=True),
        F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        F.avg_pool2d(x, 2, padding=1, count_include_pad=False),
    )
    return *y, F.interpolate(x, size=(7, 9), mode="bilinear"), F.interpolate(x, scale_factor=2), F.group_norm(x, 3)


def losses(x, y):
    """Composites without an ONNX counterpart, which are written as what they are made of."""
    classes = y.argmax(1)
    weighted = F.cross_entropy(x, classes, weight=y[0].abs(), label_smoothing=0.1)
    return F.mse_loss(x, y), F.mse_loss(x, y, reduction="none"), F.cross_entropy(x, classes, reduction="none"), weighted


def chosen(x):
    return weft.cond(x.sum() > 0, lambda y: y + 1, lambda y: y * 2, (x,))


def repeated(x):
    return weft.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (weft.tensor(0), x))[1]


def attended(q, mask):
    return F.scaled_dot_product_attention(q, q, q, attn_mask=mask), F.scaled_dot_product_attention(
        q, q, q, is_causal=True
    )


def rows(x):
    return (
        x.reshape(x.shape[0] * x.shape[1], -1),
        x.flatten(1),
        x.mean(1),
        x[:, 1:-1],
        x.var(1),
        weft.arange(x.shape[1]),
        x.expand(3, *x.shape),
    )


# name: (model, arguments, dynamic_shapes, arguments of other sizes)
def floats(*shape):
    return weft.randn(shape)


def tokens(*shape):
    return weft.randint(0, 20, shape)


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.SiLU(), nn.Linear(8, 3), nn.Softmax(-1)), [(2, 4)], None, []),
    "resnet": (resnet, [(2, 1, 16, 16)], [{0: "batch", 2: "height", 3: "width"}], [[(1, 1, 32, 24)]]),
    "unet": (UNet, [(2, 1, 16, 16)], [{0: "batch", 2: "height", 3: "width"}], [[(3, 1, 32, 24)]]),
    "mobilenet": (mobilenet, [(2, 1, 32, 32)], [{0: "batch"}], [[(3, 1, 32, 32)]]),
    "efficientnet": (efficientnet, [(2, 1, 32, 32)], [{0: "batch"}], [[(3, 1, 32, 32)]]),
    "densenet": (densenet, [(2, 1, 32, 32)], [{0: "batch"}], [[(3, 1, 32, 32)]]),
    "encoder": (lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), [(2, 5, 16)], [{0: "n", 1: "t"}], [[(3, 9, 16)], [(1, 2, 16)]]),
    "decoder": (Decoder, [(2, 6)], {"tokens": {0: "n", 1: "t"}}, [[(3, 11)], [(1, 3)]]),
    "lstm": (Recurrent, [(5, 2, 4)], [{0: "t", 1: "n"}], [[(9, 3, 4)]]),
    "elementwise": (lambda: elementwise, [(3, 3)], None, []),
    "positive": (lambda: positive, [(3, 3)], None, []),
    "of_two": (lambda: of_two, [(3, 1), (4,)], None, []),
    "moved": (lambda: moved, [(2, 5, 4)], None, []),
    "reduced": (lambda: reduced, [(2, 5, 4)], None, []),
    "pooled": (lambda: pooled, [(2, 3, 8, 9)], None, []),
    "losses": (lambda: losses, [(3, 4), (3, 4)], None, []),
    "chosen": (lambda: chosen, [(3,)], None, []),
    "repeated": (lambda: repeated, [(3,)], None, []),
    "attended": (lambda: attended, [(2, 4, 5, 8), (5, 5)], [{0: "n"}, None], [[(3, 4, 5, 8), (5, 5)]]),
    "rows": (lambda: rows, [(2, 5, 4)], [{0: "n", 1: "t"}], [[(3, 7, 4)]]),
}  # fmt: skip


def made(name, shapes):
    if name == "decoder":
        return [tokens(*s) for s in shapes]
    values = [floats(*s) for s in shapes]
    return [
        v.abs() + 1 if name in ("positive", "of_two") else v.clamp(-0.9, 0.9) if name == "elementwise" else v
        for v in values
    ]


def listed(results):
    return list(results) if isinstance(results, tuple) else [results]


@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_agrees(name, tmp_path):
    make, shapes, dynamic, others = MODELS[name]
    model = make()
    if isinstance(model, nn.Module):
        model = model.eval()
    path = weft.onnx.export(model, tuple(made(name, shapes)), tmp_path / "model.onnx", dynamic_shapes=dynamic)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    back = weft.onnx.load(path)
    if not isinstance(model, nn.Module):
        assert not list(back.parameters()), "numbers of the program are no parameters"
    for sizes in [shapes, *others]:
        args = made(name, sizes)
        with weft.no_grad():
            wanted, again = listed(model(*args)), listed(back(*args))
        found = session.run(None, {i.name: a.numpy() for i, a in zip(session.get_inputs(), args)})
        for ours, theirs, ours_again in zip(wanted, found, again):
            assert tuple(ours.shape) == theirs.shape
            assert_close(weft.tensor(theirs), ours, rtol=1e-5, atol=1e-5)
            assert_close(ours_again, ours, rtol=1e-5, atol=1e-5)


def test_names_and_stamps(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    path = weft.onnx.export(
        model,
        weft.randn(2, 4),
        tmp_path / "m.onnx",
        dynamic_shapes=[{0: "n"}],
        opset=18,
        input_names=["features"],
        output_names=["scores"],
    )
    proto = onnx.load(path)
    assert (proto.ir_version, proto.opset_import[0].version, proto.producer_name) == (10, 18, "weft")
    assert [i.name for i in proto.graph.input] == ["features"]
    assert [i.name for i in proto.graph.initializer] == ["0.weight", "0.bias"]
    (output,) = proto.graph.output
    sizes = output.type.tensor_type.shape.dim
    assert (output.name, sizes[0].dim_param, sizes[1].dim_value) == ("scores", "n", 3)


def branches(x):
    return x + 1 if x.shape[0] > 3 else x * 2


@pytest.mark.parametrize(
    ("model", "shape", "options", "words"),
    [
        (nn.Dropout(), (3,), {}, "random numbers"),
        (nn.BatchNorm1d(3), (2, 3), {}, "writes to its state"),
        (lambda x: weft.special.i0(x), (3,), {}, "test_onnx_export.py:.* i0 of"),
        (branches, (2, 3), {"dynamic_shapes": [{0: "n"}]}, "another at other sizes"),
        (nn.ReLU(), (3,), {"dynamic_shapes": {"y": {0: "n"}}}, "'y'; the inputs are input"),
        (nn.ReLU(), (3,), {"opset": 5}, "18 to 23"),
        (nn.ReLU(), (3,), {"output_names": ["input"]}, "output_names"),
    ],
)
def test_what_cannot_be_written(model, shape, options, words, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("as it was")
    with pytest.raises((NotImplementedError, ValueError), match=words):
        weft.onnx.export(model, weft.randn(*shape), path, **options)
    assert path.read_text() == "as it was" and [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
