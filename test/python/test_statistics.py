"""Elementwise compositions, norms and statistics against NumPy, eagerly, compiled and in their gradients."""

import numpy
import pytest
import weft
from conftest import array_of, assert_same_bits


def numbers(*shape):
    return weft.from_numpy(numpy.random.uniform(0.2, 2, shape) * numpy.random.choice([-1, 1], shape))


def positive(*shape):
    return abs(numbers(*shape))


def as_tuple(result):
    return tuple(result) if isinstance(result, tuple) else (result,)


norm = weft.linalg.norm
inf, nan = weft.inf, weft.nan
# Function, NumPy's, arguments: those that are floats have gradients.
CASES = {
    "clip": (lambda x: x.clip(-1, 1), lambda x: numpy.clip(x, -1, 1), [numbers(3, 4)]),
    "nan_to_num": (weft.nan_to_num, numpy.nan_to_num, [numbers(3, 4)]),
    "lerp": (lambda x, y: weft.lerp(x, y, 0.3), lambda x, y: x + 0.3 * (y - x), [numbers(3, 4), numbers(4)]),
    "lerp from the end": (lambda x, y: x.lerp(y, 0.7), lambda x, y: x + 0.7 * (y - x), [numbers(4), numbers(3, 4)]),
    "lerp by a tensor": (weft.lerp, lambda x, y, w: x + w * (y - x), [numbers(4), numbers(4), numbers(3, 1)]),
    "addcmul": (
        lambda x, y, z: x.addcmul(y, z, value=3),
        lambda x, y, z: x + 3 * y * z,
        [numbers(2, 3), numbers(3), numbers(2, 1)],
    ),
    "addcdiv": (
        lambda x, y, z: weft.addcdiv(x, y, z, value=0.5),
        lambda x, y, z: x + 0.5 * y / z,
        [numbers(2, 3), numbers(3), numbers(2, 1)],
    ),
    "logaddexp": (weft.logaddexp, numpy.logaddexp, [numbers(3, 4), numbers(4)]),
    "xlogy": (weft.xlogy, lambda x, y: x * numpy.log(y), [numbers(3, 4), positive(4)]),
    "hypot": (weft.hypot, numpy.hypot, [numbers(3, 4), numbers(4)]),
    "norm": (lambda x: x.norm(), lambda x: numpy.sqrt((x**2).sum()), [numbers(2, 3, 4)]),
    "norm p=3": (lambda x: weft.norm(x, 3, 1), lambda x: (abs(x) ** 3).sum(1) ** (1 / 3), [numbers(2, 3)]),
    "nuclear": (lambda x: x.norm("nuc"), lambda x: numpy.linalg.norm(x, "nuc"), [numbers(3, 4)]),
    **{
        f"norm of order {order}": (
            lambda x, order=order: norm(x, order, keepdim=True),
            lambda x, order=order: numpy.linalg.norm(x, order, keepdims=True),
            [numbers(3, 4)],
        )
        for order in ["fro", "nuc", 1, -1, 2, -2, inf, -inf, None]
    },
    **{
        f"norm of order {order} of a vector": (
            lambda x, order=order: norm(x, order),
            lambda x, order=order: numpy.linalg.norm(x, order),
            [numbers(5)],
        )
        for order in [1, 2, 2.5, -1, inf, -inf]
    },
    "norm of other axes": (
        lambda x: weft.linalg.matrix_norm(x, 1, (2, 0), True),
        lambda x: numpy.linalg.norm(x, 1, (2, 0), True),
        [numbers(2, 3, 4)],
    ),
    "vector_norm": (
        lambda x: weft.linalg.vector_norm(x, 1, (0, 2)),
        lambda x: abs(x).sum((0, 2)),
        [numbers(2, 3, 4)],
    ),
    "dist": (lambda x, y: x.dist(y, 3), lambda x, y: (abs(x - y) ** 3).sum() ** (1 / 3), [numbers(2, 3), numbers(3)]),
    **{
        f"cdist {p}": (
            lambda x, y, p=p: weft.cdist(x, y, p),
            lambda x, y, p=p: numpy.linalg.norm(x[..., :, None, :] - y[..., None, :, :], p, -1),
            [numbers(2, 1, 3, 5), numbers(4, 2, 5)],
        )
        for p in [1, 2, 3, inf]
    },
    **{
        f"pdist {p}": (
            lambda x, p=p: weft.pdist(x, p),
            lambda x, p=p: numpy.linalg.norm((x[:, None] - x)[numpy.triu_indices(len(x), 1)], p, -1),
            [numbers(5, 3)],
        )
        for p in [1, 2, 3, inf]
    },
    "cosine_similarity": (
        lambda x, y: weft.cosine_similarity(x, y, dim=-1),
        lambda x, y: (x * y).sum(-1) / numpy.sqrt((x**2).sum(-1) * (y**2).sum(-1)),
        [numbers(2, 3, 4), numbers(3, 4)],
    ),
    "diff": (lambda x: x.diff(), numpy.diff, [numbers(3, 4)]),
    "diff twice": (lambda x: weft.diff(x, 2, 0), lambda x: numpy.diff(x, 2, 0), [numbers(4, 2)]),
    "diff with ends": (
        lambda x, y, z: weft.diff(x, prepend=y, append=z),
        lambda x, y, z: numpy.diff(x, prepend=y, append=z),
        [numbers(3, 4), numbers(3, 1), numbers(3, 2)],
    ),
    "diff of too few": (lambda x: weft.diff(x, 5), lambda x: numpy.diff(x, 5), [numbers(3, 4)]),
    "logsumexp": (lambda x: x.logsumexp(1), lambda x: numpy.log(numpy.exp(x).sum(1)), [numbers(2, 3)]),
    "logsumexp of axes": (
        lambda x: weft.logsumexp(x, (0, -1), True),
        lambda x: numpy.log(numpy.exp(x).sum((0, 2), keepdims=True)),
        [numbers(2, 3, 4)],
    ),
    "trapezoid": (
        lambda y: weft.trapezoid(y, dx=2, dim=0),
        lambda y: numpy.trapezoid(y, dx=2, axis=0),
        [numbers(4, 3)],
    ),
    "trapezoid at": (weft.trapezoid, numpy.trapezoid, [numbers(2, 4), positive(4)]),
    "trapezoid of one": (weft.trapezoid, numpy.trapezoid, [numbers(2, 1)]),
    "aminmax": (lambda x: x.aminmax(dim=1), lambda x: (x.min(1), x.max(1)), [numbers(3, 4)]),
    "nansum": (lambda x: x.nansum(0), lambda x: numpy.nansum(x, 0), [numbers(3, 4)]),
    "nanmean": (lambda x: x.nanmean(-1, True), lambda x: numpy.nanmean(x, -1, keepdims=True), [numbers(3, 4)]),
    "cov": (weft.cov, numpy.cov, [numbers(3, 5)]),
    "cov of a vector": (weft.cov, numpy.cov, [numbers(5)]),
    "cov with weights": (
        lambda x, a: weft.cov(x, correction=0, fweights=weft.tensor([1, 2, 0, 3]), aweights=a),
        lambda x, a: numpy.cov(x, ddof=0, fweights=[1, 2, 0, 3], aweights=a),
        [numbers(3, 4), positive(4)],
    ),
    "corrcoef": (weft.corrcoef, numpy.corrcoef, [numbers(3, 5)]),
}
if not hasattr(numpy, "trapezoid"):
    numpy.trapezoid = numpy.trapz


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    function, reference, tensors = CASES[name]
    result = function(*tensors)
    for found, expected in zip(as_tuple(result), as_tuple(reference(*map(array_of, tensors))), strict=True):
        assert found.dtype is weft.float64 and tuple(found.shape) == numpy.shape(expected)
        numpy.testing.assert_allclose(array_of(found), expected, rtol=1e-11, atol=1e-13)
    assert_same_bits(as_tuple(weft.compile(function)(*tensors)), as_tuple(result))
    narrow = [tensor.float() for tensor in tensors]
    if not name.startswith("cov with"):
        for found, expected in zip(as_tuple(function(*narrow)), as_tuple(result)):
            assert found.dtype is weft.float32 and weft.allclose(found.double(), expected, 1e-4, 1e-5)


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    function, _, tensors = CASES[name]
    for i, tensor in enumerate(tensors):

        def total(x, i=i):
            results = as_tuple(function(*tensors[:i], x, *tensors[i + 1 :]))
            return sum((r * weft.linspace(1, 2, r.numel(), dtype=r.dtype).reshape(r.shape)).sum() for r in results)

        leaf = tensor.clone().requires_grad_()
        (gradient,) = weft.autograd.grad(total(leaf), leaf)
        direction = numbers(*tensor.shape)
        step = 1e-6 * direction
        difference = (total(tensor + step) - total(tensor - step)).item() / 2e-6
        assert (gradient * direction).sum().item() == pytest.approx(difference, rel=1e-5, abs=1e-6)


