"""Activations: values against NumPy, gradients against finite differences, compiled bits, limits, errors."""

import math

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients
from weft import nn

F = nn.functional


def elu(x, alpha=1.0, scale=1.0, input_scale=1.0):
    return numpy.where(x > 0, scale * x, scale * alpha * numpy.expm1(numpy.minimum(x, 0) * input_scale))


def softplus(x, beta=1.0):
    return numpy.logaddexp(0, beta * x) / beta


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


SELU = 1.6732632423543772, 1.0507009873554805

# Name: function, layer, NumPy's expression.
TABLE = {
    "leaky_relu": (F.leaky_relu, nn.LeakyReLU(), lambda x: numpy.where(x > 0, x, 0.01 * x)),
    "leaky_relu slope": (lambda x: F.leaky_relu(x, 0.3), nn.LeakyReLU(0.3), lambda x: numpy.where(x > 0, x, 0.3 * x)),
    "elu": (lambda x: F.elu(x, 0.7), nn.ELU(0.7), lambda x: elu(x, 0.7)),
    "selu": (F.selu, nn.SELU(), lambda x: elu(x, *SELU)),
    "celu": (lambda x: F.celu(x, 0.7), nn.CELU(0.7), lambda x: elu(x, 0.7, 1, 1 / 0.7)),
    "relu6": (F.relu6, nn.ReLU6(), lambda x: x.clip(0, 6)),
    "hardtanh": (lambda x: F.hardtanh(x, -0.5, 2), nn.Hardtanh(-0.5, 2), lambda x: x.clip(-0.5, 2)),
    "hardsigmoid": (F.hardsigmoid, nn.Hardsigmoid(), lambda x: (x + 3).clip(0, 6) / 6),
    "hardswish": (F.hardswish, nn.Hardswish(), lambda x: x * (x + 3).clip(0, 6) / 6),
    "hardshrink": (F.hardshrink, nn.Hardshrink(), lambda x: numpy.where(abs(x) <= 0.5, 0, x)),
    "softshrink": (F.softshrink, nn.Softshrink(), lambda x: numpy.sign(x) * (abs(x) - 0.5).clip(0)),
    "tanhshrink": (F.tanhshrink, nn.Tanhshrink(), lambda x: x - numpy.tanh(x)),
    "softsign": (F.softsign, nn.Softsign(), lambda x: x / (1 + abs(x))),
    "softplus": (F.softplus, nn.Softplus(), softplus),
    "softplus beta": (lambda x: F.softplus(x, 2, 5), nn.Softplus(2, 5), lambda x: numpy.where(2 * x > 5, x, softplus(x, 2))),
    "logsigmoid": (F.logsigmoid, nn.LogSigmoid(), lambda x: -softplus(-x)),
    "mish": (F.mish, nn.Mish(), lambda x: x * numpy.tanh(softplus(x))),
    "glu": (F.glu, nn.GLU(), lambda x: x[..., :3] * sigmoid(x[..., 3:])),
    "glu dim": (lambda x: F.glu(x, 0), nn.GLU(0), lambda x: x[:2] * sigmoid(x[2:])),
    "threshold": (lambda x: F.threshold(x, 0.4, -2), nn.Threshold(0.4, -2), lambda x: numpy.where(x <= 0.4, -2, x)),
    "rrelu": (F.rrelu, nn.RReLU().eval(), lambda x: numpy.where(x > 0, x, x * (1 / 8 + 1 / 3) / 2)),
    "softmin": (lambda x: F.softmin(x, 1), nn.Softmin(1), lambda x: numpy.exp(-x) / numpy.exp(-x).sum(1, keepdims=True)),
    "log_softmax": (
        lambda x: F.log_softmax(x, 1),
        nn.LogSoftmax(1),
        lambda x: x - numpy.log(numpy.exp(x).sum(1, keepdims=True)),
    ),
}  # fmt: skip
X = numpy.random.default_rng(0).standard_normal((4, 6)) * 3
names = pytest.mark.parametrize("name", TABLE)


@names
def test_values(name):
    function, layer, expected = TABLE[name]
    for dtype, tolerance in ((weft.float64, 1e-12), (weft.float32, 2e-6), (weft.float16, 2e-3), (weft.bfloat16, 1e-2)):
        x = weft.tensor(X, dtype=dtype)
        result = function(x)
        assert result.dtype is dtype
        assert result.float().equal(layer(x).float())
        wanted = expected(x.double().numpy())
        numpy.testing.assert_allclose(result.double().numpy(), wanted, rtol=tolerance, atol=tolerance)


