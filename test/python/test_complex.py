"""Complex tensors: against NumPy's complex numbers, gradients, every way of running to the same bits, PyTorch's conventions."""

import cmath
import copy
import math
import pickle

import numpy
import pytest
import weft
from artifact import AOT, Artifact
from conftest import assert_same_bits

DTYPES = {weft.complex64: numpy.complex64, weft.complex128: numpy.complex128}


def numbers(*shape, seed=0, dtype=numpy.complex128):
    random = numpy.random.RandomState(seed)
    return (random.uniform(-2, 2, shape) + 1j * random.uniform(-2, 2, shape)).astype(dtype)


def tensor(*shape, seed=0, dtype=weft.complex128, requires_grad=False):
    return weft.from_numpy(numbers(*shape, seed=seed, dtype=DTYPES[dtype])).requires_grad_(requires_grad)


def close(result, expected, slack=8):
    result = result.detach().numpy() if isinstance(result, weft.Tensor) else numpy.asarray(result)
    expected = numpy.asarray(expected)
    assert result.shape == expected.shape
    epsilon = 2.0**-23 if result.dtype in (numpy.complex64, numpy.float32) else 2.0**-52
    scale = numpy.abs(expected).max(initial=0)
    numpy.testing.assert_allclose(result, expected, rtol=slack * epsilon, atol=slack * epsilon * max(scale, 1e-3))


# ---- what a complex tensor is


def test_views_share_memory():
    z = weft.tensor([1 + 2j, 3 - 4j])
    assert z.dtype is weft.complex64 and z.is_complex() and not z.is_floating_point() and z.is_signed()
    pairs = weft.view_as_real(z)
    assert pairs.shape == (2, 2) and pairs.dtype is weft.float32
    pairs[0, 1] = 7
    z.real[1] = 5
    assert z.tolist() == [1 + 7j, 5 - 4j]
    z.imag = 2.0
    assert z.tolist() == [1 + 2j, 5 + 2j]
    back = weft.view_as_complex(pairs)
    back[0] = 9j
    assert z[0].item() == 9j and back.dtype is weft.complex64
    assert z.element_size() == 8 and z.stride() == (1,) and z.real.stride() == (2,) and z.numel() == 2


def test_layouts():
    array = numbers(3, 4, 2)
    z = weft.from_numpy(array)
    close(z.transpose(0, 2), array.transpose(2, 1, 0))
    close(z.permute(1, 0, 2)[1:, ::2], array.transpose(1, 0, 2)[1:, ::2])
    close(z.reshape(2, 12), array.reshape(2, 12))
    close(z.transpose(0, 1).reshape(-1), array.transpose(1, 0, 2).reshape(-1))
    close(z[:, None].expand(3, 5, 4, 2).sum(1), array * 5)
    close(weft.cat([z, z[:1]], 0), numpy.concatenate([array, array[:1]]))
    close(weft.stack([z, z], -1), numpy.stack([array, array], -1))
    close(z.flip(1), numpy.flip(array, 1))
    close(z[weft.tensor([2, 0])], array[[2, 0]])
    close(z[z.abs() > 1], array[numpy.abs(array) > 1])
    close(weft.where(z.real > 0, z, 1j), numpy.where(array.real > 0, array, 1j))
    close(
        z.gather(1, weft.tensor([[[0, 1]], [[2, 3]], [[1, 1]]])),
        numpy.take_along_axis(array, numpy.array([[[0, 1]], [[2, 3]], [[1, 1]]]), 1),
    )
    close(z.unsqueeze(-1).squeeze(-1).contiguous().view(-1), array.reshape(-1))


def test_memory_is_shared_with_numpy_and_dlpack():
    array = numbers(2, 3, dtype=numpy.complex64)
    z = weft.from_numpy(array)
    z[0, 1] = 5j
    assert array[0, 1] == 5j and z.numpy().ctypes.data == array.ctypes.data
    other = numpy.from_dlpack(z)
    assert other.dtype == numpy.complex64 and other.ctypes.data == array.ctypes.data
    assert weft.from_dlpack(array).data_ptr() == array.ctypes.data
    assert weft.tensor(array[0]).dtype is weft.complex64 and weft.tensor(numpy.complex128(2j)).item() == 2j
    assert memoryview(z).format == "Zf"