def same(result, expected):
    assert numpy.array_equal(array_of(result), numpy.array(expected), equal_nan=True), result


def test_limits():
    t = weft.tensor
    same(weft.nan_to_num(t([nan, inf, -inf]), 1.0, 2.0, 3.0), [1, 2, 3])
    same(weft.nan_to_num(t([nan, inf, -inf]).half()), [0, 65504, -65504])
    same(weft.logaddexp(t([inf, -inf, inf]), t([inf, -inf, -inf])), [inf, -inf, inf])
    same(weft.xlogy(t([0.0, 0, 0, 1]), t([0.0, nan, -1, 0])), [0, nan, 0, -inf])
    same(weft.hypot(t([3.0, inf, nan, 3e38, 0]), t([4.0, nan, inf, 0, 0])), [5, inf, inf, weft.tensor(3e38).item(), 0])
    same(weft.logsumexp(t([-inf, -inf]), 0), -inf)
    same(weft.logsumexp(t([inf, 1]), 0), inf)
    same(weft.logsumexp(weft.ones(0, 2), 0), [-inf, -inf])
    same(weft.logsumexp(t([1000.0]), 0), 1000)
    same(weft.nanmean(t([nan, 1, 4])), 2.5)
    same(weft.nanmean(t([nan])), nan)
    same(weft.nansum(t([nan, 1])), 1)
    same(weft.count_nonzero(t([[1, 0], [nan, 3]])), 3)
    same(weft.ones(2, 3).count_nonzero(0), [2, 2, 2])
    same(weft.linalg.vector_norm(weft.ones(0)), 0)
    same(weft.linalg.vector_norm(t(-3.0), -inf), 3)
    same(weft.norm(t([0.0, 2]), 0), 1)
    for order in (2, inf, "nuc", "fro"):
        same(norm(weft.ones(0, 3), order), 0)
    same(weft.cdist(weft.ones(2, 0), weft.ones(3, 0)), numpy.zeros((2, 3)))
    same(weft.diff(t([True, False])), [True])
    same(weft.cov(t([[1.0, 2, 3]])), 1)
    assert weft.xlogy(t([2.0]).half(), 3).dtype is weft.float16
    same(weft.cosine_similarity(weft.zeros(3), weft.ones(3), 0), 0)
    assert weft.nn.functional.cosine_similarity is weft.cosine_similarity


