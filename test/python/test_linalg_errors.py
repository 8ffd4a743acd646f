"""What linear algebra refuses, and the matrices that it finds singular, not positive definite or not finite."""

import numpy
import pytest
import weft
from conftest import array_of
from weft import linalg

ONE = weft.eye(2, dtype=weft.float64)
SINGULAR = weft.tensor([[1, 2], [2, 4]], dtype=weft.float64)
BATCH = weft.stack([ONE, SINGULAR])
NAN = weft.tensor([[1, numpy.nan], [numpy.nan, 1]], dtype=weft.float64)
WIDE = weft.ones(2, 3)

# name: (call, what the message holds)
FAILURES = {
    "inv": (lambda: linalg.inv(SINGULAR), r"\[inv\] the input is singular: the diagonal element 2"),
    "inverse": (lambda: BATCH.inverse(), r"\[inverse\] matrix 1 of the batch is singular"),
    "inv_ex": (lambda: linalg.inv_ex(BATCH, check_errors=True), r"\[inv_ex\] matrix 1"),
    "solve": (lambda: linalg.solve(BATCH, ONE), r"\[solve\] matrix 1"),
    "solve_ex": (lambda: linalg.solve_ex(SINGULAR, ONE, check_errors=True), r"\[solve_ex\]"),
    "lu_factor": (lambda: linalg.lu_factor(SINGULAR), r"\[lu_factor\]"),
    "lu_factor_ex": (lambda: linalg.lu_factor_ex(SINGULAR, check_errors=True), r"\[lu_factor_ex\]"),
    "lu": (lambda: SINGULAR.lu(), r"\[lu\]"),
    "ldl_factor": (lambda: linalg.ldl_factor(0 * ONE), r"\[ldl_factor\]"),
    "matrix_power": (lambda: SINGULAR.matrix_power(-1), r"\[matrix_power\]"),
    "tensorinv": (lambda: linalg.tensorinv(SINGULAR, 1), r"\[tensorinv\]"),
    "tensorsolve": (lambda: linalg.tensorsolve(SINGULAR, ONE[0]), r"\[tensorsolve\]"),
    "cholesky": (lambda: linalg.cholesky(-BATCH), r"\[cholesky\] matrix 0 of the batch is not positive definite.* order 1"),
    "svd": (lambda: linalg.svd(weft.stack([ONE, NAN])), r"\[svd\] matrix 1 of the batch has elements that are not finite"),
    "svdvals": (lambda: linalg.svdvals(NAN), r"\[svdvals\]"),
    "older svd": (lambda: NAN.svd(), r"\[svd\]"),
    "eigh": (lambda: linalg.eigh(NAN), r"\[eigh\]"),
    "eigvalsh": (lambda: linalg.eigvalsh(NAN), r"\[eigvalsh\]"),
    "pinv": (lambda: linalg.pinv(NAN), r"\[pinv\]"),
    "matrix_rank": (lambda: linalg.matrix_rank(NAN), r"\[matrix_rank\]"),
    "cond": (lambda: linalg.cond(NAN), r"\[cond\]"),
    "norm": (lambda: linalg.matrix_norm(NAN, "nuc"), r"\[matrix_norm\]"),
    "lstsq": (lambda: linalg.lstsq(SINGULAR, ONE, driver="gels"), r"\[lstsq\] the input has not full rank"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name):
    call, message = FAILURES[name]
    with pytest.raises(linalg.LinAlgError, match=message):
        call()
    assert issubclass(linalg.LinAlgError, RuntimeError)


def test_failures_in_compiled_programs_and_under_vmap():
    compiled = weft.compile(lambda x: linalg.solve(x * 1.0, ONE))
    for _ in range(2):
        assert compiled(ONE).equal(ONE)
    with pytest.raises(linalg.LinAlgError, match=r"\[solve\].*singular"):
        compiled(SINGULAR)
    with pytest.raises(linalg.LinAlgError, match="singular"):
        weft.vmap(linalg.inv)(BATCH)
    with pytest.raises(linalg.LinAlgError, match="not finite"):
        weft.compile(linalg.svdvals)(NAN)


def test_what_fails_without_an_error():
    assert linalg.inv_ex(BATCH).info.tolist() == [0, 2]
    result, info = linalg.solve_ex(BATCH, ONE.expand(2, 2, 2))
    assert info.tolist() == [0, 2] and result[0].equal(ONE)
    LU, pivots, info = linalg.lu_factor_ex(SINGULAR)
    assert LU.tolist() == [[2, 4], [0.5, 0]] and pivots.tolist() == [2, 2] and info.item() == 2
    assert linalg.ldl_factor_ex(0 * ONE).info.item() == 1
    assert linalg.det(SINGULAR).item() == 0
    sign, logarithm = linalg.slogdet(SINGULAR)
    assert sign.item() == 0 and logarithm.item() == -numpy.inf and weft.logdet(-weft.eye(3)).isnan()
    assert linalg.cond(SINGULAR, "fro").item() == numpy.inf
    assert linalg.matrix_exp(NAN).isnan().all() and linalg.det(NAN).isnan()
    solution, _, rank, _ = linalg.lstsq(NAN, ONE)
    assert solution.isnan().all() and rank.item() == 0


def test_of_nothing():
    none = weft.ones(0, 0)
    assert linalg.det(none).item() == 1 and tuple(t.item() for t in linalg.slogdet(none)) == (1, 0)
    assert linalg.solve(none, weft.ones(0, 3)).shape == (0, 3) and linalg.cond(none).item() == 0
    assert linalg.matrix_rank(weft.ones(0, 3)).item() == 0 and linalg.pinv(weft.ones(0, 3)).shape == (3, 0)
    solution, _, rank, _ = linalg.lstsq(weft.ones(0, 3), weft.ones(0, 2))
    assert solution.equal(weft.zeros(3, 2)) and rank.item() == 0


# (call, class, what the message holds)
BAD = [
    (lambda: linalg.det(WIDE), RuntimeError, r"\[det\].*square"),
    (lambda: linalg.inv(weft.ones(2)), RuntimeError, r"\[inv\].*square"),
    (lambda: linalg.inv(weft.ones(2, 2).long()), RuntimeError, r"\[inv\].*float32 or float64"),
    (lambda: linalg.matrix_exp(weft.ones(2, 2).half()), RuntimeError, r"\[matrix_exp\].*float32 or float64"),
    (lambda: linalg.solve(ONE, weft.ones(3, 3).double()), RuntimeError, r"\[solve\].*A X = B.*2 rows"),
    (lambda: linalg.solve(ONE, ONE[0], left=False), RuntimeError, r"\[solve\].*X A = B"),
    (lambda: linalg.solve(ONE, ONE.float()), RuntimeError, r"\[solve\].*dtype"),
    (lambda: linalg.lu_factor(ONE, pivot=False), RuntimeError, r"\[lu_factor\].*pivot"),
    (lambda: linalg.lu_solve(ONE, weft.tensor([1, 2]), ONE), RuntimeError, r"\[lu_solve\].*int32"),
    (lambda: linalg.lu_solve(ONE, weft.tensor([1, 2], dtype=weft.int32), ONE[0]), RuntimeError, r"\[lu_solve\].*matrices"),
    (lambda: linalg.lstsq(ONE, ONE, driver="x"), RuntimeError, r"\[lstsq\] driver"),
    (lambda: linalg.lstsq(ONE, weft.ones(3, 1).double()), RuntimeError, r"\[lstsq\].*rows"),
    (lambda: linalg.svd(ONE, driver="gesvd"), RuntimeError, r"\[svd\].*driver"),
    (lambda: linalg.cond(ONE, 3), RuntimeError, r"\[cond\].*order"),
    (lambda: linalg.cond(WIDE, "fro"), RuntimeError, r"\[cond\].*square"),
    (lambda: linalg.cross(WIDE, WIDE[0]), RuntimeError, r"\[cross\].*dimensions"),
    (lambda: weft.cross(ONE, ONE), RuntimeError, r"\[cross\].*size 3"),
    (lambda: linalg.vander(weft.ones(3), N=1), RuntimeError, r"\[vander\] N"),
    (lambda: weft.vander(ONE), RuntimeError, r"\[vander\].*vector"),
    (lambda: linalg.tensorinv(ONE, 0), RuntimeError, r"\[tensorinv\] ind"),
    (lambda: linalg.tensorinv(WIDE, 1), RuntimeError, r"\[tensorinv\].*equally many"),
    (lambda: linalg.tensorsolve(ONE, weft.ones(3)), RuntimeError, r"\[tensorsolve\]"),
    (lambda: linalg.householder_product(WIDE, weft.ones(2)), RuntimeError, r"\[householder_product\].*rows"),
    (lambda: linalg.householder_product(ONE, weft.ones(3).double()), RuntimeError, r"\[householder_product\].*tau"),
    (lambda: weft.ormqr(ONE, ONE[0], WIDE.mT), RuntimeError, r"\[ormqr\]"),
    (lambda: weft.svd_lowrank(WIDE, 3), RuntimeError, r"\[svd_lowrank\] q"),
    (lambda: linalg.matrix_power(WIDE, 2), RuntimeError, r"\[matrix_power\].*square"),
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(BAD)))
def test_bad_input(at):
    call, kind, message = BAD[at]
    with pytest.raises(kind, match=message):
        call()