def test_dtypes():
    assert weft.cfloat is weft.complex64 and weft.cdouble is weft.complex128
    assert weft.complex64.to_real() is weft.float32 and weft.float64.to_complex() is weft.complex128
    assert weft.finfo(weft.complex64).eps == 2.0**-23 and not weft.can_cast(weft.complex64, weft.float32)
    for real, wide in (
        (weft.float32, weft.complex64),
        (weft.float64, weft.complex128),
        (weft.int64, weft.complex64),
        (weft.bool, weft.complex64),
    ):
        x = weft.ones(2, dtype=real)
        assert weft.promote_types(real, weft.complex64) is wide
        assert (x * 1j).dtype is wide and weft.result_type(x, 1j) is wide
    assert (weft.ones(2, dtype=weft.complex64) * weft.ones((), dtype=weft.float64)).dtype is weft.complex64
    assert (weft.ones(2, dtype=weft.complex64) * 1.5).dtype is weft.complex64


def test_conversions():
    z = weft.tensor([1.5 + 2j, 0j, 2j])
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        assert z.to(weft.float32).tolist() == [1.5, 0, 0]
    assert z.bool().tolist() == [True, False, True] and z.to(weft.complex128).dtype is weft.complex128
    assert weft.tensor([1, 2]).to(weft.complex64).tolist() == [1, 2]
    assert complex(weft.tensor(1 + 2j)) == 1 + 2j and float(weft.tensor(3 + 0j)) == 3 and bool(weft.tensor(1j))
    assert weft.tensor([1j, 2.0, 3, True]).tolist() == [1j, 2, 3, 1]


def test_factories():
    assert weft.zeros(2, dtype=weft.complex64).tolist() == [0, 0] and weft.ones(1, dtype=weft.complex128).tolist() == [
        1
    ]
    assert weft.full((2,), 1 + 2j).tolist() == [1 + 2j] * 2 and weft.full((2,), 1j).dtype is weft.complex64
    assert weft.empty(3, dtype=weft.complex64).shape == (3,) and weft.zeros_like(weft.tensor([1j])).tolist() == [0]
    assert weft.eye(2, dtype=weft.complex64).tolist() == [[1, 0], [0, 1]]
    z = weft.randn(20000, dtype=weft.complex64)
    assert abs((z.abs() ** 2).mean().item() - 1) < 0.05 and abs(z.mean().item()) < 0.05  # variance 1, as PyTorch's
    u = weft.rand(1000, dtype=weft.complex128)
    assert 0 <= u.real.min() and u.imag.max() < 1
    assert weft.complex(weft.ones(2), weft.zeros(2)).dtype is weft.complex64
    close(weft.polar(weft.tensor([2.0]), weft.tensor([1.0])), numpy.array([2 * cmath.exp(1j)], numpy.complex64))


def test_printing():
    assert (
        str(weft.tensor([1 + 2j, -3.5 + 0j, complex(math.inf, 1)])) == "tensor([ 1.0000+2.j, -3.5000+0.j,     inf+1.j])"
    )
    assert str(weft.tensor(1 + 2j)) == "tensor(1.+2.j)"
    assert str(weft.tensor([1e10 + 1e-5j, 2j])) == "tensor([1.0000e+10+1.0000e-05j, 0.0000e+00+2.0000e+00j])"
    assert str(weft.tensor([complex(math.nan, 0), complex(-math.inf, -0.0)])) == "tensor([nan+0.j, -inf-0.j])"
    assert str(weft.tensor([1.5 + 2j], dtype=weft.complex128)) == "tensor([1.5000+2.j], dtype=weft.complex128)"


