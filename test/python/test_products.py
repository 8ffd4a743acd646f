"""Matrix products against their order (kernel.contract in ir/kernel/KernelOps.td) written out in NumPy, bit by bit: whatever the
layouts of the operands, the number of threads, and what is fused. The inputs have 8 bits of precision: the sum of a float32 and
a product of two of them is exact in float64, so that rounding it is the fused multiply-add."""

import os
import pathlib

import numpy
import pytest
import weft
from conftest import assert_same_bits


def multiply_add(x, y, total):
    return (x.astype("float64") * y + total).astype("float32")


def in_chains(x, y):
    """[m, K] by [K, n]: chains of 256, in groups of 2048."""
    total = None
    for first in range(0, len(y), 2048):
        group = None
        for start in range(first, min(first + 2048, len(y)), 256):
            chain = numpy.zeros((len(x), y.shape[1]), "float32")
            for k in range(start, min(start + 256, len(y))):
                chain = multiply_add(x[:, k, None], y[k], chain)
            group = chain if group is None else group + chain
        total = group if total is None else total + group
    return total


def expected(x, y):
    return numpy.stack([in_chains(a, b) for a, b in zip(x, y, strict=True)])


def numbers(*shape):
    bits = numpy.random.randn(*shape).astype("float32").view("uint32")
    return (bits & 0xFFFF0000).view("float32")


def layouts(x):
    """The same [B, rows, columns] contiguous, transposed, and with no stride that is 1."""
    wide = numpy.repeat(x, 2, axis=2)
    return [
        weft.from_numpy(x),
        weft.from_numpy(numpy.ascontiguousarray(x.transpose(0, 2, 1))).transpose(1, 2),
        weft.from_numpy(wide)[:, :, ::2],
    ]


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = weft.get_num_threads()
    weft.set_num_threads(request.param)
    yield
    weft.set_num_threads(before)