@pytest.mark.parametrize("function", [lambda x: x.norm(), lambda x: x.norm(1.5), lambda x: weft.cdist(x, x).sum()])
def test_gradients_of_norms_at_zero(function):
    x = weft.zeros(2, 3).requires_grad_()
    function(x).backward()
    assert (x.grad == 0).all()


def test_isin():
    x = weft.arange(4)
    same(weft.isin(x, weft.tensor([1, 2])), [False, True, True, False])
    same(weft.isin(x.reshape(2, 2), 2, invert=True), [[True, True], [False, True]])
    same(weft.isin(2, x), True)
    same(weft.isin(x, weft.ones(0)), [False] * 4)


def test_other_names():
    x, y = weft.tensor([1.0, 2]), weft.tensor([2.0, 1])
    for name, operator in {
        "greater": x > y, "greater_equal": x >= y, "less": x < y, "less_equal": x <= y, "not_equal": x != y,
        "multiply": x * y, "subtract": x - y, "divide": x / y, "true_divide": x / y,
    }.items():  # fmt: skip
        assert_same_bits(getattr(weft, name)(x, y), operator)
        assert_same_bits(getattr(x, name)(y), operator)
    assert_same_bits(weft.negative(x), -x)
    assert_same_bits((-x).absolute(), x)
    assert x.clip_(max=1.5) is x and x.tolist() == [1, 1.5]


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_finfo(name):
    limits, expected = weft.finfo(getattr(weft, name)), numpy.finfo(name)
    for field in ("bits", "eps", "max", "min", "smallest_normal", "tiny", "resolution"):
        assert getattr(limits, field) == pytest.approx(
            float(getattr(expected, field)), rel=1e-3 if field == "resolution" else 1e-7
        )
    assert limits.dtype == name and weft.finfo().dtype == "float32"


@pytest.mark.parametrize("name", ["uint8", "uint16", "uint32", "int8", "int16", "int32", "int64"])
def test_iinfo(name):
    limits, expected = weft.iinfo(getattr(weft, name)), numpy.iinfo(name)
    assert (limits.bits, limits.min, limits.max) == (expected.bits, expected.min, expected.max)


def test_tensors_of_numbers():
    assert weft.is_tensor(weft.ones(2)) and not weft.is_tensor([1])
    assert weft.scalar_tensor(3).dtype is weft.float32 and weft.scalar_tensor(3, dtype=weft.int8).item() == 3


