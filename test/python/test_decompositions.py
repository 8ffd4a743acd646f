"""svd, eigh and qr: what they are multiplied together, eagerly, compiled and ahead of time; gradients; bad input."""

import numpy
import pytest
import weft
import weft._ops
from artifact import Artifact
from conftest import array_of, assert_same_bits

SHAPES = [(3, 3), (5, 3), (3, 5), (2, 4, 3), (2, 3, 1, 4), (40, 33), (0, 3), (3, 0), (2, 0, 0)]


def matrices(*shape, dtype=weft.float64, seed=0):
    return weft.from_numpy(numpy.random.RandomState(seed).randn(*shape)).to(dtype)


def symmetric(*shape, dtype=weft.float64):
    x = matrices(*shape, dtype=dtype)
    return x + x.mT


def close(a, b, dtype):
    tolerance = 1e-12 if dtype == weft.float64 else 2e-5
    numpy.testing.assert_allclose(array_of(a), array_of(b), rtol=tolerance, atol=tolerance * 10)


def is_orthogonal(q, dtype):
    close(q.mT @ q, weft.eye(q.shape[-1], dtype=dtype).expand(*q.shape[:-2], -1, -1), dtype)


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_svd(shape, full, dtype):
    x = matrices(*shape, dtype=dtype)
    U, S, Vh = weft.linalg.svd(x, full_matrices=full)
    k = S.shape[-1]
    assert (U.shape[-1], Vh.shape[-2]) == ((shape[-2], shape[-1]) if full else (k, k)) and k == min(shape[-2:])
    is_orthogonal(U, dtype)
    is_orthogonal(Vh.mT, dtype)
    close((U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], x, dtype)
    assert (S[..., 1:] <= S[..., :-1]).all() and (S >= 0).all()
    assert_same_bits(weft.linalg.svdvals(x), weft.linalg.svd(x, False).S)


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (2, 3, 5, 5), (37, 37), (0, 0), (2, 0, 0)])
def test_eigh(shape, dtype):
    x = symmetric(*shape, dtype=dtype)
    values, vectors = weft.linalg.eigh(x)
    is_orthogonal(vectors, dtype)
    close(x @ vectors, vectors * values.unsqueeze(-2), dtype)
    assert (values[..., 1:] >= values[..., :-1]).all()
    assert_same_bits(weft.linalg.eigvalsh(x), values)
    assert_same_bits(weft.linalg.eigh(x.tril()).eigenvectors, vectors)  # the other triangle is not read
    assert_same_bits(weft.linalg.eigh(x.triu(), UPLO="U").eigenvectors, vectors)


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", SHAPES)
def test_qr(shape, mode, dtype):
    x = matrices(*shape, dtype=dtype)
    Q, R = weft.linalg.qr(x, mode)
    assert Q.shape[-1] == (shape[-2] if mode == "complete" else min(shape[-2:]))
    is_orthogonal(Q, dtype)
    close(Q @ R, x, dtype)
    assert (R.tril(-1) == 0).all()
    nothing, alone = weft.linalg.qr(x, "r")
    assert nothing.shape == (0,)
    assert_same_bits(alone, weft.linalg.qr(x).R)


