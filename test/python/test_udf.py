"""weft.udf: a library of weft-aot as a function of arrays and tables, in threads and processes."""

import concurrent.futures
import multiprocessing
import os
import pickle
import shutil

import numpy
import pytest
import weft
from artifact import AOT, build
from conftest import assert_same_bits
from weft import nn

pytestmark = pytest.mark.skipif(AOT is None, reason="weft-aot is not built")
ROWS = 4
RANDOM = numpy.random.RandomState(0)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x, scale):
        y = self.linear(x) * scale[:, None]
        return y, y.sum(1)


SYMBOLIC = """
func.func @main(%x: tensor<?x3xf32, #weft.symbols<[0]>> {weft.name = "x"}, %y: tensor<?x3xf32, #weft.symbols<[0]>> {weft.name = "y"})
    -> tensor<?x3xf32, #weft.symbols<[0]>> attributes {weft.symbol_count = 1 : i64} {
  %0 = weft.mul %x, %y : (tensor<?x3xf32, #weft.symbols<[0]>>, tensor<?x3xf32, #weft.symbols<[0]>>) -> tensor<?x3xf32, #weft.symbols<[0]>>
  return %0 : tensor<?x3xf32, #weft.symbols<[0]>>
}
"""


def library(folder, function=None, args=(), text=None, *options):
    if text is None:
        weft.export(function, args, folder / "model.mlir")
    else:
        (folder / "model.mlir").write_text(text)
    made = build(folder, "--name=net", *options)
    assert made.returncode == 0, made.stderr
    return folder / "model.so"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    weft.manual_seed(0)
    model = Two()
    return model, library(tmp_path_factory.mktemp("two"), model, (weft.ones(ROWS, 3), weft.ones(ROWS)))


@pytest.fixture(scope="module")
def symbolic(tmp_path_factory):
    return library(tmp_path_factory.mktemp("symbolic"), text=SYMBOLIC)


def batch(count):
    return RANDOM.uniform(-1, 1, (count, 3)).astype("float32"), RANDOM.uniform(-1, 1, count).astype("float32")


def test_arrays(two):
    model, path = two
    f = weft.udf(path)
    x, scale = batch(ROWS)
    expected = model(weft.from_numpy(x), weft.from_numpy(scale))
    assert f.inputs == {"x": "float32[4, 3]", "scale": "float32[4]"}
    for got in (f(x, scale), f(x, scale=scale), f(weft.from_numpy(x), list(scale)), f(numpy.asfortranarray(x), scale)):
        for one, other in zip(got, expected):
            assert isinstance(one, numpy.ndarray)
            assert_same_bits(weft.from_numpy(one), other.detach())
    narrow = x.astype("float16")  # no bit is lost
    assert (f(narrow, scale)[0] == f(narrow.astype("float32"), scale)[0]).all()


@pytest.mark.parametrize("count", [0, 1, ROWS, 4 * ROWS + 3])
def test_rows(two, count):
    model, path = two
    x, scale = batch(count)
    got = weft.udf(path, rows=True)(x, scale)
    for one, other in zip(got, model(weft.from_numpy(x), weft.from_numpy(scale))):
        assert_same_bits(weft.from_numpy(one), other.detach())


def test_sizes_that_are_symbols(symbolic):
    f = weft.udf(symbolic)
    assert f.inputs["x"] == "float32[s0, 3]"
    for count in (1, 2, 5, 0):
        x = batch(count)[0]
        assert (f(x, x) == x * x).all()
    with pytest.raises(ValueError, match=r"\[udf\] y must be float32\[s0, 3\]; got float32\[2, 3\]"):
        f(batch(3)[0], batch(2)[0])


def test_tables(two):
    model, path = two
    x, scale = batch(6)
    f = weft.udf(path, rows=True)
    expected = f(x, scale)
    got = f({"x": x, "scale": scale, "other": [1]})
    assert list(got) == ["output0", "output1"] and (got["output0"] == expected[0]).all()
    pd = pytest.importorskip("pandas")
    with pytest.raises(KeyError, match=r"the table must have the column 'x'; got \['a'\]"):
        f(pd.DataFrame({"a": [1.0]}))


def test_pyarrow_tables(two):
    pa = pytest.importorskip("pyarrow")
    x, scale = batch(6)
    f = weft.udf(two[1], rows=True)
    expected = f(x, scale)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 3)
    for make, lists in ((pa.RecordBatch, fixed), (pa.Table, pa.array(x.tolist(), pa.list_(pa.float32())))):
        table = make.from_arrays([lists, pa.array(scale)], names=["x", "scale"])
        got = f(table)
        assert type(got) is make and got.num_rows == 6
        assert got.column(1).to_pylist() == expected[1].tolist() and got.column(0).to_pylist() == expected[0].tolist()


