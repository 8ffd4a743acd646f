"""Shapes for which a GPU's kernels take another way than a CPU's: the bits are the same."""

import pytest
import weft
from conftest import assert_same_bits
from weft.nn import functional as F

pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(not weft.cuda.is_available(), reason="no CUDA driver or GPU on this machine"),
]


def check(function, *arguments):
    compiled = weft.compile(function)
    expected, got = function(*arguments), compiled(*(a.to("cuda") for a in arguments))
    if not isinstance(expected, tuple):
        expected, got = (expected,), (got,)
    for one, other in zip(expected, got):
        assert_same_bits(other.cpu(), one)


def random(*shape, dtype="float32"):
    if dtype.startswith("int"):
        return weft.randint(-9, 9, shape).to(getattr(weft, dtype))
    return weft.randn(*shape).to(getattr(weft, dtype))


@pytest.mark.parametrize("m, n, k", [(130, 132, 17), (5, 70, 600), (40, 33, 2400), (1, 1, 4100), (3, 4, 0)])
def test_products(m, n, k):
    check(lambda x, y: x @ y, random(m, k), random(k, n))


def test_a_product_of_large_tiles():
    # Enough of them for the largest tile of a thread, at the edges of which rows and columns are missing.
    check(lambda x, y: x @ y, random(14, 130, 260), random(14, 260, 1030))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64", "int32", "int64"])
def test_products_of_other_types(dtype):
    check(lambda x, y: x @ y, random(70, 33, dtype=dtype), random(33, 45, dtype=dtype))


def test_transposed_operands_of_products():
    check(lambda x, y: (x.T @ y.T, y @ x, x.T @ x), random(300, 70), random(65, 300))


@pytest.mark.parametrize("count", [1, 3, 4, 1023, 4099])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64", "int8"])
def test_elements_at_the_end(count, dtype):
    check(lambda x, y: (x + y, x * y - x), random(count, dtype=dtype), random(count, dtype=dtype))


def test_elements_that_are_not_aligned():
    check(lambda x: x[1:] + x[:-1], random(1001))
    x = random(1001).to("cuda")
    assert_same_bits(weft.compile(lambda v: v * 2 + 1)(x[1:]).cpu(), x.cpu()[1:] * 2 + 1)


@pytest.mark.parametrize("rows, columns", [(1500, 40), (70, 3), (16, 33), (1100, 1), (66000, 2)])
def test_columns(rows, columns):
    check(lambda x: (x.sum(0), x.amax(0), x.prod(0)), random(rows, columns))


@pytest.mark.parametrize("rows, length", [(3, 33000), (2, 70000), (40, 1500), (5, 31), (2, 1025)])
def test_rows(rows, length):
    check(lambda x: (weft.softmax(x, -1), x.sum(-1), x.argmax(-1)), random(rows, length))


def test_gradients_of_a_norm():
    def gradients(x, weight, bias, ct):
        x, weight, bias = (v.detach().requires_grad_() for v in (x, weight, bias))
        F.layer_norm(x, (96,), weight, bias).backward(ct)
        return x.grad, weight.grad, bias.grad

    check(gradients, random(1300, 96), random(96), random(96), random(1300, 96))
