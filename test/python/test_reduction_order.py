"""Sums along any axes against the canonical order (ir/kernel/KernelOps.td) written out in NumPy, bit by bit: 64 lanes by position
in blocks of 1024, a tree over the lanes, and the blocks' results by the same rule."""

import numpy
import pytest
import weft


def canonical_sum(x):
    """Along axis 0."""
    blocks = []
    for start in range(0, len(x), 1024):
        block = x[start : start + 1024]
        lanes = numpy.full((64, *x.shape[1:]), -0.0, x.dtype)
        for start_of_row in range(0, len(block), 64):
            row = block[start_of_row : start_of_row + 64]
            lanes[: len(row)] += row
        while len(lanes) > 1:
            lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
        blocks.append(lanes[0])
    return blocks[0] if len(blocks) == 1 else canonical_sum(numpy.stack(blocks))


def expected(x, axes):
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = numpy.transpose(x, [*axes, *kept]).reshape(-1, *(x.shape[i] for i in kept))
    return canonical_sum(rows)


SHAPES = [
    *((rows, columns) for rows in (1, 3, 8, 13, 16, 40, 63, 64, 65, 100, 129, 600) for columns in (2, 16, 37, 200)),
    *((rows, columns) for rows in (4096, 4097, 9000) for columns in (5, 32, 1100)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_leading_axis(shape):
    x = numpy.random.randn(*shape).astype("float32")
    for run in (weft.compile(lambda t: t.sum(0)), lambda t: t.sum(0)):
        assert numpy.array_equal(run(weft.from_numpy(x)).numpy(), expected(x, [0]))


@pytest.mark.parametrize("shape", [(3, 70, 20), (5, 8, 33), (2, 5000, 7), (300, 4, 16)], ids=str)
@pytest.mark.parametrize("axes", [[0], [1], [0, 1], [2], [1, 2], [0, 2]], ids=str)
def test_axes_of_three(shape, axes):
    x = numpy.random.randn(*shape).astype("float32")
    for run in (weft.compile(lambda t: t.sum(axes)), lambda t: t.sum(axes)):
        assert numpy.array_equal(run(weft.from_numpy(x)).numpy(), expected(x, axes))


@pytest.mark.parametrize("rows", [7, 64, 500, 5000])
def test_several_results_with_work_before_them(rows):
    x, y = (numpy.random.randn(rows, 90).astype("float32") for _ in range(2))

    def f(x, y):
        return (x * y).sum(0), (x + y).amax(0), x.sum(0, keepdim=True)

    product, largest, plain = weft.compile(f)(weft.from_numpy(x), weft.from_numpy(y))
    assert numpy.array_equal(product.numpy(), expected(x * y, [0]))
    assert numpy.array_equal(largest.numpy(), (x + y).max(0))
    assert numpy.array_equal(plain.numpy(), expected(x, [0])[None])


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8", "bool"])
@pytest.mark.parametrize("rows", [5, 24, 300, 5000])
def test_dtypes(dtype, rows):
    x = weft.from_numpy((numpy.random.randn(rows, 21) * 3).astype(dtype))
    names = ("sum", "any") if dtype == "bool" else ("sum", "amax", "amin", "prod")
    for name in names:
        eager = getattr(x, name)(0)
        rowwise = getattr(x.t().contiguous(), name)(1)
        assert weft._C.raw_bytes(eager) == weft._C.raw_bytes(rowwise), name


@pytest.mark.parametrize("size", [2, 4])
def test_axes_of_patches(size):
    """Axes that were taken apart and put together, some of them of size 1."""

    def patches(x, half):
        x = x.reshape(2 * 16 * half, 2, half, 2).transpose(1, 2)
        return x.reshape(2, 16, half * half, 4).transpose(1, 3).reshape(8, half * half, 16)

    x = weft.randn(2, 16, size, size)
    for axes in ((0,), (0, 1)):
        compiled = weft.compile(lambda x, axes=axes: (patches(x, size // 2) * 2).sum(axes))
        assert (compiled(x) == (patches(x, size // 2) * 2).sum(axes)).all()
