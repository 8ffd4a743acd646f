"""Writes and reads at positions that are data, against NumPy, in gradients and compiled."""

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients

rng = numpy.random.default_rng(5)
X, SOURCE = rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
INDEX = numpy.array([[0, 1, 3], [0, 2, 3], [1, 1, 0], [3, 0, 0], [0, 1, 2]])
index = weft.tensor(INDEX)
ROWS = numpy.array([3, 0, 0, 1, 3])
rows = weft.tensor(ROWS)


def at_each(ufunc, x, source=SOURCE):
    y = x.copy()
    ufunc.at(y, (INDEX, numpy.arange(3)), source)
    return y


def reduced(start, ufunc, x, source):
    """Without the elements themselves where a position is."""
    y = x.copy()
    y[INDEX, numpy.arange(3)] = start
    return at_each(ufunc, y, source)


def mean(x, source, own):
    counts = numpy.full(x.shape, 1.0)
    base = x.copy()
    if not own:
        counts[INDEX, numpy.arange(3)] = 0
        base[INDEX, numpy.arange(3)] = 0
    return at_each(numpy.add, base, source) / at_each(numpy.add, counts, 1)


def with_rows(ufunc, x, source):
    y = x.copy()
    ufunc.at(y, ROWS, source)
    return y


CASES = {
    "scatter": (lambda x, s: x.scatter(0, index, s), lambda x, s: written(x, s), [X, SOURCE]),
    "scatter a number": (lambda x: x.scatter(0, index, 2.5), lambda x: written(x, 2.5 + 0 * SOURCE), [X]),
    "scatter by value": (lambda x: weft.scatter(x, 0, index, value=2.5), lambda x: written(x, 2.5 + 0 * SOURCE), [X]),
    "scatter add": (
        lambda x, s: x.scatter(0, index, s, reduce="add"),
        lambda x, s: at_each(numpy.add, x, s),
        [X, SOURCE],
    ),
    "scatter multiply": (
        lambda x, s: x.scatter(0, index, s, reduce="multiply"),
        lambda x, s: at_each(numpy.multiply, x, s),
        [X, SOURCE],
    ),
    "scatter_add": (lambda x, s: x.scatter_add(0, index, s), lambda x, s: at_each(numpy.add, x, s), [X, SOURCE]),
    "scatter of a part": (
        lambda x, s: x.scatter_add(0, index[:2, :2], s),
        lambda x, s: partly(x, s),
        [X, SOURCE],
    ),
    **{
        f"scatter_reduce {name}": (
            lambda x, s, name=name: x.scatter_reduce(0, index, s, name),
            lambda x, s, ufunc=ufunc: at_each(ufunc, x, s),
            [X, SOURCE],
        )
        for name, ufunc in [
            ("sum", numpy.add),
            ("prod", numpy.multiply),
            ("amax", numpy.maximum),
            ("amin", numpy.minimum),
        ]
    },
    **{
        f"scatter_reduce {name} without the input": (
            lambda x, s, name=name: x.scatter_reduce(0, index, s, name, include_self=False),
            lambda x, s, ufunc=ufunc, start=start: reduced(start, ufunc, x, s),
            [X, SOURCE],
        )
        for name, ufunc, start in [
            ("sum", numpy.add, 0),
            ("prod", numpy.multiply, 1),
            ("amax", numpy.maximum, -numpy.inf),
            ("amin", numpy.minimum, numpy.inf),
        ]
    },
    "scatter_reduce mean": (
        lambda x, s: x.scatter_reduce(0, index, s, "mean"),
        lambda x, s: mean(x, s, True),
        [X, SOURCE],
    ),
    "scatter_reduce mean without the input": (
        lambda x, s: x.scatter_reduce(0, index, s, "mean", include_self=False),
        lambda x, s: mean(x, s, False),
        [X, SOURCE],
    ),
    "index_add": (lambda x, s: x.index_add(0, rows, s), lambda x, s: with_rows(numpy.add, x, s), [X, SOURCE]),
    "index_add with alpha": (
        lambda x, s: weft.index_add(x, 0, rows, s, alpha=-2),
        lambda x, s: with_rows(numpy.add, x, -2 * s),
        [X, SOURCE],
    ),
    "index_copy": (
        lambda x, s: x.index_copy(0, rows, s),
        lambda x, s: numpy.stack([s[2], s[3], x[2], s[4]]),
        [X, SOURCE],
    ),
    "index_fill": (
        lambda x: x.index_fill(1, weft.tensor([0, -1]), 7.0),
        lambda x: numpy.stack([0 * x[:, 0] + 7, x[:, 1], 0 * x[:, 0] + 7], 1),
        [X],
    ),
    "masked_scatter": (
        lambda x, s: x.masked_scatter(weft.tensor(X > 0), s),
        lambda x, s: filled(x, s),
        [X, SOURCE],
    ),
    "put": (lambda x, s: x.put(weft.tensor([0, -1, 5]), s[0]), lambda x, s: placed(x, s[0]), [X, SOURCE]),
    "put and add": (
        lambda x, s: x.put(weft.tensor([0, 0, 5]), s[0], accumulate=True),
        lambda x, s: added(x, s[0]),
        [X, SOURCE],
    ),
    "take": (lambda x: x.take(weft.tensor([[0, -1], [5, 5]])), lambda x: x.reshape(-1)[[[0, -1], [5, 5]]], [X]),
    "take_along_dim": (
        lambda x: x.take_along_dim(weft.tensor([[0], [2], [1], [1]]), 1),
        lambda x: numpy.take_along_axis(x, numpy.array([[0], [2], [1], [1]]), 1),
        [X],
    ),
    "take_along_dim that broadcasts": (
        lambda x: weft.take_along_dim(x, weft.tensor([[0, 2]]), 1),
        lambda x: x[:, [0, 2]],
        [X],
    ),
    "take_along_dim of all": (
        lambda x: x.take_along_dim(weft.tensor([3, 3, 0])),
        lambda x: x.reshape(-1)[[3, 3, 0]],
        [X],
    ),
}


