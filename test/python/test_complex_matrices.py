"""Equations of complex matrices against NumPy, with derivatives, compiled."""

import numpy
import pytest
import weft
from weft import linalg
from weft.autograd import gradcheck, gradgradcheck

rng = numpy.random.default_rng(11)


def matrix(*shape):
    return weft.tensor(rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


def close(got, want, tolerance=1e-10):
    assert got.shape == want.shape
    numpy.testing.assert_allclose(got.numpy(), numpy.asarray(want), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3), (1, 1), (0, 0)])
def test_equations(shape):
    a, b = matrix(*shape), matrix(*shape[:-1], 2)
    n, m = a.numpy(), b.numpy()
    close(linalg.solve(a, b), numpy.linalg.solve(n, m))
    close(linalg.solve(a, b.mT, left=False) @ a, b.mT)
    close(linalg.solve(a, b[..., 0]), numpy.linalg.solve(n, m)[..., 0])
    close(linalg.inv(a), numpy.linalg.inv(n))
    close(linalg.solve_triangular(a, b, upper=True), numpy.linalg.solve(numpy.triu(n), m), 1e-7)
    unit = numpy.tril(n, -1) + numpy.eye(shape[-1])
    close(linalg.solve_triangular(a, b, upper=False, unitriangular=True), numpy.linalg.solve(unit, m), 1e-7)
    single = linalg.solve(a.to(weft.complex64), b.to(weft.complex64))
    assert single.dtype is weft.complex64
    close(single, numpy.linalg.solve(n, m), 1e-2)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 4, 3)])
def test_least_squares(shape):
    a, b = matrix(*shape), matrix(*shape[:-1], 2)
    want = numpy.linalg.pinv(a.numpy())
    close(linalg.pinv(a), want)
    found = linalg.lstsq(a, b)
    close(found.solution, want @ b.numpy())
    assert (found.rank == min(shape[-2:])).all()
    close(
        linalg.lstsq(a[..., :1], b, driver="gels").residuals,
        (abs(a[..., :1].numpy() @ (numpy.linalg.pinv(a[..., :1].numpy()) @ b.numpy()) - b.numpy()) ** 2).sum(-2),
    )


def test_exponential_and_powers():
    a = matrix(4, 4)
    values, vectors = numpy.linalg.eig(a.numpy())
    close(linalg.matrix_exp(a), vectors * numpy.exp(values) @ numpy.linalg.inv(vectors), 1e-8)
    close(linalg.matrix_power(a, -2), numpy.linalg.matrix_power(a.numpy(), -2), 1e-8)


DERIVATIVES = {
    "solve": lambda x: linalg.solve(x, x[..., :2] * 1j),
    "inv": linalg.inv,
    "pinv": lambda x: linalg.pinv(x[..., :2]),
    "lstsq": lambda x: linalg.lstsq(x[..., :2], x[..., 2:]).solution,
    "matrix_exp": linalg.matrix_exp,
    "solve_triangular": lambda x: linalg.solve_triangular(x + 3 * weft.eye(3), x, upper=False),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    a = matrix(3, 3).requires_grad_()
    assert gradcheck(DERIVATIVES[name], (a,))
    if name in ("solve", "inv"):
        assert gradgradcheck(DERIVATIVES[name], (a,))


def test_same_bits():
    a = matrix(20, 5, 5)
    f = lambda x: linalg.inv(x * 2)
    compiled = weft.compile(f)
    for _ in range(2):
        assert (compiled(a) == f(a)).all()
    assert (f(a[3:4])[0] == f(a)[3]).all()  # whatever is beside it


ERRORS = {
    "singular": (lambda: linalg.inv(weft.zeros(2, 2, dtype=weft.complex64)), linalg.LinAlgError, "singular.*order|element 1"),
    "solve": (lambda: linalg.solve(weft.zeros(2, 2, dtype=weft.complex64), weft.ones(2, 1, dtype=weft.complex64)), linalg.LinAlgError, "singular"),
    "nan": (lambda: linalg.pinv(weft.full((2, 2), complex(0, weft.nan))), linalg.LinAlgError, "not finite"),
    "not square": (lambda: linalg.inv(weft.ones(2, 3, dtype=weft.complex64)), RuntimeError, r"\[inv\].*square"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()
