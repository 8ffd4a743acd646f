"""cumsum and its like: the order of sums, NaN and equal elements, dtypes, gradients, and the same bits everywhere."""

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients
from conftest import array_of, assert_same_bits

rng = numpy.random.default_rng(3)
BLOCK = 64  # order::kScanBlock


def in_blocks(x):
    """The sums of float32 numbers in the canonical order, carried in float64."""
    result, carried = numpy.empty_like(x), 0.0
    for begin in range(0, len(x), BLOCK):
        block = numpy.cumsum(x[begin : begin + BLOCK].astype("float64"))
        result[begin : begin + BLOCK] = carried + block
        carried += block[-1]
    return result


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000, 4096, 4097, 70_001])
def test_order_of_sums(n):
    x = (rng.standard_normal(n) * 10.0 ** rng.integers(-6, 7, n)).astype("float32")
    assert_same_bits(weft.tensor(x).cumsum(0), weft.tensor(in_blocks(x)))


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16", "int64", "int32", "uint8", "uint64"])
def test_bits_do_not_depend_on_the_layout(name, dtype):
    """A row has the same bits alone, beside others, as a column, and read through strides."""
    if name == "logcumsumexp" and "int" in dtype:
        pytest.skip("of floats alone")
    x = weft.tensor(rng.uniform(0.5, 1.5, (70, 1500)) * (20 if "int" in dtype else 1)).to(getattr(weft, dtype))

    def scan(x, dim):
        result = getattr(weft, name)(x, dim)
        return result if isinstance(result, tuple) else (result,)

    for i, whole in enumerate(scan(x, 1)):
        assert_same_bits(scan(x[7], 0)[i], whole[7])
        assert_same_bits(scan(x[:3], 1)[i], whole[:3])
        assert_same_bits(scan(x.t().contiguous(), 0)[i].t().contiguous(), whole)
        assert_same_bits(scan(x.t(), 0)[i].t().contiguous(), whole)
        assert_same_bits(scan(x.reshape(7, 10, 1500).transpose(1, 2), 1)[i].transpose(1, 2).reshape(70, 1500), whole)


def test_long_rows_and_short_ones():
    for shape, dim in [((100_000,), 0), ((5000, 20), 1), ((20, 5000), 0), ((3, 4, 5, 6), 2), ((2, 3000, 2), 1)]:
        x = rng.standard_normal(shape)
        numpy.testing.assert_allclose(weft.tensor(x).cumsum(dim).numpy(), numpy.cumsum(x, dim), rtol=1e-10, atol=1e-10)
        values, indices = weft.tensor(x).cummin(dim)
        numpy.testing.assert_array_equal(values.numpy(), numpy.minimum.accumulate(x, dim))
        numpy.testing.assert_array_equal(numpy.take_along_axis(x, indices.numpy(), dim), values.numpy())


def test_equal_elements_and_nan():
    """Of equal elements the last counts, and so does each NaN, as in PyTorch."""
    nan = weft.nan
    values, indices = weft.tensor([1.0, 1.0, 0.0, 1.0, nan, 5.0, nan]).cummax(0)
    assert indices.tolist() == [0, 1, 1, 3, 4, 4, 6]
    numpy.testing.assert_array_equal(values.numpy(), [1, 1, 1, 1, nan, nan, nan])
    assert weft.tensor([1, 1, 2, 1]).cummin(0).indices.tolist() == [0, 1, 1, 3]
    assert weft.tensor([[True, False]]).cummax(1).values.tolist() == [[True, True]]
    numpy.testing.assert_array_equal(weft.tensor([1.0, nan, 2.0]).cumsum(0).numpy(), [1, nan, nan])


def test_sums_of_float32_are_carried_in_float64():
    """So a sum may leave the range of float32 and come back, and small terms are not lost; as PyTorch has it."""
    x = weft.tensor([3e38, 3e38, -3e38])
    assert x.cumsum(0).tolist() == weft.tensor([3e38, weft.inf, 3e38]).tolist()
    assert weft.tensor([1e8] + [1.0] * 8).cumsum(0)[-1].item() == 1e8 + 8
    assert not weft.signbit(weft.tensor([-0.0]).cumsum(0)).item()