def written(x, s):
    y = x.copy()
    for i in range(5):
        y[INDEX[i], numpy.arange(3)] = s[i]
    return y


def partly(x, s):
    y = x.copy()
    numpy.add.at(y, (INDEX[:2, :2], numpy.arange(2)), s[:2, :2])
    return y


def filled(x, s):
    y = x.copy()
    y[X > 0] = s.reshape(-1)[: (X > 0).sum()]
    return y


def placed(x, s):
    y = x.copy()
    y.reshape(-1)[[0, -1, 5]] = s
    return y


def added(x, s):
    y = x.copy()
    numpy.add.at(y.reshape(-1), [0, 0, 5], s)
    return y


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    function, reference, arrays = CASES[name]
    got = function(*(weft.tensor(a) for a in arrays))
    numpy.testing.assert_allclose(got.numpy(), reference(*arrays), rtol=1e-12)
    check_gradients(function, arrays)
    check_compiled(function, arrays)


def test_zeros_of_products_have_gradients():
    source = SOURCE.copy()
    source[0, 0] = source[2, 1] = source[1, 1] = 0
    base = X.copy()
    base[3, 2] = 0
    check_gradients(lambda x, s: x.scatter_reduce(0, index, s, "prod"), [base, source], second=False)


def test_equal_extrema_share_the_gradient():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    s = weft.tensor([1.0, 1.0], requires_grad=True)
    x.scatter_reduce(0, weft.tensor([0, 0]), s, "amax").sum().backward()
    numpy.testing.assert_allclose(x.grad.numpy(), [1 / 3, 1])
    numpy.testing.assert_allclose(s.grad.numpy(), [1 / 3, 1 / 3])


