"""isclose and allclose, the elementwise max and min of two tensors, fill_diagonal_: the values are those of PyTorch 2.13."""

import numpy
import pytest
import weft
from conftest import assert_same_bits

nan, inf = float("nan"), float("inf")
A = weft.tensor([1.0, nan, inf, inf, 0.0, 1e-9, -inf])
B = weft.tensor([1.00001, nan, inf, -inf, -0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "options, wanted", [({}, [0, 0, 1, 0, 1, 1, 0]), ({"equal_nan": True}, [0, 1, 1, 0, 1, 1, 0]), ({"rtol": 0, "atol": 0}, [0, 0, 1, 0, 1, 0, 0])]
)  # fmt: skip
def test_isclose(options, wanted):
    found = weft.isclose(A, B, **options)
    assert found.dtype is weft.bool and found.tolist() == [bool(w) for w in wanted]
    assert_same_bits(A.isclose(B, **options), found)
    assert_same_bits(weft.compile(lambda a, b: weft.isclose(a, b, **options))(A, B), found)
    for i, want in enumerate(wanted):
        assert weft.allclose(A[i], B[i], **options) == bool(want)


def test_isclose_of_integers_is_exact():
    far = weft.tensor([2**62, -(2**63), 5, 100])
    near = weft.tensor([2**62 + 1, 2**63 - 1, 5, 101])
    assert weft.isclose(far, near, rtol=0, atol=0).tolist() == [False, False, True, False]
    assert weft.isclose(far, near, rtol=0, atol=1).tolist() == [True, False, True, True]
    assert weft.isclose(far, near, rtol=0.02, atol=0).tolist() == [True, False, True, True]
    assert weft.isclose(weft.tensor([True]), weft.tensor([False])).tolist() == [False]


@pytest.mark.parametrize("dtype", [weft.float16, weft.bfloat16, weft.float64])
def test_isclose_of_other_floats(dtype):
    a, b = weft.tensor([1.0, 300.0, inf], dtype=dtype), weft.tensor([1.0, 301.0, inf], dtype=dtype)
    want = numpy.isclose(a.double().numpy(), b.double().numpy(), 1e-3, 1e-8)
    assert weft.isclose(a, b, rtol=1e-3).tolist() == want.tolist()


def test_isclose_broadcasts_and_refuses():
    assert weft.isclose(weft.ones(2, 1), weft.ones(3)).shape == (2, 3)
    with pytest.raises(RuntimeError, match=r"\[isclose\] both must have one dtype"):
        weft.isclose(weft.ones(1), weft.ones(1).long())
    with pytest.raises(RuntimeError, match=r"\[isclose\] rtol must be at least 0; got -1"):
        weft.isclose(weft.ones(1), weft.ones(1), rtol=-1)


@pytest.mark.parametrize("a, b", [(1.0, 2.0), (1.0, 0), (4, 0), ([1.0, 5.0], 3.0), ([1, 5], 0)])
def test_max_and_min_of_two_tensors(a, b):
    """A tensor is never an axis, not even where both are of one element."""
    x, y = weft.tensor(a), weft.tensor(b)
    assert_same_bits(weft.max(x, y), weft.maximum(x, y))
    assert_same_bits(x.min(y), weft.minimum(x, y))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (5, 3), (7, 3), (3, 3, 3), (0, 3)])
@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal(shape, wrap):
    want, x = numpy.zeros(shape, "float32"), weft.zeros(shape)
    if 0 not in shape:
        numpy.fill_diagonal(want, 2.5, wrap)
        if not wrap and len(shape) == 2:
            want[shape[1] :] = 0  # NumPy wraps there in all cases
    assert x.fill_diagonal_(2.5, wrap) is x
    assert x.tolist() == want.tolist()


def test_fill_diagonal_of_views_and_gradients():
    x = weft.zeros(4, 6)
    x.t()[::2].fill_diagonal_(weft.tensor(2.0))
    assert x.nonzero().tolist() == [[0, 0], [1, 2], [2, 4]]
    leaf = weft.ones(3, 3, requires_grad=True)
    (leaf * 1).fill_diagonal_(2).sum().backward()
    assert leaf.grad.tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    for shape in [(3,), (3, 4, 3)]:
        with pytest.raises(RuntimeError, match=r"\[fill_diagonal_\] needs a matrix"):
            weft.zeros(shape).fill_diagonal_(1)


def test_trapz():
    assert weft.trapz(weft.tensor([1.0, 2, 4]), weft.tensor([0.0, 1, 3])).item() == 7.5


@pytest.mark.parametrize("y, x", [((3,), (2, 3)), ((2, 3), (2, 2, 3)), ((4, 2, 3), (2, 3)), ((4, 3), (3,))])
def test_trapezoid_broadcasts_from_behind(y, x):
    y, x = (numpy.random.RandomState(0).standard_normal(shape) for shape in (y, x))
    found = weft.trapezoid(weft.from_numpy(y), weft.from_numpy(x))
    numpy.testing.assert_allclose(found.numpy(), numpy.trapezoid(y, x), rtol=1e-12)