x = weft.ones(2, 3)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: x.clip(), RuntimeError, r"\[clip\]"),
        (lambda: weft.isin(1, 2), TypeError, r"\[isin\]"),
        (lambda: x.lerp(x.double(), 0.5), RuntimeError, r"\[lerp\] both must"),
        (lambda: x.int().lerp(x.int(), 0.5), NotImplementedError, r"\[lerp\] needs"),
        (lambda: x.int().addcdiv(x.int(), x.int()), RuntimeError, r"\[addcdiv\] quotients"),
        (lambda: x.int().addcmul(x.int(), x.int(), value=0.5), RuntimeError, r"\[addcmul\] value"),
        (lambda: x.int().logaddexp(x.int()), NotImplementedError, r"\[logaddexp\]"),
        (lambda: x.int().hypot(x.int()), NotImplementedError, r"\[hypot\]"),
        (lambda: x.int().norm(), RuntimeError, r"\[norm\] needs a floating"),
        (lambda: x.norm("x"), RuntimeError, r"\[norm\] p must"),
        (lambda: norm(x, 3), RuntimeError, r"\[norm\] the order"),
        (lambda: norm(weft.ones(1, 1, 1), 1), RuntimeError, r"\[norm\] needs dim"),
        (lambda: weft.linalg.vector_norm(weft.ones(0), inf), RuntimeError, r"\[vector_norm\] there is no norm"),
        (lambda: weft.linalg.vector_norm(x, dtype=weft.float16), RuntimeError, r"\[vector_norm\] dtype"),
        (lambda: weft.linalg.matrix_norm(x[0]), RuntimeError, r"\[matrix_norm\] needs matrices"),
        (lambda: weft.nuclear_norm(x[0], 1e-5), TypeError, r"\[nuclear_norm\] axes and shifts must be ints; got 1e-05"),
        (lambda: weft.linalg.matrix_norm(x, 1, (0, 0.5)), TypeError, r"\[matrix_norm\] dim must be a sequence of ints"),
        (lambda: weft.linalg.matrix_norm(x, 1, (0, 0)), RuntimeError, r"\[matrix_norm\] .*twice"),
        (lambda: weft.cdist(x, x.t()), RuntimeError, r"\[cdist\] needs rows"),
        (lambda: weft.cdist(x, x, -1), RuntimeError, r"\[cdist\] p must"),
        (lambda: weft.cdist(x, x, compute_mode="x"), ValueError, r"\[cdist\] compute_mode"),
        (lambda: weft.pdist(x[0]), RuntimeError, r"\[pdist\] needs"),
        (lambda: weft.pdist(weft.ones(2, 2), -1), RuntimeError, r"\[pdist\] p must"),
        (lambda: weft.cosine_similarity(x.int(), x.int()), RuntimeError, r"\[cosine_similarity\]"),
        (lambda: weft.tensor(1).diff(), RuntimeError, r"\[diff\]"),
        (lambda: x.diff(prepend=x[0]), RuntimeError, r"\[diff\] prepend"),
        (lambda: weft.trapezoid(weft.tensor(1)), IndexError, r"\[trapezoid\]"),
        (lambda: weft.trapezoid(x, weft.ones(2)), RuntimeError, r"\[trapezoid\]"),
        (lambda: weft.ones(0).aminmax(), RuntimeError, r"\[aminmax\]"),
        (lambda: x.int().nanmean(), RuntimeError, r"\[nanmean\]"),
        (lambda: weft.cov(weft.ones(1, 1, 1)), RuntimeError, r"\[cov\]"),
        (lambda: weft.cov(x, fweights=weft.ones(3)), RuntimeError, r"\[cov\] fweights"),
        (lambda: weft.cov(x, aweights=weft.ones(2)), RuntimeError, r"\[cov\] aweights"),
        (lambda: weft.finfo(weft.int8), TypeError, r"\[finfo\]"),
        (lambda: weft.iinfo(weft.float32), TypeError, r"\[iinfo\]"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "function",
    [
        weft.nn.functional.normalize,
        lambda x: weft.nn.functional.normalize(x, p=3.0),
        lambda x: weft.hypot(x, x * 0),
        lambda x: weft.cosine_similarity(x, x + 1),
        lambda x: x.norm(dim=1),
        lambda x: x.std(1),
    ],
)
def test_derivatives_at_zero_are_finite(function):
    for called in (function, weft.compile(function)):
        x = weft.zeros(2, 3, requires_grad=True)
        (first,) = weft.autograd.grad(called(x).sum(), x, create_graph=True)
        (second,) = weft.autograd.grad(first.sum() + (x * 0).sum(), x)
        assert first.isfinite().all() and second.isfinite().all()
