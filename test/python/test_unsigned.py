"""uint16, uint32 and uint64: numbers past the signed dtypes of their size."""

import numpy
import pytest
import weft
from conftest import array_of
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = {"uint16": 16, "uint32": 32, "uint64": 64}


@st.composite
def pairs(draw):
    name = draw(st.sampled_from(list(DTYPES)))
    numbers = st.one_of(
        st.integers(0, 2 ** DTYPES[name] - 1), st.sampled_from([0, 1, 2 ** (DTYPES[name] - 1), 2 ** DTYPES[name] - 1])
    )
    sizes = draw(st.integers(1, 40))
    return [numpy.array(draw(st.lists(numbers, min_size=sizes, max_size=sizes)), name) for _ in range(2)]


@settings(max_examples=60, deadline=None)
@given(pairs())
def test_arithmetic_is_numpys(operands):
    x, y = operands
    a, b = map(weft.from_numpy, operands)
    several = {
        "add": (a + b, x + y),
        "sub": (a - b, x - y),
        "mul": (a * b, x * y),
        "floor_divide": (a // (b | 1), x // (y | 1)),
        "remainder": (a % (b | 1), x % (y | 1)),
        "less": (a < b, x < y),
        "maximum": (weft.maximum(a, b), numpy.maximum(x, y)),
        "amax": (a.amax(), x.max()),
        "sort": (weft.sort(a)[0], numpy.sort(x)),
        "shift": (a >> 3, x >> 3),
        "xor": (a ^ b, x ^ y),
        "float64": (a.double(), x.astype("float64")),
        "float32": (a.float(), x.astype("float32")),
        "where": (weft.where(a > b, a, b), numpy.where(x > y, x, y)),
    }
    compiled = weft.compile(lambda a, b: (a + b, a * b, a < b, weft.maximum(a, b), a.float()))(a, b)
    for result, name in zip(compiled, ("add", "mul", "less", "maximum", "float32")):
        numpy.testing.assert_array_equal(array_of(result), several[name][1], name)
    for name, (result, expected) in several.items():
        numpy.testing.assert_array_equal(array_of(result), expected, name)
        assert str(result.dtype) == f"weft.{expected.dtype}"


@pytest.mark.parametrize("name,bits", DTYPES.items())
def test_numbers(name, bits):
    dtype, most = getattr(weft, name), 2**bits - 1
    x = weft.tensor([0, most], dtype=dtype)
    assert x.tolist() == [0, most] and x[1].item() == most == weft.iinfo(dtype).max
    assert weft.iinfo(dtype).min == 0 and not dtype.is_signed
    assert str(x) == f"tensor([{0:>{len(str(most))}}, {most}], dtype=weft.{name})"
    assert weft.tensor(2.0 ** (bits - 1), dtype=weft.float64).to(dtype).item() == 2 ** (bits - 1)
    assert weft.tensor([2.0**80]).to(dtype).item() == most
    assert weft.tensor([-1], dtype=weft.int64).to(dtype).item() == most
    assert (x + 1).tolist() == [1, 0] and (x - 1).tolist() == [most, most - 1]
    with pytest.raises((RuntimeError, ValueError), match="tensor"):
        weft.tensor([most + 1], dtype=dtype)


def test_promotion_finds_a_dtype_that_holds_both():
    promote = weft.promote_types
    assert promote(weft.uint16, weft.uint8) is weft.uint16 and promote(weft.uint32, weft.uint64) is weft.uint64
    assert promote(weft.uint16, weft.int8) is weft.int32 and promote(weft.uint16, weft.int32) is weft.int32
    assert promote(weft.uint32, weft.int32) is weft.int64 and promote(weft.uint32, weft.float16) is weft.float16
    assert promote(weft.uint64, weft.bool) is weft.uint64
    with pytest.raises(
        RuntimeError, match=r"\[promote_types\] no integer dtype holds the numbers of both uint64 and int8"
    ):
        promote(weft.int8, weft.uint64)
    with pytest.raises(RuntimeError, match="uint64 and int64; convert one of them"):
        weft.ones(2, dtype=weft.uint64) + weft.ones(2, dtype=weft.int64)
    with pytest.raises(RuntimeError, match="without overflow"):
        weft.lt(weft.ones(2, dtype=weft.uint64), 1e19)
