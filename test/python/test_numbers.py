"""Python numbers beside integer tensors: exact whatever the dtype holds. The references are Python's integers and fractions."""

import operator
from fractions import Fraction

import pytest
import weft
from conftest import assert_same_bits

INTEGERS = [weft.uint8, weft.uint16, weft.uint32, weft.int8, weft.int16, weft.int32, weft.int64]
LARGE = [1, 16777217, 2**53 + 1]  # the latter two are no float32 and no float64
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def bounds(dtype):
    bits = 8 * dtype.itemsize
    return (0, 2**bits - 1) if not dtype.is_signed else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def numbers_around(dtype):
    low, high = bounds(dtype)
    return [low - 1, low, low + 0.5, -1, -0.5, 0, 2.5, 7.0, high, high + 1, float(low), float(high), 1e300, float("inf"), float("-inf"), float("nan")]  # fmt: skip


def items(dtype):
    low, high = bounds(dtype)
    return [low, low + 1, 0, 2, 3, 7, high - 1, high]


WRITES = {
    "mask": lambda t: t.__setitem__(t < 5, 0.0),
    "mask, 0-d float16": lambda t: t.__setitem__(t < 5, weft.tensor(0.0, dtype=weft.float16)),
    "masked_fill_": lambda t: t.masked_fill_(t < 5, 0.0),
    "masked_fill_, 0-d float16": lambda t: t.masked_fill_(t < 5, weft.tensor(0.0, dtype=weft.float16)),
    "masked_fill": lambda t: t.copy_(t.masked_fill(t < 5, 0.7)),
    "item": lambda t: t.__setitem__(0, 0.0),
    "slice": lambda t: t.__setitem__(slice(0, 1), 0.9),
    "index": lambda t: t.__setitem__([0], 0.0),
    "fill_": lambda t: t[:1].fill_(0.0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_of_a_float_leaves_the_other_integers(write):
    def written(t):
        t = t.clone()
        write(t)
        return t

    t = weft.tensor(LARGE)
    assert written(t).tolist() == [0, *LARGE[1:]]
    assert_same_bits(weft.compile(written)(t), written(t))


def test_an_in_place_clamp_does_not_lower_a_result():
    with pytest.raises(RuntimeError, match="result type float32 can't be cast to the desired output type int64"):
        weft.tensor(LARGE).clamp_(min=2.0)
    assert weft.tensor(LARGE).clamp_(min=2).tolist() == [2, *LARGE[1:]]
    assert weft.tensor([1.0, 5.0]).clamp_(2, 3).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda f: f.__name__)
def test_comparisons_are_exact(compare, dtype):
    values = items(dtype)
    t = weft.tensor(values, dtype=dtype)
    for number in numbers_around(dtype):
        assert compare(t, number).tolist() == [compare(v, number) for v in values], number
        assert compare(number, t).tolist() == [compare(number, v) for v in values], number
        assert_same_bits(weft.compile(lambda x, number=number: compare(x, number))(t), compare(t, number))
    for other in INTEGERS:
        for number in items(other):
            expected = [compare(v, number) for v in values]
            assert compare(t, weft.tensor(number, dtype=other)).tolist() == expected
            assert compare(t, weft.full((len(values),), number, dtype=other)).tolist() == expected


def test_numbers_beyond_64_bits_compare():
    t = weft.tensor([-(2**63), 2**63 - 1])
    for number in (2**63, -(2**63) - 1, 10**400, -(10**400)):
        assert (t < number).tolist() == [v < number for v in t.tolist()]
        assert (number >= t).tolist() == [number >= v for v in t.tolist()]


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_bounds_outside_the_dtype(dtype):
    values = items(dtype)
    low, high = bounds(dtype)
    t = weft.tensor(values, dtype=dtype)
    below, above = max(low - 1, -(2**63)), min(high + 1, 2**63 - 1)
    for bound in (below, weft.tensor(below)):
        assert weft.maximum(t, bound).tolist() == values
        assert t.clamp(min=bound).tolist() == values and t.clamp(min=bound).dtype is dtype
        assert t.clone().clamp_(min=bound).tolist() == values
    for bound in (above, weft.tensor(above)):
        assert weft.minimum(t, bound).tolist() == values
        assert t.clamp(below, bound).tolist() == values
    if above > high:
        for wrong in (lambda: t.clamp(min=above), lambda: t.clamp(max=below), lambda: weft.minimum(t, below)):
            with pytest.raises(RuntimeError, match="without overflow"):
                wrong()


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
@pytest.mark.parametrize("op", [operator.add, operator.sub, operator.mul, operator.and_, operator.or_, operator.xor], ids=lambda f: f.__name__)  # fmt: skip
def test_integer_arithmetic_wraps(op, dtype):
    low, high = bounds(dtype)
    t = weft.tensor(items(dtype), dtype=dtype)
    for number in (300, -129, 70000, 2**40 + 3, -(2**40) - 5):
        expected = [(op(v, number) - low) % (high - low + 1) + low for v in items(dtype)]
        assert op(t, number).tolist() == expected
        assert op(number, t).tolist() == [(op(number, v) - low) % (high - low + 1) + low for v in items(dtype)]


@pytest.mark.parametrize("name", ["tril", "triu", "masked_fill"])
@pytest.mark.parametrize("dtype", [weft.bool, *INTEGERS, weft.float16], ids=str)
def test_the_dtype_stays(name, dtype):
    t = weft.ones(2, 2, dtype=dtype)
    result = (
        t.masked_fill(weft.tensor([[False, True], [False, False]]), 0.5)
        if name == "masked_fill"
        else getattr(t, name)()
    )
    assert result.dtype is dtype
    value = 0.5 if dtype.is_floating_point else int(dtype is weft.bool)
    expected = {"tril": [[1, 0], [1, 1]], "triu": [[1, 1], [0, 1]], "masked_fill": [[1, value], [1, 1]]}
    assert result.tolist() == expected[name]


# ---- one rounding

FORMATS = {weft.float16: (11, -14, 15), weft.bfloat16: (8, -126, 127)}  # precision, smallest and largest exponent


def nearest(value, precision, smallest, largest):
    """The float next to a Fraction, of two the one with an even significand."""
    if value == 0:
        return 0.0
    exponent = abs(value).numerator.bit_length() - abs(value).denominator.bit_length()
    exponent -= abs(value) < Fraction(2) ** exponent
    unit = Fraction(2) ** (max(exponent, smallest) - precision + 1)
    result = round(value / unit) * unit
    return float(result) if abs(result) < Fraction(2) ** (largest + 1) else float("inf") * (1 if value > 0 else -1)


def near_ties(dtype, bits):
    """Integers of at most `bits` bits, halfway between two floats of the dtype and next to that."""
    precision = FORMATS[dtype][0]
    significands = [2 ** (precision - 1), 2**precision - 1, 2 ** (precision - 1) + 5]
    for shift in range(bits - precision - 1):
        for significand in significands:
            for step in (-1, 0, 1):
                yield (((2 * significand + 1) << shift) + step) * (-1 if shift % 2 else 1)


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_integers_are_rounded_once(dtype):
    for source, bits in ((weft.int32, 31), (weft.int64, 63)):
        values = list(near_ties(dtype, bits))
        expected = [nearest(Fraction(v), *FORMATS[dtype]) for v in values]
        t = weft.tensor(values, dtype=source)
        assert t.to(dtype).double().tolist() == expected
        assert weft.zeros(len(values), dtype=dtype).copy_(t).double().tolist() == expected
        assert weft.tensor(values, dtype=dtype).double().tolist() == expected
        assert [weft.full((1,), v, dtype=dtype).item() for v in values] == expected
        assert_same_bits(weft.compile(lambda x: x.to(dtype) * 1)(t), t.to(dtype))


@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_doubles_are_rounded_once(dtype):
    exponents = [-60 - 16, -60, -120, -60 - 80]  # results around 1, large, and subnormal
    values = [v * 2.0**e for v in near_ties(dtype, 63) for e in exponents]
    values += [
        65519.99999999999,
        65520.0,
        1e300,
        -1e300,
        5e-324,
        2.0**-25,
        2.0**-25 * (1 + 2**-52),
        0.0,
        -0.0,
        1.00048828125001,
    ]
    expected = [nearest(Fraction(v), *FORMATS[dtype]) for v in values]
    t = weft.tensor(values, dtype=weft.float64)
    assert t.to(dtype).double().tolist() == expected
    assert weft.zeros(len(values), dtype=dtype).copy_(t).double().tolist() == expected
    assert weft.tensor(values, dtype=dtype).double().tolist() == expected
    assert (weft.zeros(len(values), dtype=dtype) + t).to(dtype).double().tolist() == [
        0.0 if v == 0 else v for v in expected
    ]
    assert [weft.full((1,), v, dtype=dtype).item() for v in values[::7]] == expected[::7]
    for value, right in list(zip(values, expected))[::97]:
        item = weft.zeros(2, dtype=dtype)
        item[1] = weft.tensor(value, dtype=weft.float64)
        assert item[1].item() == right
        compiled = weft.compile(lambda x, value=value: x + weft.full((1,), value, dtype=dtype))
        assert compiled(weft.zeros(1, dtype=dtype)).item() == right
    assert_same_bits(weft.compile(lambda x: x.to(dtype) * 1)(t), t.to(dtype))


def test_large_integers_become_float32_in_one_rounding():
    values = [2**53 + 2**29 + 1, 2**60 + 2**36 + 1, 2**60 + 2**36, -(2**62) - 2**38 - 1]
    expected = [nearest(Fraction(v), 24, -126, 127) for v in values]
    assert weft.tensor(values).float().tolist() == expected
    assert weft.tensor(values, dtype=weft.float32).tolist() == expected
    assert [weft.full((1,), v, dtype=weft.float32).item() for v in values] == expected


# ---- beside 16-bit floats: a number is a float32 where PyTorch rounds it to 16 bits first, or not, depending on the operation

HALVES = [weft.float16, weft.bfloat16]
ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "fmod": lambda x, y: weft.fmod(x, y) if isinstance(x, weft.Tensor) else weft.fmod(y, x),
    "atan2": lambda x, y: weft.atan2(x, y) if isinstance(x, weft.Tensor) else weft.atan2(y, x),
    "div, trunc": lambda x, y: weft.div(x, y, rounding_mode="trunc"),
    "add, alpha": lambda x, y: weft.add(x, x, alpha=y) if isinstance(x, weft.Tensor) else weft.add(y, y, alpha=x),
    "sub, alpha": lambda x, y: weft.sub(x, x * 0.5, alpha=y) if isinstance(x, weft.Tensor) else x - y,
}


