"""Models of other tools: weft.onnx.load against ONNX Runtime, and a sample of ONNX's own backend tests."""

import subprocess
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
import pytest
import weft
from artifact import AOT, Artifact
from conftest import assert_same_bits
from onnx import numpy_helper, parser
from onnxruntime import quantization
from weft.testing import assert_close

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import onnx_backend_tests as suite  # noqa: E402

BLOCK = """
<ir_version: 8, opset_import: ["" : 17]>
block (float[N, 3, 12, 12] x) => (float[N, 10] y)
{
  a = Conv <pads = [1, 1, 1, 1]> (x, conv__weight, conv__bias)
  b = BatchNormalization (a, bn__weight, bn__bias, bn__mean, bn__var)
  c = Relu (b)
  d = Conv <pads = [1, 1, 1, 1]> (c, deep__weight)
  e = Add (c, d)
  f = MaxPool <kernel_shape = [3, 3], strides = [6, 6], pads = [1, 1, 1, 1]> (e)
  shape = Shape (f)
  first = Constant <value_int = 0> ()
  n = Gather (shape, first)
  axes = Constant <value_ints = [0]> ()
  rows = Unsqueeze (n, axes)
  rest = Constant <value_ints = [-1]> ()
  wanted = Concat <axis = 0> (rows, rest)
  g = Reshape (f, wanted)
  y = Gemm <transB = 1> (g, head__weight, head__bias)
}
"""
LAYER = """
<ir_version: 8, opset_import: ["" : 17]>
layer (int64[N, T] tokens, float[N, T] mask) => (float[N, T, 16] y)
{
  h = Gather (embed__weight, tokens)
  p = MatMul (h, qkv)
  q0, k0, v0 = Split <axis = -1> (p)
  s = Shape (tokens)
  heads = Constant <value_ints = [4, 4]> ()
  split = Concat <axis = 0> (s, heads)
  q1 = Reshape (q0, split)
  k1 = Reshape (k0, split)
  v1 = Reshape (v0, split)
  q = Transpose <perm = [0, 2, 1, 3]> (q1)
  k = Transpose <perm = [0, 2, 3, 1]> (k1)
  v = Transpose <perm = [0, 2, 1, 3]> (v1)
  scores = MatMul (q, k)
  half = Constant <value_float = 0.5> ()
  scaled = Mul (scores, half)
  one = Constant <value_float = 1.0> ()
  hidden = Sub (one, mask)
  least = Constant <value_float = -10000.0> ()
  bias0 = Mul (hidden, least)
  axes = Constant <value_ints = [1, 2]> ()
  bias = Unsqueeze (bias0, axes)
  masked = Add (scaled, bias)
  weights = Softmax <axis = -1> (masked)
  mixed = MatMul (weights, v)
  back = Transpose <perm = [0, 2, 1, 3]> (mixed)
  width = Constant <value_ints = [16]> ()
  joined_shape = Concat <axis = 0> (s, width)
  joined = Reshape (back, joined_shape)
  sum = Add (joined, h)
  normed = LayerNormalization <axis = -1> (sum, norm__weight, norm__bias)
  u = MatMul (normed, up)
  root = Constant <value_float = 1.41421356> ()
  e0 = Div (u, root)
  e1 = Erf (e0)
  e2 = Add (e1, one)
  e3 = Mul (u, e2)
  e4 = Mul (e3, half)
  d = MatMul (e4, down)
  y = Add (d, normed)
}
"""
WEIGHTS = {
    BLOCK: {
        "conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "bn.weight": (8,), "bn.bias": (8,), "bn.mean": (8,), "bn.var": (8,),
        "deep.weight": (8, 8, 3, 3), "head.weight": (10, 32), "head.bias": (10,),
    },
    LAYER: {
        "embed.weight": (50, 16), "norm.weight": (16,), "norm.bias": (16,), "qkv": (16, 48), "up": (16, 64), "down": (64, 16),
    },
}  # fmt: skip


def model_of(kind):
    """A model from its text, in which __ stands for a dot, with random weights."""
    model = parser.parse_model(kind)
    rng = numpy.random.default_rng(3)
    for name, shape in WEIGHTS[kind].items():
        values = rng.uniform(0.5, 1, shape) if "var" in name else rng.normal(0, 0.2, shape)
        model.graph.initializer.append(numpy_helper.from_array(values.astype("float32"), name))
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = name.replace("__", ".")
    onnx.checker.check_model(model)
    return model