# ---- arithmetic and functions

FUNCTIONS = {
    "exp": numpy.exp, "exp2": numpy.exp2, "expm1": numpy.expm1, "log": numpy.log, "log2": numpy.log2, "log10": numpy.log10,
    "log1p": numpy.log1p, "sqrt": numpy.sqrt, "rsqrt": lambda z: 1 / numpy.sqrt(z), "square": numpy.square,
    "reciprocal": numpy.reciprocal, "sin": numpy.sin, "cos": numpy.cos, "tan": numpy.tan, "sinh": numpy.sinh, "cosh": numpy.cosh,
    "tanh": numpy.tanh, "asin": numpy.arcsin, "acos": numpy.arccos, "atan": numpy.arctan, "asinh": numpy.arcsinh,
    "acosh": numpy.arccosh, "atanh": numpy.arctanh, "sigmoid": lambda z: 1 / (1 + numpy.exp(-z)), "neg": numpy.negative,
    "abs": numpy.abs, "angle": numpy.angle, "sgn": lambda z: z / numpy.abs(z), "conj": numpy.conj,
}  # fmt: skip
BINARY = {"add": numpy.add, "sub": numpy.subtract, "mul": numpy.multiply, "div": numpy.divide, "pow": numpy.power}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, dtype):
    z = tensor(7, 33, dtype=dtype)
    wide = z.numpy().astype(numpy.complex128)
    close(
        getattr(weft, name)(z),
        FUNCTIONS[name](wide).astype(DTYPES[dtype] if name not in ("abs", "angle") else z.real.numpy().dtype),
    )
    close(getattr(weft, name)(z.t()[::2]), FUNCTIONS[name](wide).T[::2])


@pytest.mark.parametrize(
    "name", sorted(set(FUNCTIONS) - {"rsqrt", "sigmoid", "exp2", "log2", "log10", "square", "angle"})
)
def test_complex64_is_rounded_once(name):
    z = tensor(5000, seed=7, dtype=weft.complex64)
    got = getattr(weft, name)(z).numpy().astype(numpy.clongdouble)
    exact = FUNCTIONS[name](z.numpy().astype(numpy.clongdouble)).astype(numpy.clongdouble)
    assert numpy.max(numpy.abs(got - exact) / numpy.abs(exact)) < 0.51 * 2.0**-23


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, dtype):
    z, w = tensor(5, 6, dtype=dtype), tensor(6, seed=1, dtype=dtype)
    wide = [v.numpy().astype(numpy.complex128) for v in (z, w)]
    close(getattr(weft, name)(z, w), BINARY[name](*wide), 64)
    real = weft.tensor([0.5, 2.0, 3.0, 1.0, 0.25, 4.0])
    close(getattr(weft, name)(z, real), BINARY[name](wide[0], real.numpy()), 64)
    close(getattr(weft, name)(1.5 - 2j, z), BINARY[name](1.5 - 2j, wide[0]), 64)
    close(getattr(weft, name)(z, 3), BINARY[name](wide[0], 3), 64)


def test_comparisons():
    z = weft.tensor([1 + 2j, 1 - 2j, 3 + 0j])
    assert (z == 1 + 2j).tolist() == [True, False, False] and (z != weft.tensor([1 + 2j])).tolist() == [
        False,
        True,
        True,
    ]
    assert (z == 3).tolist() == [False, False, True] and weft.equal(z, z.clone())
    assert weft.isreal(z).tolist() == [False, False, True]
    odd = weft.tensor([complex(math.nan, 0), complex(1, math.inf), 1j])
    assert weft.isnan(odd).tolist() == [True, False, False] and weft.isinf(odd).tolist() == [False, True, False]
    assert weft.isfinite(odd).tolist() == [False, False, True]
    assert weft.allclose(z, z) and weft.logical_not(weft.tensor([0j, 1j])).tolist() == [True, False]
    assert weft.nonzero(weft.tensor([0j, 1j])).tolist() == [[1]]