def halves(dtype):
    x = weft.cat([weft.randn(300) * 3, weft.exp(weft.randn(300) * 3), weft.tensor([60000.0, 1e-7, 1.0, -0.0])])
    return x.to(dtype)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_numbers_beside_16_bits_are_not_rounded_first(name, dtype):
    op = ARITHMETIC[name]
    for number in (1e-8, 0.3, 70000, 1 / 3, 1e5, -0.7, 3):
        x = halves(dtype)
        kinds = [number, weft.tensor(number, dtype=weft.float32), weft.tensor(number, dtype=weft.float64)]
        for operand in kinds[: 1 if "alpha" in name else 3]:
            for function in (lambda x, n=operand: op(x, n), lambda x, n=operand: op(n, x)):
                result = function(x)
                assert result.dtype is dtype
                if "alpha" not in name or isinstance(operand, float):
                    assert_same_bits(result, function(x.float()).to(dtype) if name != "sub, alpha" else result)
                assert_same_bits(weft.compile(function)(x), result)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_numbers_beside_16_bits_in_place(dtype):
    for name in ("add_", "sub_", "mul_", "div_", "pow_", "remainder_", "floor_divide_"):
        for number in (0.3, 70000, weft.tensor(1 / 3)):
            x = halves(dtype)
            expected = getattr(x.float(), name)(number).to(dtype)
            assert_same_bits(getattr(x.clone(), name)(number), expected)
            assert_same_bits(weft.compile(lambda x, n=name, v=number: getattr(x.clone(), n)(v))(x), expected)
    x = halves(dtype)
    assert_same_bits(x.clone().add_(x, alpha=0.3), (x.float() + x.float() * 0.3).to(dtype))


