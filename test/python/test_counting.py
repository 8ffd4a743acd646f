"""Distinct elements, histograms, medians, quantiles and places in an order, against NumPy."""

import numpy
import pytest
import weft
from compositions import check_gradients

rng = numpy.random.default_rng(7)
nan = weft.nan


def as_arrays(results):
    return [r.numpy() for r in (results if isinstance(results, tuple) else (results,))]


@pytest.mark.parametrize("dtype", ["int64", "float32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(0,), (1,), (1000,), (30, 40)])
def test_unique(dtype, shape):
    x = rng.integers(0, 50, shape).astype(dtype)
    got = as_arrays(weft.unique(weft.tensor(x), return_inverse=True, return_counts=True))
    want = numpy.unique(x, return_inverse=True, return_counts=True)
    for a, b in zip(got, want):
        numpy.testing.assert_array_equal(a, b.reshape(a.shape))
    assert got[1].shape == x.shape


def test_unique_slices():
    x = rng.integers(0, 2, (40, 2, 3))
    for dim, keep in [(0, numpy.unique(x, axis=0, return_inverse=True, return_counts=True)), (1, None), (2, None)]:
        want = keep or numpy.unique(x, axis=dim, return_inverse=True, return_counts=True)
        for a, b in zip(as_arrays(weft.tensor(x).unique(dim=dim, return_inverse=True, return_counts=True)), want):
            numpy.testing.assert_array_equal(a, b.reshape(a.shape))
    numpy.testing.assert_array_equal(weft.tensor([nan, 1.0, nan]).unique().numpy(), [1, nan, nan])


def test_unique_consecutive():
    values, inverse, counts = weft.tensor([1, 1, 2, 2, 2, 1]).unique_consecutive(
        return_inverse=True, return_counts=True
    )
    assert values.tolist() == [1, 2, 1] and inverse.tolist() == [0, 0, 1, 1, 1, 2] and counts.tolist() == [2, 3, 1]
    rows = weft.tensor([[1, 1, 2], [1, 1, 2], [3, 3, 3]])
    values, counts = weft.unique_consecutive(rows, dim=0, return_counts=True)
    assert values.tolist() == [[1, 1, 2], [3, 3, 3]] and counts.tolist() == [2, 1]
    assert rows.unique_consecutive(dim=1).tolist() == [[1, 2], [1, 2], [3, 3]]


def test_bincount():
    x = rng.integers(0, 9, 100)
    w = rng.standard_normal(100)
    numpy.testing.assert_array_equal(weft.tensor(x).bincount(minlength=12).numpy(), numpy.bincount(x, minlength=12))
    numpy.testing.assert_allclose(weft.bincount(weft.tensor(x), weft.tensor(w)).numpy(), numpy.bincount(x, w))
    assert weft.bincount(weft.tensor([1]), weft.tensor([2])).dtype is weft.float64
    assert weft.bincount(weft.zeros(0, dtype=weft.int64)).shape == (0,)
    with pytest.raises(RuntimeError, match="must not be negative; got -1"):
        weft.tensor([-1]).bincount()
    with pytest.raises(RuntimeError, match="vector of integers"):
        weft.tensor([1.0]).bincount()


def test_many_are_counted_by_parts():
    x = rng.integers(0, 100, 200_037)
    numpy.testing.assert_array_equal(weft.bincount(weft.tensor(x)).numpy(), numpy.bincount(x))
    numpy.testing.assert_array_equal(weft.tensor(x).bincount(minlength=5000).numpy(), numpy.bincount(x, minlength=5000))
    x[150_000] = -3
    with pytest.raises(RuntimeError, match="must not be negative; got -3"):
        weft.tensor(x).bincount()


def test_histograms():
    x = rng.standard_normal(500).astype("float32")
    for low, high in [(-1, 1), (0, 0), (-3, 2)]:
        bounds = (low, high) if low != high else (x.min(), x.max())
        want = numpy.histogram(x.astype("float64"), 7, bounds)[0]
        numpy.testing.assert_array_equal(weft.tensor(x).histc(7, low, high).numpy(), want)
    edges = numpy.array([-1, 0, 0.5, 2], "float32")
    hist, bin_edges = weft.tensor(x).histogram(weft.tensor(edges), density=True)
    numpy.testing.assert_allclose(hist.numpy(), numpy.histogram(x, edges, density=True)[0], rtol=1e-5)
    assert bin_edges.tolist() == edges.tolist()
    weight = rng.uniform(0, 1, 500).astype("float32")
    hist, bin_edges = weft.histogram(weft.tensor(x), 5, range=(-1.0, 1.0), weight=weft.tensor(weight))
    want = numpy.histogram(x, 5, (-1, 1), weights=weight)
    numpy.testing.assert_allclose(hist.numpy(), want[0], rtol=1e-5)
    numpy.testing.assert_allclose(bin_edges.numpy(), want[1], rtol=1e-6)
    assert weft.tensor([2.0, 2.0]).histc(3).tolist() == [0, 2, 0]
    with pytest.raises(NotImplementedError, match="floating-point"):
        weft.tensor([1]).histc()
    with pytest.raises(RuntimeError, match="bins must be positive"):
        weft.tensor([1.0]).histc(0)


def test_order_statistics():
    x = rng.integers(0, 6, (5, 7)).astype("float64")
    t = weft.tensor(x)
    values, indices = t.kthvalue(3, 1)
    numpy.testing.assert_array_equal(values.numpy(), numpy.sort(x, 1)[:, 2])
    numpy.testing.assert_array_equal(indices.numpy(), numpy.argsort(x, 1, kind="stable")[:, 2])
    values, indices = t.median(0, keepdim=True)
    numpy.testing.assert_array_equal(values.numpy(), numpy.sort(x, 0)[2:3])
    assert t.median().item() == numpy.sort(x.ravel())[17] and weft.tensor([4.0, 1.0, 2.0, 3.0]).median().item() == 2
    for row, mode in zip(x, t.mode(1).values.tolist()):
        found, counts = numpy.unique(row, return_counts=True)
        assert mode == found[counts.argmax()]
    assert weft.tensor([1.0, 2.0, 2.0, 1.0, 3.0]).mode() == (1.0, 3)  # the least of the most frequent, where it is last
    assert weft.tensor(5).mode() == (5, 0) and weft.tensor(5.0).median(0).indices.item() == 0


def test_nan_in_order_statistics():
    x = weft.tensor([[4.0, nan, 1.0, 3.0], [nan] * 4])
    assert weft.isnan(x.median(1).values).tolist() == [True, True] and x.median(1).indices.tolist() == [1, 0]
    values, indices = x.nanmedian(1)
    assert values[0].item() == 3 and indices[0].item() == 3 and weft.isnan(values[1]).item()
    assert (
        weft.isnan(weft.tensor([1.0, nan]).quantile(0.5)).item()
        and weft.tensor([1.0, nan, 3.0]).nanquantile(0.5).item() == 2
    )
    assert weft.isnan(weft.zeros(0).median()).item()


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles(interpolation):
    x, q = rng.standard_normal((5, 8)), numpy.array([0, 0.3, 0.5, 1])
    for dim in (None, 0, 1, -1):
        for keepdim in (False, True):
            got = weft.quantile(weft.tensor(x), weft.tensor(q), dim, keepdim, interpolation=interpolation)
            want = numpy.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)
            numpy.testing.assert_allclose(got.numpy(), want, rtol=1e-12)
    got = weft.tensor(x).quantile(0.4, 1, interpolation=interpolation)
    numpy.testing.assert_allclose(got.numpy(), numpy.quantile(x, 0.4, axis=1, method=interpolation), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [lambda x: x.kthvalue(2, 1).values, lambda x: x.median(), lambda x: x.mode(0).values, lambda x: x.quantile(0.3, 1)],
)
def test_gradients(function):
    check_gradients(function, [rng.standard_normal((3, 5))])


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 1000])
def test_searchsorted(n, right):
    sequence, values = (
        numpy.sort(rng.integers(0, 100, n)).astype("float32"),
        rng.integers(-5, 105, (6, 50)).astype("float32"),
    )
    got = weft.searchsorted(weft.tensor(sequence), weft.tensor(values), right=right)
    numpy.testing.assert_array_equal(got.numpy(), numpy.searchsorted(sequence, values, "right" if right else "left"))
    numpy.testing.assert_array_equal(
        weft.bucketize(weft.tensor(values), weft.tensor(sequence), right=right).numpy(), got.numpy()
    )


