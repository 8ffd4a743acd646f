"""Columns and tables of others: Arrow's interface both ways, pandas, pyarrow and polars where they are installed."""

import gc

import numpy
import pytest
import weft
from conftest import assert_same_bits

ARROW_DTYPES = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64".split()
VALUES = numpy.arange(5.0)


class Column:
    """Any library's column: an object with Arrow's interface alone."""

    def __init__(self, tensor):
        self._tensor = tensor

    def __arrow_c_array__(self, requested_schema=None):
        return self._tensor.__arrow_c_array__()


# ---- without any library


@pytest.mark.parametrize("dtype", ARROW_DTYPES)
@pytest.mark.parametrize("shape", [(7,), (0,), (3, 4)])
def test_arrows_interface_both_ways(dtype, shape):
    x = (weft.arange(weft.Size(shape).numel()).reshape(shape) % 3).to(getattr(weft, dtype))
    back = weft.asarray(Column(x))
    assert_same_bits(back, x)
    if dtype != "bool" and x.numel():
        assert back.data_ptr() == x.data_ptr() and weft.as_tensor(Column(x)).data_ptr() == x.data_ptr()
        assert weft.tensor(Column(x)).data_ptr() != x.data_ptr()


def test_memory_outlives_its_owner():
    back = weft.asarray(Column(weft.full((1000,), 3.0)))
    rows = weft.asarray(Column(weft.full((10, 100), 2.0)))[3:]
    gc.collect()
    assert back.sum().item() == 3000 and rows.sum().item() == 1400
    for _ in range(3):  # nobody takes them
        weft.ones(4, 2).__arrow_c_array__()


def test_shared_columns_are_read_only():
    with pytest.raises(RuntimeError, match="read-only"):
        weft.asarray(Column(weft.ones(3))).add_(1)
    assert weft.asarray(Column(weft.ones(3)), copy=True).add_(1).tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match="copy=False"):
        weft.asarray(Column(weft.tensor([True])), copy=False)
    with pytest.raises(ValueError, match="copy=False"):
        weft.asarray(Column(weft.ones(3)), dtype=weft.float64, copy=False)


def test_strided_tensors_are_copied_to_arrow():
    x = weft.arange(12).reshape(3, 4)
    assert_same_bits(weft.asarray(Column(x.t())), x.t().contiguous())
    assert_same_bits(weft.asarray(Column(x[:, 1])), x[:, 1].contiguous())


@pytest.mark.parametrize(
    "tensor, message",
    [
        (weft.tensor(1.0), r"a column is a tensor of one dimension, or of two.*float32\[\]"),
        (weft.ones(2, 2, 2), r"a column is a tensor of one dimension"),
        (weft.ones(2).bfloat16(), r"Arrow has no such numbers; .*bfloat16\[2\]"),
        (weft.tensor([1j]), r"Arrow has no such numbers"),
        (weft.ones(2, requires_grad=True), r"use tensor.detach\(\)"),
    ],
)
def test_errors_to_arrow(tensor, message):
    with pytest.raises(TypeError, match=message):
        tensor.__arrow_c_array__()


# ---- pyarrow