# Sums that do not change with the signs of vectors.
LOSSES = {
    "svdvals": lambda x: (weft.linalg.svdvals(x) ** 2 * weft.arange(1.0, 4.0, dtype=x.dtype)).sum(),
    "svd": lambda x: sum((part**2 * weft.arange(part.numel(), dtype=x.dtype).view(part.shape)).sum() for part in weft.linalg.svd(x, False)),
    "svd full": lambda x: ((p := weft.linalg.svd(x))[1].log() * 2).sum() + (p[0][:, :3] ** 3).sum() + (p[2][:3] ** 3).sum(),
    "eigh": lambda x: sum((part**2 * weft.arange(part.numel(), dtype=x.dtype).view(part.shape)).sum() for part in weft.linalg.eigh(x[:3, :3])),
    "qr": lambda x: sum((part**3 * weft.arange(part.numel(), dtype=x.dtype).view(part.shape)).sum() for part in weft.linalg.qr(x)),
    "q": lambda x: (weft.linalg.qr(x)[0] ** 3).sum(),
    "r": lambda x: (weft.linalg.qr(x, "r")[1] ** 3).sum(),
}  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5)])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name, shape):
    """Against central differences; the second order through the first's."""
    loss, x = LOSSES[name], matrices(*shape, seed=3)

    def gradient(x, create_graph=False):
        x = x.clone().requires_grad_() if not create_graph else x
        return weft.autograd.grad(loss(x), x, create_graph=create_graph)[0]

    def differences(f):
        step, columns = 1e-6, []
        for i in range(x.numel()):
            e = weft.zeros(x.numel(), dtype=x.dtype)
            e[i] = step
            columns.append((f(x + e.view(shape)) - f(x - e.view(shape))) / (2 * step))
        return weft.stack(columns)

    first = gradient(x)
    expected = differences(loss).view(shape)
    if name == "eigh":  # a symmetric gradient, of the triangle that is read
        first = first[:3, :3].tril() + first[:3, :3].triu(1).mT
        expected = expected[:3, :3]
    numpy.testing.assert_allclose(first.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    direction = matrices(*shape, seed=4)
    leaf = x.clone().requires_grad_()
    second = weft.autograd.grad((gradient(leaf, create_graph=True) * direction).sum(), leaf)[0]
    expected = differences(lambda x: (gradient(x) * direction).sum()).view(shape)
    if name == "eigh":
        second, expected = second[:3, :3].tril() + second[:3, :3].triu(1).mT, expected[:3, :3]
    numpy.testing.assert_allclose(second.detach().numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


def program(x):
    U, S, Vh = weft.linalg.svd(x, False)
    values, vectors = weft.linalg.eigh(x @ x.mT)
    Q, R = weft.linalg.qr(x * 2)
    return U + Q, S, Vh @ R.mT, values, vectors


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64])
def test_the_same_bits_everywhere(tmp_path, dtype):
    x = matrices(6, 9, 7, dtype=dtype)
    expected = program(x)
    for result in (weft.compile(program)(x), Artifact(program, (x,), tmp_path)(x)):
        for a, b in zip(result, expected):
            assert_same_bits(a, b)
    for i in range(6):  # each beside the others as alone, wherever it lies
        memory = weft.zeros(9 * 7 + i, dtype=dtype)[i:].view(9, 7)
        memory.copy_(x[i])
        for a, b in zip(program(memory), expected):
            assert_same_bits(a, b[i])
    for a, b in zip(program(x.mT.contiguous().mT), expected):
        assert_same_bits(a, b)


def test_of_what_is_not_finite():
    x = matrices(3, 2, 2)
    x[1, 0, 1] = numpy.nan
    x[1, 1, 0] = numpy.inf
    *vectors, info = weft._ops.svd_ex(x)
    *others, _ = weft._ops.eigh_ex(x)
    assert info.tolist() == [0, 1, 0]
    for part in (*vectors, *others):
        assert part[1].isnan().all() and not part[0].isnan().any() and not part[2].isnan().any()


def test_bad_input():
    for call in (weft.linalg.svd, weft.linalg.svdvals, weft.linalg.qr, weft.linalg.eigh):
        with pytest.raises(RuntimeError, match="matri"):
            call(weft.ones(3))
        with pytest.raises(RuntimeError, match="float32 or float64"):
            call(weft.ones(2, 2, dtype=weft.int64))
        with pytest.raises(RuntimeError, match="float32 or float64"):
            call(weft.ones(2, 2, dtype=weft.float16))
    with pytest.raises(RuntimeError, match="square"):
        weft.linalg.eigh(weft.ones(2, 3))
    with pytest.raises(RuntimeError, match="UPLO must be"):
        weft.linalg.eigh(weft.ones(2, 2), "X")
    with pytest.raises(RuntimeError, match="mode must be"):
        weft.linalg.qr(weft.ones(2, 2), "full")
    x = matrices(5, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="complete"):
        weft.linalg.qr(x, "complete").Q.sum().backward()


SPECIAL = {
    "zeros": numpy.zeros((5, 4)),
    "one number": numpy.array([[-3.0]]),
    "a row": numpy.arange(-2.0, 3.0)[None],
    "a column": numpy.arange(-2.0, 3.0)[:, None],
    "rank 1": numpy.outer(numpy.arange(1.0, 7.0), numpy.arange(1.0, 5.0)),
    "equal values": numpy.eye(9),
    "zeros on the diagonal": numpy.diag([1.0, 2.0, 3.0], 1),
    "far apart": numpy.diag(10.0 ** numpy.arange(0, -120, -10)),
    "great": matrices(6, 6).numpy() * 1e300,
    "small": matrices(6, 6).numpy() * 1e-300,
    "more than a hundred columns": matrices(140, 131).numpy(),
    "bidiagonal with a zero": numpy.diag([1.0, 0.0, 3.0, 2.0]) + numpy.diag([1.0, 1.0, 1.0], 1),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_svd_of_special_matrices(name):
    x = weft.tensor(SPECIAL[name])
    scale = float(x.abs().max()) or 1.0
    for full in (False, True):
        U, S, Vh = weft.linalg.svd(x, full)
        is_orthogonal(U, x.dtype)
        is_orthogonal(Vh.mT, x.dtype)
        k = S.shape[0]
        close((U[:, :k] * (S / scale)) @ Vh[:k], x / scale, x.dtype)
        numpy.testing.assert_allclose(
            S.numpy() / scale, numpy.linalg.svd(SPECIAL[name])[1] / scale, rtol=1e-12, atol=1e-13
        )