def by_onnxruntime(model, *inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs)))


def inputs_of(kind, n, t=7):
    rng = numpy.random.default_rng(n)
    if kind is BLOCK:
        return (rng.normal(size=(n, 3, 12, 12)).astype("float32"),)
    return rng.integers(0, 50, (n, t)), (rng.random((n, t)) < 0.8).astype("float32")


def tensors(arrays):
    return [weft.tensor(a) for a in arrays]


@pytest.mark.parametrize("kind", [BLOCK, LAYER], ids=["block", "layer"])
def test_agrees_with_onnx_runtime(kind):
    model = model_of(kind)
    module = weft.onnx.load(model.SerializeToString())
    compiled = weft.compile(weft.onnx.load(model))
    for n in (1, 2, 5):
        arrays = inputs_of(kind, n)
        wanted = by_onnxruntime(model, *arrays)[0]
        y = module(*tensors(arrays))
        assert_close(y.detach(), weft.tensor(wanted), rtol=1e-5, atol=1e-5)
        assert (compiled(*tensors(arrays)) == y).all()
    for _ in range(2):
        compiled(*tensors(arrays))
    assert weft.explain(compiled, *tensors(arrays)).mode == "replay"


def test_weights_have_their_names():
    module = weft.onnx.load(model_of(BLOCK))
    names = dict(module.named_parameters())
    assert list(names)[:3] == ["conv.weight", "conv.bias", "bn.weight"] and names["head.bias"].shape == (10,)
    assert [n for n, _ in module.named_buffers()] == ["bn.mean", "bn.var"]
    again = weft.onnx.load(model_of(BLOCK))
    with weft.no_grad():
        again.head.bias.add_(1)
    module.load_state_dict(again.state_dict())
    x = tensors(inputs_of(BLOCK, 2))
    assert (module(*x) == again(*x)).all()


