"""Ops that a library's function computes (runtime/extern): eagerly, compiled, ahead of time; batches, gradients, errors."""

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import NUMPY_DTYPES, array_of, assert_same_bits


def positive_definite(*shape, dtype="float64"):
    n = shape[-1]
    a = numpy.random.randn(*shape)
    return weft.from_numpy(a @ numpy.swapaxes(a, -1, -2) + n * numpy.eye(n)).to(getattr(weft, dtype))


# ---------------------------------------------------------------- Order


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", [d for dtypes in NUMPY_DTYPES.values() for d in dtypes])
def test_sort_is_stable_in_every_dtype(dtype, descending):
    values = numpy.random.RandomState(0).randint(-3 if dtype[0] != "u" and dtype != "bool" else 0, 4, (3, 200))
    x = weft.from_numpy(values).to(getattr(weft, dtype))
    result = weft.sort(x, 1, descending)
    keys = array_of(x).astype("float64")
    order = numpy.argsort(-keys if descending else keys, axis=1, kind="stable")
    numpy.testing.assert_array_equal(result.indices.numpy(), order)
    assert_same_bits(result.values, x.gather(1, result.indices))


@pytest.mark.parametrize("count", [0, 1, 2, 48, 49, 1000])
def test_sort_of_special_numbers(count):
    special = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, -numpy.nan, 1e-45, -1e-45, 3.4e38], "float32")
    x = numpy.random.RandomState(count).choice(special, count)
    result = weft.from_numpy(x).sort()
    order = numpy.argsort(x, kind="stable")  # NaN last
    numpy.testing.assert_array_equal(result.indices.numpy(), order)
    numpy.testing.assert_array_equal(result.values.numpy(), x[order])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "uint64", "int64"])
def test_sort_of_many(dtype):
    """So many that digits are wider than a byte; of few bits, of all, and of none."""
    random = numpy.random.default_rng(0)
    for high in (2**62, 300_000, 1):
        bits = random.integers(0, high, 20_000) << (3 if high == 300_000 else 0)
        x = bits.view("uint8")[: 20_000 * numpy.dtype(dtype).itemsize].view(dtype)
        if dtype.startswith("float"):
            x = random.standard_normal(20_000).astype(dtype) if high > 1 else x
        order = numpy.argsort(x, kind="stable")
        numpy.testing.assert_array_equal(weft.from_numpy(x.copy()).sort().indices.numpy(), order)


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "uint64", "int64"])
def test_the_first_few_are_those_of_the_order(dtype, largest):
    """Few of many are chosen without sorting the others: equal ones, NaN, both zeros, and rows in any order."""
    x = numpy.random.default_rng(0).integers(0, 100, (8, 1000)).astype(dtype)
    x[1].sort()
    x[2] = numpy.sort(x[2])[::-1]
    x[3] = 7
    if dtype.startswith("float"):
        x[4, ::3], x[4, 1::3] = numpy.nan, -numpy.nan
        x[5], x[5, ::2] = 0.0, -0.0
        x[6], x[6, 5:900] = numpy.inf, numpy.nan
        x[7] = -numpy.inf
    for k in (1, 5, 125, 126, 1000):
        got, all = weft.topk(weft.from_numpy(x), k, 1, largest), weft.sort(weft.from_numpy(x), 1, largest)
        numpy.testing.assert_array_equal(got.indices.numpy(), all.indices.numpy()[:, :k])
        numpy.testing.assert_array_equal(got.values.numpy(), all.values.numpy()[:, :k])


def test_topk_and_argsort():
    x = weft.from_numpy(numpy.random.RandomState(1).permutation(60).reshape(4, 15).astype("float32"))
    values, indices = x.topk(4)
    numpy.testing.assert_array_equal(values.numpy(), -numpy.sort(-x.numpy(), axis=1)[:, :4])
    assert_same_bits(x.gather(1, indices), values)
    low = weft.topk(x, 3, 0, largest=False)
    numpy.testing.assert_array_equal(low.values.numpy(), numpy.sort(x.numpy(), axis=0)[:3])
    numpy.testing.assert_array_equal(weft.argsort(x, 0).numpy(), numpy.argsort(x.numpy(), axis=0, kind="stable"))
    assert weft.tensor(5.0).sort() == (5.0, 0) and weft.tensor(5.0).topk(1).indices.shape == ()
    with pytest.raises(RuntimeError, match="k = 16 is more than the 15 elements"):
        x.topk(16)
    with pytest.raises(RuntimeError, match="k must not be negative"):
        x.topk(-1)
    with pytest.raises(IndexError, match="sort"):
        x.sort(2)


