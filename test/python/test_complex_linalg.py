"""Complex matrices, and eigenvalues of matrices that are not symmetric: against NumPy, with derivatives, compiled."""

import numpy
import pytest
import weft
from weft import linalg
from weft.autograd import gradcheck, gradgradcheck

rng = numpy.random.default_rng(11)
SHAPES = [(4, 4), (2, 3, 3), (1, 1), (0, 0)]


def matrix(*shape, dtype="complex128"):
    x = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if "complex" in dtype else 0)
    return weft.tensor(x.astype(dtype))


def positive(x):
    return x @ x.mH + 3 * weft.eye(x.shape[-1], dtype=x.dtype)


def close(got, want, tolerance=1e-10):
    got = got.numpy() if isinstance(got, weft.Tensor) else got
    want = want.numpy() if isinstance(want, weft.Tensor) else want
    assert got.shape == want.shape
    numpy.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def is_turned_as_said(vectors):
    """Columns of length 1, the first greatest element of each real and positive."""
    close((vectors.abs() ** 2).sum(-2).sqrt(), weft.ones(vectors.shape[:-2] + vectors.shape[-1:], dtype=weft.float64))
    v = vectors.numpy()
    first = numpy.take_along_axis(v, (abs(v) > abs(v).max(-2, keepdims=True) - 1e-12).argmax(-2)[..., None, :], -2)
    assert (first.real > 0).all() and (abs(first.imag) < 1e-12).all()


@pytest.mark.parametrize("dtype", ["complex128", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_eig(shape, dtype):
    a = matrix(*shape, dtype=dtype)
    values, vectors = linalg.eig(a)
    assert values.dtype is vectors.dtype is weft.complex128 and vectors.shape == a.shape
    close(a.to(weft.complex128) @ vectors, vectors * values.unsqueeze(-2))
    if a.numel():
        is_turned_as_said(vectors)
    order = lambda x: numpy.sort_complex(x.round(9))
    close(order(linalg.eigvals(a).numpy()), order(numpy.linalg.eigvals(a.numpy())), 1e-8)
    single = a.to(weft.complex64 if dtype == "complex128" else weft.float32)
    values, vectors = linalg.eig(single)
    close(single.to(weft.complex64) @ vectors, vectors * values.unsqueeze(-2), 1e-4)


def test_eigenvalues_of_a_rotation_are_conjugate():
    values, vectors = linalg.eig(weft.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=weft.float64))
    close(values, numpy.array([1j, -1j]))
    close(vectors[:, 0], vectors[:, 1].conj())


@pytest.mark.parametrize("shape", SHAPES)
def test_decompositions(shape):
    a = matrix(*shape)
    p = positive(a)
    L = linalg.cholesky(p)
    close(L @ L.mH, p)
    close(L, numpy.linalg.cholesky(p.numpy()))
    close(linalg.cholesky(p, upper=True), L.mH)
    values, vectors = linalg.eigh(p)
    close(p @ vectors, vectors * values.unsqueeze(-2))
    close(values, numpy.linalg.eigvalsh(p.numpy()))
    P, lower, upper = linalg.lu(a)
    close(P @ lower @ upper, a)
    if a.numel():
        is_turned_as_said(vectors)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3), (1, 1)])
def test_svd_and_qr(shape):
    a = matrix(*shape)
    for full in (True, False):
        U, S, Vh = linalg.svd(a, full)
        k = S.shape[-1]
        close((U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], a)
        close(U.mH @ U, weft.eye(U.shape[-1], dtype=a.dtype).expand(*a.shape[:-2], -1, -1))
        close(Vh @ Vh.mH, weft.eye(Vh.shape[-2], dtype=a.dtype).expand(*a.shape[:-2], -1, -1))
        close(S, numpy.linalg.svd(a.numpy(), compute_uv=False))
        is_turned_as_said(U)
    for mode in ("reduced", "complete"):
        Q, R = linalg.qr(a, mode)
        close(Q @ R, a)
        close(Q.mH @ Q, weft.eye(Q.shape[-1], dtype=a.dtype).expand(*a.shape[:-2], -1, -1))
        close(R.tril(-1), weft.zeros_like(R))
        assert (R.diagonal(0, -2, -1).imag.abs() < 1e-12).all()


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 3)])
def test_equations(shape):
    a, b = matrix(*shape), matrix(*shape[:-1], 2)
    n = a.numpy()
    close(linalg.solve(a, b), numpy.linalg.solve(n, b.numpy()))
    close(linalg.solve(a, b.mT, left=False) @ a, b.mT)
    close(linalg.inv(a), numpy.linalg.inv(n))
    close(linalg.det(a), numpy.linalg.det(n))
    sign, logarithm = linalg.slogdet(a)
    close(sign * logarithm.exp(), numpy.linalg.det(n))
    close(linalg.pinv(a[..., :2]), numpy.linalg.pinv(n[..., :2]))
    close(linalg.lstsq(a[..., :2], b).solution, numpy.linalg.pinv(n[..., :2]) @ b.numpy())
    assert linalg.lstsq(a[..., :2], b).rank.tolist() == numpy.full(shape[:-2], 2).tolist()
    assert (linalg.matrix_rank(a) == shape[-1]).all()
    LU, pivots = linalg.lu_factor(a)
    close(linalg.lu_solve(LU, pivots, b), numpy.linalg.solve(n, b.numpy()))
    close(linalg.lu_solve(LU, pivots, b, adjoint=True), numpy.linalg.solve(n.conj().swapaxes(-1, -2), b.numpy()))
    close(linalg.solve_triangular(a, b, upper=True), numpy.linalg.solve(numpy.triu(n), b.numpy()), 1e-7)
    values, vectors = linalg.eig(a)
    close(linalg.matrix_exp(a), vectors @ (values.exp().unsqueeze(-1) * linalg.inv(vectors)), 1e-8)


