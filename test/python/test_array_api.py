"""The array API standard 2024.12 as a namespace."""

import inspect

import numpy
import pytest
import weft
import weft.array_api as xp
from conftest import array_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# The standard's names, by section.
NAMES = """
arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu zeros zeros_like
astype can_cast finfo iinfo isdtype result_type broadcast_arrays broadcast_to
abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or bitwise_right_shift bitwise_xor ceil
clip conj copysign cos cosh divide equal exp expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal
log log1p log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive
pow real reciprocal remainder round sign signbit sin sinh square sqrt subtract tan tanh trunc
take take_along_axis matmul matrix_transpose tensordot vecdot
concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack tile unstack
argmax argmin count_nonzero nonzero searchsorted where unique_all unique_counts unique_inverse unique_values argsort sort
cumulative_prod cumulative_sum max mean min prod std sum var all any diff
e inf nan pi newaxis bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128 __array_namespace_info__
""".split()
LINALG = """
cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose outer pinv qr slogdet solve svd
svdvals tensordot trace vecdot vector_norm
""".split()
FFT = "fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift".split()


@pytest.mark.parametrize("part,names", [(xp, NAMES), (xp.linalg, LINALG), (xp.fft, FFT)])
def test_has_all_names(part, names):
    assert [name for name in names if not hasattr(part, name)] == []
    for name in names:
        if inspect.isfunction(function := getattr(part, name)):
            assert function.__doc__, name


def test_a_tensor_knows_its_namespace():
    x = weft.ones(2)
    assert x.__array_namespace__() is xp and x.__array_namespace__(api_version="2024.12") is xp
    with pytest.raises(ValueError, match=r"\[__array_namespace__\] versions are 2021.12, .*; got '1999.01'"):
        x.__array_namespace__(api_version="1999.01")
    assert x.to_device("cpu").device == x.device


def test_promotion_is_by_dtype_alone():
    wide, narrow = weft.tensor(1.5, dtype=weft.float64), weft.ones(3)
    assert (narrow + wide).dtype is weft.float32  # PyTorch's rule
    assert xp.add(narrow, wide).dtype is weft.float64
    assert xp.add(narrow, 2.5).dtype is weft.float32
    assert xp.result_type(xp.uint8, xp.int8, 3) is xp.int16
    assert xp.result_type(xp.float32, 1j) is xp.complex64
    assert xp.can_cast(xp.int8, xp.int32) and not xp.can_cast(xp.float64, xp.float32)
    assert not xp.can_cast(xp.uint64, xp.int8) and not xp.can_cast(xp.int64, xp.uint64)


