"""weft.import_torch: an archive of torch.export.save, read without PyTorch (test/data/exported.pt2 by tools/torch_export.py)."""

import ctypes
import io
import json
import pathlib
import random
import subprocess
import sys
import zipfile

import numpy
import pytest
import weft
from weft import nn

PATH = pathlib.Path(__file__).parents[1] / "data" / "exported.pt2"


class Model(nn.Module):
    """The model of tools/torch_export.py."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.linear = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Linear(8, 4)
        self.embedding = nn.Embedding(5, 4)

    def forward(self, image, kind):
        y = self.norm(self.conv(image)).relu().mean((2, 3))
        scores = self.linear(y) * 2 + weft.tensor([1.0, 2.0, 3.0, 4.0]) + self.embedding(kind)
        return scores.softmax(-1), y, weft.arange(len(image)) * 2, scores.masked_fill(scores > 2, float("-inf"))


def inputs(batch):
    return weft.randn(batch, 3, 6, 6), weft.arange(batch) % 5


def values(result):
    return [result["scores"], *result["rest"]]


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.fixture
def model():
    return weft.import_torch(PATH)


@pytest.fixture
def known(model):
    known = Model().eval()
    known.load_state_dict(model.state_dict())
    return known


def test_dynamic_batches(model, known):
    for batch in (2, 5, 17):
        args = inputs(batch)
        assert_close(values(model(*args)), known(*args))


def test_names_and_inputs(model):
    assert "conv.weight" in dict(model.named_parameters()) and "norm.running_mean" in dict(model.named_buffers())
    assert "scale" not in model.state_dict() and model.norm.num_batches_tracked.dtype == weft.int64
    assert [tuple(x.shape) for x in model.example_inputs] == [(3, 3, 6, 6), (3,)]
    assert model.code.startswith("def forward(self, image, kind):")


def test_compiles_with_eager_bits(model):
    compiled = weft.compile(model, fullgraph=True)
    for batch in (3, 4, 6, 4):
        args = inputs(batch)
        for one, other in zip(values(compiled(*args)), values(model(*args)), strict=True):
            assert weft._C.raw_bytes(one.detach()) == weft._C.raw_bytes(other.detach())


def test_trains(model):
    optimizer = weft.optim.Adam(model.parameters(), lr=0.01)
    image, kind = inputs(8)
    losses = []
    for _ in range(20):
        loss = -model(image, kind)["scores"][:, 1].log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_one_command_from_the_archive_to_a_library(model, known, tmp_path):
    library = tmp_path / "model.so"
    arguments = ["weft-aot", str(PATH), "-o", str(library), "--header", str(tmp_path / "model.h")]
    code = f"import sys; sys.argv = {arguments!r}; from weft._tools import aot; aot()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "image" in (tmp_path / "model.h").read_text()
    assert ctypes.CDLL(str(library))


# ---------------------------------------------------------------- Operators that are made of others, branches

X, Y = weft.arange(6.0).reshape(2, 3) - 2, weft.tensor([[1.0, 0.0, 2.0], [3.0, 5.0, 4.0]])
CALLS = {
    "einsum.default": (("ij,kj->ik", [X, Y]), lambda x, y: x @ y.T),
    "diff.default": ((X, 1, -1, X[:, :1]), lambda x, y: numpy.diff(x, 1, -1, x[:, :1])),
    "hstack.default": (([X, Y],), lambda x, y: numpy.hstack([x, y])),
    "clip.default": ((X, -1, 2), lambda x, y: x.clip(-1, 2)),
    "std.dim": ((X, [1], False), lambda x, y: x.std(1)),
    "movedim.intlist": ((X, [0], [1]), lambda x, y: x.T),
    "repeat_interleave.self_int": ((X, 2, 1), lambda x, y: x.repeat(2, 1)),
    "tile.default": ((X, [2, 1]), lambda x, y: numpy.tile(x, (2, 1))),
    "expand_as.default": ((X[:1], Y), lambda x, y: x[:1].repeat(2, 0)),
    "meshgrid.default": (([X[0], Y[0]],), lambda x, y: numpy.meshgrid(x[0], y[0], indexing="ij")),
    "tensor_split.sections": ((X, 2, 1), lambda x, y: numpy.array_split(x, 2, 1)),
    "prelu.default": ((X, weft.tensor([0.5])), lambda x, y: numpy.where(x > 0, x, x / 2)),
    "relu6.default": ((X * 3,), lambda x, y: (x * 3).clip(0, 6)),
    "__and__.Tensor": ((X > 0, Y > 1), lambda x, y: (x > 0) & (y > 1)),
    "upsample_nearest1d.vec": ((X[None], None, [2.0]), lambda x, y: x[None].repeat(2, 2)),
    "cross_entropy_loss.default": (
        (X, weft.tensor([2, 0])),
        lambda x, y: -numpy.log((numpy.exp(x) / numpy.exp(x).sum(1, keepdims=True))[[0, 1], [2, 0]]).mean(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_operators_made_of_others(name):
    from weft._aten import TABLE

    args, expected = CALLS[name]
    found, wanted = TABLE[f"aten.{name}"](*args), expected(X.numpy(), Y.numpy())
    pairs = zip(found, wanted, strict=True) if isinstance(found, (list, tuple)) else [(found, wanted)]
    for one, other in pairs:
        numpy.testing.assert_allclose(one.numpy(), other, rtol=1e-6)


def argument(name):
    return {"name": "", "arg": {"as_tensor": {"name": name}}, "kind": 1}


def of_one(name, target, operand, *more):
    return {
        "target": f"torch.ops.{target}",
        "inputs": [argument(operand), *more],
        "outputs": [{"as_tensor": {"name": name}}],
    }


def test_branches(known):
    """The softmax of the program in a branch."""

    def change(content):
        graph = content["graph_module"]["graph"]
        softmax = node(content, "softmax.int")
        scores, result = softmax["inputs"][0]["arg"]["as_tensor"]["name"], softmax["outputs"]
        number = {"name": "", "arg": {"as_int": 100}, "kind": 1}
        branch = lambda *nodes: {"name": "", "arg": {"as_graph": {"name": "g", "graph": {  # noqa: E731
            "inputs": [{"as_tensor": {"name": scores}}], "outputs": [nodes[-1]["outputs"][0]], "nodes": list(nodes), "tensor_values": {},
        }}}, "kind": 1}  # fmt: skip
        inside = {**softmax, "outputs": [{"as_tensor": {"name": "inside"}}]}
        cond = {
            "target": "torch.ops.higher_order.cond",
            "inputs": [
                argument("positive"),
                branch(inside),
                branch(of_one("negated", "aten.neg.default", scores)),
                {"name": "", "arg": {"as_tensors": [{"name": scores}]}, "kind": 1},
            ],
            "outputs": [{"as_tensors": [value["as_tensor"] for value in result]}],
        }
        total = [of_one("total", "aten.sum.default", scores), of_one("positive", "aten.lt.Scalar", "total", number)]
        at = graph["nodes"].index(softmax)
        graph["nodes"][at : at + 1] = [*total, cond]

    model = weft.import_torch(altered(change))
    for scale in (1, 1e4):
        image, kind = inputs(3)
        known.load_state_dict(model.state_dict())
        with weft.no_grad():
            model.linear.bias.fill_(scale)
            known.linear.bias.fill_(scale)
        expected = known(image, kind)
        scores = model(image, kind)["scores"]
        if scale > 1:
            assert (scores < 0).all()
        else:
            assert_close([scores], expected[:1])


# ---------------------------------------------------------------- Bad files


def altered(change, name="model.json"):
    """The archive with one JSON file changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(PATH) as source, zipfile.ZipFile(made, "w") as target:
        for entry in source.namelist():
            data = source.read(entry)
            if entry.endswith("/" + name):
                content = json.loads(data)
                change(content)
                data = json.dumps(content).encode()
            target.writestr(entry, data)
    made.seek(0)
    return made