def test_columns_side_by_side(tmp_path):
    pd = pytest.importorskip("pandas")
    path = library(tmp_path, lambda x: (x.sum(1), x * 2), (weft.ones(8, 2),))
    f = weft.udf(path, columns=["b", "a"], rows=True)
    frame = pd.DataFrame(
        {"a": numpy.float32([1, 2, 3]), "b": numpy.float32([10, 20, 30]), "c": ["x", "y", "z"]}, index=[5, 6, 7]
    )
    got = f(frame)
    assert got["output0"].tolist() == [11, 22, 33] and list(got.index) == [5, 6, 7]
    assert got["output1_0"].tolist() == [20, 40, 60]
    with pytest.raises(TypeError, match=r"x must be float32; got float64\[3, 2\]; convert it with astype\('float32'\)"):
        f(frame.astype({"a": "float64"}))


# ---- threads and processes


def test_threads(two):
    f = weft.udf(two[1], rows=True)
    batches = [batch(5) for _ in range(40)]
    expected = [f(*b) for b in batches]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for got, other in zip(pool.map(lambda b: f(*b), batches), expected):
            assert (got[0] == other[0]).all() and (got[1] == other[1]).all()
    assert weft.udf(two[1]).inputs and len([key for key in weft._udf._opened if key[0] == str(two[1])]) == 1


def apply(f, arrays):
    return f(*arrays), os.getpid()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(two, method):
    f = weft.udf(two[1], rows=True)
    batches = [batch(3) for _ in range(6)]
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        for (got, pid), arrays in zip(pool.map(apply, [f] * len(batches), batches), batches):
            assert pid != os.getpid() and (got[0] == f(*arrays)[0]).all()


def test_pickles_are_paths(two):
    f = weft.udf(two[1], rows=True)
    data = pickle.dumps(f)
    assert len(data) < 1000 and pickle.loads(data).rows is True
    assert repr(pickle.loads(data)) == repr(f)


# ---- errors


def test_errors(two, tmp_path):
    x, scale = batch(ROWS)
    f = weft.udf(two[1])
    for call, error, message in (
        (lambda: f(x), TypeError, r"\[udf\] takes x, scale; got 1 arguments"),
        (lambda: f(x, scale, x=x), TypeError, r"takes x, scale; got 2 arguments and \['x'\]"),
        (
            lambda: f(x.astype("float64"), scale),
            TypeError,
            r"x must be float32; got float64\[4, 3\]; convert it with astype",
        ),
        (
            lambda: f(x[:3], scale[:3]),
            ValueError,
            r"x must be float32\[4, 3\]; got float32\[3, 3\]; rows=True cuts batches",
        ),
        (lambda: f(x[:, :2], scale), ValueError, r"got float32\[4, 2\]; reshape it"),
        (lambda: weft.udf(two[1], columns=["a"]), ValueError, r"columns= are those of the one matrix"),
        (lambda: weft.udf(two[1], rows=True)(x, scale[:2]), ValueError, r"as many rows"),
        (lambda: weft.udf(tmp_path / "none.so"), FileNotFoundError, r"must be on each machine"),
        (lambda: weft.udf(__file__), OSError, r"\[udf\] cannot open the library"),
        (lambda: weft.udf(weft._C.__file__), ValueError, r"must be a library of this version's weft-aot"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_models_that_are_no_functions(tmp_path):
    written = library(tmp_path, lambda x: x.add_(1), (weft.ones(2),))
    with pytest.raises(ValueError, match="must not write to its arguments; .*writes to"):
        weft.udf(written)
    folder = tmp_path / "state"
    folder.mkdir()
    with pytest.raises(
        ValueError, match=r"must keep nothing from call to call; .*with generator; export it after eval\(\)"
    ):
        weft.udf(library(folder, nn.Dropout(), (weft.ones(2),)))


def test_weights_in_a_file(tmp_path):
    model = nn.Linear(3, 2)
    path = library(tmp_path, model, (weft.ones(2, 3),), None, "--weights=external")
    with pytest.raises(ValueError, match="name it with weights="):
        weft.udf(path)
    f = weft.udf(path, weights=tmp_path / "model.safetensors")
    x = batch(2)[0]
    assert_same_bits(weft.from_numpy(pickle.loads(pickle.dumps(f))(x)), model(weft.from_numpy(x)).detach())
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError):
        f(x)