@names
def test_gradients(name):
    check_gradients(TABLE[name][0], [X])


@names
@pytest.mark.parametrize("dtype", [weft.float32, weft.bfloat16])
def test_compiled(name, dtype):
    check_compiled(TABLE[name][0], [X], dtype)


AT_LIMITS = sorted(TABLE.keys() - {"glu", "glu dim", "softmin", "log_softmax", "softsign", "tanhshrink"})


@pytest.mark.parametrize("name", AT_LIMITS)
def test_large_inputs(name):
    x = weft.tensor([-1e30, -1e4, 1e4, 1e30]).requires_grad_()
    result = TABLE[name][0](x)
    assert result.isfinite().all()
    (slope,) = weft.autograd.grad(result.sum(), x, create_graph=True)
    assert slope.isfinite().all()
    if slope.requires_grad:
        assert weft.autograd.grad(slope.sum(), x)[0].isfinite().all()
    assert TABLE[name][0](weft.tensor([math.nan])).isnan().all()


# PyTorch's slopes where the derivative is not defined, or that of a part is not.
SLOPES = [
    (F.hardtanh, [-1.0, 1.0], [0.0, 0.0]),
    (F.relu6, [0.0, 6.0], [0.0, 0.0]),
    (F.hardsigmoid, [-3.0, 3.0], [0.0, 0.0]),
    (F.hardswish, [-3.0, 3.0], [0.0, 1.0]),
    (F.leaky_relu, [0.0], [0.01]),
    (F.softplus, [0.0], [0.5]),
    (F.logsigmoid, [0.0], [0.5]),
    (F.elu, [0.0], [1.0]),
]


@pytest.mark.parametrize("function, at, slopes", SLOPES, ids=lambda value: getattr(value, "__name__", ""))
def test_slopes_at_limits(function, at, slopes):
    x = weft.tensor(at).requires_grad_()
    function(x).sum().backward()
    numpy.testing.assert_allclose(x.grad.numpy(), slopes, rtol=1e-6)


INPLACE = [F.leaky_relu, F.elu, F.selu, F.celu, F.relu6, F.hardtanh, F.hardsigmoid, F.hardswish, F.mish, F.rrelu]