def test_trains():
    module = weft.onnx.load(model_of(BLOCK))
    optimizer = weft.optim.Adam(module.parameters(), lr=1e-2)
    x, target = tensors(inputs_of(BLOCK, 8))[0], weft.arange(8)

    @weft.compile
    def step():
        loss = weft.nn.functional.cross_entropy(module(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    first = step().item()
    for _ in range(20):
        last = step().item()
    assert last < first / 2


def test_exports_to_a_program(tmp_path):
    module = weft.onnx.load(model_of(LAYER))
    path = weft.export(module, tuple(tensors(inputs_of(LAYER, 2))), tmp_path / "layer.mlir")
    assert "embed.weight" in Path(path).read_text()


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
@pytest.mark.parametrize("kind", [BLOCK, LAYER], ids=["block", "layer"])
def test_ahead_of_time(kind, tmp_path):
    module, x = weft.onnx.load(model_of(kind)).requires_grad_(False), tensors(inputs_of(kind, 2))
    assert_same_bits(Artifact(module, tuple(x), tmp_path)(*x)[0], module(*x))


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
def test_the_command_takes_a_file(tmp_path):
    model = model_of(BLOCK)
    (tmp_path / "free.onnx").write_bytes(model.SerializeToString())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    command = [sys.executable, "-c", "from weft._tools import aot; aot()"]

    def run(name, *options):
        words = [*command, f"{name}.onnx", "-o", "m.so", "--header", "m.h", *options]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    made = run("model")
    assert made.returncode == 0 and "x: float32[2, 3, 12, 12]" in (tmp_path / "m.h").read_text(), made.stderr
    made = run("free")
    assert made.returncode == 1 and "'x' is of shape [N, 3, 12, 12]" in made.stderr and "--size N=8" in made.stderr
    made = run("free", "--size", "N=5")
    assert made.returncode == 0 and "x: float32[5, 3, 12, 12]" in (tmp_path / "m.h").read_text(), made.stderr
    for options, words in [
        (["--size=M=2"], "no open size 'M'; there are N"),
        (["--size=N"], "--size batch=8"),
        (["--size", "N=0"], "positive number"),
    ]:
        made = run("free", *options)
        assert made.returncode == 1 and words in made.stderr


def test_defaults_can_be_replaced():
    text = """<ir_version: 8, opset_import: ["" : 17]>
    scaled (float[2] x, float[2] s) => (float[2] y) <float[2] s = {2, 3}> { y = Mul (x, s) }"""
    module = weft.onnx.load(parser.parse_model(text))
    x = weft.tensor([1.0, 1.0])
    assert module(x).tolist() == [2, 3] and module(x, s=weft.tensor([5.0, 6.0])).tolist() == [5, 6]


# Results that are other roundings of 16-bit floats or of a transform's noise around 0, random, or that the reference has wrong.
OTHER = (
    "bernoulli", "training_dropout", "attention_4d_causal", "attention_4d_padded_kv_bf16", "attn_mask_causal_bf16", "attention_3d_causal_bf16",
    "dft_inverse", "linear_align_corners", "cubic_align_corners",
)  # fmt: skip


MODULES = [
    "batch_normalization", "clip", "conv", "convtranspose", "cumsum", "gathernd", "if_", "instance_normalization", "loop", "lppool", "resize", "onehot",
    "qlinearmatmul", "reduce_log_sum_exp", "reversesequence", "rnn", "scatternd", "slice", "split", "topk", "trilu", "unique",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["node", "simple", "pytorch-converted", "pytorch-operator"])
def test_backend_suite(kind):
    """A sample; tools/onnx_backend_tests.py runs them all."""
    cases = suite.made("node", MODULES) if kind == "node" else suite.cases([kind])
    passed = 0
    for i, (_, name, model, data, rtol, atol) in enumerate(cases):
        if i % 4 or any(other in name for other in OTHER):
            continue
        result, why = suite.outcome(suite.run_weft, model, data, rtol, atol)
        assert result != "fail", f"{name}: {why}"
        passed += result == "pass"
    assert passed >= {"node": 35, "simple": 4, "pytorch-converted": 18, "pytorch-operator": 7}[kind]


# ---------------------------------------------------------------- int8


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, batches):
        self.batches = iter(batches)

    def get_next(self):
        return next(self.batches, None)


@pytest.mark.parametrize("form", ["qdq", "qdq per channel", "qoperator", "dynamic"])
def test_quantized_models(form, tmp_path):
    model = weft.nn.Sequential(
        weft.nn.Conv2d(3, 8, 3, padding=1),
        weft.nn.ReLU(),
        weft.nn.MaxPool2d(2),
        weft.nn.Flatten(),
        weft.nn.Linear(128, 10),
    )
    x = numpy.random.randn(4, 3, 8, 8).astype("float32")
    real, whole = (
        str(weft.onnx.export(model.eval(), weft.tensor(x), tmp_path / "real.onnx", opset=18)),
        str(tmp_path / "int8.onnx"),
    )
    if form == "dynamic":
        # Weights of 7 bits: without VNNI, ONNX Runtime adds pairs of products of 8 bits in 16, where they do not fit.
        quantization.quantize_dynamic(real, whole, reduce_range=True)
    else:
        kind = quantization.QuantFormat.QOperator if form == "qoperator" else quantization.QuantFormat.QDQ
        batches = Calibration([{"input": x}])
        quantization.quantize_static(real, whole, batches, quant_format=kind, per_channel="channel" in form)
    module = weft.onnx.load(whole)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {"input": x})[0]
    with weft.no_grad():
        y = module(weft.tensor(x))
        assert_close(y, weft.tensor(wanted), rtol=1e-5, atol=1e-5)
        assert (weft.compile(module)(weft.tensor(x)) == y).all()
    if form.startswith("qdq"):
        names = " ".join(module.state_dict())
        assert "DequantizeLinear" in names and "weight_quantized" not in names.replace("weight_quantized_", "")


# ---------------------------------------------------------------- branches and loops