def test_gradients_go_back_to_their_places():
    x = weft.tensor([[3.0, 1.0, 2.0], [5.0, 6.0, 4.0]], requires_grad=True)
    x.sort(1).values.backward(weft.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert x.grad.tolist() == [[3, 1, 2], [5, 6, 4]]
    x.grad = None
    x.topk(1).values.sum().backward()
    assert x.grad.tolist() == [[1, 0, 0], [0, 1, 0]]


# ---------------------------------------------------------------- Matrices


@pytest.mark.parametrize("dtype, precision", [("float32", 2e-6), ("float64", 1e-14)])
@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (2, 3, 40, 40), (130, 130), (0, 3, 3), (2, 0, 0)])
def test_cholesky(shape, dtype, precision):
    a = positive_definite(*shape, dtype=dtype) if 0 not in shape else weft.ones(shape).to(getattr(weft, dtype))
    factor, info = weft.linalg.cholesky_ex(a)
    assert info.dtype is weft.int32 and info.shape == shape[:-2] and not info.any()
    exact = numpy.linalg.cholesky(array_of(a)) if 0 not in shape else array_of(a)
    numpy.testing.assert_allclose(array_of(factor), exact, rtol=precision * 50, atol=precision * shape[-1])
    assert_same_bits(weft.linalg.cholesky(a), factor)


def test_the_lower_triangle_alone_is_read():
    a = positive_definite(6, 6)
    lower = weft.from_numpy(numpy.tril(a.numpy()) + numpy.triu(numpy.full((6, 6), numpy.nan), 1))
    assert_same_bits(weft.linalg.cholesky(lower), weft.linalg.cholesky(a))
    upper = weft.linalg.cholesky(a, upper=True)
    numpy.testing.assert_allclose((upper.T @ upper).numpy(), a.numpy(), rtol=1e-12)


def test_a_matrix_of_a_batch_has_the_bits_that_it_has_alone():
    a = positive_definite(7, 33, 33, dtype="float32")
    factors = weft.linalg.cholesky(a)
    for i in range(7):
        assert_same_bits(weft.linalg.cholesky(a[i]), factors[i])
        wide = weft.zeros(1 + 33 * 33)
        wide[1:].copy_(a[i].reshape(-1))
        assert_same_bits(weft.linalg.cholesky(wide[1:].view(33, 33)), factors[i])
    threads = weft.get_num_threads()
    try:
        for count in (1, 3):
            weft.set_num_threads(count)
            assert_same_bits(weft.linalg.cholesky(a), factors)
    finally:
        weft.set_num_threads(threads)


def test_what_is_not_positive_definite():
    a = positive_definite(3, 4, 4)
    a[1, 2, 2] = -1.0
    assert weft.linalg.cholesky_ex(a).info.tolist() == [0, 3, 0]
    match = "not positive definite: the leading minor of order 3 is not positive"
    with pytest.raises(RuntimeError, match=match):
        weft.linalg.cholesky(a)
    with pytest.raises(RuntimeError, match=match):
        weft.linalg.cholesky_ex(a, check_errors=True)
    compiled = weft.compile(lambda t: weft.linalg.cholesky(t * 1.0))
    good = positive_definite(3, 4, 4)
    for _ in range(2):
        assert_same_bits(compiled(good), weft.linalg.cholesky(good))
    with pytest.raises(RuntimeError, match="not positive definite"):
        compiled(a)
    for wrong in (weft.ones(2, 3), weft.ones(3), weft.ones(2, 2, dtype=weft.int64), weft.ones(2, 2).half()):
        with pytest.raises(RuntimeError, match=r"\[cholesky"):
            weft.linalg.cholesky(wrong)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular(upper, left, unit):
    a = weft.randn(2, 1, 5, 5, dtype=weft.float64) + 4 * weft.eye(5, dtype=weft.float64)
    b = weft.randn(3, *((5, 4) if left else (4, 5)), dtype=weft.float64)
    x = weft.linalg.solve_triangular(a, b, upper=upper, left=left, unitriangular=unit)
    side, offset = (numpy.triu, 1) if upper else (numpy.tril, -1)
    triangle = side(a.numpy(), offset * unit) + unit * numpy.eye(5)
    assert x.shape == (2, 3, *b.shape[1:])
    product = triangle @ x.numpy() if left else x.numpy() @ triangle
    numpy.testing.assert_allclose(product, numpy.broadcast_to(b.numpy(), product.shape), rtol=1e-10, atol=1e-12)


