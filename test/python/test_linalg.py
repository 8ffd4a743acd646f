"""Linear algebra against NumPy; first and second gradients, forward mode, vmap, compiled and ahead-of-time bits, any batch."""

import numpy
import pytest
import weft
from artifact import Artifact
from compositions import check_compiled, check_gradients
from conftest import array_of, assert_same_bits
from weft import linalg

SQUARE = [(1, 1), (2, 2), (5, 5), (3, 4, 4), (2, 1, 3, 3), (33, 33), (0, 0), (0, 2, 2), (2, 0, 0)]
ANY = [(3, 3), (5, 3), (3, 5), (2, 4, 3), (1, 4), (0, 3), (3, 0), (2, 0, 0)]


def matrices(*shape, seed=0):
    return numpy.random.RandomState(seed).randn(*shape)


def positive(x):
    return x @ x.mT + x.shape[-1] * weft.eye(x.shape[-1], dtype=x.dtype)


def by_numpy(name):
    """numpy.linalg's, which has none of empty matrices in places."""
    return lambda x: getattr(numpy.linalg, name)(x)


def parts(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def rebuilt_ldl(x):
    x = x + x.mT
    return linalg.ldl_solve(*linalg.ldl_factor(x), x[..., :1])


def exponential(x):
    """By eigenvalues, of one matrix of a batch at a time."""
    values, vectors = numpy.linalg.eig(x)
    return (vectors * numpy.exp(values)[..., None, :] @ numpy.linalg.inv(vectors)).real


# name: (function, NumPy's, shapes)
VALUES = {
    "inv": (linalg.inv, by_numpy("inv"), SQUARE),
    "inverse": (lambda x: x.inverse(), by_numpy("inv"), SQUARE),
    "inv_ex": (lambda x: linalg.inv_ex(x).inverse, by_numpy("inv"), SQUARE),
    "det": (linalg.det, by_numpy("det"), SQUARE),
    "slogdet": (lambda x: tuple(linalg.slogdet(x)), lambda x: tuple(numpy.linalg.slogdet(x)), SQUARE),
    "logdet": (
        weft.logdet,
        lambda x: numpy.where(numpy.linalg.slogdet(x)[0] < 0, numpy.nan, numpy.linalg.slogdet(x)[1]),
        SQUARE,
    ),
    "solve": (lambda x: linalg.solve(x, x.sum(-1)), lambda x: numpy.ones(x.shape[:-1]), SQUARE),
    "solve to the right": (lambda x: linalg.solve(x, x[..., :1, :], left=False)[..., :1], lambda x: numpy.ones((*x.shape[:-2], 1, 1)), SQUARE[:6]),
    "lu": (lambda x: (p := linalg.lu(x)).P @ p.L @ p.U, lambda x: x, [*SQUARE, *ANY]),
    "lu_unpack": (lambda x: (p := weft.lu_unpack(*linalg.lu_factor(x))).P @ p.L @ p.U, lambda x: x, [*SQUARE, *ANY]),
    "lu_solve": (lambda x: linalg.lu_solve(*linalg.lu_factor(x), x), lambda x: x * 0 + numpy.eye(x.shape[-1]), SQUARE),
    "lu_solve adjoint": (
        lambda x: linalg.lu_solve(*linalg.lu_factor(x), x.mT, adjoint=True),
        lambda x: x * 0 + numpy.eye(x.shape[-1]),
        SQUARE,
    ),
    "lu_solve to the right": (
        lambda x: weft.linalg.lu_solve(*x.lu(), x, left=False),
        lambda x: x * 0 + numpy.eye(x.shape[-1]),
        SQUARE,
    ),
    "cholesky_solve": (lambda x: weft.cholesky_solve(x, positive(x).cholesky()), lambda x: numpy.linalg.solve(array_of(positive(weft.tensor(x))), x), SQUARE),
    "cholesky_inverse": (lambda x: weft.cholesky_inverse(positive(x).cholesky(True), True), lambda x: numpy.linalg.inv(array_of(positive(weft.tensor(x)))), SQUARE),
    "ldl_solve": (rebuilt_ldl, lambda x: numpy.eye(x.shape[-1])[:, :1] + 0 * x[..., :1], SQUARE[:6]),
    "householder": (
        lambda x: weft.orgqr(*weft.geqrf(x)) @ weft.geqrf(x).a.triu()[..., : x.shape[-1], :],
        lambda x: x,
        [(3, 3), (5, 3), (2, 4, 3), (4, 1), (3, 0)],
    ),
    "ormqr": (
        lambda x: weft.ormqr(*weft.geqrf(x), x, transpose=True) - weft.geqrf(x).a.triu(),
        lambda x: 0 * x,
        ANY,
    ),
    "ormqr to the right": (
        lambda x: weft.ormqr(*weft.geqrf(x), x.mT, left=False) - weft.geqrf(x).a.triu().mT,
        lambda x: 0 * numpy.swapaxes(x, -1, -2),
        ANY,
    ),
    "pinv": (linalg.pinv, by_numpy("pinv"), ANY),
    "pinv hermitian": (lambda x: linalg.pinv(x + x.mT, hermitian=True), lambda x: numpy.linalg.pinv(x + numpy.swapaxes(x, -1, -2)), SQUARE[:6]),
    "pinv of low rank": (lambda x: linalg.pinv(x[..., :1] @ x[..., :1, :]), lambda x: numpy.linalg.pinv(x[..., :1] @ x[..., :1, :]), ANY[:5]),
    "matrix_rank": (lambda x: linalg.matrix_rank(x @ x.mT), lambda x: numpy.linalg.matrix_rank(x @ numpy.swapaxes(x, -1, -2)), ANY[:5]),
    "cond": (linalg.cond, by_numpy("cond"), SQUARE[:6]),
    **{
        f"cond {p}": (lambda x, p=p: linalg.cond(x, p), lambda x, p=p: numpy.linalg.cond(x, p), SQUARE[:6])
        for p in ("fro", "nuc", 1, -1, 2, -2, numpy.inf, -numpy.inf)
    },
    "matrix_exp": (linalg.matrix_exp, exponential, SQUARE),
    "matrix_exp of great ones": (lambda x: (x * 5).matrix_exp(), lambda x: exponential(x * 5), SQUARE[:4]),
    **{
        f"matrix_power {n}": (lambda x, n=n: x.matrix_power(n), lambda x, n=n: numpy.linalg.matrix_power(x, n), SQUARE)
        for n in (-3, -1, 0, 1, 2, 7)
    },
    **{
        f"lstsq {driver}": (
            lambda x, driver=driver: linalg.lstsq(x, x[..., :2] * 2 + 1, driver=driver).solution,
            lambda x: numpy.linalg.pinv(x) @ (x[..., :2] * 2 + 1),
            ANY,
        )
        for driver in (None, "gels", "gelsy", "gelsd", "gelss")
    },
    "svd, the older one": (lambda x: (p := x.svd()).U * p.S.unsqueeze(-2) @ p.V.mT, lambda x: x, ANY),
    "qr, the older one": (lambda x: (p := x.qr(some=False)).Q @ p.R, lambda x: x, ANY),
    "triangular_solve": (
        lambda x: x.triangular_solve(positive(x), transpose=True).solution,
        lambda x: numpy.linalg.solve(numpy.swapaxes(numpy.triu(array_of(positive(weft.tensor(x)))), -1, -2), x),
        SQUARE,
    ),
    "vecdot": (lambda x: linalg.vecdot(x, x[..., :1, :]), lambda x: (x * x[..., :1, :]).sum(-1), ANY[:5]),
    "vander": (lambda x: linalg.vander(x, N=4), lambda x: x[..., None] ** numpy.arange(4), ANY),
    "svd_lowrank": (lambda x: (p := weft.svd_lowrank(x, 3))[0] * p[1].unsqueeze(-2) @ p[2].mT, lambda x: x, [(3, 5), (5, 3), (2, 4, 3)]),
    "tensorinv": (lambda x: linalg.tensorinv(x.reshape(2, 3, 6)).reshape(6, 6), by_numpy("inv"), [(6, 6)]),
    "tensorsolve": (
        lambda x: linalg.tensorsolve(x.reshape(2, 3, 3, 2), x[:, 0].reshape(2, 3)),
        lambda x: numpy.linalg.tensorsolve(x.reshape(2, 3, 3, 2), x[:, 0].reshape(2, 3)),
        [(6, 6)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype, precision", [(weft.float64, 1e-9), (weft.float32, 2e-3)])
@pytest.mark.parametrize("name", VALUES)
def test_values(name, dtype, precision):
    function, reference, shapes = VALUES[name]
    for shape in shapes:
        x = matrices(*shape).astype("float32").astype("float64")
        if name.startswith("matrix_") and shape[-1] > 5:
            x = x / 8
        results = parts(function(weft.tensor(x, dtype=dtype)))
        for result, expected in zip(results, parts(reference(x))):
            assert result.shape == numpy.shape(expected), (shape, result.shape, numpy.shape(expected))
            scale = precision * max(1, numpy.abs(numpy.nan_to_num(expected)).max(initial=0))
            numpy.testing.assert_allclose(array_of(result).astype("float64"), expected, rtol=precision, atol=scale)


GRADIENTS = {
    "inv": (linalg.inv, (3, 3)),
    "det": (linalg.det, (2, 3, 3)),
    "slogdet": (lambda x: linalg.slogdet(x)[1], (2, 3, 3)),
    "logdet": (lambda x: weft.logdet(positive(x)), (3, 3)),
    "solve": (lambda x: linalg.solve(x[:, :3], x[:, 3:]), (3, 5)),
    "solve to the right": (lambda x: linalg.solve(x[:, :3], x[:, 3:].mT, left=False), (3, 5)),
    "lu square": (lambda x: linalg.lu(x)[1:], (3, 3)),
    "lu tall": (lambda x: linalg.lu(x)[1:], (4, 2)),
    "lu wide": (lambda x: linalg.lu(x)[1:], (2, 4)),
    "lu_solve": (lambda x: linalg.lu_solve(*linalg.lu_factor(x[:, :3]), x[:, 3:]), (3, 4)),
    "lu_solve adjoint": (lambda x: linalg.lu_solve(*linalg.lu_factor(x[:, :3]), x[:, 3:], adjoint=True), (3, 4)),
    "cholesky_inverse": (lambda x: weft.cholesky_inverse(weft.linalg.cholesky(positive(x))), (3, 3)),
    "cholesky_solve": (lambda x: weft.cholesky_solve(x, weft.linalg.cholesky(positive(x)), False), (3, 3)),
    "householder": (lambda x: linalg.householder_product(x[:4], x[4, :2]), (5, 3)),
    "pinv tall": (linalg.pinv, (4, 2)),
    "pinv wide": (linalg.pinv, (2, 4)),
    "pinv of low rank": (lambda x: linalg.pinv(x @ x.mT), (3, 2)),
    "pinv hermitian": (lambda x: linalg.pinv(x + x.mT, hermitian=True), (3, 3)),
    "lstsq": (lambda x: linalg.lstsq(x[:, :2], x[:, 2:]).solution, (4, 3)),
    "lstsq wide": (lambda x: linalg.lstsq(x[:, :3], x[:, 3:]).solution, (2, 5)),
    "lstsq of low rank": (lambda x: linalg.lstsq(x @ x.mT, x).solution, (3, 2)),
    "lstsq by svd": (lambda x: linalg.lstsq(x[:, :2], x[:, 2:], driver="gelsd")[:2], (4, 3)),
    "matrix_exp": (linalg.matrix_exp, (2, 2, 2)),
    "matrix_power": (lambda x: linalg.matrix_power(x, -2), (2, 2)),
    "cond": (linalg.cond, (3, 3)),
    "cond fro": (lambda x: linalg.cond(x, "fro"), (3, 3)),
    "vander": (lambda x: linalg.vander(x, N=4), (3,)),
    "cross": (lambda x: linalg.cross(x[:3], x[3:]), (6, 3)),
    "vecdot": (lambda x: linalg.vecdot(x, x.mT), (3, 3)),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name):
    function, shape = GRADIENTS[name]
    x = matrices(*shape, seed=5) + (2 * numpy.eye(*shape[-2:]) if len(shape) > 1 else 0)
    check_gradients(function, [x])
    slope = weft.tensor(matrices(*shape, seed=6))
    _, forward = weft.func.jvp(function, (weft.tensor(x),), (slope,))
    outputs, backward = weft.func.vjp(function, weft.tensor(x))
    cotangents = [weft.tensor(matrices(*p.shape, seed=7)) for p in parts(outputs)]
    ours = sum((t * c).sum() for t, c in zip(parts(forward), cotangents))
    theirs = (backward(cotangents[0] if isinstance(outputs, weft.Tensor) else tuple(cotangents))[0] * slope).sum()
    numpy.testing.assert_allclose(ours.item(), theirs.item(), rtol=1e-8, atol=1e-8)


def test_pinv_of_complex_matrices():
    z = matrices(2, 4, 3, seed=1) + 1j * matrices(2, 4, 3, seed=2)
    z[1, :, 2] = z[1, :, 0] * 2j  # of rank 2
    numpy.testing.assert_allclose(linalg.pinv(weft.tensor(z)).numpy(), numpy.linalg.pinv(z), rtol=1e-9, atol=1e-9)
    square = z[0, :3] + z[0, :3].conj().T
    below = weft.tensor(numpy.tril(square) + numpy.triu(numpy.full((3, 3), 7j), 1))
    got = linalg.pinv(below, hermitian=True, rtol=1e-8).numpy()
    numpy.testing.assert_allclose(got, numpy.linalg.pinv(square), rtol=1e-9, atol=1e-9)
    assert weft.autograd.gradcheck(linalg.pinv, (weft.tensor(z[0], requires_grad=True),))
    with pytest.raises(weft.linalg.LinAlgError, match="finite"):
        linalg.pinv(weft.tensor([[complex(1, numpy.nan)]]))


def test_gradient_of_a_singular_determinant():
    """The cofactors, which PyTorch 2.13 gives with create_graph alone."""
    for values, cofactors in (
        ([[1, 2], [2, 4]], [[4, -2], [-2, 1]]),
        ([[0.0]], [[1]]),
        ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
    ):
        x = weft.tensor(values, dtype=weft.float64, requires_grad=True)
        (got,) = weft.autograd.grad(linalg.det(x), x)
        numpy.testing.assert_allclose(got.numpy(), cofactors, rtol=1e-12, atol=1e-12)


def program(x):
    n = x.shape[-1]
    inverse, info = linalg.inv_ex(x)
    LU, pivots = linalg.lu_factor(x)
    return (
        linalg.solve(x, x[..., :2]), inverse, info, linalg.det(x), *linalg.slogdet(x), LU, pivots, linalg.pinv(x[..., : n - 1]),
        linalg.matrix_exp(x / 4), *linalg.lstsq(x[..., :3], x[..., 3:])[:1], *weft.geqrf(x), *linalg.ldl_factor_ex(x),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
def test_the_same_bits_everywhere(tmp_path, dtype):
    x = weft.tensor(matrices(5, 9, 9), dtype=dtype)
    expected = program(x)
    for result in (weft.compile(program)(x), Artifact(program, (x,), tmp_path)(x), weft.vmap(program)(x)):
        for a, b in zip(result, expected):
            assert_same_bits(a, b)
    for i in range(5):  # each beside the others as alone, wherever it lies
        memory = weft.zeros(9 * 9 + i, dtype=dtype)[i:].view(9, 9)
        memory.copy_(x[i])
        for a, b in zip(program(memory), expected):
            assert_same_bits(a, b[i])
    threads = weft.get_num_threads()
    try:
        weft.set_num_threads(3)
        for a, b in zip(program(x.mT.contiguous().mT), expected):
            assert_same_bits(a, b)
    finally:
        weft.set_num_threads(threads)


@pytest.mark.parametrize("name", ["solve", "inv", "det", "slogdet", "lu tall", "pinv tall", "lstsq", "matrix_exp"])
def test_compiled_steps(name):
    function, shape = GRADIENTS[name]
    check_compiled(function, [matrices(*shape) + 2 * numpy.eye(*shape[-2:])])