def test_pyarrow():
    pa = pytest.importorskip("pyarrow")
    column = pa.array(VALUES)
    x = weft.asarray(column)
    assert (
        x.tolist() == VALUES.tolist()
        and x.data_ptr() == column.buffers()[1].address == weft.as_tensor(column).data_ptr()
    )
    assert weft.asarray(column[2:]).tolist() == [2, 3, 4]
    assert weft.asarray(column[2:]).data_ptr() == column.buffers()[1].address + 16
    assert weft.asarray(pa.array([True, False, True])[1:]).tolist() == [False, True]
    assert weft.asarray(pa.chunked_array([column])).data_ptr() == x.data_ptr()
    assert weft.asarray(pa.chunked_array([column, column[:2]])).tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert weft.asarray(pa.chunked_array([], pa.int16())).dtype is weft.int16
    lists = pa.FixedSizeListArray.from_arrays(pa.array(numpy.arange(8.0)), 2)
    assert weft.asarray(lists).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert weft.asarray(lists[1:3]).tolist() == [[2, 3], [4, 5]]
    lists = pa.array([[1, 2], [3, 4], [5, 6]])
    assert weft.asarray(lists).tolist() == [[1, 2], [3, 4], [5, 6]] and weft.asarray(lists[1:]).tolist() == [
        [3, 4],
        [5, 6],
    ]
    assert weft.asarray(lists).data_ptr() == lists.flatten().buffers()[1].address
    assert weft.asarray(pa.array([[1.5]], pa.large_list(pa.float32()))).tolist() == [[1.5]]
    table = pa.table({"a": VALUES, "b": VALUES.astype("float32")})
    assert_same_bits(weft.asarray(table), weft.from_numpy(numpy.stack([VALUES, VALUES], 1)))
    assert weft.asarray(table.slice(1, 2).to_batches()[0]).tolist() == [[1, 1], [2, 2]]
    assert weft.asarray(pa.record_batch({"a": [1, 2]}).slice(1)).tolist() == [[2]]
    y = weft.arange(3)
    assert pa.array(y).type == pa.int64() and pa.array(y).buffers()[1].address == y.data_ptr()
    assert pa.array(weft.ones(2, 3)).to_pylist() == [[1, 1, 1], [1, 1, 1]]
    assert pa.array(weft.tensor([True, False])).to_pylist() == [True, False]
    pa.array(weft.ones(2, 3)).validate(full=True)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda pa: pa.array([1, None, 3]), ValueError, r"\[asarray\] the column has 1 nulls, .*fill or drop them"),
        (lambda pa: pa.table({"x": [1, None, None]}), ValueError, r"the column 'x' has 2 nulls"),
        (lambda pa: pa.array(["a"]), TypeError, r"must have numbers or truth values; got Arrow's format 'u'"),
        (lambda pa: pa.array([1], pa.timestamp("ns")), TypeError, r"got Arrow's format 'tsn:"),
        (lambda pa: pa.array(["a"]).dictionary_encode(), TypeError, r"of a dictionary"),
        (lambda pa: pa.array([[1], [2, 3]]), ValueError, r"must have lists of one length; got 1 and 2"),
        (lambda pa: pa.table({}), ValueError, r"must have a column"),
        (lambda pa: pa.array([[1, None]], pa.list_(pa.int8(), 2)), ValueError, r"has 1 nulls"),
    ],
)
def test_errors_from_pyarrow(make, error, message):
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(error, match=message):
        weft.asarray(make(pa))


# ---- pandas and polars


def test_pandas():
    pd = pytest.importorskip("pandas")
    series = pd.Series(VALUES, name="a")
    x = weft.asarray(series)
    assert (
        x.dtype is weft.float64 and x.data_ptr() == weft.as_tensor(series).data_ptr() == series.to_numpy().ctypes.data
    )
    assert weft.tensor(series).data_ptr() != x.data_ptr() and weft.tensor(series).dtype is weft.float64
    assert weft.asarray(pd.Series([1, 2], dtype="Int64")).dtype is weft.int64
    assert (
        weft.asarray(pd.Index([1, 2])).tolist() == [1, 2] and weft.asarray(pd.Series([True, False])).dtype is weft.bool
    )
    frame = pd.DataFrame(numpy.arange(6.0).reshape(3, 2), columns=["a", "b"])
    assert weft.as_tensor(frame).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert weft.asarray(frame["b"]).tolist() == [1, 3, 5]
    assert weft.asarray(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})).tolist() == [[1, 0.5], [2, 1.5]]
    assert pd.Series(weft.ones(2)).dtype == "float32" and pd.DataFrame({"a": weft.arange(3)})["a"].tolist() == [0, 1, 2]
    for bad, error, message in (
        (pd.Series([1, None], dtype="Int64", name="n"), ValueError, r"the column 'n' has 1 nulls"),
        (pd.Series(["a"]), TypeError, r"\[asarray\] the column must have numbers or truth values; got dtype"),
        (pd.Series(["a"], dtype="category"), TypeError, r"\.cat\.codes"),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), TypeError, r"the column 'b' must have numbers"),
    ):
        with pytest.raises(error, match=message):
            weft.asarray(bad)


def test_pandas_of_arrow():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    series = pd.Series(VALUES, dtype="double[pyarrow]")
    assert weft.asarray(series).data_ptr() == weft.asarray(series.array.__arrow_array__()).data_ptr()
    with pytest.raises(ValueError, match="has 1 nulls"):
        weft.asarray(pd.Series([1, None], dtype="int64[pyarrow]"))


def test_polars():
    pl = pytest.importorskip("polars")
    series = pl.Series("a", VALUES)
    assert weft.asarray(series).tolist() == VALUES.tolist()
    assert weft.asarray(pl.DataFrame({"a": VALUES, "b": [1, 2, 3, 4, 5]})).shape == (5, 2)
    with pytest.raises(ValueError, match="has 1 nulls"):
        weft.asarray(pl.Series([1, None]))
    assert pl.Series(weft.arange(3)).to_list() == [0, 1, 2]