def test_reductions_and_products():
    array = numbers(4, 5, 3)
    z = weft.from_numpy(array)
    close(z.sum(), array.sum())
    close(z.sum((0, -1), keepdim=True), array.sum((0, 2), keepdims=True))
    close(z.mean(1), array.mean(1))
    close(z.prod(1), array.prod(1), 64)
    close(z[:, 0, 0].prod(), array[:, 0, 0].prod(), 64)
    close(z.cumsum(1), array.cumsum(1))
    close(z.var(0), array.var(0, ddof=1))
    close(z.std(), array.std(ddof=1))
    close(z @ z.mT.conj(), array @ array.conj().transpose(0, 2, 1))
    close(weft.einsum("abc,abd->acd", z, z), numpy.einsum("abc,abd->acd", array, array), 32)
    close(weft.vdot(z[0, 0], z[0, 1]), numpy.vdot(array[0, 0], array[0, 1]))
    close(z[0].mH, array[0].conj().T)
    close(
        weft.nn.functional.linear(z, weft.from_numpy(array[0]), weft.from_numpy(array[0, :, 0])),
        array @ array[0].T + array[0, :, 0],
    )
    close(
        weft.addmm(z[0, :, :], z[0, :, :] @ z[0].mT, z[0], beta=2, alpha=0.5),
        2 * array[0] + 0.5 * (array[0] @ array[0].T @ array[0]),
        32,
    )


def test_special_values():
    """As PyTorch, NumPy and C99's Annex G."""
    inf, nan = math.inf, math.nan

    def parts(value):
        value = value.item()
        return [str(value.real), str(value.imag)]

    assert parts(weft.sqrt(weft.tensor(complex(-4, 0.0)))) == ["0.0", "2.0"]
    assert parts(weft.sqrt(weft.tensor(complex(-4, -0.0)))) == ["0.0", "-2.0"]
    assert parts(weft.sqrt(weft.tensor(complex(-0.0, -0.0)))) == ["0.0", "-0.0"]
    assert weft.log(weft.tensor(complex(-1, -0.0), dtype=weft.complex128)).item() == complex(0, -math.pi)
    assert parts(weft.exp(weft.tensor(complex(inf, 0)))) == ["inf", "0.0"]
    assert weft.abs(weft.tensor(complex(inf, nan))).item() == inf and weft.abs(weft.tensor(1e30 + 1e30j)).item() > 1e30
    assert weft.abs(weft.tensor(1e300 + 1e300j, dtype=weft.complex128)).item() == pytest.approx(math.sqrt(2) * 1e300)
    assert weft.sgn(weft.tensor(0j)).item() == 0 and weft.angle(weft.tensor([-1.0, -0.0, nan])).tolist()[:2] == [
        numpy.float32(math.pi),
        0,
    ]
    assert weft.angle(weft.tensor([-1, 2])).tolist() == [numpy.float32(math.pi), 0]
    assert parts(weft.tensor(1 + 0j) / weft.tensor(0j)) == ["inf", "nan"]
    assert (weft.tensor(0j) ** 0).item() == 1 and (weft.tensor(0j) ** 2.5).item() == 0
    assert parts(weft.tensor(complex(inf, 0)) * 1j) == ["nan", "inf"]
    close(
        weft.sqrt(weft.tensor(3e-310 + 4e-310j, dtype=weft.complex128)), numpy.sqrt(numpy.complex128(3e-310 + 4e-310j))
    )


ENDS = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5]
SPECIAL = {
    **{name: FUNCTIONS[name] for name in "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh".split()},
    "expm1": lambda z: numpy.exp(z) - 1,
    "log1p": lambda z: numpy.log(pairs(1 + z.real, z.imag)),
}  # fmt: skip