@pytest.mark.parametrize("function", INPLACE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", [weft.float32, weft.bfloat16])
def test_inplace(function, dtype):
    leaf = weft.tensor(X, dtype=dtype).requires_grad_()
    x = leaf * 1
    result = function(x, inplace=True)
    assert result.data_ptr() == x.data_ptr()
    other = weft.tensor(X, dtype=dtype).requires_grad_()
    expected = function(other)
    assert x.equal(expected)
    result.sum().backward()
    expected.sum().backward()
    assert leaf.grad.equal(other.grad)


def test_prelu():
    x = X.reshape(2, 3, 4)
    w = numpy.array([0.1, 0.2, -0.3])
    layer = nn.PReLU(3, dtype=weft.float64)
    assert layer.weight.tolist() == [0.25] * 3 and list(layer.state_dict()) == ["weight"]
    expected = numpy.where(x > 0, x, x * w[:, None])
    numpy.testing.assert_allclose(F.prelu(weft.tensor(x), weft.tensor(w)).numpy(), expected)
    assert F.prelu(weft.tensor(x), weft.tensor(0.25, dtype=weft.float64)).equal(layer(weft.tensor(x)))
    check_gradients(F.prelu, [x, w])
    check_compiled(F.prelu, [x, w])


def test_prelu_of_infinity_has_finite_gradients():
    w = weft.tensor([0.25]).requires_grad_()
    F.prelu(weft.tensor([math.inf, -2.0]), w)[1].backward()
    assert w.grad.tolist() == [-2.0]


def test_softmax2d():
    x = weft.randn(2, 3, 4, 5)
    assert nn.Softmax2d()(x).equal(F.softmax(x, 1))
    with pytest.raises(ValueError, match=r"\[Softmax2d\]"):
        nn.Softmax2d()(weft.randn(2, 3))


def test_rrelu_in_training():
    weft.manual_seed(0)
    x = -weft.ones(1000)
    slopes = -F.rrelu(x, 0.2, 0.4, training=True)
    assert 0.2 <= slopes.min() < 0.21 and 0.39 < slopes.max() < 0.4 and abs(slopes.mean() - 0.3) < 0.01
    assert nn.RReLU()(weft.ones(3)).tolist() == [1.0, 1.0, 1.0]
    check_compiled(lambda x: F.rrelu(x, training=True), [X])


def test_gumbel_softmax():
    weft.manual_seed(0)
    logits = weft.log(weft.tensor([[0.1, 0.2, 0.7]])).expand(20000, 3)
    hard = F.gumbel_softmax(logits, hard=True)
    assert ((hard == 0) | ((hard - 1).abs() < 1e-6)).all() and (abs(hard.sum(1) - 1) < 1e-6).all()
    numpy.testing.assert_allclose(hard.mean(0).numpy(), [0.1, 0.2, 0.7], atol=0.02)
    numpy.testing.assert_allclose(F.gumbel_softmax(logits, tau=0.5, dim=0).sum(0).numpy(), 1, rtol=1e-4)
    check_compiled(lambda x: F.gumbel_softmax(x, hard=True), [X])

    def loss(x):
        weft.manual_seed(4)
        return F.gumbel_softmax(x, 0.7)

    check_gradients(loss, [X])


ERRORS = {
    "glu odd": (lambda: F.glu(weft.ones(2, 3)), RuntimeError, r"\[glu\].*\[2, 3\]"),
    "glu 0-d": (lambda: F.glu(weft.tensor(1.0)), RuntimeError, r"\[glu\]"),
    "glu dim": (lambda: F.glu(weft.ones(2), 3), IndexError, r"\[glu\] dim 3"),
    "celu": (lambda: F.celu(weft.ones(2), 0), RuntimeError, r"\[celu\] alpha"),
    "hardtanh": (lambda: F.hardtanh(weft.ones(2), 2, 1), ValueError, r"\[hardtanh\]"),
    "Hardtanh": (lambda: nn.Hardtanh(2, 1), AssertionError, r"\[Hardtanh\]"),
    "softshrink": (lambda: F.softshrink(weft.ones(2), -1), RuntimeError, r"\[softshrink\]"),
    "rrelu": (lambda: F.rrelu(weft.ones(2), 0.5, 0.1), RuntimeError, r"\[rrelu\]"),
    "prelu count": (lambda: F.prelu(weft.ones(2, 3), weft.ones(2)), RuntimeError, r"\[prelu\] weight"),
    "prelu dtype": (lambda: F.prelu(weft.ones(2, 3), weft.ones(3).double()), RuntimeError, r"\[prelu\]"),
    "elu of integers": (lambda: F.elu(weft.tensor([1])), NotImplementedError, r"\[elu\].*int64"),
    "slope": (lambda: F.leaky_relu(weft.ones(2), "a"), TypeError, r"\[leaky_relu\] negative_slope"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_descriptions():
    assert repr(nn.LeakyReLU(0.1, True)) == "LeakyReLU(negative_slope=0.1, inplace=True)"
    assert repr(nn.Hardtanh()) == "Hardtanh(min_val=-1.0, max_val=1.0)"
    assert repr(nn.ReLU6()) == "ReLU6()"
    assert repr(nn.PReLU()) == "PReLU(num_parameters=1)"
    assert repr(nn.Softplus()) == "Softplus(beta=1.0, threshold=20.0)"
    assert repr(nn.Hardshrink()) == "Hardshrink(0.5)"


def test_older_names():
    x = weft.randn(4, 5)
    for name, args in [("elu_", (0.5,)), ("celu_", ()), ("selu_", ()), ("relu_", ()), ("leaky_relu_", (0.1,)), ("hardtanh_", (-0.5, 0.5)),
                       ("threshold_", (0.1, 2.0)), ("rrelu_", ())]:  # fmt: skip
        own = x.clone()
        assert getattr(F, name)(own, *args) is own
        assert own.tolist() == getattr(F, name[:-1])(x, *args).tolist()
    image = weft.randn(1, 2, 3, 3)
    for name, mode, corners in [
        ("upsample", "nearest", None),
        ("upsample_nearest", "nearest", None),
        ("upsample_bilinear", "bilinear", True),
    ]:
        with pytest.warns(UserWarning, match="interpolate"):
            found = getattr(F, name)(image, scale_factor=2)
        assert found.tolist() == F.interpolate(image, scale_factor=2, mode=mode, align_corners=corners).tolist()
