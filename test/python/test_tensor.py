"""Tensors themselves: making, indexing, views, in-place operations, promotion, printing."""

import numpy
import pytest
import weft
from conftest import array_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


def test_first_program(capsys):
    x = weft.randn(2, 3)
    y = weft.rand(2, 3)
    print(x * y)
    print((x * y).sum())
    print(x[1, 2])
    print(x.max())
    a, b = x.numpy(), y.numpy()
    assert numpy.array_equal((x * y).numpy(), a * b)
    assert x[1, 2].item() == a[1, 2] and x.max().item() == a.max()
    assert capsys.readouterr().out.count("tensor(") == 4


def test_factories():
    assert weft.zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert weft.ones((2,), dtype=weft.int64).tolist() == [1, 1]
    assert weft.full((2,), 7).dtype is weft.int64 and weft.full((2,), 7.5).tolist() == [7.5, 7.5]
    assert weft.arange(5).tolist() == [0, 1, 2, 3, 4] and weft.arange(1, 2, 0.25).tolist() == [1.0, 1.25, 1.5, 1.75]
    assert weft.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    numpy.testing.assert_allclose(weft.linspace(0, 1, 5).numpy(), [0, 0.25, 0.5, 0.75, 1])
    assert weft.empty(0, 3).shape == (0, 3)
    x = weft.randint(3, 9, (100,))
    assert x.dtype is weft.int64 and x.min().item() >= 3 and x.max().item() < 9
    assert sorted(weft.randperm(10).tolist()) == list(range(10))
    assert weft.zeros_like(x).dtype is weft.int64


def test_random_is_reproducible():
    weft.manual_seed(5)
    a = weft.randn(1000)
    b = weft.randn(1000)
    weft.manual_seed(5)
    assert (weft.randn(1000) == a).all() and not (a == b).all()
    assert abs(a.mean().item()) < 0.15 and abs(a.std().item() - 1) < 0.1
    u = weft.rand(10000)
    assert u.min().item() >= 0 and u.max().item() < 1 and abs(u.mean().item() - 0.5) < 0.02


INDICES = [
    numpy.s_[0], numpy.s_[-1], numpy.s_[1:3], numpy.s_[:, 1], numpy.s_[..., 0], numpy.s_[::2, 1:], numpy.s_[None, 0, :, None],
    numpy.s_[1, ..., 2], numpy.s_[2:2], numpy.s_[[0, 2]], numpy.s_[:, [1, 0, 1]], numpy.s_[[0, 1], [1, 2]], numpy.s_[[-1], :, 0],
    numpy.s_[[0, 1], :, [1, 2]], numpy.s_[[[0, 1], [2, 3]]], numpy.s_[1:, [0, 2]],
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_index(index):
    a = numpy.arange(60, dtype="float32").reshape(4, 3, 5)
    assert numpy.array_equal(weft.from_numpy(a)[index].numpy(), a[index])


def test_mask_index():
    a = numpy.random.randn(4, 3, 2).astype("float32")
    x = weft.from_numpy(a)
    for mask in (a > 0, a[:, 0, 0] > 0, (a > 0).any(-1)):
        assert numpy.array_equal(x[weft.from_numpy(mask)].numpy(), a[mask])
    assert x[x > 100].shape == (0,)


@pytest.mark.parametrize("index", INDICES[:10] + [numpy.s_[[2, 0]]], ids=str)
def test_assignment(index):
    a = numpy.arange(60, dtype="float32").reshape(4, 3, 5)
    x = weft.from_numpy(a.copy())
    x[index] = 7.0
    a[index] = 7.0
    assert numpy.array_equal(x.numpy(), a)
    values = numpy.random.randn(*a[index].shape).astype("float32")
    x[index] = weft.from_numpy(values)
    a[index] = values
    assert numpy.array_equal(x.numpy(), a)


def test_masked_assignment():
    a = numpy.random.randn(4, 3).astype("float32")
    x = weft.from_numpy(a.copy())
    x[x < 0] = 0.0
    assert numpy.array_equal(x.numpy(), numpy.maximum(a, 0))


def test_views_share_memory():
    x = weft.zeros(3, 4)
    x.T[1].fill_(5.0)
    x[0].add_(1.0)
    x.view(12)[11] = 9.0
    assert x.tolist() == [[1.0, 6.0, 1.0, 1.0], [0.0, 5.0, 0.0, 0.0], [0.0, 5.0, 0.0, 9.0]]
    a, b = x.split([1, 3], dim=1)
    assert a.shape == (3, 1) and b.shape == (3, 3) and [c.shape[1] for c in x.chunk(3, 1)] == [2, 2]
    assert (
        x.flatten().shape == (12,) and x.unsqueeze(0).squeeze().shape == (3, 4) and x.permute(1, 0).stride() == (1, 4)
    )
    assert x.expand(2, 3, 4).stride() == (0, 4, 1) and not x.T.is_contiguous()


DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
]


