"""weft.import_stablehlo and weft.export(format="stablehlo"): what jax printed, what weft prints, one as the input of the other."""

import ctypes
import pathlib
import subprocess
import sys

import numpy
import pytest
import test_ops
import weft
from model_files import NAMES as MODELS
from weft import nn
from weft.export import stablehlo_text
from weft.testing import assert_close

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import stablehlo_xla

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data" / "stablehlo"
NAMES = sorted(path.stem for path in FOLDER.glob("*.mlir"))


def stored(name):
    """The program, its arguments, and what XLA made of them."""
    model = weft.import_stablehlo(FOLDER / f"{name}.mlir")
    arrays = numpy.load(FOLDER / f"{name}.npz")
    given = [weft.from_numpy(arrays[f"in{i}"]) for i in range(sum(k.startswith("in") for k in arrays))]
    args = [x.to(example.dtype) for x, example in zip(given, model.example_inputs)]
    return model, args, [arrays[f"out{i}"] for i in range(sum(k.startswith("out") for k in arrays))]


def compare(results, expected, tolerance=1e-5):
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) == len(expected)
    for i, (y, wanted) in enumerate(zip(results, expected)):
        if y.dtype in (weft.bfloat16, weft.float16):
            tolerance = 1e-2
        y = (y.float() if y.dtype == weft.bfloat16 else y).numpy()
        assert y.dtype == wanted.dtype and y.shape == wanted.shape, i
        if wanted.dtype.kind in "fc":
            numpy.testing.assert_allclose(y, wanted, tolerance, tolerance, err_msg=str(i))
        else:
            numpy.testing.assert_array_equal(y, wanted, str(i))


