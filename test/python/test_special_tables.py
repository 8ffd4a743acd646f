"""Special functions that are polynomials and loops: values against SciPy, conventions, derivatives, and compiled bits."""

import numpy
import pytest
import weft
from compositions import check_compiled, check_gradients

scipy_special = pytest.importorskip("scipy.special")
special, inf, nan = weft.special, weft.inf, weft.nan
rng = numpy.random.default_rng(4)

# SciPy's function, the range, and the points of the gradient test. Errors are of the amplitude where the function has zeros.
FUNCTIONS = {
    "bessel_j0": (scipy_special.j0, (-60, 60), [0.0, 0.7, -3.0, 9.0]),
    "bessel_j1": (scipy_special.j1, (-60, 60), [0.0, 0.7, -3.0, 9.0, -12.0]),
    "bessel_y0": (scipy_special.y0, (1e-3, 60), [0.7, 3.0, 9.0]),
    "bessel_y1": (scipy_special.y1, (1e-3, 60), [0.7, 3.0, 9.0]),
    "modified_bessel_i0": (scipy_special.i0, (-60, 60), [0.7, -3.0]),
    "modified_bessel_i1": (scipy_special.i1, (-60, 60), [0.7, -3.0]),
    "modified_bessel_k0": (scipy_special.k0, (1e-3, 60), [0.5, 1.5, 4.0]),
    "modified_bessel_k1": (scipy_special.k1, (1e-3, 60), [0.5, 1.5, 4.0]),
    "scaled_modified_bessel_k0": (scipy_special.k0e, (1e-3, 900), [0.5, 1.5, 4.0]),
    "scaled_modified_bessel_k1": (scipy_special.k1e, (1e-3, 900), [0.5, 1.5, 4.0]),
    "spherical_bessel_j0": (lambda x: scipy_special.spherical_jn(0, abs(x)), (-60, 60), [0.0, 0.5, -2.0]),
    "airy_ai": (lambda x: scipy_special.airy(x)[0], (-40, 40), [-7.0, -3.0, 0.0, 1.0, 3.0]),
    "erfcx": (scipy_special.erfcx, (-8, 50), [-2.0, -0.3, 0.0, 0.4, 9.0]),
    "log_ndtr": (scipy_special.log_ndtr, (-40, 5), [-30.0, -2.0, 0.3, 2.0]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values(name):
    reference, (low, high), _ = FUNCTIONS[name]
    x = numpy.concatenate([rng.uniform(low, high, 2000), rng.uniform(max(low, -3), min(high, 3), 2000)])
    got = getattr(special, name)(weft.tensor(x)).numpy()
    numpy.testing.assert_allclose(got, reference(x), rtol=2e-13, atol=1e-14)
    single = x.astype("float32")
    want = reference(single.astype("float64"))
    error = abs(getattr(special, name)(weft.tensor(single)).numpy() - want) / numpy.spacing(abs(want).astype("float32"))
    assert error[abs(want) > 1e-6].max() < 0.6
    assert getattr(special, name)(weft.tensor([1, 2])).dtype is weft.float32


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_and_bits(name):
    points = numpy.array(FUNCTIONS[name][2])
    check_gradients(getattr(special, name), [points])
    check_compiled(getattr(special, name), [points])
    x = weft.tensor(points)
    assert (weft.vmap(getattr(special, name))(x) == getattr(special, name)(x)).all()


EDGES = {
    "bessel_j0": ([inf, -inf, nan], [0, 0, nan]),
    "bessel_y0": ([0, -1, inf, nan], [-inf, nan, 0, nan]),
    "bessel_y1": ([0, -1, inf], [-inf, nan, 0]),
    "modified_bessel_k0": ([0, -1, inf, nan], [inf, nan, 0, nan]),
    "scaled_modified_bessel_k1": ([0, -1, inf], [inf, nan, 0]),
    "spherical_bessel_j0": ([0, inf, nan], [1, 0, nan]),
    "airy_ai": ([inf, -inf, nan], [0, 0, nan]),
    "erfcx": ([0, inf, -inf, -30, nan], [1, 0, inf, inf, nan]),
    "log_ndtr": ([inf, -inf, nan], [0, -inf, nan]),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    x, want = EDGES[name]
    got = getattr(special, name)(weft.tensor(x, dtype=weft.float64)).numpy()
    numpy.testing.assert_allclose(got, want, rtol=2e-16, atol=0)


def test_far_away():
    """Where x - pi / 4 and x^2 would lose what matters."""
    x = numpy.array([1e4, 123456.789, 1e6])
    amplitude = numpy.sqrt(2 / numpy.pi / x)
    for name, order in (("bessel_j0", 0), ("bessel_j1", 1)):
        got = getattr(special, name)(weft.tensor(x)).numpy()
        phase = numpy.cos(x) + numpy.sin(x) if order == 0 else numpy.sin(x) - numpy.cos(x)
        rest = numpy.sin(x) - numpy.cos(x) if order == 0 else numpy.sin(x) + numpy.cos(x)
        want = (phase + (1 if order == 0 else 3) / (8 * x) * rest) * amplitude / numpy.sqrt(2)
        assert (abs(got - want) / amplitude).max() < 1e-8
    assert special.log_ndtr(weft.tensor([-1e5], dtype=weft.float64)).item() == pytest.approx(
        scipy_special.log_ndtr(-1e5), rel=1e-15
    )


POLYNOMIALS = {
    "chebyshev_polynomial_t": scipy_special.eval_chebyt,
    "chebyshev_polynomial_u": scipy_special.eval_chebyu,
    "shifted_chebyshev_polynomial_t": scipy_special.eval_sh_chebyt,
    "shifted_chebyshev_polynomial_u": scipy_special.eval_sh_chebyu,
    "hermite_polynomial_h": scipy_special.eval_hermite,
    "hermite_polynomial_he": scipy_special.eval_hermitenorm,
    "laguerre_polynomial_l": scipy_special.eval_laguerre,
    "legendre_polynomial_p": scipy_special.eval_legendre,
}


@pytest.mark.parametrize("name", POLYNOMIALS)
def test_polynomials(name):
    function, x = getattr(special, name), rng.uniform(-1.5, 1.5, 30)
    degrees = rng.integers(0, 30, 30)
    want = POLYNOMIALS[name](degrees, x)
    got = function(weft.tensor(x), weft.tensor(degrees)).numpy()
    numpy.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    one = [function(weft.tensor(x[i : i + 1]), int(n)).item() for i, n in enumerate(degrees)]
    assert (got == one).all()  # in a loop of the graph or not
    assert (function(weft.tensor(x), -1) == 0).all()
    check_gradients(lambda x: function(x, 4), [x[:4]])
    check_compiled(lambda x: function(x, 20), [x[:4] / 2])


def test_third_and_fourth_kind():
    angle = numpy.linspace(0.1, 3, 20)
    x = weft.tensor(numpy.cos(angle))
    v = numpy.cos((5 + 0.5) * angle) / numpy.cos(angle / 2)
    w = numpy.sin((5 + 0.5) * angle) / numpy.sin(angle / 2)
    numpy.testing.assert_allclose(special.chebyshev_polynomial_v(x, 5).numpy(), v, atol=1e-12)
    numpy.testing.assert_allclose(special.chebyshev_polynomial_w(x, 5).numpy(), w, atol=1e-12)
    shifted = (x + 1) / 2
    numpy.testing.assert_allclose(special.shifted_chebyshev_polynomial_v(shifted, 5).numpy(), v, atol=1e-12)
    numpy.testing.assert_allclose(special.shifted_chebyshev_polynomial_w(shifted, 5).numpy(), w, atol=1e-12)


def test_incomplete_gamma():
    a = numpy.exp(rng.uniform(numpy.log(1e-3), numpy.log(1e4), 2000))
    x = numpy.where(rng.uniform(size=2000) < 0.5, a * rng.uniform(0.5, 1.6, 2000), rng.uniform(1e-3, 30, 2000))
    for function, reference in (
        (special.gammainc, scipy_special.gammainc),
        (special.gammaincc, scipy_special.gammaincc),
    ):
        want = reference(a, x)
        normal = want > 1e-100
        got = function(weft.tensor(a), weft.tensor(x)).numpy()
        numpy.testing.assert_allclose(got[normal], want[normal], rtol=4e-12)
        low = [v.astype("float32") for v in (a, x)]
        want = reference(*(v.astype("float64") for v in low))
        got = function(*map(weft.tensor, low)).numpy()
        numpy.testing.assert_allclose(got[want > 1e-30], want[want > 1e-30], rtol=1.2e-7)
    assert weft.igamma is special.gammainc and weft.Tensor.igammac is special.gammaincc
    y = weft.tensor([1.0, 50.0])
    assert y.igamma_(weft.tensor([1.0, 50.0])) is y and y[0].item() == pytest.approx(1 - numpy.exp(-1))


def test_edges_of_incomplete_gamma():
    a = weft.tensor([0.0, 0, 1, 2, -1, 1, inf, inf, nan, 1, 1e-300])
    x = weft.tensor([0.0, 1, 0, inf, 1, -1, 1, inf, 1, nan, 1])
    numpy.testing.assert_array_equal(weft.igamma(a, x).numpy()[:10], [nan, 1, 0, 1, nan, nan, 0, nan, nan, nan])
    numpy.testing.assert_array_equal(weft.igammac(a, x).numpy()[:10], [nan, 0, 1, 0, nan, nan, 1, nan, nan, nan])
    # Of small a the upper function is a times the exponential integral.
    small = weft.tensor([1e-12], dtype=weft.float64)
    assert special.gammaincc(small, weft.tensor([0.7], dtype=weft.float64)).item() == pytest.approx(
        1e-12 * scipy_special.exp1(0.7), rel=1e-11
    )


def test_derivatives_of_incomplete_gamma():
    a = weft.tensor([0.5, 2.0, 50.0], dtype=weft.float64)
    x = numpy.array([0.7, 3.0, 45.0])
    for function in (weft.igamma, weft.igammac):
        check_gradients(lambda x, f=function: f(a, x), [x])
        check_compiled(lambda x, f=function: f(a.float(), x), [x])
    slope = weft.func.grad(lambda x: weft.igamma(a, x).sum())(weft.tensor(x))
    want = x ** (a.numpy() - 1) * numpy.exp(-x) / scipy_special.gamma(a.numpy())
    numpy.testing.assert_allclose(slope.numpy(), want, rtol=1e-12)
    _, tangent = weft.func.jvp(lambda x: weft.igammac(a, x), (weft.tensor(x),), (weft.ones(3, dtype=weft.float64),))
    numpy.testing.assert_allclose(tangent.numpy(), -want, rtol=1e-12)
    with pytest.raises(NotImplementedError, match="no derivative by the first operand"):
        weft.igamma(a.clone().requires_grad_(), weft.tensor(x)).sum().backward()


def test_errors():
    with pytest.raises(TypeError, match="needs a tensor; got two numbers"):
        special.legendre_polynomial_p(0.5, 2)
    with pytest.raises(NotImplementedError, match="takes no complex"):
        special.bessel_j0(weft.ones(2, dtype=weft.complex64))
    with pytest.raises(NotImplementedError, match="floating-point"):
        weft.igamma(weft.tensor([1]), weft.tensor([2]))