@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_promotion(a, b):
    """Tensors of one kind promote to the wider; a float with an integer stays the float, unlike NumPy."""
    x, y = weft.ones(2, dtype=getattr(weft, a)), weft.ones(2, dtype=getattr(weft, b))
    floats = [d for d in (a, b) if "float" in d]
    expected = max(floats, key=lambda d: int(d[5:])) if floats else str(numpy.promote_types(a, b))
    if not floats and "float" in expected:  # uint64 and a signed one
        with pytest.raises(RuntimeError, match="no integer dtype holds the numbers of both"):
            x * y
        return
    assert (x * y).dtype.name == expected


def test_promotion_with_numbers():
    x = weft.ones(2, dtype=weft.int32)
    assert (x + 1).dtype is weft.int32 and (x + 1.0).dtype is weft.float32 and (x / 2).dtype is weft.float32
    assert (weft.ones(2, dtype=weft.float16) * 2.5).dtype is weft.float16
    assert (x.bool() + True).dtype is weft.bool and (x + weft.tensor(1.5, dtype=weft.float64)).dtype is weft.float64
    assert (2 - x).tolist() == [1, 1] and (2.0 ** weft.tensor([3.0])).item() == 8.0
    assert (7 // weft.tensor([2, -2])).tolist() == [3, -4] and (7 % weft.tensor([4, -4])).tolist() == [3, -1]
    assert (x == 1).dtype is weft.bool and (weft.tensor([1.0]) < 2).item() is True


def test_reductions():
    a = numpy.random.randn(3, 4, 5).astype("float32")
    x = weft.from_numpy(a)
    for dim in (None, 0, -1, (0, 2)):
        for keepdim in (False, True):
            numpy.testing.assert_allclose(
                x.sum(dim, keepdim).numpy(), a.sum(dim, keepdims=keepdim), rtol=1e-5, atol=1e-5
            )
            assert numpy.array_equal(x.amax(dim, keepdim).numpy(), a.max(dim, keepdims=keepdim))
    numpy.testing.assert_allclose(x.mean(1).numpy(), a.mean(1), rtol=1e-5, atol=1e-6)
    numpy.testing.assert_allclose(x.std().item(), a.std(ddof=1), rtol=1e-5)
    values, indices = x.max(dim=1)
    assert numpy.array_equal(values.numpy(), a.max(1)) and numpy.array_equal(indices.numpy(), a.argmax(1))
    assert x.argmin().item() == a.argmin() and x.argmax(-1, keepdim=True).shape == (3, 4, 1)
    assert (x > 0).any().item() and not (x > 0).all().item() and (x > 0).sum().item() == (a > 0).sum()
    assert weft.tensor([1, 2], dtype=weft.int8).sum().dtype is weft.int64


def test_in_place():
    x = weft.tensor([1.0, -2.0, 3.0])
    alias = x.view(3)
    before = x._version
    x += 1
    x.mul_(2).clamp_(min=0)
    assert alias.tolist() == [4.0, 0.0, 8.0] and x._version > before
    assert x.zero_().tolist() == [0.0, 0.0, 0.0] and x.fill_(2).copy_(weft.tensor(3)).tolist() == [3.0] * 3


def test_conversions():
    x = weft.tensor([-1.5, 0.0, 2.5])
    assert x.int().tolist() == [-1, 0, 2] and x.bool().tolist() == [True, False, True]
    assert x.half().float().tolist() == x.tolist() and x.bfloat16().tolist() == x.tolist()
    assert float(x[0]) == -1.5 and int(x[2]) == 2 and bool(x[1]) is False and [10, 20, 30][weft.tensor(1)] == 20
    assert x.to(x.dtype) is x and x.to(x.device) is x


PRINTED = [
    (lambda: weft.tensor(5.0), "tensor(5.)"),
    (lambda: weft.tensor([1, 2]), "tensor([1, 2])"),
    (lambda: weft.tensor([True, False]), "tensor([ True, False])"),
    (lambda: weft.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
    (lambda: weft.tensor([1.0, 1e5]), "tensor([1.0000e+00, 1.0000e+05])"),
    (lambda: weft.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: weft.tensor([[1.0], [-2.0]]), "tensor([[ 1.],\n        [-2.]])"),
    (lambda: weft.zeros(2, 1, 1), "tensor([[[0.]],\n\n        [[0.]]])"),
    (lambda: weft.tensor([1.0, float("inf"), float("nan")]), "tensor([1., inf, nan])"),
    (lambda: weft.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda: weft.tensor([1.5], dtype=weft.float64), "tensor([1.5000], dtype=weft.float64)"),
    (lambda: weft.tensor([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
    (lambda: weft.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
    (lambda: weft.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (lambda: weft.ones(1).expand(2**40), "tensor([1., 1., 1.,  ..., 1., 1., 1.])"),
    (
        lambda: weft.arange(20),
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n        18, 19])",
    ),
]


@pytest.mark.parametrize("make, text", PRINTED, ids=[t for _, t in PRINTED])
def test_printing(make, text):
    assert repr(make()) == text


def test_extrema_of_bools_along_an_axis():
    x = weft.tensor([[True, False], [False, False]])
    assert [t.tolist() for t in x.max(1)] == [[True, False], [0, 0]]
    assert [t.tolist() for t in x.min(1)] == [[False, False], [1, 0]]


shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4)


@settings(max_examples=60, deadline=None)
@given(shapes, st.sampled_from(["add", "mul", "sub", "maximum"]))
def test_broadcasting(shapes, op):
    a, b = (numpy.asarray(numpy.random.randn(*shape), "float32") for shape in shapes.input_shapes)
    got = getattr(weft, op)(weft.from_numpy(a), weft.from_numpy(b))
    expected = {"add": numpy.add, "mul": numpy.multiply, "sub": numpy.subtract, "maximum": numpy.maximum}[op](a, b)
    assert numpy.array_equal(got.numpy(), expected)


@settings(max_examples=40, deadline=None)
@given(hnp.array_shapes(max_dims=4, max_side=5), st.data())
def test_any_basic_index(shape, data):
    a = numpy.arange(numpy.prod(shape), dtype="float32").reshape(shape)
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    steps = [i.step for i in (index if isinstance(index, tuple) else (index,)) if isinstance(i, slice)]
    if any(s is not None and s < 0 for s in steps):
        return
    assert numpy.array_equal(array_of(weft.from_numpy(a)[index]), a[index])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,), (0, 0), (2, 0, 3)])
@pytest.mark.parametrize("name", ["sum", "prod", "any", "all"])
def test_reductions_of_nothing_give_the_identity(name, shape):
    x, reference = weft.zeros(shape), numpy.zeros(shape, numpy.float32)
    for dim in range(len(shape)):
        assert getattr(x, name)(dim).tolist() == getattr(reference, name)(axis=dim).tolist()


def test_shift_operators():
    x = weft.tensor([1, 2, 3])
    assert (x << 2).tolist() == [4, 8, 12]
    assert ((x << 2) >> 1).tolist() == [2, 4, 6]
    assert (1 << x).tolist() == [2, 4, 8]


def test_indices_against_numbers():
    numbers = [-(2**63), 1 - 2**63, -1, 0, 1, 15, 16, 17, 39, 40, 2**31, 2**32 + 5, 2**63 - 1]
    rows = weft.tensor(numbers, dtype=weft.int64).unsqueeze(1)
    for compare in ("__lt__", "__le__", "__gt__", "__ge__", "__eq__"):
        f = weft.compile(lambda x: getattr(weft.arange(40), compare)(x))  # noqa: B023
        expected = getattr(numpy.arange(40), compare)(numpy.array(numbers)[:, None])
        assert numpy.array_equal(f(rows).numpy(), expected)
        g = weft.compile(lambda x: getattr(weft.arange(70), compare)(weft.arange(70).unsqueeze(1)))  # noqa: B023
        expected = getattr(numpy.arange(70), compare)(numpy.arange(70)[:, None])
        assert numpy.array_equal(g(rows).numpy(), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_powers_that_are_numbers_are_rounded_once(dtype):
    def same(a, b):
        assert a.dtype == b.dtype and a.double().tolist() == b.double().tolist()

    x = weft.randn(999).to(getattr(weft, dtype))
    for run in (lambda f: f, weft.compile):
        same(run(lambda x: x**2)(x), x * x)
        same(run(lambda x: weft.pow(x, 2.0))(x), x * x)
        same(run(lambda x: x.abs() ** 0.5)(x), x.abs().sqrt())
        same(run(lambda x: x**-1)(x), 1 / x)
    written = x.clone()
    written.pow_(2)
    same(written, x * x)
    kernels = [kernel.name for kernel in weft.explain(lambda x: x**2, x).kernels]
    assert kernels and all("square" in name for name in kernels)


def test_powers_of_integers_keep_their_dtype():
    x = weft.arange(-3, 4)
    assert (x**2).dtype == weft.int64 and (x**2).tolist() == [9, 4, 1, 0, 1, 4, 9]
    assert (x**2.0).dtype == weft.float32
    assert (weft.tensor([True, False]) ** 2).tolist() == [1, 0]
    with pytest.raises(RuntimeError, match="can't be cast"):
        weft.arange(3).pow_(0.5)


@pytest.mark.parametrize("shape", [(6, 7), (130, 257), (3, 4, 5), (40, 50, 30), (2, 6, 1, 9)])
def test_reductions_do_not_depend_on_the_layout(shape):
    base = weft.randn(*shape)
    layouts = [base.transpose(0, -1), base.permute(*range(1, base.ndim), 0)]
    layouts += [base[..., ::2], base[1:], base[:, : shape[1] // 2], base.unsqueeze(0).expand(3, *shape)]
    for x in layouts:
        packed = x.contiguous()
        for dims in [(0,), (1,), (-1,), (0, 1), (0, x.ndim - 1), tuple(range(x.ndim))]:
            for keep in (False, True):
                for name in ("sum", "amax"):
                    mine, other = (getattr(t, name)(dims, keep) for t in (x, packed))
                    assert mine.shape == other.shape and mine.numpy().tobytes() == other.numpy().tobytes()
        assert x.argmax(0).tolist() == packed.argmax(0).tolist()


@pytest.mark.parametrize("make", [weft.as_tensor, weft.asarray, weft.tensor])
def test_python_floats_are_not_rounded_on_the_way_to_float64(make):
    assert make(16777217.0, dtype=weft.float64).item() == 16777217.0
    assert make([[1e300, 2**24 + 1]], dtype=weft.float64).tolist() == [[1e300, 16777217.0]]
    assert make(2**53 + 1, dtype=weft.int64).item() == 2**53 + 1