def test_cross_products_broadcast():
    x, y = xp.asarray([1.0, 0.0, 0.0]), xp.asarray([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert xp.linalg.cross(x, y).tolist() == [[0, 0, 1], [0, -1, 0]]


def test_sums_keep_the_sign_of_their_dtype():
    x = weft.tensor([200, 100], dtype=weft.uint8)
    assert xp.sum(x).dtype is xp.uint64 and xp.sum(x).item() == 300
    assert xp.cumulative_sum(x, include_initial=True).tolist() == [0, 200, 300]
    assert xp.prod(weft.tensor([2, 3], dtype=weft.int8)).dtype is xp.int64
    assert xp.sum(weft.ones(2, 3), axis=()).shape == (2, 3)


ARRAYS = hnp.arrays(
    st.sampled_from(["float32", "float64", "int32", "uint16"]),
    hnp.array_shapes(min_dims=1, max_dims=3, max_side=5),
    elements=st.integers(0, 50),
)


@settings(max_examples=40, deadline=None)
@given(ARRAYS, st.data())
def test_functions_are_numpys(array, data):
    x = weft.from_numpy(array)
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    pairs = {
        "sum": (xp.sum(x, axis=axis), numpy.sum(array, axis=axis)),
        "max": (xp.max(x, axis=axis, keepdims=True), numpy.max(array, axis=axis, keepdims=True)),
        "any": (xp.any(x, axis=axis), numpy.any(array, axis=axis)),
        "count_nonzero": (xp.count_nonzero(x, axis=axis), numpy.count_nonzero(array, axis=axis)),
        "flip": (xp.flip(x, axis=axis), numpy.flip(array, axis=axis)),
        "sort": (xp.sort(x, axis=axis, descending=True), -numpy.sort(-array.astype("float64"), axis=axis)),
        "argsort": (xp.argsort(x, axis=axis), numpy.argsort(array, axis=axis, kind="stable")),
        "expand_dims": (xp.expand_dims(x, (0, -1)), numpy.expand_dims(array, (0, -1))),
        "roll": (xp.roll(x, 2, axis=axis), numpy.roll(array, 2, axis=axis)),
        "cumulative_prod": (xp.cumulative_prod(x[:2] % 3, axis=0), numpy.cumprod(array[:2] % 3, axis=0)),
        "concat": (xp.concat([x, x], axis=None), numpy.concatenate([array, array], axis=None)),
        "take_along_axis": (
            xp.take_along_axis(x, xp.argsort(x, axis=axis), axis=axis),
            numpy.sort(array, axis=axis),
        ),
    }
    for name, (result, expected) in pairs.items():
        numpy.testing.assert_array_equal(array_of(result), expected, name)
    if array.dtype.kind == "f":
        numpy.testing.assert_allclose(array_of(xp.var(x, axis=axis, correction=0.5)) if array.shape[axis] > 1 else 0,
                                      numpy.var(array, axis=axis, ddof=0.5) if array.shape[axis] > 1 else 0, rtol=1e-4, atol=1e-4)  # fmt: skip
    values, first, inverse, counts = xp.unique_all(x)
    wanted = numpy.unique(array, return_index=True, return_inverse=True, return_counts=True)
    for result, expected in zip((values, first, inverse.reshape(-1), counts), wanted):
        numpy.testing.assert_array_equal(array_of(result), expected.reshape(-1))


def test_ends_of_the_range():
    """What the standard says otherwise than PyTorch."""
    infinity = xp.asarray(xp.inf)
    assert (
        xp.floor_divide(infinity, 2.0).item() == xp.inf
        and xp.floor_divide(-infinity, xp.asarray(2.0)).item() == -xp.inf
    )
    assert xp.floor_divide(7, weft.tensor([2])).tolist() == [3]
    zero = xp.remainder(xp.asarray(-4.0), xp.asarray(2.0))
    assert zero.item() == 0 and not xp.signbit(zero).item() and xp.signbit(xp.remainder(4.0, xp.asarray(-2.0))).item()
    assert xp.hypot(3.0, xp.asarray([4.0])).tolist() == [5.0] and xp.nextafter(xp.asarray(1.0), 2).item() > 1
    assert xp.isnan(xp.var(xp.asarray(xp.nan))).item() and xp.isnan(xp.sign(xp.asarray(xp.nan))).item()
    assert xp.finfo(xp.complex64).dtype is xp.float32 and xp.full(3, 2).shape == (3,)
    assert xp.repeat(xp.asarray([1, 2]), xp.asarray([2, 1], dtype=xp.int8)).tolist() == [1, 1, 2]
    assert xp.vecdot(xp.asarray([1j]), xp.asarray([1j])).item() == 1


def test_errors():
    with pytest.raises(ValueError, match=r"\[squeeze\] axis 0 must be of size 1"):
        xp.squeeze(weft.ones(2, 1), 0)
    with pytest.raises(ValueError, match="needs axis="):
        xp.cumulative_sum(weft.ones(2, 2))
    with pytest.raises(ValueError, match=r"\[take\] needs axis="):
        xp.take(weft.ones(2, 2), weft.tensor([0]))
    with pytest.raises(ValueError, match="kinds are bool"):
        xp.isdtype(xp.int8, "whole")


def test_scikit_learn_computes_on_tensors():
    os = pytest.importorskip("os")
    os.environ["SCIPY_ARRAY_API"] = "1"
    sklearn = pytest.importorskip("sklearn")
    from sklearn.metrics import r2_score
    from sklearn.preprocessing import MinMaxScaler

    x = weft.tensor([[1.0, 2.0], [3.0, 6.0], [5.0, 4.0]])
    with sklearn.config_context(array_api_dispatch=True):
        scaled = MinMaxScaler().fit_transform(x)
        score = r2_score(x[:, 0], x[:, 0] * 1.1)
    assert isinstance(scaled, weft.Tensor)
    numpy.testing.assert_allclose(array_of(scaled), MinMaxScaler().fit_transform(array_of(x)), rtol=1e-6)
    assert score == pytest.approx(r2_score(array_of(x[:, 0]), array_of(x[:, 0] * 1.1)), rel=1e-5)


@pytest.mark.parametrize("name", ["add", "hypot", "floor_divide", "remainder"])
def test_two_numbers_are_no_operands(name):
    with pytest.raises(ValueError, match=r"\[result_type\] needs an array or a dtype"):
        getattr(xp, name)(3.0, 4.0)
