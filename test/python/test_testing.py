"""weft.testing: what is close, and tensors for tests."""

import math

import numpy
import pytest
import weft
from weft import nn
from weft.testing import assert_allclose, assert_close, make_tensor

X = weft.tensor([1.0, 2.0, 3.0])
NAN = weft.tensor(math.nan)
CLOSE = {
    "itself": (X, X, {}),
    "within the tolerance": (X, X * (1 + 1e-6), {}),
    "half": (X.half(), X.half() * 1.0005, {}),
    "dtypes": (X.half(), X * 1.0005, {"check_dtype": False}),
    "integers": (X.int(), X.long(), {"check_dtype": False}),
    "numbers": (1.0, 1.0 + 1e-8, {}),
    "bools": (True, True, {}),
    "complex": (1 + 1j, 1 + 1j, {}),
    "sequences": ([1, X], (1, X), {}),
    "mappings": ({"a": X, "b": [None]}, {"b": [None], "a": X}, {}),
    "arrays": (numpy.ones(2), numpy.ones(2), {}),
    "nan": (NAN, NAN, {"equal_nan": True}),
    "infinity": (weft.tensor([math.inf]), weft.tensor([math.inf]), {}),
    "nothing": (weft.ones(0), weft.ones(0), {}),
    "parameters": (nn.Parameter(X), X, {}),
    "large tolerances": (X, X + 1, {"rtol": 0, "atol": 1}),
}


@pytest.mark.parametrize("name", CLOSE)
def test_close(name):
    actual, expected, options = CLOSE[name]
    assert_close(actual, expected, **options)


APART = {
    "numbers of a tensor": (X, X + weft.tensor([0, 0, 1.0]), {}, r"1 of 3 elements .*33.3 %.*absolute difference is 1 at \[2\]"),
    "a matrix": (weft.zeros(2, 2), weft.tensor([[0, 0], [3.0, 0]]), {}, r"at \[1, 0\]"),
    "integers": (X.int(), X.int() + 1, {}, "3 of 3"),
    "large integers": (weft.tensor([2**62]), weft.tensor([2**62 + 1]), {}, "1 of 1"),
    "dtype": (X, X.double(), {}, "dtypes differ: weft.float32 and weft.float64"),
    "shape": (X, X[:2], {}, "shapes differ"),
    "stride": (weft.ones(2, 3), weft.ones(3, 2).T, {"check_stride": True}, "strides differ"),
    "nan": (NAN, NAN, {}, "1 of 1"),
    "infinity": (X, weft.tensor([1.0, 2.0, math.inf]), {}, "1 of 3"),
    "types": (1, 1.0, {}, "types differ: int and float"),
    "a number": (1, 2, {}, "got 1 for 2"),
    "None": (None, 1, {}, "got None for 1"),
    "lengths": ([1], [1, 2], {}, "lengths differ: 1 and 2"),
    "keys": ({"a": 1}, {"b": 1}, {}, r"missing \['b'\], too many \['a'\]"),
    "place": ({"a": [X]}, {"a": [X + 1]}, {}, r"at item \['a'\]\[0\]"),
    "message": (1, 2, {"msg": "mine"}, "^mine$"),
    "changed message": (1, 2, {"msg": lambda m: "so: " + m}, r"^so: \[assert_close\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", APART)
def test_apart(name):
    actual, expected, options, text = APART[name]
    with pytest.raises(AssertionError, match=text):
        assert_close(actual, expected, **options)


def test_what_cannot_be_compared():
    for a, b in ((X, [1.0]), ("a", "a"), (object(), object()), (X, numpy.ones(3)), (X, 1.0)):
        with pytest.raises(TypeError, match="cannot compare"):
            assert_close(a, b)
    with pytest.raises(TypeError, match="Parameter and Tensor"):
        assert_close(nn.Parameter(X), X, allow_subclasses=False)
    with pytest.raises(ValueError, match="rtol alone"):
        assert_close(X, X, rtol=1e-3)


def test_allclose():
    assert_allclose([1.0, 2.0], weft.tensor([1, 2], dtype=weft.float64))
    with pytest.raises(AssertionError, match="differ"):
        assert_allclose([1.0, 2.0], weft.tensor([1, 3]))


@pytest.mark.parametrize(
    "dtype, low, high",
    [(weft.bool, 0, 1), (weft.uint8, 0, 9), (weft.int8, -9, 9), (weft.int64, -9, 9), (weft.float32, -9, 9), (weft.bfloat16, -9, 9)],
)  # fmt: skip
def test_made_tensors(dtype, low, high):
    made = make_tensor(100, 20, dtype=dtype, device="cpu")
    assert made.shape == (100, 20) and made.dtype is dtype
    assert low <= made.min().item() <= low + 0.2 and high - 0.2 <= made.max().item() <= high


def test_options_of_made_tensors():
    assert make_tensor((3, 4), dtype=weft.float32, device="cpu", noncontiguous=True).stride() == (8, 2)
    assert make_tensor(3, dtype=weft.float32, device="cpu", requires_grad=True).requires_grad
    assert (make_tensor(1000, dtype=weft.int8, device="cpu", low=0, high=2, exclude_zero=True) == 1).all()
    assert set(make_tensor(100, dtype=weft.int64, device="cpu", low=1.5, high=3.2).tolist()) == {2, 3}
    assert (make_tensor(100, dtype=weft.uint8, device="cpu", low=-5, high=2) < 2).all()


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"low": 3, "high": 1}, ValueError, "low must be below high"),
        ({"dtype": weft.int64, "low": 1.2, "high": 1.8}, ValueError, "no number"),
        ({"dtype": weft.int64, "requires_grad": True}, ValueError, "require grad"),
        ({"memory_format": 1}, NotImplementedError, "memory_format"),
    ],
)
def test_errors(options, error, text):
    with pytest.raises(error, match=text):
        make_tensor(3, **{"dtype": weft.float32, "device": "cpu", **options})


def test_parts_load_when_they_are_used():
    from conftest import run_alone

    parts = ["weft.distributions", "weft.testing", "weft.utils.data", "multiprocessing", "numpy", "typing"]
    assert run_alone(f"print([p for p in {parts} if p in sys.modules])") == "[]"
    assert run_alone("print(weft.distributions.Normal(0.0, 1.0), weft.utils.data.Dataset.__name__)").endswith("Dataset")
    assert run_alone("print(hasattr(weft, 'nonsense'), hasattr(weft.utils, 'nonsense'))") == "False False"