def test_results_written_to_out():
    into = weft.zeros(0, dtype=weft.float64)
    assert linalg.inv(2 * ONE, out=into) is into and into.tolist() == [[0.5, 0], [0, 0.5]]
    values, vectors = weft.zeros(2, dtype=weft.float64), weft.zeros(2, 2, dtype=weft.float64)
    linalg.eigh(SINGULAR, out=(values, vectors))
    numpy.testing.assert_allclose(array_of(values), [0, 5], atol=1e-12)


def test_forms_of_right_sides():
    x = weft.randn(3, 1, 4, 4) + 4 * weft.eye(4)
    assert linalg.solve(x, weft.ones(5, 4, 2)).shape == (3, 5, 4, 2)
    assert linalg.solve(x, weft.ones(4)).shape == (3, 1, 4) and linalg.solve(x[:, 0], weft.ones(3, 4)).shape == (3, 4)
    assert linalg.solve(x, weft.ones(5, 2, 4), left=False).shape == (3, 5, 2, 4)
    found = linalg.lstsq(weft.randn(2, 5, 3), weft.randn(2, 5), driver="gelss")
    assert [tuple(t.shape) for t in found] == [(2, 3), (2, 1), (2,), (2, 3)]
    assert [tuple(t.shape) for t in linalg.lstsq(weft.randn(5, 3), weft.randn(5, 2))] == [(3, 2), (0,), (), (0,)]
    assert linalg.matrix_rank(weft.eye(3), tol=weft.tensor([2.0, 0.1])).tolist() == [0, 3]
    L, U = weft.lu_unpack(*linalg.lu_factor(ONE), unpack_pivots=False)[1:]
    assert L.equal(ONE) and U.equal(ONE)
    assert weft.lu_unpack(*linalg.lu_factor(ONE), unpack_data=False).L.shape == (0,)
    assert weft.vander(weft.tensor([1, 2, 3]), 4)[2].tolist() == [27, 9, 3, 1] and linalg.vander(
        weft.ones(2, 3)
    ).shape == (2, 3, 3)
    U, S, V = weft.pca_lowrank(weft.randn(7, 5), niter=1)
    assert U.shape == (7, 5) and S.shape == (5,) and V.shape == (5, 5)


def test_pivots_of_other_sizes():
    with pytest.raises(RuntimeError, match=r"\[lu_unpack\] must be batches of matrices"):
        weft.lu_unpack(weft.ones(3), weft.ones(3, dtype=weft.int32))
    with pytest.raises(RuntimeError, match=r"\[lu_unpack\] LU_pivots must have shape"):
        weft.lu_unpack(ONE, weft.ones(5, dtype=weft.int32))