def pairs(real, imaginary):
    result = numpy.empty(real.shape, numpy.complex128)
    result.real, result.imag = real, imaginary
    return result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_infinities_nan_and_signs_of_zero(name, dtype):
    """C99's Annex G, and the array API standard. Signs that they leave open may be others."""
    z = numpy.array([complex(a, b) for a in ENDS for b in ENDS])
    with numpy.errstate(all="ignore"):
        expected = SPECIAL[name](z)
    got = getattr(weft, name)(weft.from_numpy(z.astype(DTYPES[dtype]))).numpy()
    open_signs = numpy.isnan(z) | numpy.isnan(expected) | (numpy.isinf(z.real) & numpy.isinf(z.imag))
    for x, one, other, is_open in zip(z, got, expected, open_signs):
        for a, b in ((one.real, other.real), (one.imag, other.imag)):
            assert math.isclose(abs(a), abs(b), rel_tol=1e-6, abs_tol=1e-15) or (a != a and b != b), (x, one, other)
            if not is_open and (a == 0 or math.isinf(a)) and b in (0, a):
                assert math.copysign(1, a) == math.copysign(1, b), (x, one, other)
    assert_same_bits(
        weft.compile(lambda t: getattr(weft, name)(t))(weft.from_numpy(z)), getattr(weft, name)(weft.from_numpy(z))
    )


def test_finite_results_of_infinite_steps():
    z = numpy.array([720 + 1e-300j, -720 + 1e-300j, 1e300 + 1e300j, 1e200 + 3j, -1e-200 + 1e160j, 0.5 + 1e-310j])
    for name in ("exp", "sinh", "cosh", "tanh", "sqrt", "log", "asin", "acosh", "atanh", "atan"):
        with numpy.errstate(all="ignore"):
            expected = FUNCTIONS[name](z)
        got = getattr(weft, name)(weft.from_numpy(z)).numpy()
        finite = numpy.isfinite(expected)
        assert (numpy.isfinite(got) == finite).all()
        for part in (numpy.real, numpy.imag):
            numpy.testing.assert_allclose(part(got[finite]), part(expected[finite]), rtol=1e-14, atol=1e-322)
    near = numpy.array([complex(-1, 1e-300), complex(-1 + 2**-40, -1e-30)])
    close(weft.log1p(weft.from_numpy(near)), [cmath.log(complex(1 + z.real, z.imag)) for z in near])
    beside = weft.tensor(complex(1, 1e-310), dtype=weft.complex128)
    assert weft.atanh(beside).item().real == pytest.approx(0.5 * (math.log(2) - math.log(1e-310)), rel=1e-14)


# ---- in place


def test_in_place():
    array = numbers(3, 4)
    z = weft.from_numpy(array.copy())
    same = z
    z += 1j
    z *= weft.from_numpy(array)
    z[1] = 2 - 1j
    z[:, 0] = weft.ones(3)
    z[weft.tensor([2])] = 5j
    z.real[0, 1] = 4
    expected = (array + 1j) * array
    expected[1] = 2 - 1j
    expected[:, 0] = 1
    expected[2] = 5j
    expected[0, 1] = 4 + 1j * expected[0, 1].imag
    close(same, expected)
    z.transpose_(0, 1)
    assert z.shape == (4, 3)
    z.zero_().fill_(1j)
    assert z.sum().item() == 12j
    z.masked_fill_(z.imag > 0, 2.0)
    assert z.sum().item() == 24


# ---- gradients

HOLOMORPHIC = [name for name in FUNCTIONS if name not in ("neg", "conj", "abs", "angle", "sgn")]


def test_gradients_are_conjugate_derivatives():
    z = weft.tensor(1 + 2j, dtype=weft.complex128, requires_grad=True)
    (z * z).real.backward()
    assert z.grad.item() == 2 - 4j and z.grad.dtype is weft.complex128 and z.grad is z.grad
    z.grad = None
    (z * z).imag.backward()
    assert z.grad.item() == 4 + 2j
    for f, at, gradient in (
        (abs, 0j, 0),
        (abs, 3 + 4j, 0.6 + 0.8j),
        (weft.angle, 0j, 0),
        (weft.angle, 1 + 1j, -0.5 + 0.5j),
    ):
        x = weft.tensor(at, dtype=weft.complex128, requires_grad=True)
        f(x).backward()
        assert x.grad.item() == pytest.approx(gradient)
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    (x * (1 + 2j)).abs().sum().backward()  # of a real tensor it is real
    assert x.grad.dtype is weft.float32 and x.grad.tolist() == pytest.approx([math.sqrt(5)] * 2)