def test_integers():
    x = weft.tensor([-1, 2, 3])
    at, s = weft.tensor([0, 0, 2]), weft.tensor([-5, -1, 8])
    assert x.scatter_reduce(0, at, s, "mean").tolist() == [-3, 2, 5]  # rounded down
    assert x.scatter_reduce(0, at, s, "amin", include_self=False).tolist() == [-5, 2, 8]
    assert weft.tensor([1, 2], dtype=weft.uint8).index_add(
        0, weft.tensor([1]), weft.tensor([255], dtype=weft.uint8)
    ).tolist() == [1, 1]
    numpy.testing.assert_array_equal(
        weft.tensor([1.0, 2.0]).scatter_reduce(0, weft.tensor([0, 0]), weft.tensor([weft.nan, 1.0]), "amax").numpy(),
        [numpy.nan, 2],
    )


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("n, m", [(600_000, 5_000), (1_100_001, 1_023), (2_500_000, 1)])
def test_long_vectors(dtype, n, m):
    """Whose ranges are tasks: additions to an element are in the order of the source, however many threads there are."""
    near = numpy.concatenate([rng.integers(0, n, m), rng.integers(n // 2, n // 2 + 3, m), [0, n - 1]])
    x, source = ((rng.standard_normal(count) * 100).astype(dtype) for count in (n, near.size))
    want = x.copy()
    numpy.add.at(want, near, source)
    add = lambda: weft.tensor(x).scatter_add(0, weft.tensor(near), weft.tensor(source)).numpy()
    threads = weft.get_num_threads()
    try:
        for count in (1, 2, 5):
            weft.set_num_threads(count)
            numpy.testing.assert_array_equal(add(), want)
    finally:
        weft.set_num_threads(threads)
    greatest = weft.tensor(x).scatter_reduce(0, weft.tensor(near), weft.tensor(source), "amax")
    numpy.maximum.at(x, near, source)
    numpy.testing.assert_array_equal(greatest.numpy(), x)


def test_first_of_many_wrong_indices():
    index = rng.integers(0, 10, 300_000)
    index[[123_456, 123_457, 299_999]] = 10, -1, 11
    with pytest.raises(IndexError, match="index 10 is out of bounds"):
        weft.zeros(10).scatter_add(0, weft.tensor(index), weft.ones(300_000))


def test_in_place():
    x = weft.zeros(4, 3)
    assert x.scatter_(0, index, 1.0) is x and x.sum().item() == len({*zip(INDEX.ravel(), [0, 1, 2] * 5)})
    x.zero_().scatter_add_(0, index, weft.ones(5, 3)).index_add_(0, rows, weft.ones(5, 3), alpha=2)
    assert x.sum().item() == 45
    x.index_fill_(0, weft.tensor([1]), 5.0).index_copy_(1, weft.tensor([0]), weft.zeros(4, 1))
    assert x[1].tolist() == [0, 5, 5]
    x.put_(weft.tensor([0]), weft.tensor([9.0])).masked_scatter_(x == 5, weft.tensor([1.0, 2.0, 3.0]))
    assert x[0, 0].item() == 9 and x[1].tolist() == [0, 2, 3]
    x.scatter_reduce_(0, index, weft.ones(5, 3), "prod")


def test_selection():
    x = weft.tensor(X)
    numpy.testing.assert_array_equal(x.masked_select(x > 0).numpy(), X[X > 0])
    numpy.testing.assert_array_equal(
        weft.masked_select(x, weft.tensor([True, False, True])).numpy(), X[:, [0, 2]].ravel()
    )
    numpy.testing.assert_array_equal(weft.argwhere(x > 0).numpy(), numpy.argwhere(X > 0))
    assert weft.argwhere(weft.tensor(1)).shape == (1, 0)
    leaf = weft.tensor(X, requires_grad=True)
    (leaf.masked_select(leaf > 0) * 3).sum().backward()
    numpy.testing.assert_array_equal(leaf.grad.numpy(), 3.0 * (X > 0))


ERRORS = [
    (lambda: weft.zeros(3).scatter(0, weft.tensor([-1]), 5.0), (IndexError, RuntimeError), "out of bounds"),
    (lambda: weft.zeros(3).scatter(0, weft.tensor([0])), TypeError, "src or value"),
    (lambda: weft.zeros(3).scatter(0, weft.tensor([0]), 1.0, reduce="mean"), RuntimeError, "'add' or 'multiply'"),
    (lambda: weft.zeros(3).scatter_reduce(0, weft.tensor([0]), weft.ones(1), "max"), RuntimeError, "one of sum, mean"),
    (lambda: weft.zeros(3).index_add(0, weft.tensor([3]), weft.ones(1)), IndexError, "out of bounds"),
    (lambda: weft.zeros(3).index_add(0, weft.tensor([[0]]), weft.ones(1)), IndexError, "must be a vector"),
    (lambda: weft.zeros(3).index_copy(0, weft.tensor([0]), weft.ones(2)), RuntimeError, "must have shape"),
    (lambda: weft.zeros(3).index_fill(0, weft.tensor([5]), 2.0), IndexError, "out of bounds"),
    (lambda: weft.zeros(3).masked_scatter(weft.ones(3).bool(), weft.ones(2)), RuntimeError, "3 true elements"),
    (lambda: weft.zeros(3).masked_select(weft.ones(3)), RuntimeError, "must be bool"),
    (lambda: weft.zeros(3).put(weft.tensor([0, 1]), weft.ones(1)), IndexError, "equally many"),
    (lambda: weft.zeros(3).take(weft.tensor([3])), IndexError, "out of bounds"),
    (lambda: weft.zeros(3, 1).take_along_dim(weft.tensor([0]), 0), RuntimeError, "equally many axes"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case):
    call, kind, message = ERRORS[case]
    with pytest.raises(kind, match=message):
        call()