@pytest.mark.parametrize("name", NAMES)
def test_programs_of_jax(name):
    model, args, expected = stored(name)
    results = model(*args)
    compare(results, expected)
    assert_close(weft.compile(model)(*args), results, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_programs_of_jax_written_again(name, tmp_path):
    """Of complex numbers there are pairs."""
    model, args, expected = stored(name)
    weft.export(model, tuple(args), tmp_path / "again.mlir", format="stablehlo")
    again = weft.import_stablehlo(tmp_path / "again.mlir")
    args = [weft.view_as_real(x) if x.is_complex() else x for x in args]
    compare(again(*args), [numpy.stack([y.real, y.imag], -1) if y.dtype.kind == "c" else y for y in expected])


# ---------------------------------------------------------------- written and read again


def first_examples():
    """Of each op with a NumPy expression its first example."""
    for case in test_ops.cases():
        if case.id.endswith("-0"):
            yield case


UNWRITTEN = ("Extern", "Composite")  # what a library computes, and what is made of that


@pytest.mark.parametrize("record, example", list(first_examples()))
def test_ops_written_and_read(record, example):
    values = test_ops.Examples(record, record["dtypes"][-1] if record["dtypes"] else "float")(example)
    operands, attrs = test_ops.split(record, values)
    tensors = [test_ops.to_tensor(x, "float32") for x in operands]
    flat = [x for t in tensors if t is not None for x in (t if isinstance(t, list) else [t])]

    def function(*given):
        rest = iter(given)
        own = [None if t is None else [next(rest) for _ in t] if isinstance(t, list) else next(rest) for t in tensors]
        return test_ops.call(record, own, attrs)

    try:
        text, _ = stablehlo_text(function, tuple(flat))
    except NotImplementedError as error:
        assert record["family"] in UNWRITTEN and "has no counterpart in StableHLO" in str(error)
        return
    found = weft.import_stablehlo(text)(*flat)
    wanted = test_ops.results_of(function(*flat))
    for y, x in zip(test_ops.results_of(found), wanted, strict=True):
        assert_close(y, x, rtol=2e-5, atol=2e-5, equal_nan=True)


class Smooth(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.dropout = nn.Linear(4, 2), nn.Dropout(0.5)
        self.register_buffer("mean", weft.zeros(2))

    def forward(self, x):
        y = self.dropout(self.linear(x))
        self.mean.mul_(0.9).add_(y.detach().mean(0) * 0.1)
        return y - self.mean


def test_states_are_arguments_and_results(tmp_path):
    weft.manual_seed(3)
    model, x = Smooth(), weft.randn(5, 4)
    path = weft.export(model, (x,), tmp_path / "smooth.stablehlo", format="stablehlo")
    text = pathlib.Path(path).read_text()
    assert text.count('{weft.state = "mean"}') == 2 and text.count("{weft.generator}") == 2
    again = weft.import_stablehlo(path)
    assert [tuple(e.shape) for e in again.example_inputs] == [(5, 4), (2,), (2,)]
    state, mean = weft.tensor([3, 20]), weft.zeros(2)
    order = [mean, state] if again.example_inputs[1].dtype == weft.float32 else [state, mean]
    y, *after = again(x, *order)
    mean, state = (z for dtype in (weft.float32, weft.int64) for z in after if z.dtype == dtype)
    assert state[0] == 3 and state[1] > 20  # the next numbers are others
    assert (y == -mean).any()  # where dropped
    assert weft.import_stablehlo(text)(x, *order)[0].equal(y)


def test_weights_as_arguments(tmp_path):
    model, x = nn.Linear(3, 2), weft.randn(4, 3)
    weft.export(model, (x,), tmp_path / "linear.mlir", format="stablehlo", weights="arguments")
    again = weft.import_stablehlo(tmp_path / "linear.mlir")
    named = {t.shape: t for t in weft.load(tmp_path / "linear.safetensors").values()}
    assert_close(again(x, *(named[e.shape] for e in again.example_inputs[1:])), model(x))
    weft.export(model, (x,), tmp_path / "alone.mlir", format="stablehlo")
    assert not (tmp_path / "alone.safetensors").exists()
    assert_close(weft.import_stablehlo(tmp_path / "alone.mlir")(x), model(x))


def test_every_dtype_of_constants(tmp_path):
    for name in "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64".split():
        dtype = getattr(weft, name)
        for count in (3, 40):  # decimal, and hexadecimal
            weight = (weft.arange(count) % 3).to(dtype)
            text, _ = stablehlo_text(
                lambda x, w=weight: weft.where(x, w, w.flip(0)), (weft.ones(count, dtype=weft.bool),)
            )
            assert_close(weft.import_stablehlo(text)(weft.ones(count, dtype=weft.bool)), weight)


@pytest.mark.parametrize("name", ["nanogpt", "mnist_cnn", "mobilenet_v2", "gat"])
def test_training_steps_written_and_read(name):
    step, args = stablehlo_xla.step_of(name)
    _, _, results, states = stablehlo_xla.compare(step, args, stablehlo_xla.by_weft)
    assert results < 1e-5 and states < 1e-5


@pytest.mark.parametrize("name", [n for n in MODELS if n in ("nanogpt", "resnet_cifar", "vq_vae")])
def test_training_steps_by_xla(name):
    pytest.importorskip("jaxlib", reason="jaxlib is not installed")
    pytest.importorskip("jax", reason="jax, which brings jaxlib's data in, is not installed")
    step, args = stablehlo_xla.step_of(name)
    _, _, results, states = stablehlo_xla.compare(step, args, stablehlo_xla.by_xla())
    assert results < 1e-5 and states < 1e-5


# ---------------------------------------------------------------- without Python


@pytest.mark.parametrize("name", ["scan_rnn"])
def test_a_program_of_jax_as_a_library(name, tmp_path):
    library = tmp_path / "model.so"
    arguments = ["weft-aot", str(FOLDER / f"{name}.mlir"), "-o", str(library), "--header", str(tmp_path / "model.h")]
    code = f"import sys; sys.argv = {arguments!r}; from weft._tools import aot; aot()"
    subprocess.run([sys.executable, "-c", code], check=True)
    _, args, expected = stored(name)
    given = [numpy.ascontiguousarray(x.numpy()) for x in args]
    results = [numpy.empty_like(x) for x in expected]
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*given, *results)]
    assert ctypes.CDLL(str(library)).model_run(*pointers) == 0
    compare(tuple(map(weft.from_numpy, results)), expected)


# ---------------------------------------------------------------- text that cannot be read