# Functions that do not depend on the angles of vectors.
def of_vectors(v):
    return v.abs()


def of_eig(x):
    values, vectors = linalg.eig(x)
    return of_vectors(vectors[:, (values.real + values.imag / 1000).detach().argsort()])  # which eig leaves open


DERIVATIVES = {
    "eigvals": lambda x: linalg.eigvals(x).abs().sort().values,
    "eig": of_eig,
    "cholesky": lambda x: linalg.cholesky(positive(x)),
    "eigh": lambda x: of_vectors(linalg.eigh(positive(x)).eigenvectors),
    "eigvalsh": lambda x: linalg.eigvalsh(positive(x)),
    "svd": lambda x: of_vectors(linalg.svd(x, False)[0]),
    "svd of both": lambda x: (lambda U, S, Vh: (U * S.exp().unsqueeze(-2)) @ Vh)(*linalg.svd(x, False)),
    "svdvals": linalg.svdvals,
    "q": lambda x: linalg.qr(x)[0],
    "r": lambda x: linalg.qr(x)[1],
    "solve": lambda x: linalg.solve(x, x[..., :2] * 1j),
    "inv": linalg.inv,
    "det": linalg.det,
    "slogdet": lambda x: linalg.slogdet(x)[1],
    "sign": lambda x: linalg.slogdet(x)[0],
    "pinv": lambda x: linalg.pinv(x[..., :2]),
    "lstsq": lambda x: linalg.lstsq(x[..., :2], x[..., 2:]).solution,
    "matrix_exp": lambda x: linalg.matrix_exp(x),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    a = (matrix(3, 3) + weft.diag(weft.tensor([1.0, 4.0, 9.0]))).requires_grad_()
    assert gradcheck(DERIVATIVES[name], (a,))
    assert gradgradcheck(DERIVATIVES[name], (a,), atol=1e-4, rtol=1e-3)
    if name.startswith(("svd", "q", "r")):
        for shape in ((4, 2), (2, 4)):
            assert gradcheck(DERIVATIVES[name], (matrix(*shape).requires_grad_(),))


@pytest.mark.parametrize("name", ["eigvals", "eig"])
def test_derivatives_of_real_matrices(name):
    a = (matrix(4, 4, dtype="float64") + weft.diag(weft.tensor([1.0, 4.0, 9.0, 16.0]))).requires_grad_()
    assert gradcheck(DERIVATIVES[name], (a,))


def test_same_bits():
    a = matrix(40, 5, 5)
    for f in (
        lambda x: linalg.eig(x * 2),
        lambda x: linalg.svd(x * 2),
        lambda x: linalg.qr(x + 1),
        lambda x: (linalg.inv(x),),
    ):
        compiled = weft.compile(f)
        for _ in range(2):
            for got, want in zip(compiled(a), f(a)):
                assert (got == want).all()
        for got, want in zip(f(a[3:4]), f(a)):
            assert (got[0] == want[3]).all()  # whatever is beside it


ERRORS = {
    "not square": (lambda: linalg.eig(weft.ones(2, 3)), RuntimeError, r"\[eig\].*square"),
    "vector": (lambda: linalg.eigvals(weft.ones(3)), RuntimeError, r"\[eigvals\]"),
    "nan": (lambda: linalg.eig(weft.full((2, 2), weft.nan)), linalg.LinAlgError, "not finite"),
    "complex nan": (lambda: linalg.svd(weft.full((2, 2), complex(0, weft.nan))), linalg.LinAlgError, "not finite"),
    "singular": (lambda: linalg.inv(weft.zeros(2, 2, dtype=weft.complex64)), linalg.LinAlgError, "singular"),
    "not positive": (lambda: linalg.cholesky(-weft.eye(2, dtype=weft.complex64)), linalg.LinAlgError, "not positive"),
    "integers": (lambda: linalg.eig(weft.ones(2, 2, dtype=weft.int64)), RuntimeError, "float32 or float64"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        call()