def test_backward_of_complex_needs_a_gradient():
    z = weft.tensor([1j], requires_grad=True)
    with pytest.raises(RuntimeError, match="only for real scalar outputs but got complex64"):
        z.sum().backward()
    z.backward(weft.tensor([2j]))
    assert z.grad.tolist() == [2j]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_functions(name):
    z = tensor(3, seed=3, requires_grad=True)
    f = getattr(weft, name)
    assert weft.autograd.gradcheck(f, (z,))
    assert weft.autograd.gradgradcheck(f, (z,))


@pytest.mark.parametrize("name", BINARY)
def test_gradients_of_binary(name):
    z, w = tensor(3, seed=3, requires_grad=True), tensor(1, seed=4, requires_grad=True)
    assert weft.autograd.gradcheck(getattr(weft, name), (z, w))
    assert weft.autograd.gradgradcheck(getattr(weft, name), (z, w))


def test_gradients_of_structured_ops():
    z = tensor(2, 3, 3, seed=5, requires_grad=True)
    for f in (
        lambda z: z @ z,
        lambda z: z.prod(1),
        lambda z: z[:, 1:].sum(0),
        lambda z: weft.cat([z.real, z.imag], 0).pow(2),
        lambda z: weft.view_as_real(z) * 2,
        lambda z: weft.view_as_complex(weft.view_as_real(z).flip(-1)) * z,
        lambda z: weft.where(z.real > 0, z, z * z),
        lambda z: z[:, weft.tensor([2, 0])] * 2,
        lambda z: weft.complex(z.abs(), z.angle()),
        lambda z: z.clone().mul_(z)[0],
    ):
        assert weft.autograd.gradcheck(f, (z,))


def test_hooks_and_retained_gradients():
    z = tensor(3, requires_grad=True)
    seen = []
    z.register_hook(lambda g: seen.append(g) or g * 2)
    y = z * z
    y.retain_grad()
    y.real.sum().backward()
    assert seen[0].dtype is weft.complex128 and y.grad.tolist() == [1, 1, 1]
    close(z.grad, 4 * z.detach().conj().numpy())
    assert not z.is_leaf or z.grad_fn is None
    assert y.grad_fn is not None and y.detach().requires_grad is False


# ---- compiled, exported, transformed


def model(z, w):
    y = weft.exp(z * w) / (1 + z.abs()) + 1j
    return y.conj() @ w.t(), y.real.sum(0), (z == w), y[:, 0]


def test_compiled_bits():
    compiled = weft.compile(model)
    for seed in range(3):
        z, w = tensor(4, 4, seed=seed, dtype=weft.complex64), tensor(4, 4, seed=seed + 9, dtype=weft.complex64)
        for one, other in zip(model(z, w), compiled(z, w)):
            assert one.dtype is other.dtype and one.shape == other.shape
            assert_same_bits(one, other)
    assert weft.explain(compiled, z, w).mode == "replay"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_functions(name):
    z = tensor(4, 5, dtype=weft.complex64)
    f = getattr(weft, name)
    compiled = weft.compile(lambda z: f(z * 2) + 1)
    compiled(z)
    assert_same_bits(compiled(z), f(z * 2) + 1)