def main_of(body, arguments="%a: tensor<4xf32>", result="tensor<4xf32>"):
    return f"module {{\n  func.func public @main({arguments}) -> {result} {{\n    {body}\n  }}\n}}\n"


@pytest.mark.parametrize(
    "text, error, message",
    [
        ("module {\n", ValueError, "line 2: func.func was expected"),
        ("module {\n}", ValueError, "there is no function"),
        (main_of("%0 = stablehlo.foo %a : tensor<4xf32>\n return %0 : tensor<4xf32>"), NotImplementedError, r"line 3: stablehlo.foo of \(tensor<4xf32>\): weft has nothing for it"),
        (main_of("%0 = stablehlo.add %a, %b : tensor<4xf32>\n return %0 : tensor<4xf32>"), ValueError, "line 3: there is no value %b before"),
        (main_of("%0 = stablehlo.add %a, %a : tensor<5xf32>\n return %0 : tensor<5xf32>"), ValueError, "line 3: an operand of stablehlo.add is tensor<4xf32>, and said to be tensor<5xf32>"),
        (main_of("return %a : tensor<4xf32>", result="tensor<5xf32>"), ValueError, r"@main returns \(tensor<4xf32>\), and says that it returns \(tensor<5xf32>\)"),
        (main_of("return %a : tensor<?xf32>", "%a: tensor<?xf32>"), ValueError, "specialise the program to its sizes first"),
        (main_of("return %a : tensor<4xf8E4M3FN>", "%a: tensor<4xf8E4M3FN>"), NotImplementedError, "has elements that weft has no dtype for"),
        (main_of("return %a : tensor<99999999x99999999xf32>", "%a: tensor<99999999x99999999xf32>"), ValueError, "is larger than any tensor"),
        (main_of("%0 = call @main(%a) : (tensor<4xf32>) -> tensor<4xf32>\n return %0 : tensor<4xf32>"), ValueError, "calls itself"),
        (main_of("%0 = stablehlo.custom_call @lapack_spotrf_ffi(%a) : (tensor<4xf32>) -> tensor<4xf32>\n return %0 : tensor<4xf32>"), NotImplementedError, "@lapack_spotrf_ffi is not weft's"),
        (main_of("%0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<4xf32>\n return %0 : tensor<4xf32>"), ValueError, "do not have the shape of its type"),
        (main_of("%0 = stablehlo.constant dense<" + "[" * 100000), ValueError, "brackets lie within each other"),
        ("\0", FileNotFoundError, ""),
    ],
)  # fmt: skip
def test_errors_of_text(text, error, message):
    with pytest.raises(error if text != "\0" else (ValueError, OSError), match=message or None):
        weft.import_stablehlo(text)


def test_arguments_must_be_what_the_text_says():
    model = weft.import_stablehlo(main_of("%0 = stablehlo.add %a, %a : tensor<4xf32>\n return %0 : tensor<4xf32>"))
    with pytest.raises(TypeError, match=r"must be float32\[4\]; got float32\[5\]"):
        model(weft.zeros(5))


def test_export_takes_known_words(tmp_path):
    for words, message in (
        ({"format": "hlo"}, "format must be one of mlir, stablehlo; got 'hlo'"),
        ({"format": "stablehlo", "weights": "none"}, "weights must be one of embedded, arguments; got 'none'"),
        ({"weights": "arguments"}, "is for format='stablehlo'"),
    ):
        with pytest.raises(ValueError, match=message):
            weft.export(weft.sin, (weft.zeros(2),), tmp_path / "x", **words)


def test_indices_that_are_clamped_need_no_check():
    """They may stand in a loop's body, where no error can come from."""
    x = weft.arange(5.0)
    step = lambda i, s: (i + 2, s + x.index_select(0, i.clamp(0, 4).reshape(1)))  # noqa: E731
    _, total = weft.while_loop(lambda i, s: i < 9, step, (weft.tensor(0), weft.zeros(1)))
    assert total == 0 + 2 + 4 + 4 + 4
    with pytest.raises(NotImplementedError, match="must be looked at"):
        weft.while_loop(
            lambda i, s: i < 9,
            lambda i, s: (i + 2, s + x.index_select(0, i.reshape(1))),
            (weft.tensor(0), weft.zeros(1)),
        )