def test_dtypes():
    assert weft.tensor([True, True]).cumsum(0).dtype is weft.int64
    assert weft.tensor([200, 100], dtype=weft.uint8).cumsum(0).tolist() == [200, 300]
    assert weft.tensor([200, 100], dtype=weft.uint8).cumsum(0, dtype=weft.uint8).tolist() == [200, 44]
    assert weft.tensor([1, 2], dtype=weft.int32).cumprod(0, dtype=weft.float64).dtype is weft.float64
    x = weft.tensor([1, 2, 3], dtype=weft.int32)
    assert x.cumsum_(0) is x and x.tolist() == [1, 3, 6] and x.dtype is weft.int32
    assert weft.tensor(3.0).cumsum(0).shape == () and weft.tensor(3.0).cummax(-1).indices.item() == 0
    assert weft.zeros(0, 3).cumsum(0).shape == (0, 3) and weft.zeros(2, 0).cummax(1).indices.dtype is weft.int64


def test_logcumsumexp_far_away():
    x = weft.tensor([-1e4, 0.0, 1e4, -weft.inf, 1e4])
    numpy.testing.assert_allclose(x.logcumsumexp(0).numpy(), [-1e4, 0, 1e4, 1e4, 1e4 + numpy.log(2)])
    low = weft.tensor([-weft.inf, -weft.inf, 2.0])
    assert low.logcumsumexp(0).tolist() == [-weft.inf, -weft.inf, 2.0]
    assert weft.tensor([1.0, weft.inf, 2.0]).logcumsumexp(0).tolist() == [1.0, weft.inf, weft.inf]


GRADIENTS = {
    "cumsum": (lambda x: x.cumsum(1), rng.standard_normal((2, 70))),
    "cumsum of columns": (lambda x: weft.cumsum(x, 0), rng.standard_normal((70, 2))),
    "cumprod": (lambda x: x.cumprod(-1), rng.uniform(0.5, 1.5, (2, 6))),
    "cumprod with zeros": (lambda x: x.cumprod(-1), numpy.array([[1.5, 0, 2, 0, 3], [0, 1, 2, 3, 4.0]])),
    "cummax": (lambda x: x.cummax(0).values, rng.standard_normal((5, 3))),
    "cummin": (lambda x: weft.cummin(x, 1)[0], rng.standard_normal((3, 5))),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), rng.standard_normal((2, 7)) * 3),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    function, x = GRADIENTS[name]
    check_gradients(function, [x])
    check_compiled(function, [x])


def test_batched_forward_and_symbolic():
    x = weft.tensor(rng.standard_normal((4, 9)))
    numpy.testing.assert_array_equal(weft.vmap(lambda r: r.cumsum(0))(x).numpy(), x.cumsum(1).numpy())
    numpy.testing.assert_array_equal(
        weft.vmap(lambda r: r.cummax(0).indices, 1)(x).numpy(), x.t().cummax(1).indices.numpy()
    )
    value, tangent = weft.func.jvp(lambda v: v.cumsum(1), (x,), (x,))
    numpy.testing.assert_allclose(tangent.numpy(), value.numpy())
    dynamic = weft.compile(lambda v: (v * 2).cumsum(0) + 1, dynamic=True)
    for n in (3, 100, 1001):
        v = weft.tensor(rng.standard_normal(n), dtype=weft.float32)
        assert_same_bits(dynamic(v), (v * 2).cumsum(0) + 1)


def test_threads():
    x = weft.tensor(rng.standard_normal((300, 2000)), dtype=weft.float32)
    threads = weft.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            weft.set_num_threads(count)
            results.append(
                [array_of(r) for r in (x.cumsum(0), x.cumsum(1), x.reshape(-1).cumsum(0), x.logcumsumexp(1))]
            )
        for one, two in zip(*results):
            numpy.testing.assert_array_equal(one, two)
    finally:
        weft.set_num_threads(threads)


def test_errors():
    with pytest.raises(IndexError, match="out of range"):
        weft.zeros(2).cumsum(1)
    with pytest.raises(RuntimeError, match="bools have no sums"):
        weft.zeros(2).cumsum(0, dtype=weft.bool)
    with pytest.raises(RuntimeError, match=r"\[logcumsumexp\]"):
        weft.tensor([1, 2]).logcumsumexp(0)