def test_compiled_training_step():
    def step(z, w):
        loss = (z @ w - 1j).abs().square().sum()
        loss.backward()
        with weft.no_grad():
            w -= 0.01 * w.grad
        w.grad = None
        return loss

    z = tensor(5, 3, dtype=weft.complex64)
    eager, traced = tensor(3, 2, seed=1, dtype=weft.complex64), tensor(3, 2, seed=1, dtype=weft.complex64)
    eager.requires_grad_()
    traced.requires_grad_()
    compiled = weft.compile(step)
    for _ in range(4):
        assert_same_bits(step(z, eager), compiled(z, traced))
        assert_same_bits(eager, traced)


def test_arguments_and_results_keep_their_identity():
    compiled = weft.compile(lambda z: (z, z * 1j))
    z = tensor(3)
    for _ in range(3):
        same, other = compiled(z)
        assert same is z and other.dtype is weft.complex128
    assert compiled(weft.view_as_real(z))[1].shape == (3, 2)  # the same memory, but real


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
def test_ahead_of_time(tmp_path):
    """A complex argument or result is an array of pairs in C."""
    weight = tensor(3, 3, seed=2, dtype=weft.complex64)

    def f(z):
        return weft.exp(z @ weight) * 2j, z.abs()

    z = tensor(4, 3, dtype=weft.complex64)
    artifact = Artifact(f, (z,), tmp_path)
    result, size = artifact(weft.view_as_real(z))
    wanted, length = f(z)
    assert_same_bits(result, weft.view_as_real(wanted).clone())
    assert_same_bits(size, length)


def test_transforms():
    z = tensor(5, 3)
    w = tensor(3, seed=1)
    f = lambda row: (row * w).sum().exp()  # noqa: E731
    close(weft.vmap(f)(z), numpy.array([f(row).item() for row in z]))
    primal, tangent = weft.func.jvp(f, (z[0],), (w,))
    step = 1e-6
    close(tangent, ((f(z[0] + step * w) - f(z[0] - step * w)) / (2 * step)).item(), 1e6)
    close(
        weft.func.grad(lambda z: f(z).abs())(z[0]),
        weft.autograd.grad(f(x := z[0].clone().requires_grad_()).abs(), x)[0],
    )
    close(weft.vmap(weft.func.grad(lambda z: f(z).abs()))(z)[2], weft.func.grad(lambda z: f(z).abs())(z[2]))


