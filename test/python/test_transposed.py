"""Reads across a tensor's rows, in every kind of layout, against NumPy."""

import itertools

import numpy
import pytest
import weft


def tensor(*shape, dtype="float32"):
    array = numpy.random.randn(*shape).astype(dtype)
    return array, weft.from_numpy(array)


@pytest.mark.parametrize("shape", [(300, 200), (64, 32), (65, 33), (1000, 17), (16, 2000), (7, 5)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32"])
def test_two_axes(shape, dtype):
    (a, x), (b, y) = tensor(*shape, dtype=dtype), tensor(*reversed(shape), dtype=dtype)
    for run in (weft.compile(lambda x, y: x.t() + y), lambda x, y: x.t() + y):
        assert numpy.array_equal(run(x, y).numpy(), a.T + b)
    assert numpy.array_equal(weft.compile(lambda x, y: (x + y.t()).t())(x, y).numpy(), (a + b.T).T)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_copies_of_four_axes(order):
    a, x = tensor(3, 20, 34, 50)
    assert numpy.array_equal(weft.compile(lambda x: x.permute(order).contiguous())(x).numpy(), a.transpose(order))
    assert numpy.array_equal(x.permute(order).contiguous().numpy(), a.transpose(order))


def test_two_tensors_across_and_a_broadcast():
    (a, x), (b, y), (c, z) = tensor(90, 70), tensor(90, 70), tensor(90)
    f = weft.compile(lambda x, y, z: (x.t() * y.t() + z) * x.t())
    assert numpy.array_equal(f(x, y, z).numpy(), (a.T * b.T + c) * a.T)


def test_a_part_of_a_tensor():
    a, x = tensor(100, 90)
    f = weft.compile(lambda x: x[10:90:2, 5:85].t() * 2)
    assert numpy.array_equal(f(x).numpy(), a[10:90:2, 5:85].T * 2)


@pytest.mark.parametrize("last", [1024, 64, 49, 100])
def test_sum_over_the_outer_and_the_inner_axes(last):
    a, x = tensor(8, 6, last, dtype="float64")
    compiled = weft.compile(lambda x: x.sum((0, 2)))(x).numpy()
    assert numpy.allclose(compiled, a.sum((0, 2))) and numpy.array_equal(compiled, x.sum((0, 2)).numpy())
