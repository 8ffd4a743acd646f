"""Work on rows of a few elements, where compiled kernels have a lane for each row: the bits are those of one row after the other."""

import numpy
import pytest
import weft

F = weft.nn.functional
FUNCTIONS = {
    "softmax": lambda x: x.softmax(-1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[-1:]),
    "sum": lambda x: x.sum(-1),
    "prod": lambda x: x.prod(-1),
    "amax": lambda x: x.amax(-1, keepdim=True),
    "argmax": lambda x: x.argmax(-1),
    "var": lambda x: x.var(-1),
    "two results": lambda x: ((x - x.amax(-1, keepdim=True)).exp() * x, x.mean(-1)),
}


def bits(result):
    parts = result if isinstance(result, tuple) else (result,)
    return [part.to(weft.float64).numpy().tobytes() for part in parts]


def rows_with_infinities(count, length, dtype):
    array = numpy.random.randn(147, length)
    array[5, 0], array[9, -1], array[14], array[140, 0] = numpy.nan, numpy.inf, -numpy.inf, numpy.nan
    return weft.from_numpy(array[:count]).to(getattr(weft, dtype))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_compiled_is_eager(name, dtype):
    for length in (3, 7):
        x = rows_with_infinities(147, length, dtype)
        assert bits(weft.compile(FUNCTIONS[name])(x)) == bits(FUNCTIONS[name](x)), length


SIZES = [
    *(("float32", length, count) for length in (2, 4, 5, 12, 17, 24) for count in (147, 16)),
    *((dtype, length, 64) for dtype in ("float64", "float16", "bfloat16") for length in (2, 5, 12)),
]


@pytest.mark.parametrize("dtype,length,count", SIZES)
def test_sizes(dtype, length, count):
    def everything(x):
        return tuple(f(x) for f in list(FUNCTIONS.values())[:-1])

    x = rows_with_infinities(count, length, dtype)
    assert bits(weft.compile(everything)(x)) == bits(everything(x))


@pytest.mark.parametrize("length", [3, 7, 10])
def test_a_row_does_not_depend_on_others(length):
    x = weft.from_numpy(numpy.random.randn(200, length).astype("float32"))
    for name, function in FUNCTIONS.items():
        whole = function(x), weft.compile(function)(x)
        for result in whole:
            result = result[0] if isinstance(result, tuple) else result
            alone = function(x[77:78].contiguous())
            assert bits((alone[0] if isinstance(alone, tuple) else alone)[0]) == bits(result[77]), name


LAYOUTS = {
    "permuted": lambda x: x.permute(1, 0),
    "a part": lambda x: x[10:60:2, 1:6],
    "middle axis": lambda x: x.reshape(4, 17, 11).permute(0, 2, 1),
    "broadcast": lambda x: x[:, :1].expand(68, 9) + x[0, :9],
    "integers": lambda x: (x * 10).to(weft.int32),
    "bytes": lambda x: x > 0,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    x = weft.from_numpy(numpy.random.randn(68, 11).astype("float32"))
    for function in (lambda t: t.sum(-1), lambda t: t.amax(-1), lambda t: (t * 2.0).softmax(-1)):
        given = lambda t, function=function: function(LAYOUTS[layout](t))  # noqa: E731
        assert bits(weft.compile(given)(x)) == bits(given(x))


def test_gradient_and_cross_entropy():
    x = weft.from_numpy(numpy.random.randn(150, 10).astype("float32"))
    target = weft.from_numpy(numpy.random.randint(0, 10, 150))

    def step(x):
        x = x.detach().requires_grad_()
        loss = F.cross_entropy(x, target) + (F.layer_norm(x, (10,)) ** 2).mean()
        loss.backward()
        return loss.detach(), x.grad

    assert bits(weft.compile(step)(x)) == bits(step(x))
    wanted = numpy.exp(x.numpy().astype("float64"))
    wanted /= wanted.sum(1, keepdims=True)
    assert numpy.allclose(weft.compile(lambda t: t.softmax(-1))(x).numpy(), wanted, rtol=1e-6)