def test_gradients_of_numbers_beside_16_bits():
    scale = weft.tensor(1 / 3, requires_grad=True)
    x = halves(weft.float16)[:600].requires_grad_()
    (x * scale).float().sum().backward()
    assert scale.grad.dtype is weft.float32 and x.grad.dtype is weft.float16
    assert abs(scale.grad.item() - x.detach().double().sum().item()) < 1e-3 * x.detach().double().abs().sum().item()
    assert x.grad.tolist() == [weft.tensor(1 / 3).half().item()] * 600


def test_sixty_thousand_halves():
    x = weft.tensor([60000.0]).half()
    assert (x * 1e-8).item() == weft.tensor(60000 * 1e-8).half().item() != 0
    assert (x / 70000).item() == weft.tensor(6 / 7).half().item()
    assert (x - 70000).item() == -10000


def test_in_place_operators_write_where_the_tensor_lies():
    for symbol in ("**", "//", "%", "<<", ">>", "+", "-", "*"):
        x = weft.tensor([4, 7, 9])
        same, scope = x, {"x": x}
        exec(f"x {symbol}= 2", scope)
        assert scope["x"] is same and same.tolist() == [eval(f"{v} {symbol} 2") for v in (4, 7, 9)]


def test_alpha():
    a, b = weft.tensor([1, 2], dtype=weft.uint8), weft.tensor([3, 200], dtype=weft.uint8)
    assert weft.add(a, b, alpha=2).tolist() == [7, (2 + 400) % 256]
    assert weft.sub(a, b, alpha=3).tolist() == [(1 - 9) % 256, (2 - 600) % 256]
    t = weft.tensor([True, False])
    assert weft.add(t, t, alpha=True).tolist() == [True, False]
    for wrong in (
        lambda: weft.add(a, b, alpha=True),
        lambda: weft.add(a, b, alpha=1.5),
        lambda: weft.sub(t, t, alpha=2),
    ):
        with pytest.raises(RuntimeError, match=r"\[(add|sub)\]"):
            wrong()
    x, y = weft.randn(50, requires_grad=True), weft.randn(50, requires_grad=True)
    result = both_ways(lambda x, y: weft.sub(x, y, alpha=0.3), x, y)
    assert_same_bits(result, x + y * -0.3)
    result.sum().backward()
    assert x.grad.tolist() == [1.0] * 50 and y.grad.tolist() == [weft.tensor(-0.3).item()] * 50


def both_ways(function, *args):
    result = function(*args)
    assert_same_bits(weft.compile(function)(*args), result)
    return result