# ---- errors


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda z: z < z, NotImplementedError, r"\[lt\] takes no complex tensors; got complex64\[2\]"),
        (lambda z: weft.relu(z), NotImplementedError, r"\[relu\] takes no complex tensors"),
        (lambda z: z.max(), NotImplementedError, "takes no complex tensors"),
        (lambda z: weft.softmax(z, 0), NotImplementedError, "takes no complex tensors"),
        (
            lambda z: weft.ones(2).mul_(1j),
            RuntimeError,
            "result type complex64 can't be cast to the desired output type float32",
        ),
        (lambda z: weft.ones(2).fill_(1j), RuntimeError, "imaginary part"),
        (lambda z: weft.ones(2, 2) @ z, RuntimeError, "one dtype"),
        (lambda z: weft.imag(weft.ones(2)), RuntimeError, r"\[imag\] needs a complex tensor; got float32\[2\]"),
        (lambda z: weft.view_as_real(weft.ones(2)), RuntimeError, r"\[view_as_real\] needs a complex tensor"),
        (lambda z: weft.view_as_complex(weft.ones(3)), RuntimeError, "last dimension of size 2"),
        (lambda z: weft.view_as_complex(weft.ones(2, 4)[:, ::2]), RuntimeError, "last dimension of stride 1"),
        (lambda z: weft.complex(weft.ones(2), weft.ones(2).double()), RuntimeError, "one dtype"),
        (lambda z: weft.tensor([1j], dtype=weft.float32), TypeError, "do not become float32"),
        (lambda z: float(z[0]), RuntimeError, "imaginary part"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(weft.tensor([1 + 2j, 3 - 4j]))


# ---- loops, functions of one's own, modules, files


def test_control_flow():
    z = weft.tensor([1j, 2, 3j])
    last, sums = weft.scan(lambda c, x: (c * x, c + x), weft.tensor(1 + 0j), z)
    assert last.item() == -6 and sums.tolist() == [1 + 1j, 2 + 1j, 5j]
    assert weft.cond(weft.tensor(True), lambda z: z * 1j, lambda z: z + 1, (z,)).tolist() == [-1, 2j, -3]


class Product(weft.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y.conj(), g * x.conj()


def test_custom_functions_and_checkpoints():
    z, w = tensor(3, requires_grad=True), tensor(3, seed=1, requires_grad=True)
    assert weft.autograd.gradcheck(Product.apply, (z, w)) and weft.autograd.gradgradcheck(Product.apply, (z, w))
    weft.utils.checkpoint.checkpoint(lambda z: (z * z).exp(), z, use_reentrant=False).abs().sum().backward()
    first, z.grad = z.grad, None
    (z * z).exp().abs().sum().backward()
    assert_same_bits(first, z.grad)


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop"]
)
def test_optimizers_see_pairs(name):
    """As PyTorch's: a step is that of the real tensor of pairs."""
    whole = weft.nn.Parameter(tensor(3, 2, dtype=weft.complex64))
    parts = weft.nn.Parameter(weft.view_as_real(whole.detach()).clone())
    for p, read in ((whole, lambda p: p), (parts, weft.view_as_complex)):
        optimizer = getattr(weft.optim, name)([p], lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            ((read(p) * (1 + 2j) - 1).abs() ** 2).sum().backward()
            optimizer.step()
    assert_same_bits(weft.view_as_real(whole.detach()).clone(), parts.detach())


def test_modules():
    layer = weft.nn.Linear(3, 2, dtype=weft.complex64)
    assert layer.weight.imag.abs().max() > 0
    z = tensor(4, 3, dtype=weft.complex64)
    compiled = weft.compile(layer)
    for _ in range(2):
        assert_same_bits(compiled(z), layer(z))
    layer(z).abs().sum().backward()
    norm = weft.nn.utils.clip_grad_norm_(layer.parameters(), 1e-3)
    assert norm.dtype is weft.float32 and weft.nn.utils.get_total_norm([p.grad for p in layer.parameters()]) < 1.01e-3
    assert layer.to(weft.complex128).weight.dtype is weft.complex128
    image, kernel = tensor(1, 2, 5), tensor(3, 2, 2, seed=1)
    wanted = sum(numpy.einsum("bct,oc->bot", image.numpy()[..., k : k + 4], kernel.numpy()[..., k]) for k in range(2))
    close(weft.nn.functional.conv1d(image, kernel), wanted, 32)


def test_files(tmp_path):
    z = tensor(3, 2, dtype=weft.complex64)
    for name in ("z.pt", "z.safetensors"):
        weft.save({"z": z}, tmp_path / name)
        assert_same_bits(weft.load(tmp_path / name)["z"], z)
    assert_same_bits(pickle.loads(pickle.dumps(z)), z)


def test_copies():
    z = tensor(3, requires_grad=True)
    other = copy.deepcopy(z)
    assert other.requires_grad and other.dtype is z.dtype and not weft._C.same_storage(z, other)
    assert_same_bits(z, other)
    z.data = weft.ones(2, dtype=weft.complex128)
    assert z.shape == (2,) and weft.view_as_real(z).shape == (2, 2)


def test_statistics_and_testing():
    z = tensor(3, 4)
    close(weft.cov(z), numpy.cov(z.numpy()), 32)
    close(weft.linspace(0, 1j, 3), numpy.array([0, 0.5j, 1j], numpy.complex64))
    close(weft.linalg.vector_norm(z, 3), numpy.linalg.norm(z.numpy().ravel(), 3))
    weft.testing.assert_close(z, z + 1e-9)
    with pytest.raises(AssertionError, match="elements differ"):
        weft.testing.assert_close(z, z + 1j)
    assert weft.testing.make_tensor(2, dtype=weft.complex64, device="cpu").imag.abs().max() > 0