def node(content, target):
    return next(n for n in content["graph_module"]["graph"]["nodes"] if n["target"] == f"torch.ops.aten.{target}")


def test_an_operator_without_a_function_names_the_node():
    file = altered(lambda content: node(content, "softmax.int").update(target="torch.ops.aten.bessel_y0.default"))
    with pytest.raises(
        NotImplementedError, match=r"node softmax is aten\.bessel_y0\.default\(self: float32\[\?, 4\], dim: int\)"
    ):
        weft.import_torch(file)


@pytest.mark.parametrize(
    "change, name, message",
    [
        (lambda c: c["schema_version"].update(major=9), "model.json", "schema is version 9"),
        (lambda c: c.pop("graph_module"), "model.json", "graph_module"),
        (lambda c: c["graph_module"]["graph"]["outputs"].pop(), "model.json", "damaged graph .StopIteration"),
        (
            lambda c: next(iter(c["config"].values()))["tensor_meta"].update(dtype=1),
            "model_weights_config.json",
            "damaged graph .RuntimeError: .requires_grad_",
        ),
        (
            lambda c: node(c, "arange.default")["inputs"][1].update(name="x=(lambda: 1)()"),
            "model.json",
            "no name of an argument|intact",
        ),
        (lambda c: c["config"]["conv.weight"].update(use_pickle=True), "model_weights_config.json", "pickled"),
        (
            lambda c: c["config"]["conv.weight"]["tensor_meta"].update(sizes=[{"as_int": 2**40}] * 4),
            "model_weights_config.json",
            "needs",
        ),
        (
            lambda c: c["config"]["conv.bias"]["tensor_meta"].update(strides=[{"as_int": -1}]),
            "model_weights_config.json",
            "strides",
        ),
        (lambda c: c["config"]["conv.bias"].update(path_name="../../secret"), "model_weights_config.json", "secret"),
        (lambda c: c["config"].pop("conv.bias"), "model_weights_config.json", "no data for conv.bias"),
    ],
)
def test_damaged_archives(change, name, message):
    with pytest.raises(ValueError, match=message):
        weft.import_torch(altered(change, name))


def test_mutants_end_in_an_error_or_a_module():
    whole, draw = PATH.read_bytes(), random.Random(0)
    with zipfile.ZipFile(PATH) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    texts = [name for name in entries if name.endswith(".json")]
    for round in range(300):
        made = io.BytesIO()
        if round % 3 == 0:
            data = bytearray(whole)
            data[draw.randrange(len(data))] = draw.randrange(256)
            made.write(data[: draw.randrange(len(data))] if round % 2 else data)
        else:
            with zipfile.ZipFile(made, "w") as target:
                chosen = draw.choice(texts)
                for name, data in entries.items():
                    if name == chosen:
                        data = bytearray(data)
                        for _ in range(draw.randrange(1, 4)):
                            data[draw.randrange(len(data))] = draw.choice(b'0123456789"{}[],:ae-')
                    target.writestr(name, bytes(data))
        try:
            weft.import_torch(made)
        except (ValueError, NotImplementedError, OSError):
            pass