def directional(function, inputs, step=1e-6):
    """Derivatives along a random direction: by the tape and by central differences."""
    inputs = [t.detach().requires_grad_() for t in inputs]
    directions = [weft.randn(t.shape, dtype=t.dtype) for t in inputs]
    gradients = weft.autograd.grad(function(*inputs), inputs, create_graph=True)
    exact = sum((g * d).sum() for g, d in zip(gradients, directions))

    def at(sign):
        return function(*(t.detach() + sign * step * d for t, d in zip(inputs, directions))).item()

    return exact, inputs, (at(1) - at(-1)) / (2 * step)


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3)])
def test_derivatives_of_cholesky(shape):
    weights = weft.randn(shape, dtype=weft.float64)

    def loss(a):
        symmetric = a @ a.transpose(-1, -2) + 4 * weft.eye(shape[-1], dtype=weft.float64)
        return (weft.linalg.cholesky(symmetric) ** 2 * weights).sum()

    a = weft.randn(shape, dtype=weft.float64)
    exact, _, numeric = directional(loss, [a])
    assert exact.item() == pytest.approx(numeric, rel=1e-6, abs=1e-7)
    slope, _, numeric = directional(lambda t: (directional_slope(loss, t) ** 2).sum(), [a])
    assert slope.item() == pytest.approx(numeric, rel=1e-5, abs=1e-5)


def directional_slope(loss, t):
    t = t if t.requires_grad else t.detach().requires_grad_()
    return weft.autograd.grad(loss(t), t, create_graph=True)[0]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_derivatives_of_solve_triangular(upper, unit):
    a = weft.randn(2, 4, 4, dtype=weft.float64) + 4 * weft.eye(4, dtype=weft.float64)
    b = weft.randn(2, 4, 3, dtype=weft.float64)

    def loss(a, b):
        return (weft.linalg.solve_triangular(a, b, upper=upper, unitriangular=unit) ** 3).sum()

    exact, _, numeric = directional(loss, [a, b])
    assert exact.item() == pytest.approx(numeric, rel=1e-6, abs=1e-7)


# ---------------------------------------------------------------- Programs


def model(a, b):
    factor = weft.linalg.cholesky(a + weft.eye(6))
    half = weft.linalg.solve_triangular(factor, b, upper=False)
    values, indices = (half * half).sum(-1).sort(descending=True)
    return factor, values + 1, indices


def test_compiled_and_ahead_of_time(tmp_path):
    a, b = positive_definite(2, 6, 6, dtype="float32"), weft.randn(2, 6, 3)
    eager = model(a, b)
    compiled = weft.compile(model)
    for _ in range(3):
        assert_same_bits(compiled(a, b), eager)
    assert weft.explain(compiled, a, b).mode == "replay"
    strided = a.transpose(-1, -2).contiguous().transpose(-1, -2)
    assert_same_bits(compiled(strided, b), eager)
    for got, expected in zip(Artifact(model, (a, b), tmp_path)(a, b), eager):
        assert_same_bits(got, expected)


def test_a_training_step_through_a_library():
    a = positive_definite(8, 8, dtype="float32").requires_grad_()

    def step(t):
        return weft.autograd.grad(weft.linalg.cholesky(t).sum(), t)[0]

    eager = step(a)
    compiled = weft.compile(step)
    for _ in range(2):
        assert_same_bits(compiled(a), eager)
