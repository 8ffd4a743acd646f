"""Values where the obvious formula fails: long quotients, large integers, ends of ranges, constant rows, infinities, empty axes."""

import math

import numpy
import pytest
import weft
import weft.nn.functional as F
from conftest import assert_same_bits

INF = float("inf")


def both(function, *tensors):
    """The result, which is the same compiled."""
    result = function(*tensors)
    assert_same_bits(weft.compile(function)(*tensors), result)
    return result


# ---- remainders and quotients


def operands_of_all_sizes(dtype):
    """Random bits: numbers of every exponent, subnormal ones, infinities and NaN; and multiples, whose remainder is small."""
    kind = {"float64": numpy.uint64, "float32": numpy.uint32, "float16": numpy.uint16}[dtype]
    random = numpy.random.default_rng(0)
    x, y = random.integers(0, numpy.iinfo(kind).max, (2, 5000), dtype=kind).view(dtype)
    with numpy.errstate(all="ignore"):
        multiples = (y.astype("float64") * random.integers(-(2**20), 2**20, 5000)).astype(dtype)
        special = numpy.array(
            [0, -0.0, 1, -1, INF, -INF, math.nan, 5e-324, 1e-310, 1e300, -1.7e308, 3, 7, 3e38]
        ).astype(dtype)
    a, b = (grid.ravel() for grid in numpy.meshgrid(special, special))
    return numpy.concatenate([x, multiples, a]), numpy.concatenate([y, y, b])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_remainders_are_exact(dtype):
    x, y = operands_of_all_sizes(dtype)
    tensors = weft.from_numpy(x), weft.from_numpy(y)
    with numpy.errstate(all="ignore"):
        truncated, floored = numpy.fmod(x, y), numpy.floor_divide(x, y)
        # NumPy's zeros have the divisor's sign, PyTorch's the dividend's.
        expected = numpy.where(truncated == 0, truncated, numpy.remainder(x, y))
    numpy.testing.assert_array_equal(both(weft.fmod, *tensors).numpy(), truncated)
    numpy.testing.assert_array_equal(both(weft.remainder, *tensors).numpy(), expected)
    numpy.testing.assert_array_equal(both(weft.floor_divide, *tensors).numpy(), floored)