SHAPES = [  # batch, m, K, n
    *((1, 1, k, n) for k, n in [(1, 1), (33, 70), (64, 64), (300, 129), (784, 512), (5000, 9)]),
    *((1, m, k, 1) for m, k in [(70, 33), (512, 300)]),
    *((3, 1, 32, 128), (2, 1, 128, 32), (3, 40, 65, 1), (5, 1, 130, 1)),
    *(
        (1, 2, 300, 70),
        (2, 4, 1100, 70),
        (1, 70, 300, 3),
        (1, 3, 64, 4),
        (1, 3, 65, 70),
        (2, 70, 64, 2),
        (1, 3, 1, 70),
        (1, 5, 300, 70),
        (2, 8, 2100, 130),
        (1, 70, 300, 6),
        (1, 16, 256, 200),
        (1, 64, 784, 100),
        (2, 130, 257, 270),
        (2, 300, 260, 290),
        (2, 40, 1, 70),
        (1, 512, 1, 784),
        (3, 20, 7, 33),
        (1, 300, 520, 40),
        (1, 20, 4700, 140),
    ),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_order(shape, threads):
    batch, m, depth, n = shape
    x, y, bias = numbers(batch, m, depth), numbers(batch, depth, n), numbers(n)
    plain = expected(x, y)
    compiled = weft.compile(lambda x, y, bias: (x @ y, weft.relu(x @ y + bias)))
    for left in layouts(x):
        for right in layouts(y):
            assert numpy.array_equal((left @ right).numpy(), plain)
            product, fused = compiled(left, right, weft.from_numpy(bias))
            assert numpy.array_equal(product.numpy(), plain)
            assert numpy.array_equal(fused.numpy(), numpy.maximum(plain + bias, 0))


def test_products_of_one_program_share_functions():
    """Kernels of few rows call functions by the layouts and sizes that they are for."""
    sizes = [(m, k, n) for m in (1, 2, 3, 6) for n in (1, 2, 6, 70) for k in (0, 1, 3, 65, 300, 1100)]
    for dtype in (weft.float32, weft.float16):
        pairs = []
        for i, (m, k, n) in enumerate(sizes):
            left, right = layouts(numbers(1, m, k)), layouts(numbers(1, k, n))
            pairs.append((left[i % 3].to(dtype), right[i // 3 % 3].to(dtype)))
        results = weft.compile(lambda *pairs: [x @ y for x, y in pairs])(*pairs)
        for (x, y), result in zip(pairs, results, strict=True):
            assert numpy.array_equal(result.numpy(), (x @ y).numpy()), (x.shape, y.shape)


@pytest.mark.parametrize("shape", [(1, 1, 300, 70), (2, 65, 130, 1), (2, 16, 300, 70)], ids=str)
def test_fused_or_not(shape, monkeypatch):
    batch, m, depth, n = shape
    x, y = (weft.from_numpy(a) for a in (numbers(batch, m, depth), numbers(batch, depth, n)))

    def f(x, y):
        return weft.nn.functional.gelu(x @ y + 1)

    monkeypatch.setitem(os.environ, "WEFT_FUSE", "0")
    unfused = weft.compile(f)(x, y).numpy()
    monkeypatch.delitem(os.environ, "WEFT_FUSE")
    assert numpy.array_equal(weft.compile(f)(x, y).numpy(), unfused)
    assert numpy.array_equal(f(x, y).numpy(), unfused)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int32", "int8"])
@pytest.mark.parametrize(
    "shape",
    [(2, 1, 100, 70), (2, 70, 33, 1), (2, 2, 700, 21), (2, 3, 100, 70), (2, 7, 300, 37), (2, 20, 300, 37)],
    ids=str,
)
def test_other_types_do_not_depend_on_layouts(shape, dtype):
    batch, m, depth, n = shape
    x, y = (
        weft.from_numpy(a * 4).to(getattr(weft, dtype)) for a in (numbers(batch, m, depth), numbers(batch, depth, n))
    )
    plain = (x @ y).to(weft.float64).numpy()
    turned = y.transpose(1, 2).contiguous().transpose(1, 2)
    assert numpy.array_equal((x @ turned).to(weft.float64).numpy(), plain)
    assert numpy.array_equal(weft.compile(lambda x, y: x @ y)(x, turned).to(weft.float64).numpy(), plain)
    near = (x.to(weft.float64) @ y.to(weft.float64)).numpy()
    assert numpy.allclose(plain, near, rtol=2e-2, atol=0.5) or dtype == "int8"


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("depth, n", [(64, 64), (300, 10), (784, 1), (1030, 1), (2100, 1100)], ids=str)
def test_rows_do_not_depend_on_those_beside_them(depth, n, dtype, threads):
    m = 20
    x, y = (weft.from_numpy(a[0]).to(getattr(weft, dtype)) for a in (numbers(1, m, depth), numbers(1, depth, n)))
    linear, weight = weft.nn.functional.linear, y.transpose(0, 1).contiguous()
    compiled = weft.compile(lambda x, y: x @ y)
    whole = (x @ y).to(weft.float64).numpy()
    for first, end in [(0, 1), (7, 8), (2, 4), (0, 3), (5, 9), (0, 5), (12, 20), (0, 9)]:
        rows, expected = x[first:end], whole[first:end]
        assert numpy.array_equal((rows @ y).to(weft.float64).numpy(), expected)
        assert numpy.array_equal(linear(rows, weight).to(weft.float64).numpy(), expected)
        assert numpy.array_equal(compiled(rows, y).to(weft.float64).numpy(), expected)
    for first, end in [(0, 1), (0, min(n, 3)), (n - 1, n)]:
        assert numpy.array_equal((x @ y[:, first:end]).to(weft.float64).numpy(), whole[:, first:end])


@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("scale", [1.0, 1e-19], ids=["normal", "subnormal products"])
def test_products_of_bfloat16_have_the_same_bits_on_every_cpu(monkeypatch, cpu, scale):
    """Some CPUs have an instruction for two products of bfloat16, whose order others emulate; those with AMX have an order of their own."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    if cpu == "x86-64-v4" and "avx512vl" not in flags:
        pytest.skip("the processor has no AVX-512")
    reference = "" if "amx_bf16" not in flags else "x86-64-v3" if cpu == "x86-64-v4" else "x86-64-v4"
    for m, k, n in [(1, 64, 64), (3, 301, 70), (40, 513, 33), (130, 2100, 65)]:
        x, w = ((weft.randn(*shape) * scale).bfloat16() for shape in ((m, k), (n, k)))
        layouts = [(x, w.t()), (x, w.t().contiguous()), (x.t().contiguous().t(), w.t())]
        eager = [weft._ops.wide_dot_general(a, b, [], [], [1], [0]) for a, b in layouts]
        for other in eager[1:]:
            assert_same_bits(other, eager[0])
        for (a, b), want in zip(layouts, eager):
            results = {}
            for processor in {cpu, reference} - {""}:
                monkeypatch.setenv("WEFT_CPU", processor)
                product = weft.compile(lambda a, b: weft._ops.wide_dot_general(a, b, [], [], [1], [0]))
                results[processor] = product(a, b)
            monkeypatch.delenv("WEFT_CPU")
            assert_same_bits(results[cpu], results.get(reference, want))


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_products_of_few_rows_beside_each_other(rows, threads):
    """One with a weight that the program keeps packed, one that reads its operand where it is: of other strips of columns."""
    weight, other = weft.randn(300, 70), weft.randn(70, 300)

    def function(x):
        return weft.nn.functional.linear(x, weight), x @ other

    compiled = weft.compile(function)
    for _ in range(4):
        x = weft.randn(rows, 70)
        for got, want in zip(compiled(x), function(x)):
            assert_same_bits(got, want)
