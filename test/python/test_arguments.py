"""Arguments as PyTorch takes them: what is accepted, and what is refused with which error."""

import inspect
import pickle

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional
X = weft.arange(6.0).reshape(2, 3)
I3 = weft.arange(3)
M = numpy.arange(6.0, dtype=numpy.float32).reshape(2, 3)
INTEGERS = weft.tensor([2, 3])
MASK = weft.tensor([True])

# What is called, and its elements.
ACCEPTED = {
    "var, unbiased by position": (lambda: X.var(False), numpy.var(M)),
    "var, dim and unbiased": (lambda: X.var(0, False, True), numpy.var(M, 0, keepdims=True)),
    "var, keyword unbiased": (lambda: weft.var(X, 1, unbiased=False), numpy.var(M, 1)),
    "std of all": (lambda: weft.std(X, True), numpy.std(M, ddof=1)),
    "NumPy's names": (lambda: X.sum(axis=0, keepdims=True), M.sum(0, keepdims=True)),
    "keyword input": (lambda: weft.tanh(input=X * 0), M * 0),
    "alpha": (lambda: weft.add(X, X, alpha=2), 3 * M),
    "alpha in place": (lambda: X.clone().sub_(X, alpha=2), -M),
    "old form of add": (lambda: X.add(0.5, X), 1.5 * M),
    "old form of add_": (lambda: X.clone().add_(2, X), 3 * M),
    "rounding_mode floor": (lambda: weft.div(X - 3, 2, rounding_mode="floor"), numpy.floor((M - 3) / 2)),
    "rounding_mode trunc": (lambda: weft.div(X - 3, 2, rounding_mode="trunc"), numpy.trunc((M - 3) / 2)),
    "trunc of integers": (lambda: (I3 - 2).div(2, rounding_mode="trunc"), [-1, 0, 0]),
    "decimals": (lambda: weft.round(X * 0.25, decimals=1), [[0, 0.2, 0.5], [0.8, 1.0, 1.2]]),
    "negative decimals": (lambda: weft.round(X * 7, decimals=-1), [[0, 10, 10], [20, 30, 40]]),
    "beta and alpha": (lambda: weft.addmm(X[:, :2], X, X.T, beta=0.5, alpha=2), 0.5 * M[:, :2] + 2 * M @ M.T),
    "beta 0": (lambda: weft.addmm(X[:, :2] * float("nan"), X, X.T, beta=0), M @ M.T),
    "as_tuple": (lambda: weft.nonzero(X, as_tuple=True)[1], numpy.nonzero(M)[1]),
    "where of a condition": (lambda: weft.where(X > 2)[0], numpy.nonzero(M > 2)[0]),
    "several dims of squeeze": (lambda: weft.zeros(1, 2, 1).squeeze((0, 2)), [0, 0]),
    "index_select of a 0-d tensor": (lambda: weft.tensor(5.0).index_select(0, weft.tensor([0])), 5.0),
    "int32 positions": (lambda: X.gather(1, weft.tensor([[2], [0]], dtype=weft.int32)), [[2], [3]]),
    "cat with an old empty tensor": (lambda: weft.cat([weft.zeros(0), X, weft.zeros(0)]), M),
    "reflect": (lambda: F.pad(X, (2, 1), mode="reflect"), numpy.pad(M, ((0, 0), (2, 1)), mode="reflect")),
    "replicate": (lambda: F.pad(X, (1, 4), mode="replicate"), numpy.pad(M, ((0, 0), (1, 4)), mode="edge")),
    "circular": (lambda: F.pad(X, (3, 1), mode="circular"), numpy.pad(M, ((0, 0), (3, 1)), mode="wrap")),
    "rows of arrays": (lambda: weft.tensor([numpy.ones(2), numpy.zeros(2)]), [[1, 1], [0, 0]]),
    "rows of tensors": (lambda: weft.tensor([weft.ones(2), [3, 4]]), [[1, 1], [3, 4]]),
    "a large int as a float": (lambda: weft.tensor([2**64], dtype=weft.float32), [2.0**64]),
    "sizes by keyword": (lambda: weft.zeros(size=(2, 3)), M * 0),
    "out": (lambda: weft.ones(2, 3, out=X.clone()), M * 0 + 1),
    "a range as index": (lambda: X[range(1, 2)], M[1:]),
    "tuples as indices": (lambda: X[((0, 1), (1, 2))], M[(0, 1), (1, 2)]),
    "lists in a list as one index": (lambda: X[[[0, 1], [1, 0]]], M[[[0, 1], [1, 0]]]),
    "an array as index": (lambda: X[:, numpy.array([2, 0])], M[:, [2, 0]]),
    "a 0-d array as index": (lambda: X[numpy.array(1)], M[1]),
    "a mask of two dimensions": (lambda: X[M > 2], M[M > 2]),
    "uint8 as a mask": (lambda: X[weft.tensor([0, 1], dtype=weft.uint8)], M[1:]),
    "in place": (lambda: (X + 1).floor_divide_(2), (M + 1) // 2),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name):
    function, expected = ACCEPTED[name]
    numpy.testing.assert_allclose(function().numpy(), expected, rtol=1e-6)


# What is called, the error, and what its message holds.
REFUSED = {
    "a bool as dim": (lambda: X.sum(True), TypeError, "[sum] dim must be an int"),
    "an int as bool": (lambda: X.sum(0, 1), TypeError, "[sum] keepdim must be a bool; got int"),
    "a float as dim": (lambda: X.transpose(0.0, 1), TypeError, "[transpose] dim0 must be an int; got float"),
    "a number as tensor": (lambda: weft.flip(3, [0]), TypeError, "[flip] input must be a tensor; got int"),
    "too many": (lambda: X.t(1), TypeError, "[t] takes 1 argument; got 2"),
    "unknown keyword": (lambda: X.mean(dimension=0), TypeError, "[mean] has no parameter dimension"),
    "given twice": (lambda: X.mean(0, dim=0), TypeError, "[mean] was given twice dim"),
    "missing": (lambda: weft.narrow(X, 0, 1), TypeError, "[narrow] needs length"),
    "dtype as a string": (lambda: weft.zeros(2, dtype="float32"), TypeError, "use weft.float32"),
    "dtype of NumPy": (lambda: X.sum(dtype=numpy.float64), TypeError, "use weft.float64"),
    "steps": (lambda: weft.linspace(0, 1, 3.5), TypeError, "[linspace] steps must be an int; got float"),
    "no sizes": (lambda: weft.zeros(), TypeError, "[zeros] needs sizes"),
    "size of an int": (lambda: weft.randint(5, 2), TypeError, "[randint]"),
    "t of rank 3": (lambda: weft.zeros(2, 2, 2).t(), RuntimeError, "[t]"),
    "flip out of range": (lambda: X.flip([5]), IndexError, "[flip]"),
    "flip twice": (lambda: X.flip([0, -2]), RuntimeError, "[flip]"),
    "squeeze twice": (lambda: X.squeeze((0, 0)), RuntimeError, "[squeeze]"),
    "uniform_": (lambda: X.clone().uniform_(2, 1), RuntimeError, "[uniform_]"),
    "normal_": (lambda: X.clone().normal_(0, -1), RuntimeError, "[normal_]"),
    "negative power": (lambda: INTEGERS**-1, RuntimeError, "[pow]"),
    "negative power in place": (lambda: INTEGERS.clone().pow_(-1), RuntimeError, "[pow_]"),
    "negative power of bool": (lambda: MASK**-1, RuntimeError, "[pow]"),
    "difference of bools": (lambda: MASK - 1, RuntimeError, "[sub]"),
    "difference with a bool": (lambda: INTEGERS.clone().sub_(True), RuntimeError, "[sub_]"),
    "beyond uint8": (lambda: weft.tensor([300], dtype=weft.uint8), RuntimeError, "[tensor]"),
    "beyond int64": (lambda: weft.tensor([1e30], dtype=weft.int64), RuntimeError, "[tensor]"),
    "rounding_mode": (lambda: X.div(2, rounding_mode="up"), RuntimeError, "'up'"),
    "alpha of integers": (lambda: I3.add(I3, alpha=0.5), RuntimeError, "[add]"),
    "decimals of integers": (lambda: I3.round(decimals=1), NotImplementedError, "[round]"),
    "correction and unbiased": (lambda: X.var(0, True, correction=1), TypeError, "[var]"),
    "cat of 0-d": (lambda: weft.cat([weft.tensor(1.0), X]), RuntimeError, "[cat]"),
    "cat of a tensor": (lambda: weft.cat(X), TypeError, "[cat] tensors must be a sequence of tensors"),
    "condition": (lambda: weft.where(X, X, X), RuntimeError, "[where]"),
    "outer of matrices": (lambda: weft.outer(X, X), RuntimeError, "[outer]"),
    "tril of a vector": (lambda: I3.tril(), RuntimeError, "[tril]"),
    "reflect too far": (lambda: F.pad(X, (3, 1), mode="reflect"), RuntimeError, "[pad]"),
    "pad mode": (lambda: F.pad(X, (1, 1), mode="around"), NotImplementedError, "[pad]"),
    "format": (lambda: f"{X:.3f}", TypeError, "[format]"),
    "index": (lambda: X[1.0], IndexError, "[index]"),
    "slice": (lambda: X["a":], TypeError, "[index]"),
    "the function that was called": (lambda: weft.zeros(-1), RuntimeError, "[zeros]"),
    "and not one within": (lambda: weft.stack([X, X], 5), IndexError, "[stack]"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, kind, text = REFUSED[name]
    with pytest.raises(kind) as caught:
        function()
    assert type(caught.value) is kind and text in str(caught.value)


def test_dtypes_of_python():
    dtypes = [weft.zeros(1, dtype=t).dtype for t in (float, int, bool)]
    assert dtypes == [weft.float64, weft.int64, weft.bool]
    data = [
        [numpy.ones(2)],
        [numpy.float32(1), 2],
        [numpy.ones(2, "int32"), [1, 2]],
        [numpy.float16(2.5), True],
        [True, 2],
    ]
    dtypes = [weft.float64, weft.float32, weft.int64, weft.float16, weft.int64]
    assert [weft.tensor(d).dtype for d in data] == dtypes


def test_size():
    shape = X.shape
    assert (
        shape == (2, 3) and isinstance(shape, weft.Size) and repr(shape) == "weft.Size([2, 3])" and shape.numel() == 6
    )
    for same in (shape[:1] + (3,), (2,) + shape[1:], X.size(), weft.Size([2, 3]), pickle.loads(pickle.dumps(shape))):
        assert type(same) is weft.Size and same == shape
    with pytest.raises(TypeError, match=r"^\[Size\]"):
        weft.Size([1, "a"])


def test_compiled_functions_take_and_give_sizes():
    compiled = weft.compile(lambda x, shape: (x.reshape(shape) * 2, x.shape))
    for _ in range(3):
        result, shape = compiled(X, weft.Size([3, 2]))
        assert result.tolist() == (M.reshape(3, 2) * 2).tolist() and type(shape) is weft.Size and shape == (2, 3)
    assert compiled(X, weft.Size([6]))[0].shape == (6,)
    assert weft.explain(compiled, X, weft.Size([3, 2])).mode == "replay"


def test_format():
    x = weft.tensor(2.5, requires_grad=True)
    assert f"{x} {x:.3f} {weft.tensor(3):d} {weft.tensor(True)}" == "2.5 2.500 3 True"
    assert f"{weft.tensor([2.5])}" == "tensor([2.5000])"


def test_quotients_may_be_written_to():
    x, y = (weft.tensor(v, requires_grad=True) for v in ([2.0, 3.0], [4.0, 0.5]))
    quotient = x / y
    quotient.add_(1)
    quotient.sum().backward()
    assert x.grad.tolist() == [0.25, 2.0] and y.grad.tolist() == [-0.125, -12.0]


def test_signatures_can_be_read():
    assert str(inspect.signature(weft.narrow)) == "(input, dim, start, length)"
    assert list(inspect.signature(weft.zeros).parameters) == [
        "size",
        "out",
        "dtype",
        "device",
        "requires_grad",
        "layout",
        "memory_format",
        "pin_memory",
    ]
    assert weft.sum.__doc__ and weft.Tensor.add_.__doc__ and weft.tanh.__doc__


def test_numbers_and_arrays_of_numpy():
    x, one = weft.arange(12.0).reshape(3, 4), numpy.int64(1)
    assert_same_bits(weft.fft.fftshift(x, one), weft.fft.fftshift(x, 1))
    assert_same_bits(weft.fft.rfftn(x, dim=one), weft.fft.rfftn(x, dim=1))
    assert_same_bits(F.layer_norm(x, numpy.int64(4)), F.layer_norm(x, 4))
    assert_same_bits(F.layer_norm(x, numpy.array([3, 4])), F.layer_norm(x, (3, 4)))
    weights = numpy.array([0.25, 0.5, 0.75, 1.0], "float32")
    assert_same_bits(weft.lerp(x, -x, weights), weft.lerp(x, -x, weft.tensor(weights)))
    degrees = numpy.arange(4)
    assert_same_bits(
        weft.special.hermite_polynomial_h(x, degrees), weft.special.hermite_polynomial_h(x, weft.tensor(degrees))
    )
