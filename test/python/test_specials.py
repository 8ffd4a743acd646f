"""Special functions: conventions at poles and edges, and their compositions; values and derivatives are in test_ops.py."""

import numpy
import pytest
import weft
from compositions import check_gradients

scipy_special = pytest.importorskip("scipy.special")
inf, nan = weft.inf, weft.nan
special = weft.special
rng = numpy.random.default_rng(9)

EDGES = {
    "lgamma": (weft.lgamma, [0.0, -1.0, -inf, inf, 1.0, 2.0, nan], [inf, inf, inf, inf, 0, 0, nan]),
    "digamma": (weft.digamma, [0.0, -0.0, -1.0, inf, -inf], [-inf, inf, nan, inf, nan]),
    "trigamma": (lambda x: weft.polygamma(1, x), [0.0, -1.0, inf], [inf, inf, 0]),
    "second": (lambda x: x.polygamma(2), [0.0, -1.0], [-inf, -inf]),
    "erfinv": (weft.erfinv, [-1.0, 1.0, 2.0, 0.0], [-inf, inf, nan, 0]),
    "ndtri": (special.ndtri, [0.0, 1.0, 0.5, 2.0], [-inf, inf, 0, nan]),
    "logit": (weft.logit, [0.0, 0.5, 1.0, 1.5], [-inf, 0, inf, nan]),
    "sinc": (weft.sinc, [0.0, 1.0, -2.0, inf], [1, 0, 0, 0]),
    "i0": (weft.i0, [0.0, inf, 1000.0], [1, inf, inf]),
    "i1": (special.i1, [0.0, inf, -inf], [0, inf, -inf]),
    "i1e": (special.i1e, [0.0, inf], [0, 0]),
    "entr": (special.entr, [0.0, 1.0, -1.0, nan], [0, 0, -inf, nan]),
    "ndtr": (special.ndtr, [0.0, -inf, inf], [0.5, 0, 1]),
    "zeta of 2": (lambda x: special.zeta(2.0, x), [0.0, -1.0, inf], [inf, inf, 0]),
    "zeta at 1": (lambda x: special.zeta(x, 1.0), [1.0, 0.5, inf], [inf, nan, 1]),
    "xlog1py": (lambda x: special.xlog1py(0.0, x), [-1.0, inf, nan], [0, 0, nan]),
    "signbit": (weft.signbit, [-0.0, 1.0, -inf], [1, 0, 1]),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
def test_edges(name, dtype):
    function, x, want = EDGES[name]
    numpy.testing.assert_array_equal(function(weft.tensor(x, dtype=dtype)).double().numpy(), want)


# Of arguments on the whole range; the reference is SciPy's, of the float32 numbers in float64.
RANGES = {
    "lgamma": (weft.lgamma, scipy_special.gammaln, (-30, 60)),
    "digamma": (weft.digamma, scipy_special.digamma, (-30, 60)),
    "trigamma": (lambda x: weft.polygamma(1, x), lambda x: scipy_special.polygamma(1, abs(x)), (0.01, 60)),
    "fifth": (lambda x: weft.polygamma(5, x), lambda x: scipy_special.polygamma(5, x), (0.1, 60)),
    "i0": (weft.i0, scipy_special.i0, (-80, 80)),
    "i0e": (special.i0e, scipy_special.i0e, (-1000, 1000)),
    "i1": (special.i1, scipy_special.i1, (-80, 80)),
    "i1e": (special.i1e, scipy_special.i1e, (-1000, 1000)),
    "erfinv": (weft.erfinv, scipy_special.erfinv, (-1, 1)),
    "ndtri": (special.ndtri, scipy_special.ndtri, (0, 1)),
    "logit": (weft.logit, scipy_special.logit, (0, 1)),
    "sinc": (weft.sinc, numpy.sinc, (-50, 50)),
}


@pytest.mark.parametrize("name", RANGES)
def test_within_two_units_in_the_last_place(name):
    function, reference, (low, high) = RANGES[name]
    x = rng.uniform(low, high, 20_000).astype("float32")
    want = reference(x.astype("float64"))
    got = function(weft.tensor(x)).numpy().astype("float64")
    assert (abs(got - want) / numpy.spacing(abs(want).astype("float32"))).max() < 1
    wide = x.astype("float64")
    numpy.testing.assert_allclose(function(weft.tensor(wide)).numpy(), reference(wide), rtol=1e-11, atol=3e-14)


def test_reflection():
    """Derivatives left of 0, where SciPy knows none: psi_n(x + 1) - psi_n(x) = (-1)^n n! x^-(n + 1)."""
    x = rng.uniform(-9.7, -0.3, 200)
    x = x[abs(x - numpy.round(x)) > 0.05]
    for n in range(5):
        step = (-1) ** n * scipy_special.factorial(n) * x ** -(n + 1.0)
        got = weft.polygamma(n, weft.tensor(x + 1)).numpy() - weft.polygamma(n, weft.tensor(x)).numpy()
        scale = abs(weft.polygamma(n, weft.tensor(x)).numpy())
        assert (abs(got - step) / scale).max() < 1e-11


def test_tails():
    p = numpy.array([1e-300, 1e-100, 1e-10, 1e-3])
    numpy.testing.assert_allclose(special.ndtri(weft.tensor(p)).numpy(), scipy_special.ndtri(p), rtol=1e-13)
    q = numpy.array([1e-15, 1e-10, 1e-5])
    numpy.testing.assert_allclose(weft.erfinv(weft.tensor(1 - q)).numpy(), scipy_special.erfinv(1 - q), rtol=1e-13)
    s, a = numpy.array([1.5, 2, 10, 100]), numpy.array([[0.3], [2], [50]])
    numpy.testing.assert_allclose(
        special.zeta(weft.tensor(s), weft.tensor(a)).numpy(), scipy_special.zeta(s, a), rtol=1e-12
    )


def test_parts_of_numbers():
    x = numpy.array([0, 1, -3, inf, nan, 1e-45, 3.4e38, -0.0, 1e-40], "float32")
    mantissa, exponent = weft.frexp(weft.tensor(x))
    want = numpy.frexp(x)
    numpy.testing.assert_array_equal(mantissa.numpy(), want[0])
    numpy.testing.assert_array_equal(exponent.numpy()[:3], want[1][:3])
    numpy.testing.assert_array_equal(exponent.numpy()[5:], want[1][5:])
    assert exponent.dtype is weft.int32 and exponent[3:5].tolist() == [0, 0]
    assert weft.ldexp(weft.tensor([1.0, 3.0]), weft.tensor([-149, 4])).tolist() == [numpy.float32(2.0**-149), 48]
    for dtype in ("float32", "float64"):
        a = numpy.array([0, 1, -1, inf, 5e-324, 3], dtype)
        b = numpy.array([1, 1, 0, 0, -1, inf], dtype)
        got = weft.nextafter(weft.tensor(a), weft.tensor(b))
        numpy.testing.assert_array_equal(got.numpy(), numpy.nextafter(a, b))
    assert weft.copysign(weft.tensor([1, 2]), -0.0).tolist() == [-1, -2]
    assert weft.heaviside(weft.tensor([-1.0, 0.0, 2.0, nan]), weft.tensor(0.5)).tolist() == [0, 0.5, 1, 0]
    assert weft.gcd(weft.tensor([-4, 0, 6]), weft.tensor([6, 0, -9])).tolist() == [2, 0, 3]
    assert weft.lcm(weft.tensor([-4, 0, 6]), weft.tensor([6, 0, -9])).tolist() == [12, 0, 18]


def test_integers_and_in_place():
    assert weft.lgamma(weft.tensor([1, 5])).dtype is weft.float32
    x = weft.tensor([0.25, 0.5])
    assert x.logit_() is x and x[1].item() == 0
    assert x.fill_(2.0).digamma_().tolist() == [pytest.approx(0.4227843)] * 2
    assert weft.tensor([0.0, 0.5, 1.0]).logit(0.25).tolist() == [
        pytest.approx(-numpy.log(3)),
        0,
        pytest.approx(numpy.log(3)),
    ]
    numpy.testing.assert_allclose(
        weft.mvlgamma(weft.tensor([3.0]), 2).item(), scipy_special.multigammaln(3.0, 2), rtol=1e-6
    )
    numpy.testing.assert_allclose(
        weft.logaddexp2(weft.tensor([1.0]), weft.tensor([3.0])).item(), numpy.logaddexp2(1, 3), rtol=1e-6
    )


COMPOSITIONS = {
    "mvlgamma": (lambda x: x.mvlgamma(2), [rng.uniform(2, 4, 5)]),
    "logaddexp2": (weft.logaddexp2, [rng.standard_normal(5), rng.standard_normal(5)]),
    "xlog1py": (special.xlog1py, [rng.standard_normal(5), rng.uniform(0.1, 2, 5)]),
    "entr": (special.entr, [rng.uniform(0.1, 2, 5)]),
    "ndtr": (special.ndtr, [rng.standard_normal(5)]),
    "frexp": (lambda x: x.frexp().mantissa, [rng.uniform(1.1, 1.9, 5)]),
    "copysign": (lambda x: x.copysign(weft.tensor([-1.0, 1.0])), [numpy.array([1.5, -2.0])]),
    "i0e": (special.i0e, [rng.uniform(0.5, 2, 5)]),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_gradients(name):
    check_gradients(*COMPOSITIONS[name])


def test_errors():
    with pytest.raises(RuntimeError, match="n must be of"):
        weft.polygamma(-1, weft.ones(2))
    with pytest.raises(NotImplementedError, match="float32 and float64"):
        weft.nextafter(weft.ones(2).half(), weft.ones(2).half())
    with pytest.raises(RuntimeError, match="one dtype"):
        weft.heaviside(weft.ones(2), weft.ones(2).double())
    with pytest.raises(NotImplementedError, match="takes integers"):
        weft.gcd(weft.ones(2), weft.ones(2))
    with pytest.raises(RuntimeError, match="floating-point"):
        weft.frexp(weft.tensor([1]))


def test_fmax_fmin_and_degrees():
    x, y = rng.standard_normal((5, 6)), rng.standard_normal(6)
    x[0, :3], y[2:4] = nan, nan
    a, b = weft.tensor(x), weft.tensor(y)
    numpy.testing.assert_array_equal(weft.fmax(a, b).numpy(), numpy.fmax(x, y))
    numpy.testing.assert_array_equal(a.fmin(b).numpy(), numpy.fmin(x, y))
    assert weft.fmax(weft.tensor([1, 5]), weft.tensor([2.5, nan])).tolist() == [2.5, 5.0]
    assert weft.fmin(weft.tensor([1, 5]), weft.tensor([3, 4])).tolist() == [1, 4]
    numpy.testing.assert_allclose(weft.deg2rad(a).numpy(), numpy.deg2rad(x), rtol=1e-15)
    numpy.testing.assert_allclose(a.rad2deg().numpy(), numpy.rad2deg(x), rtol=1e-15)
    assert weft.deg2rad(weft.tensor([180])).dtype is weft.float32
    t = weft.tensor(rng.standard_normal((2, 4)), requires_grad=True)
    assert weft.autograd.gradcheck(lambda t: weft.fmax(t[0], t[1]) * weft.fmin(t[0], t[1] * 2).deg2rad(), (t,))
