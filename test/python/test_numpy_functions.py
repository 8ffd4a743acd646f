"""NumPy's functions of tensors: weft's, with NumPy's meaning; NumPy's own for the rest."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft._numpy.functions import FUNCTIONS
from weft._numpy.ufuncs import UFUNCS

RANDOM = numpy.random.RandomState(0)
A = RANDOM.uniform(0.1, 0.9, (3, 4))
SQUARE = A[:, :3] @ A[:, :3].T + numpy.eye(3)
COUNTS = RANDOM.randint(1, 9, (3, 4))


def close(got, expected):
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected)
        for one, other in zip(got, expected):
            close(one, other)
        return
    assert isinstance(got, weft.Tensor), type(got)
    assert got.shape == numpy.shape(expected)
    numpy.testing.assert_allclose(got.numpy(), expected, rtol=1e-6, atol=1e-6)


# ---- functions of each element


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufuncs(ufunc):
    integers = any(kind in ufunc.__name__ for kind in ("shift", "bitwise", "invert", "gcd", "lcm"))
    values = COUNTS if integers else SQUARE if ufunc is numpy.matmul else A + (ufunc is numpy.arccosh)
    operands = [values, values[::-1].copy()][: ufunc.nin]
    expected = ufunc(*operands)
    tensors = [weft.from_numpy(x) for x in operands]
    got = ufunc(*tensors)
    close(got, expected)
    close(weft.compile(lambda *x: ufunc(*x))(*tensors), expected)
    if ufunc.nin == 2:
        close(ufunc(tensors[0], operands[1]), expected)
        close(ufunc(operands[0], tensors[1]), expected)
    out = weft.empty_like(got)
    assert ufunc(*tensors, out=out) is out
    assert_same_bits(out, got)


OPERATORS = [
    "a + t", "a - t", "a * t", "a / t", "a // t", "a % t", "a ** t", "a @ t.T", "a < t", "a <= t", "a > t", "a >= t", "a == t", "a != t",
    "numpy.float64(2) * t", "numpy.float32(2) - t", "numpy.float64(2) ** t", "numpy.float64(0.5) < t", "numpy.array(2.0) / t",
]  # fmt: skip


@pytest.mark.parametrize("text", OPERATORS)
def test_operators_of_arrays_and_tensors(text):
    t = weft.from_numpy(A)
    close(eval(text, {"numpy": numpy, "a": A, "t": t}), eval(text, {"numpy": numpy, "a": A, "t": A}))


def test_dtypes_are_those_of_weft():
    single = weft.ones(2)
    assert (numpy.float64(2) * single).dtype is weft.float32  # a number of NumPy's is a number
    assert (numpy.ones(2) * single).dtype is (single * numpy.ones(2)).dtype is weft.float64
    assert numpy.exp(weft.tensor([1, 2])).dtype is weft.float32
    assert numpy.sum(weft.tensor([1, 2], dtype=weft.uint8)).dtype is weft.uint64
    assert numpy.mean(single, dtype="float64").dtype is weft.float64


def test_special_values_are_numpys():
    values = numpy.array([numpy.nan, numpy.inf, -numpy.inf, -0.0, -2.5, 2.5])
    t = weft.from_numpy(values)
    for ufunc in (numpy.sign, numpy.rint, numpy.exp, numpy.isfinite, numpy.signbit):
        numpy.testing.assert_array_equal(ufunc(t).numpy(), ufunc(values))
    assert numpy.isnan(numpy.max(t).item()) and numpy.argmax(t).item() == numpy.argmax(values) == 0


# ---- functions of arrays

x = A
CALLS = [
    "sum(x)", "sum(x, 1)", "sum(x, axis=(0, 1), keepdims=True)", "sum(i, dtype='float32')", "prod(x, axis=0)", "mean(x)", "mean(i, axis=1)", "std(x)",
    "std(x, 1, ddof=1)", "var(i, axis=0)", "max(x, 0)", "amin(x)", "any(x > 0.5, axis=1)", "all(x > 0)", "argmax(x)", "argmin(x, axis=1)",
    "count_nonzero(i > 3)", "cumsum(x)", "cumsum(i, axis=1)", "cumprod(x, axis=0)", "diff(x)", "diff(x, 2, axis=0)", "nansum(x, axis=1)",
    "reshape(x, (2, 6))", "reshape(x, -1)", "ravel(x)", "transpose(x)", "transpose(x, (1, 0))", "swapaxes(x, 0, 1)", "moveaxis(x, 0, 1)",
    "squeeze(x[None])", "squeeze(x[:1], axis=0)", "expand_dims(x, (0, 2))", "broadcast_to(x, (2, 3, 4))", "flip(x)", "flip(x, 1)", "roll(x, 2)",
    "roll(x, 1, axis=1)", "rot90(x)", "tile(x, 2)", "tile(x, (2, 1))", "repeat(x, 2)", "repeat(x, [1, 2, 0], axis=0)", "concatenate([x, x], axis=1)",
    "concatenate([x, i])", "concatenate((x, x), axis=None)", "stack([x, x], axis=-1)", "vstack([x, x])", "hstack([x, x])", "dstack([x, x])",
    "column_stack([x, x])", "split(x, 2, axis=1)", "split(x, [1, 3], 1)", "array_split(x, 3, axis=1)", "atleast_1d(x)", "atleast_2d(x[0])",
    "atleast_3d(x)", "where(x > 0.5, x, 0.0)", "where(x > 0.5, x, i)", "nonzero(x > 0.5)", "take(x, [0, 5, -1])", "take(x, [[1, 2]], axis=1)",
    "take_along_axis(x, numpy.argsort(x, axis=1), axis=1)", "diagonal(x)", "diagonal(x, offset=1)", "trace(x)", "diag(x)", "diag(x[0], 1)", "tril(x)",
    "triu(x, 1)", "sort(x)", "sort(x, axis=0)", "sort(x, axis=None)", "argsort(x)", "searchsorted(numpy.sort(x[0]), x[1])",
    "searchsorted(numpy.sort(x[0]), 0.5, side='right')", "clip(x, 0.3, 0.6)", "clip(x, None, 0.5)", "clip(i, 2, 5)", "round(x, 1)", "around(x)",
    "nan_to_num(x)", "real(x)", "imag(x)", "angle(x, deg=True)", "isclose(x, x + 1e-12)", "copy(x)", "zeros_like(x)", "ones_like(x, dtype=int)",
    "full_like(x, 3)", "dot(x, x.T)", "dot(x[0], x[1])", "dot(x, 2)", "dot(x, x[0])", "inner(x, x)", "outer(x, x[0])", "vdot(x, x)",
    "tensordot(x, x, axes=((1,), (1,)))", "kron(x, x)", "einsum('ij,kj->ik', x, x)", "linalg.norm(x)", "linalg.norm(x, axis=1)", "linalg.norm(i)",
    "linalg.inv(s)", "linalg.det(s)", "linalg.slogdet(s)", "linalg.solve(s, x)", "linalg.cholesky(s)", "linalg.eigvalsh(s)", "linalg.matrix_power(s, 3)",
    "linalg.svd(x)[1]", "linalg.eigh(s)[0]", "absolute(numpy.linalg.qr(x)[1])", "fft.fft(x)", "fft.rfft(x, 6, axis=0, norm='ortho')", "fft.fft2(x)",
    "fft.irfftn(x)", "fft.fftshift(x)", "fft.ifftshift(x, axes=1)",
]  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_functions(text):
    code = compile(f"numpy.{text}", "<test>", "eval")
    arrays = {"x": A, "i": COUNTS, "s": SQUARE}
    tensors = {name: weft.from_numpy(value) for name, value in arrays.items()}
    close(eval(code, {"numpy": numpy, **tensors}), eval(code, {"numpy": numpy, **arrays}))


def test_answers_that_are_no_tensors():
    t = weft.from_numpy(A)
    assert numpy.shape(t) == (3, 4) and numpy.ndim(t) == 2 and numpy.size(t) == 12 and numpy.size(t, 1) == 4
    assert numpy.allclose(t, A) is True and numpy.array_equal(t, A) is True and numpy.array_equal(t, A[:2]) is False
    assert len(FUNCTIONS) > 100


def test_gradients_pass():
    t = weft.from_numpy(A).requires_grad_()
    numpy.sum(numpy.exp(t) * A).backward()
    numpy.testing.assert_allclose(t.grad.numpy(), numpy.exp(A) * A, rtol=1e-12)


def test_compiled_calls_are_replayed():
    def f(t):
        return numpy.exp(t) * numpy.float64(2) - numpy.tanh(t)

    compiled, t = weft.compile(f), weft.from_numpy(A)
    for _ in range(4):
        assert_same_bits(compiled(t), f(t))
    assert weft.explain(compiled, t).mode == "replay"


# ---- what is NumPy's


def test_the_rest_is_numpys():
    t = weft.from_numpy(A)
    for got, expected in (
        (numpy.percentile(t, 30), numpy.percentile(A, 30)),
        (numpy.histogram(t, 4)[0], numpy.histogram(A, 4)[0]),
        (numpy.add.reduce(t), numpy.add.reduce(A)),
        (numpy.exp(t, where=A > 0.5, out=numpy.zeros_like(A)), numpy.exp(A, where=A > 0.5, out=numpy.zeros_like(A))),
        (numpy.sum(t, where=A > 0.5), numpy.sum(A, where=A > 0.5)),
        (numpy.reshape(t, (4, 3), order="F"), numpy.reshape(A, (4, 3), order="F")),
        (numpy.exp(t, dtype="float64"), numpy.exp(A)),
        (numpy.cbrt(t), numpy.cbrt(A)),
    ):
        assert isinstance(got, (numpy.ndarray, numpy.generic))
        numpy.testing.assert_array_equal(got, expected)
    with pytest.raises(RuntimeError, match="detach"):
        numpy.percentile(weft.ones(2, requires_grad=True), 50)


def test_arrays_are_written_to_in_place():
    array, t = A.copy(), weft.from_numpy(A)
    same = array
    array += t
    assert array is same
    numpy.testing.assert_array_equal(array, A + A)
    assert numpy.add(t, t, out=array) is array
    t, version = t.clone(), 0
    numpy.copyto(t, array)
    assert t._version > version and t.tolist() == array.tolist()
    assert numpy.sum(t, axis=0, out=(out := weft.empty(4, dtype=weft.float64))) is out
    numpy.testing.assert_allclose(out.numpy(), array.sum(0))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: numpy.add.at(t, [0], 1.0), r"\[numpy.add.at\] writes to its operand, .*index_put_"),
        (lambda t: numpy.put(t, [0], 1.0), r"\[numpy.put\] writes to its argument, .*use put_"),
        (lambda t: numpy.exp(t, out=weft.empty(2)), r"\[numpy.exp\] out= must have the result's shape"),
        (lambda t: numpy.exp(t, out=weft.empty(3, dtype=weft.int32)), r"\[numpy.exp\] out= must have .*int32\[3\]"),
        (lambda t: numpy.exp(t, where=[True], out=weft.empty(3)), r"\[numpy.exp\] out= takes a tensor only where"),
        (lambda t: numpy.sum(t, dtype="longdouble"), r"dtypes are those of weft; got (longdouble|float128)"),
    ],
)
def test_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call(weft.ones(3))