BRANCHES = """
<ir_version: 8, opset_import: ["" : 17]>
chosen (float[3] x) => (float[3] y)
{
  zero = Constant <value_float = 0.0> ()
  total = ReduceSum <keepdims = 0> (x)
  positive = Greater (total, zero)
  y = If (positive) <
    then_branch = twice () => (float[3] a) { a = Add (x, x) },
    else_branch = less () => (float[3] b) { b = Sub (zero, x) }
  >
}
"""
LOOPS = """
<ir_version: 8, opset_import: ["" : 17]>
counted (float[3] x, int64 trips) => (float[3] last, float[N, 3] all)
{
  yes = Constant <value = bool {1}> ()
  last, all = Loop (trips, yes, x) <
    body = step (int64 i, bool going, float[3] v) => (bool still, float[3] w, float[3] kept) {
      still = Identity (going)
      w = Add (v, x)
      kept = Mul (v, v)
    }
  >
}
"""


def test_branches():
    model = parser.parse_model(BRANCHES)
    module = weft.onnx.load(model)
    compiled = weft.compile(module)
    for values in ([1.0, 2.0, 3.0], [-1.0, -2.0, 0.5]):
        x = numpy.array(values, "float32")
        wanted = by_onnxruntime(model, x)[0].tolist()
        assert module(weft.tensor(x)).tolist() == wanted
        assert compiled(weft.tensor(x)).tolist() == wanted


def test_a_branch_is_part_of_a_program(tmp_path):
    path = weft.export(weft.onnx.load(parser.parse_model(BRANCHES)), (weft.ones(3),), tmp_path / "branch.mlir")
    assert "weft.cond" in Path(path).read_text()


@pytest.mark.parametrize("trips", [0, 1, 4])
def test_loops(trips):
    model = parser.parse_model(LOOPS)
    x, count = numpy.array([1.0, 2.0, 3.0], "float32"), numpy.array(trips)
    last, kept = weft.onnx.load(model)(weft.tensor(x), weft.tensor(count))
    wanted = by_onnxruntime(model, x, count)
    assert (
        last.tolist() == wanted[0].tolist()
        and kept.tolist() == wanted[1].tolist()
        and tuple(kept.shape) == wanted[1].shape
    )


WHILE = """
<ir_version: 8, opset_import: ["" : 17]>
doubled (float[2] x) => (float[2] y)
{
  yes = Constant <value = bool {1}> ()
  limit = Constant <value_float = 100.0> ()
  total = ReduceSum <keepdims = 0> (x)
  begin = Less (total, limit)
  y = Loop ("", begin, x) <
    body = step (int64 i, bool going, float[2] v) => (bool still, float[2] w) {
      w = Add (v, v)
      sum = ReduceSum <keepdims = 0> (w)
      still = Less (sum, limit)
    }
  >
}
"""


def test_a_loop_is_part_of_a_program(tmp_path):
    model = parser.parse_model(WHILE)
    module = weft.onnx.load(model)
    compiled = weft.compile(module)
    for values in ([1.0, 2.0], [90.0, 20.0], [3.0, 1.0]):
        x = numpy.array(values, "float32")
        wanted = by_onnxruntime(model, x)[0].tolist()
        assert module(weft.tensor(x)).tolist() == wanted
        assert compiled(weft.tensor(x)).tolist() == wanted
    assert weft.explain(compiled, weft.tensor(x)).mode == "replay"
    assert "weft.while_loop" in Path(weft.export(module, (weft.ones(2),), tmp_path / "loop.mlir")).read_text()


DIFFERENT = """
<ir_version: 8, opset_import: ["" : 17]>
chosen (float[3] x) => (float[N] y)
{
  zero = Constant <value_float = 0.0> ()
  total = ReduceSum <keepdims = 0> (x)
  positive = Greater (total, zero)
  y = If (positive) <
    then_branch = twice () => (float[6] a) { a = Concat <axis = 0> (x, x) },
    else_branch = less () => (float[3] b) { b = Neg (x) }
  >
}
"""


def test_branches_of_different_shapes():
    module = weft.onnx.load(parser.parse_model(DIFFERENT))
    compiled = weft.compile(module)
    for values in ([1.0, 2.0, 3.0], [-1.0, -2.0, 0.5], [0.5, 1.0, 2.0]):
        assert compiled(weft.tensor(values)).tolist() == module(weft.tensor(values)).tolist()


def test_a_function_of_the_file():
    text = """<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
    main (float[2] x) => (float[2] y) { y = own.scaled <by: float = 3.0> (x) }
    <domain: "own", opset_import: ["" : 17]> scaled <by> (a) => (b) { k = Constant <value_float: float = @by> ()  b = Mul (a, k) }"""
    assert weft.onnx.load(parser.parse_model(text))(weft.tensor([1.0, 2.0])).tolist() == [3, 6]