def test_searchsorted_forms():
    rows = weft.tensor([[1.0, 3.0], [2.0, 2.0]])
    assert weft.searchsorted(rows, weft.tensor([[2.0, 0.0, 9.0], [2.0, 1.0, 3.0]])).tolist() == [[1, 0, 2], [0, 0, 2]]
    assert weft.searchsorted(weft.tensor([1, 2, 3]), weft.tensor([1.5])).tolist() == [1]
    assert weft.searchsorted(weft.tensor([1.0, 2.0, nan]), weft.tensor([nan, 5.0])).tolist() == [2, 2]
    result = weft.searchsorted(
        weft.tensor([3.0, 1.0, 2.0]), 2.0, sorter=weft.tensor([1, 2, 0]), out_int32=True, side="right"
    )
    assert result.item() == 2 and result.dtype is weft.int32
    assert weft.bucketize(3.0, weft.tensor([1.0, 3.0, 5.0])).item() == 1
    with pytest.raises(RuntimeError, match="opposites"):
        weft.searchsorted(rows, rows, side="left", right=True)
    with pytest.raises(RuntimeError, match="axes but for the last"):
        weft.searchsorted(rows, weft.tensor([2.0]))
    with pytest.raises(RuntimeError, match="must be a vector"):
        weft.bucketize(rows, rows)


def test_errors():
    for call, message in [
        (lambda: weft.ones(2).kthvalue(3), r"\[1, 2\]"),
        (lambda: weft.ones(2).quantile(1.5), r"\[0, 1\]"),
        (lambda: weft.tensor([1]).quantile(0.5), "float32 or float64"),
        (lambda: weft.ones(2).quantile(0.5, interpolation="cubic"), "linear, lower"),
        (lambda: weft.ones(2).histogram(3, range=(1.0,)), "2 numbers"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(IndexError, match="no elements"):
        weft.zeros(2, 0).median(1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "int8"])
def test_median_of_many_is_that_of_all_in_order(dtype):
    x = weft.tensor(rng.standard_normal(100_001) * 50).to(getattr(weft, dtype))
    for y in (x, x[1:], x.sort().values, x.sort(descending=True).values, weft.arange(70_000).to(x.dtype) % 8, x * 0):
        want = y.sort().values[(y.numel() - 1) // 2]
        assert y.median() == want and weft.compile(weft.median)(y) == want
    if x.dtype.is_floating_point:
        x[7] = nan
        assert x.median().isnan() and x.nanmedian() == x[~x.isnan()].sort().values[49_999]
        leaf = x[8:].clone().requires_grad_()
        leaf.median().backward()
        assert leaf.grad.nonzero().item() == leaf.detach().sort(stable=True).indices[(leaf.numel() - 1) // 2]
