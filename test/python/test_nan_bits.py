"""There is one NaN: what ops compute has its bits, eagerly and compiled; what ops move keeps the bits it has."""

import numpy
import pytest
import weft
import weft.nn.functional as F
from conftest import assert_same_bits, bits

# Quiet and signalling NaNs of both signs, and numbers.
PATTERNS = {
    "float32": (numpy.uint32, [0x7FC00000, 0xFFC00000, 0x7FC12345, 0xFFC54321, 0x7F800001, 0xFF800001, 0x3F800000, 0xBF800000]),
    "float64": (numpy.uint64, [0x7FF8 << 48, 0xFFF8 << 48, 0x7FF81234 << 32, 0xFFF0 << 48 | 1, 0x7FF0 << 48 | 1, 0x3FF0 << 48, 0xBFF0 << 48, 0]),
}  # fmt: skip
NAN = {"float16": 0x7E00, "bfloat16": 0x7FC0, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}


def numbers(dtype):
    kind, patterns = PATTERNS[dtype]
    return weft.from_numpy(numpy.array(patterns, kind).view(dtype))


def numbers_that_are_nan(dtype):
    x = numbers(dtype)
    return patterns_of(x)[numpy.isnan(x.numpy())].tolist()


def patterns_of(tensor):
    kind = {2: numpy.uint16, 4: numpy.uint32, 8: numpy.uint64}[tensor.dtype.itemsize]
    return numpy.frombuffer(bits(tensor)[2], kind)


COMPUTED = {
    "maximum": lambda x: weft.maximum(x, x),
    "maximum of two": lambda x: weft.maximum(x, x.flip(0)),
    "maximum of a number": lambda x: weft.maximum(x, 0.0),
    "minimum": lambda x: weft.minimum(x, 1.0),
    "clamp": lambda x: x.clamp(-1, 1),
    "relu": F.relu,
    "neg": lambda x: -x,
    "neg neg": lambda x: weft.neg(-x),
    "abs": weft.abs,
    "times 1": lambda x: x * 1.0,
    "plus -0": lambda x: x + -0.0,
    "minus 0": lambda x: x - 0.0,
    "over 1": lambda x: x / 1.0,
    "add": lambda x: x + x.flip(0),
    "sub": lambda x: x.flip(0) - x,
    "half": lambda x: x.half(),
    "bfloat16": lambda x: x.bfloat16(),
    "there and back": lambda x: x.half().to(x.dtype),
    "another width": lambda x: x.to(weft.float64 if x.dtype is weft.float32 else weft.float32),
    "sum of one": lambda x: x.reshape(8, 1).sum(1),
    "sum": lambda x: x.sum(),
    "amax": lambda x: x.amax(),
    "sqrt": weft.sqrt,
    "pow": lambda x: x**3,
    "fmod": lambda x: weft.fmod(x, 2.0),
    "0 / 0": lambda x: (x - x) / (x - x),
    "product": lambda x: x.reshape(2, 4) @ x.reshape(4, 2),
    "softmax": lambda x: weft.softmax(x.reshape(2, 4), 1),
    "softmax of long rows": lambda x: weft.softmax(x.repeat(50).reshape(4, 100), 1),
    "many over 3": lambda x: x.repeat(50) / 3.0,
    "layer_norm": lambda x: F.layer_norm(x.reshape(2, 4), (4,)),
    "a number": lambda x: x.clone().fill_(-float("nan")),
    "a choice of results": lambda x: weft.where(x > 0, x * 2, -x),
    "joined results": lambda x: weft.cat([x + 1, x.flip(0) * 2]),
    "moved results": lambda x: (x * 2).reshape(2, 4).T.contiguous()[[2, 0]],
}
MOVED = {
    "where": lambda x: weft.where(x > 0, x, x.flip(0)),
    "where, a result": lambda x: weft.where(x > 0, -x, x),
    "masked_fill": lambda x: x.masked_fill(x > 0, 3.0),
    "cat": lambda x: weft.cat([x, x + 1]),
    "pad": lambda x: F.pad(x, (1, 2)),
    "clone": lambda x: x.clone(),
    "transposed": lambda x: x.reshape(2, 4).T.contiguous(),
    "flip": lambda x: x.flip(0),
    "index": lambda x: x[[0, 2, 3]],
    "stack": lambda x: weft.stack([x, -x]),
}


@pytest.mark.parametrize("dtype", PATTERNS)
@pytest.mark.parametrize("function", COMPUTED.values(), ids=COMPUTED)
def test_computed(function, dtype):
    result = function(numbers(dtype))
    nans = numpy.isnan(result.double().numpy())
    assert nans.any()
    assert set(patterns_of(result)[nans.reshape(-1)].tolist()) <= {NAN[result.dtype.name]}
    compiled = weft.compile(function)
    for _ in range(2):
        assert_same_bits(compiled(numbers(dtype)), result)


@pytest.mark.parametrize("dtype", PATTERNS)
@pytest.mark.parametrize("function", MOVED.values(), ids=MOVED)
def test_moved(function, dtype):
    result = function(numbers(dtype))
    own = set(numbers_that_are_nan(dtype)) - {NAN[dtype]}
    assert own & set(patterns_of(result).tolist())
    compiled = weft.compile(function)
    for _ in range(2):
        assert_same_bits(compiled(numbers(dtype)), result)