# ---------------------------------------------------------------- files that are not to be trusted


def test_data_beside_the_file(tmp_path):
    model = model_of(BLOCK)
    x = inputs_of(BLOCK, 2)
    path = tmp_path / "model.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    wanted = by_onnxruntime(model_of(BLOCK), *x)[0]
    assert_close(weft.onnx.load(path)(*tensors(x)).detach(), weft.tensor(wanted), rtol=1e-5, atol=1e-5)
    with pytest.raises(RuntimeError, match=r"load the model by its path"):
        weft.onnx.load(path.read_bytes())
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(RuntimeError, match=r"needs 864 bytes at .* has 5 and"):
        weft.onnx.load(path)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "link.bin", "none.bin", ""])
def test_data_lies_in_the_folder_alone(location, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(864))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    model = model_of(BLOCK)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(RuntimeError, match="folder|file"):
        weft.onnx.load(folder / "model.onnx")


def node(text, opset=17):
    return parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}, "else" : 1]> g (float[2] x) => (float[2] y) {{ {text} }}'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "y = Abs <slope = 1> (x)",
            r"node 'y' \(Abs, opset 17\) of \(float\[2\]\) has the attribute 'slope'; supported are none",
        ),
        (
            "y = else.Abs (x)",
            r"\(else.Abs, opset 1\) of \(float\[2\]\) is not supported; there are no operators of the domain 'else'",
        ),
        ("y = Cast <to = 17> (x)", r"is float8e4m3fn, which weft has no dtype for; supported are float32, "),
        ("y = Abs (z)", "reads 'z', which nothing before it defines"),
        ("z = Abs (y) y = Abs (z)", "cycle"),
        ("y = Abs (x) y = Abs (x)", "defines 'y' twice"),
        ("y = Add (x)", "has 1 inputs .*; it takes 2 to 2"),
        ("z = Abs (x)", "gives 'y', which no node computes"),
    ],
)
def test_what_cannot_be_loaded(text, words):
    with pytest.raises((NotImplementedError, RuntimeError), match=words):
        module = weft.onnx.load(node(text))
        module(weft.zeros(2))


def test_functions_that_call_themselves():
    model = node("y = else.again (x)")
    model.functions.append(
        parser.parse_function('<domain: "else", opset_import: ["else" : 1]> again (a) => (b) { b = else.again (a) }')
    )
    with pytest.raises(RuntimeError, match="deeper than 64"):
        weft.onnx.load(model)


def test_inputs_are_checked():
    module = weft.onnx.load(node("y = Abs (x)"))
    for args, words in [
        ((), "input 'x' is missing"),
        ((weft.zeros(3),), r"'x' must be of shape \[2\]; got \[3\]"),
        ((weft.zeros(2, dtype=weft.int64),), r"'x' must be float32; got int64\[2\]"),
        (([0.0, 1.0],), "'x' must be a tensor; got list"),
        ((weft.zeros(2), weft.zeros(2)), "takes 1 inputs"),
    ]:
        with pytest.raises((TypeError, ValueError), match=words):
            module(*args)
    with pytest.raises(RuntimeError, match=r"node 'y' .*: .*divi"):
        weft.onnx.load(parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]> g (int64[1] x, int64[1] z) => (int64[1] y)
            { y = Div (x, z) }"""))(weft.ones(1, dtype=weft.int64), weft.zeros(1, dtype=weft.int64))  # fmt: skip


def test_backend_interface():
    backend = weft.onnx.backend
    x = numpy.array([-1.0, 2.0], "float32")
    (y,) = backend.run_node(onnx.helper.make_node("Abs", ["x"], ["y"]), [x])
    assert y.dtype == numpy.float32 and y.tolist() == [1, 2]
    prepared = backend.prepare(node("y = Neg (x)"), "CPU")
    assert prepared.run([x])[0].tolist() == [1, -2] and prepared.run({"x": x})[0].tolist() == [1, -2]
    assert backend.supports_device("CPU") and not backend.supports_device("TPU")
    assert backend.is_compatible(node("y = Neg (x)")) and not backend.is_compatible(node("y = else.Abs (x)"))