def test_remainders_of_numbers_are_pythons():
    for x, y in [
        (3e38, 3.0),
        (1e300, 7.0),
        (-1e300, 7.0),
        (1.7e308, 5e-324),
        (1.0, 1e-310),
        (5.5, -2.0),
        (2.0**1023, 3.0),
    ]:
        t = weft.tensor(x, dtype=weft.float64)
        assert (t % y).item() == x % y and weft.fmod(t, y).item() == math.fmod(x, y)
        assert (t // y).item() == (x // y if x / y < INF else INF)


# ---- ranges


@pytest.mark.parametrize(
    "bounds",
    [(2**60, 2**60 + 3, 1), (2**53 + 1, 2**53 + 4, 1), (2**63 - 3, 2**63 - 1, 1), (-(2**63), 2**63 - 1, 2**61 + 1),
     (2**60 + 3, 2**60, -1), (2**63 - 1, -(2**63), -(2**62)), (-(2**63), -(2**63), 7), (5, 0, -2)],
)  # fmt: skip
def test_arange_of_integers_is_exact(bounds):
    assert weft.arange(*bounds).tolist() == list(range(*bounds))


@pytest.mark.parametrize("dtype", [weft.float64, weft.float32, weft.float16, weft.bfloat16], ids=str)
def test_arange_of_floats_is_rounded_once(dtype):
    for bounds in [(2**24 + 1, 2**24 + 9, 1), (2**53 + 1, 2**53 + 6, 1), (2040, 2070, 3), (0, 2, 1)]:
        assert weft.arange(*bounds, dtype=dtype).tolist() == weft.tensor(list(range(*bounds))).to(dtype).tolist()
    exact = [0.1 * i + 0.7 for i in range(300)]
    expected = weft.tensor(exact, dtype=weft.float64).to(dtype).tolist()
    assert weft.arange(0.7, 0.7 + 0.1 * 299.5, 0.1, dtype=dtype).tolist() == expected


def test_randint_reaches_every_integer():
    assert set((weft.randint(2**60, 2**60 + 10, (2000,)) - 2**60).tolist()) == set(range(10))
    for low, high in [(0, 2**53 + 2**50), (0, 2**62 + 2**61), (-(2**63), 2**63 - 1), (-(2**62), 2**62 + 1)]:
        draws = weft.randint(low, high, (4000,)).tolist()
        assert all(low <= v < high for v in draws)
        assert abs(sum(v % 2 for v in draws) - 2000) < 200 and len(set(draws)) == 4000
        thirds = [
            sum(low + (high - low) * k // 3 <= v < low + (high - low) * (k + 1) // 3 for v in draws) for k in range(3)
        ]
        assert max(thirds) - min(thirds) < 300, thirds
        remainders = [sum(v % 3 == k for v in draws) for k in range(3)]
        assert max(remainders) - min(remainders) < 300, remainders


def test_randint_takes_its_bounds_by_name():
    for draw in (
        lambda: weft.randint(5, size=(50,)),
        lambda: weft.randint(high=5, size=[50]),
        lambda: weft.randint(low=0, high=5, size=(50,)),
    ):
        weft.manual_seed(0)
        first = draw()
        weft.manual_seed(0)
        assert_same_bits(first, weft.randint(0, 5, (50,)))
    for wrong in ((), (5,), (1, 5)):
        with pytest.raises(TypeError, match=r"\[randint\] takes"):
            weft.randint(*wrong)


def test_randint_stays_within_the_dtype():
    assert set(weft.randint(-128, 128, (9000,), dtype=weft.int8).tolist()) == set(range(-128, 128))
    assert set(weft.randint(0, 2, (100,), dtype=weft.bool).tolist()) == {True, False}
    for low, high, dtype in [(100, 1000, weft.int8), (-1, 5, weft.uint8), (0, 257, weft.uint8), (0, 3, weft.bool), (0, 2**40, weft.int32)]:  # fmt: skip
        with pytest.raises(RuntimeError):
            weft.randint(low, high, (3,), dtype=dtype)


def test_randint_compiled_draws_the_same():
    draw = weft.compile(lambda x: x + weft.randint(-5, 2**40, (7,)))
    for _ in range(3):
        state = weft._C.generator_state()
        compiled = draw(weft.zeros(7, dtype=weft.int64))
        weft._C.set_generator_state(*state)
        assert compiled.tolist() == weft.randint(-5, 2**40, (7,)).tolist()


@pytest.mark.parametrize("dtype", [weft.float16, weft.bfloat16, weft.float32, weft.float64], ids=str)
def test_uniform_stays_below_its_upper_bound(dtype):
    values = weft.rand(100000, dtype=dtype).double()
    assert values.min().item() >= 0 and values.max().item() < 1 and abs(values.mean().item() - 0.5) < 0.01
    for low, high in [(1000, 1001), (-1, 0), (5, 5), (0.1, 0.3)]:
        values = weft.empty(200000, dtype=dtype).uniform_(low, high)
        top = weft.tensor(high, dtype=dtype).item()
        bottom = weft.tensor(low, dtype=dtype).item()
        assert values.min().item() >= bottom and (values.max().item() < top or bottom == top)


# ---- composites


@pytest.mark.parametrize("dtype", [weft.float16, weft.bfloat16], ids=str)
def test_16_bit_composites_are_float32_inside(dtype):
    cases = {
        "normalize": (lambda x: F.normalize(x), weft.tensor([[300.0, 400.0]])),
        "normalize, p = 3": (lambda x: F.normalize(x, 3.0), weft.tensor([[300.0, 400.0]])),
        "std": (lambda x: x.std(), weft.tensor([300.0, -300.0] * 50)),
        "var": (lambda x: (x * 0.5).var(), weft.tensor([300.0, -300.0] * 50)),
        "addmm": (
            lambda x: weft.addmm(weft.full((1, 1), -60000.0, dtype=x.dtype), x, x.T),
            weft.tensor([[200.0, 282.0]]),
        ),
        "addmm, alpha": (lambda x: weft.addmm(x, x, x, beta=0.5, alpha=2**-9), weft.full((2, 2), 255.0)),
    }
    for name, (function, x) in cases.items():
        narrow = both(function, x.to(dtype))
        assert_same_bits(narrow, function(x.to(dtype).float()).to(dtype)), name
        assert math.isfinite(narrow.sum().item()), name


def test_constant_rows_have_variance_zero():
    for value in (10000.1, 0.1, -3e7, 1e-30):
        for n in (3, 768, 5000):
            x = weft.full((2, n), value)
            assert both(lambda x: F.layer_norm(x, x.shape[1:]), x).abs().max().item() == 0
            assert both(lambda x: x.var(1), x).tolist() == [0.0, 0.0]
            assert both(lambda x: x.std(1), x).tolist() == [0.0, 0.0]


def test_variance_far_from_zero():
    for dtype, far in (("float32", 1e6), ("float64", 1e12)):
        x = (numpy.random.randn(40, 768) + far).astype(dtype)
        wide = x.astype(numpy.longdouble)
        exact = ((wide - wide.mean(1, keepdims=True)) ** 2).sum(1) / 767
        tolerance = 8 * numpy.finfo(dtype).eps
        assert numpy.allclose(
            both(lambda x: x.var(-1), weft.from_numpy(x)).numpy(), exact.astype("float64"), rtol=tolerance
        )
    assert both(lambda x: x.var(), weft.tensor([1.0, 1.0 + 2**-23])).item() == 2**-47


def test_layer_norm_far_from_zero():
    random = numpy.random.RandomState(0)
    x = (1e4 + random.randn(4, 768)).astype("float32")
    exact = x.astype("float64")
    exact = (exact - exact.mean(1, keepdims=True)) / numpy.sqrt(exact.var(1, keepdims=True) + 1e-5)
    # The mean is rounded to a number of x's size.
    numpy.testing.assert_allclose(F.layer_norm(weft.from_numpy(x), (768,)).numpy(), exact, atol=2**-24 * 1e4, rtol=1e-6)


def test_activations_at_infinity():
    x = weft.tensor([-INF, -1e30, -200.0, INF, 1e30])
    for function in (F.silu, F.gelu, lambda x: F.gelu(x, approximate="tanh")):
        y = both(function, x)
        assert (
            y.tolist() == [0.0, 0.0, 0.0, INF, x[4].item()]
            and numpy.signbit(y.numpy()).tolist() == [True] * 3 + [False] * 2
        )
        for dtype in (weft.float64, weft.float16, weft.bfloat16):
            assert [v for v in function(x.to(dtype)).tolist() if abs(v) > 1e-80][0] == INF
        z = x.clone().requires_grad_()
        (slope,) = weft.autograd.grad(function(z).sum(), z, create_graph=True)
        assert slope.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
        (second,) = weft.autograd.grad(slope.sum(), z)
        assert second.tolist() == [0.0] * 5
    assert weft.isnan(F.silu(weft.tensor(math.nan))).item() and weft.isnan(F.gelu(weft.tensor(math.nan))).item()


# ---- gradients


def gradients(function, *values):
    tensors = [weft.tensor(v, requires_grad=True) for v in values]
    function(*tensors).sum().backward()
    compiled = [weft.tensor(v, requires_grad=True) for v in values]
    weft.compile(lambda *t: function(*t).sum().backward())(*compiled)
    for a, b in zip(tensors, compiled):
        assert_same_bits(a.grad, b.grad)
    return [t.grad.tolist() for t in tensors]


def test_gradients_at_the_bounds_of_clamp():
    x, one = [0.5, 1.0, 2.0], [1.0, 1.0, 1.0]
    assert gradients(lambda x: x.clamp(min=1.0), x) == [[0.0, 1.0, 1.0]]
    assert gradients(lambda x: x.clamp(max=1.0), x) == [[1.0, 1.0, 0.0]]
    assert gradients(lambda x: x.clamp(1.0, 2.0), x) == [[0.0, 1.0, 1.0]]
    assert gradients(lambda x, low: x.clamp(min=low), x, one) == [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    assert gradients(lambda x, high: x.clamp(max=high), x, one) == [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_gradients_where_a_norm_is_zero():
    assert gradients(lambda x: x.std(1), [[1.0, 1.0], [3.0, 4.0]])[0][0] == [0.0, 0.0]
    for p in (2.0, 3.0, INF):
        zero, row = gradients(lambda x, p=p: F.normalize(x, p), [[0.0, 0.0], [3.0, 4.0]])[0]
        assert zero == [pytest.approx(1e12)] * 2
        wide = weft.tensor([[3.0, 4.0]], dtype=weft.float64, requires_grad=True)
        F.normalize(wide, p).sum().backward()
        assert row == pytest.approx(wide.grad.tolist()[0], abs=1e-6)
    assert gradients(lambda x: F.normalize(x, eps=10.0), [[3.0, 4.0]])[0][0] == pytest.approx([0.1, 0.1])


def test_gradients_of_atan2_near_the_origin():
    y, x = [0.0, 0.0, 1.0, 1e-30, 1e30, -1e-30], [0.0, 1.0, 0.0, 1e-30, -1e30, 3e-30]
    slopes = gradients(weft.atan2, y, x)
    for i, (a, b) in enumerate(zip(y, x)):
        size = math.hypot(a, b)
        expected = (b / size / size, -a / size / size) if size else (0.0, 0.0)
        assert [s[i] for s in slopes] == pytest.approx(expected, rel=1e-6)
    assert gradients(weft.atan2, [INF, 1.0, INF], [2.0, -INF, INF]) == [[0.0] * 3] * 2


@pytest.mark.parametrize("values", [[0.5, 0.0, -1.5], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
def test_second_derivatives_of_prod(values):
    x = weft.tensor(values, requires_grad=True)
    (slope,) = weft.autograd.grad(x.prod(), x, create_graph=True)
    for i in range(3):
        (row,) = weft.autograd.grad(slope[i], x, retain_graph=True)
        assert row.tolist() == [0.0 if i == j else values[3 - i - j] for j in range(3)]


def test_the_gradient_of_relu_has_a_derivative():
    x = weft.tensor([0.0, 2.0, -3.0], requires_grad=True)
    (slope,) = weft.autograd.grad(F.relu(x).sum(), x, create_graph=True)
    assert slope.tolist() == [0.0, 1.0, 0.0]
    assert weft.autograd.grad(slope.sum(), x)[0].tolist() == [0.0, 0.0, 0.0]
    (slope,) = weft.autograd.grad((F.relu(x) ** 2).sum(), x, create_graph=True)
    assert weft.autograd.grad(slope.sum(), x)[0].tolist() == [0.0, 2.0, 0.0]


# ---- attention


@pytest.mark.parametrize(
    "hidden", [[[False, False], [True, False]], [[-INF, -INF], [0.0, -INF]]], ids=["bool", "float"]
)
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("dtype", [weft.float32, weft.float64, weft.float16], ids=str)
def test_attention_of_a_hidden_row_is_zero(hidden, is_causal, dtype):
    mask = weft.tensor(hidden)
    mask = mask if mask.dtype is weft.bool else mask.to(dtype)
    values = [weft.randn(2, 2, 4).to(dtype) for _ in range(3)]

    def run(q, k, v):
        result = weft._ops.scaled_dot_product_attention(q, k, v, mask, is_causal, 0.5)
        return result, *weft.autograd.grad(result.sum(), (q, k, v))

    inputs = [v.clone().requires_grad_() for v in values]
    result, *slopes = run(*inputs)
    assert result[:, 0].tolist() == [[0.0] * 4] * 2  # its row sees nothing
    assert_same_bits(result[:, 1], values[2][:, 0])  # this one the first key
    assert [float(s.abs().sum()) for s in slopes[:2]] == [0.0, 0.0]
    assert slopes[2].tolist() == [[[1.0] * 4, [0.0] * 4]] * 2
    for a, b in zip(weft.compile(run)(*inputs), (result, *slopes)):
        assert_same_bits(a, b)


def test_attention_without_keys_or_width():
    q, k, v = weft.ones(2, 3, 4), weft.ones(2, 0, 4), weft.ones(2, 0, 5)
    assert both(F.scaled_dot_product_attention, q, k, v).tolist() == weft.zeros(2, 3, 5).tolist()
    q, k, v = weft.ones(2, 3, 0), weft.ones(2, 4, 0), weft.randn(2, 4, 5)
    numpy.testing.assert_allclose(
        both(F.scaled_dot_product_attention, q, k, v).numpy(), v.mean(1, True).expand(2, 3, 5).numpy(), rtol=1e-6
    )


@pytest.mark.parametrize("function", [weft.softmax, weft.log_softmax])
def test_softmax_of_an_empty_axis(function):
    for shape in ((2, 0), (0, 3), (0, 0)):
        assert both(lambda x: function(x, 1), weft.zeros(shape)).shape == shape
        x = weft.zeros(shape, requires_grad=True)
        function(x, 1).sum().backward()
        assert x.grad.shape == shape


# ---- dtypes


def test_dtypes_of_results():
    flags, small = weft.tensor([True, False]), weft.tensor([100, 100], dtype=weft.int8)
    results = {
        "sum(dtype=int32)": (small.sum(dtype=weft.int32), weft.int32, 200),
        "sum(dtype=int8)": (small.sum(dtype=weft.int8), weft.int8, -56),
        "prod(dtype=uint8)": (small.prod(dtype=weft.uint8), weft.uint8, 10000 % 256),
        "sum(dtype=bool)": (small.sum(dtype=weft.bool), weft.bool, True),
        "sign": (weft.sign(flags), weft.bool, [True, False]),
        "square": (weft.square(flags), weft.int64, [1, 0]),
        "isnan": (weft.isnan(flags), weft.bool, [False, False]),
        "isinf": (weft.isinf(flags), weft.bool, [False, False]),
        "isfinite": (weft.isfinite(flags), weft.bool, [True, True]),
        "scatter_add": (weft.zeros(3, dtype=weft.bool).scatter_add(0, weft.tensor([0] * 256 + [2]), weft.ones(257, dtype=weft.bool)),
                        weft.bool, [True, False, True]),
        "linear": (F.linear(weft.tensor([[1, 2]]), weft.tensor([[3, 4]]), weft.tensor([1])), weft.int64, [[12]]),
        "addmm": (weft.addmm(weft.tensor([1]), weft.tensor([[1, 2]]), weft.tensor([[3], [4]]), beta=2, alpha=3), weft.int64, [[35]]),
    }  # fmt: skip
    for name, (result, dtype, expected) in results.items():
        assert (result.dtype, result.tolist()) == (dtype, expected), name


def test_round_to_any_number_of_decimals():
    values = [1.25, -123.456, 3e30, -1e-30, 0.0, -0.0, INF, math.nan, 65504.0]
    for dtype in (weft.float64, weft.float32):
        x = weft.tensor(values, dtype=dtype)
        for decimals in (400, 310, 200, 60):
            far = both(lambda x, d=decimals: weft.round(x, decimals=d), x)
            numpy.testing.assert_array_equal(far.numpy(), x.numpy())
        for decimals in (-400, -310, -200, -60):
            expected = numpy.where(numpy.isfinite(x.numpy()), 0.0, x.numpy())
            near = both(lambda x, d=decimals: weft.round(x, decimals=d), x)
            numpy.testing.assert_array_equal(near.numpy(), expected)
    x = weft.tensor([1e-39, 4e-40, 1.5e-38, 3e38])  # a tenth of a unit is a unit of the 40th decimal
    numpy.testing.assert_allclose(weft.round(x, decimals=39).numpy()[:3] / 1e-39, [1, 0, 15], rtol=1e-5)
    assert weft.round(x, decimals=10)[3].item() == x[3].item()


def test_allclose_of_integers_is_exact():
    def close(a, b, **tolerances):
        return weft.allclose(weft.tensor([a]), weft.tensor([b]), **tolerances)

    assert not close(2**62, 2**62 + 1, rtol=0, atol=0) and close(2**62, 2**62 + 1, rtol=0, atol=1)
    assert close(2**62, 2**62 + 1) and not close(-(2**63), 2**63 - 1) and close(-(2**63), 2**63 - 1, rtol=2.1)
    assert not close(True, False) and close(True, True)


def test_classes_may_be_bytes():
    x, t = weft.randn(5, 3), weft.tensor([0, 2, 1, 1, 0], dtype=weft.uint8)
    for loss in (F.cross_entropy, F.nll_loss):
        assert loss(x, t).item() == loss(x, t.long()).item()
        with pytest.raises(RuntimeError):
            loss(x, t.int())


def test_bools_to_the_power_of_a_bool():
    t = weft.tensor([True, False])
    assert both(lambda t: t**True, t).tolist() == [True, False] and (t**True).dtype is weft.bool
    assert both(lambda t: t**False, t).tolist() == [True, True] and (t**2).tolist() == [1, 0]
