"""weft.fft against NumPy's transforms; gradients; every way of running to the same bits; any batch; PyTorch's conventions and errors."""

import itertools

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

fft = weft.fft
EPSILON = {numpy.dtype("float32"): 2.0**-23, numpy.dtype("float64"): 2.0**-52}


def numbers(*shape, seed=0, dtype="float64", imaginary=False):
    random = numpy.random.RandomState(seed)
    x = random.uniform(-1, 1, shape).astype(dtype)
    return x + 1j * random.uniform(-1, 1, shape).astype(dtype) if imaginary else x


def close(result, expected, slack=4):
    """To some roundings of the greatest element, as the error of a transform is spread over all of them."""
    result = result.detach().numpy()
    assert result.shape == expected.shape and (result.dtype.kind == "c") == (expected.dtype.kind == "c")
    if result.size:
        bound = slack * EPSILON[result.real.dtype] * max(numpy.log2(max(expected.shape, default=2)), 1.0)
        assert numpy.abs(result - expected).max() <= bound * max(numpy.abs(expected).max(), 1e-30)


LENGTHS = [1, 2, 3, 5, 7, 8, 12, 16, 31, 67, 100, 134, 243, 1000, 1009, 4097, 8192, 8194, 10007]


@pytest.mark.parametrize("n, dtype", [(n, ("float32", "float64")[i % 2]) for i, n in enumerate(LENGTHS)])
def test_lengths(n, dtype):
    z, x = numbers(3, n, dtype=dtype, imaginary=True), numbers(3, n, dtype=dtype)
    wide = z.astype("complex128")
    close(fft.fft(weft.from_numpy(z)), numpy.fft.fft(wide))
    close(fft.ifft(weft.from_numpy(z)), numpy.fft.ifft(wide))
    close(fft.rfft(weft.from_numpy(x)), numpy.fft.rfft(x.astype("float64")))
    half = z[:, : n // 2 + 1]
    close(fft.irfft(weft.from_numpy(half), n), numpy.fft.irfft(half.astype("complex128"), n))
    close(fft.irfft(fft.rfft(weft.from_numpy(x)), n), x.astype("float64"), 8)
    close(fft.ifft(fft.fft(weft.from_numpy(z))), wide, 8)


NORMS = st.sampled_from([None, "backward", "ortho", "forward"])


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_one_axis_as_numpy(data):
    shape = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    n = data.draw(st.one_of(st.none(), st.integers(1, 20)))
    norm, dtype = data.draw(NORMS), data.draw(st.sampled_from(["float32", "float64"]))
    name = data.draw(st.sampled_from(["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]))
    if name in ("irfft", "hfft") and n is None and shape[dim] == 1:
        n = 1
    x = numbers(*shape, dtype=dtype, imaginary=name not in ("rfft", "ihfft") and data.draw(st.booleans()))
    expected = getattr(numpy.fft, name)(x.astype("complex128" if x.dtype.kind == "c" else "float64"), n, dim, norm)
    close(getattr(fft, name)(weft.from_numpy(x), n, dim, norm), expected)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_several_axes_as_numpy(data):
    shape = data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=4))
    dims = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(1, len(shape)))]
    sizes = data.draw(st.one_of(st.none(), st.lists(st.integers(1, 9), min_size=len(dims), max_size=len(dims))))
    norm, name = data.draw(NORMS), data.draw(st.sampled_from(["fftn", "ifftn", "rfftn", "irfftn"]))
    if name == "irfftn" and sizes is None and shape[dims[-1]] == 1:
        shape[dims[-1]] = 3
    x = numbers(*shape, imaginary=name != "rfftn")
    close(getattr(fft, name)(weft.from_numpy(x), sizes, dims, norm), getattr(numpy.fft, name)(x, sizes, dims, norm))


def test_two_axes_and_hermitian_ones():
    z, x = numbers(2, 6, 5, imaginary=True), numbers(2, 6, 5)
    t, r = weft.from_numpy(z), weft.from_numpy(x)
    close(fft.fft2(t), numpy.fft.fft2(z))
    close(fft.ifft2(t, s=(4, 8)), numpy.fft.ifft2(z, (4, 8)))
    close(fft.rfft2(r, norm="ortho"), numpy.fft.rfft2(x, norm="ortho"))
    close(fft.irfft2(t), numpy.fft.irfft2(z))
    close(fft.irfft2(t, s=(4, -1)), numpy.fft.irfft2(z, (4, 8)))
    close(fft.fftn(t, s=(3,)), numpy.fft.fft(z, 3))
    close(fft.fftn(t, s=(-1, 3)), numpy.fft.fft2(z, (6, 3)))
    # hfftn: forward along all, from half of what is Hermitian; ihfftn its inverse
    close(fft.hfftn(t), numpy.fft.irfftn(z.conj(), norm="forward"))
    close(fft.hfft2(t, norm="forward"), numpy.fft.irfft2(z.conj(), norm="backward"))
    close(fft.ihfftn(r), numpy.fft.rfftn(x, norm="forward").conj())
    close(fft.ihfft2(r, norm="ortho"), numpy.fft.rfft2(x, norm="ortho").conj())
    close(fft.hfft2(fft.ihfft2(r), s=(6, 5)), x, 8)
    close(fft.fftn(t, dim=()), z)


def test_frequencies_and_shifts():
    for n, d in itertools.product(range(1, 8), (1.0, 0.25)):
        close(fft.fftfreq(n, d, dtype=weft.float64), numpy.fft.fftfreq(n, d))
        close(fft.rfftfreq(n, d, dtype=weft.float64), numpy.fft.rfftfreq(n, d))
    assert fft.fftfreq(0).shape == (0,) and fft.fftfreq(4).dtype is weft.float32
    x = numbers(4, 5, 3)
    for dim in (None, 0, (0, 2), (-1,), (0, 0)):
        assert_same_bits(fft.fftshift(weft.from_numpy(x), dim), weft.from_numpy(numpy.fft.fftshift(x, dim)))
        assert_same_bits(fft.ifftshift(weft.from_numpy(x), dim), weft.from_numpy(numpy.fft.ifftshift(x, dim)))


def test_imaginary_parts_that_real_signals_have_not_are_not_read():
    z = weft.tensor([1 + 2j, 3 - 1j, 2 + 5j])
    assert_same_bits(fft.irfft(z), fft.irfft(weft.tensor([1 + 0j, 3 - 1j, 2 + 0j])))
    assert_same_bits(fft.irfft(z, 5), fft.irfft(weft.tensor([1 + 9j, 3 - 1j, 2 + 5j]), 5))
    assert not (fft.irfft(z, 5) == fft.irfft(weft.tensor([1 + 2j, 3 - 1j, 2 + 0j]), 5)).all()


# ---- the same bits


@pytest.mark.parametrize("n", [8, 100, 67, 1000, 5000, 4097])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_batch_and_any_axis(n, dtype):
    z = weft.from_numpy(numbers(37 if n < 2000 else 3, n, dtype=dtype, imaginary=True))
    whole = fft.fft(z)
    for i in (0, 1, len(z) - 1):
        assert_same_bits(fft.fft(z[i]), whole[i])
        assert_same_bits(fft.fft(z[i : i + 5]), whole[i : i + 5])
    assert_same_bits(fft.fft(z.transpose(0, 1).contiguous(), dim=0).transpose(0, 1), whole)
    assert_same_bits(fft.fft(z.transpose(0, 1), dim=0).transpose(0, 1), whole)
    x = z.real
    for i in (0, len(z) - 1):
        assert_same_bits(fft.rfft(x[i]), fft.rfft(x)[i])
        assert_same_bits(fft.irfft(z[i], n), fft.irfft(z, n)[i])


@pytest.mark.parametrize("n", [1000, 16384])
def test_any_number_of_threads(n):
    z = weft.from_numpy(numbers(4, n, dtype="float32", imaginary=True))
    before = weft.get_num_threads()
    try:
        weft.set_num_threads(1)
        one = fft.fft(z), fft.rfft(z.real), fft.fft2(z)
        weft.set_num_threads(3)
        for result, expected in zip((fft.fft(z), fft.rfft(z.real), fft.fft2(z)), one):
            assert_same_bits(result, expected)
    finally:
        weft.set_num_threads(before)


def low_pass(x):
    spectrum = fft.rfft(x * 0.5)
    return fft.irfft(spectrum * (fft.rfftfreq(x.shape[-1]) < 0.2), x.shape[-1]) + x


def test_compiled_and_ahead_of_time(tmp_path):
    x = weft.from_numpy(numbers(5, 120, dtype="float32"))
    eager = low_pass(x)
    compiled = weft.compile(low_pass)
    for _ in range(2):
        assert_same_bits(compiled(x), eager)
    mask = (fft.rfftfreq(120) < 0.2).float()

    def model(x):
        pairs = weft.view_as_real(fft.rfft(x)) * mask.unsqueeze(-1)
        return fft.irfft(weft.view_as_complex(pairs), 120)

    assert_same_bits(Artifact(model, (x,), tmp_path)(x)[0], model(x))


def test_long_ones_compiled():
    z = weft.from_numpy(numbers(2, 6000, dtype="float32", imaginary=True))
    compiled = weft.compile(lambda z: fft.ifft(fft.fft(z) * 2.0))
    for _ in range(2):
        assert_same_bits(compiled(z), fft.ifft(fft.fft(z) * 2.0))


# ---- derivatives


@pytest.mark.parametrize("n", [6, 7, None])
@pytest.mark.parametrize("name", ["fft", "ifft", "irfft", "hfft", "rfft", "ihfft"])
def test_gradients(name, n):
    x = weft.from_numpy(numbers(2, 5, imaginary=name not in ("rfft", "ihfft"))).requires_grad_()

    def f(t):
        y = getattr(fft, name)(t, n)
        return weft.view_as_real(y) ** 2 if y.is_complex() else y**2

    assert weft.autograd.gradcheck(f, (x,))
    assert weft.autograd.gradgradcheck(f, (x,))


def test_gradients_of_several_axes_and_long_ones():
    x = weft.from_numpy(numbers(2, 3, 4)).requires_grad_()
    assert weft.autograd.gradcheck(lambda t: fft.irfftn(fft.rfftn(t, dim=(0, 2)) * 2.0, dim=(0, 2)), (x,))
    # The transform is unitary with "ortho", so that the gradient of half the energy is the signal.
    z = weft.from_numpy(numbers(2, 5000, imaginary=True)).requires_grad_()
    (gradient,) = weft.autograd.grad((weft.view_as_real(fft.fft(z, norm="ortho")) ** 2).sum() * 0.5, z)
    close(gradient, z.detach().numpy(), 8)


def test_functions_of_functions():
    x, t = weft.from_numpy(numbers(3, 8)), weft.from_numpy(numbers(3, 8, seed=1))
    spectrum = lambda x: weft.view_as_real(fft.rfft(x))  # noqa: E731
    value, tangent = weft.func.jvp(spectrum, (x,), (t,))
    assert_same_bits(value, spectrum(x))
    assert_same_bits(tangent, spectrum(t))
    assert_same_bits(weft.func.vmap(spectrum)(x), spectrum(x))
    assert_same_bits(weft.func.vmap(spectrum, in_dims=1)(x.transpose(0, 1).contiguous()), spectrum(x))


# ---- dtypes and errors


def test_dtypes():
    assert (
        fft.fft(weft.arange(4)).dtype is weft.complex64
        and fft.rfft(weft.ones(4, dtype=weft.bool)).dtype is weft.complex64
    )
    assert fft.irfft(weft.ones(3, dtype=weft.float64)).dtype is weft.float64
    assert fft.fft(weft.zeros(0, 5)).shape == (0, 5) and fft.fft(weft.zeros(5, 0), n=3).shape == (5, 3)
    assert fft.fftn(weft.tensor(2.0)).item() == 2
    out = weft.empty(4, dtype=weft.complex64)
    assert fft.fft(weft.ones(4), out=out) is out and out[0].item() == 4


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: fft.fft(x, n=0), RuntimeError, r"\[fft\] Invalid number of data points \(0\)"),
        (lambda x: fft.fft(x, n=-1), RuntimeError, r"\[fft\] Invalid number of data points \(-1\)"),
        (lambda x: fft.irfft(x[:, :1]), RuntimeError, r"\[irfft\] Invalid number of data points \(0\)"),
        (lambda x: fft.fft(x[:, :0]), RuntimeError, r"\[fft\] Invalid number of data points \(0\)"),
        (lambda x: fft.fft(x, dim=2), IndexError, r"\[fft\] Dimension out of range .* got 2"),
        (lambda x: fft.fft(x[0, 0]), IndexError, r"\[fft\] Dimension specified as -1 but tensor has no dimensions"),
        (lambda x: fft.fft(x, norm="bad"), RuntimeError, r"\[fft\] Invalid normalization mode: 'bad'"),
        (lambda x: fft.fft(x.half()), RuntimeError, r"\[fft\] Unsupported dtype weft.float16"),
        (lambda x: fft.rfft(fft.fft(x)), RuntimeError, r"\[rfft\] expects a real input tensor"),
        (lambda x: fft.ihfftn(fft.fft(x)), RuntimeError, r"\[ihfftn\] expects a real input tensor"),
        (lambda x: fft.fft2(x, dim=(0, 0)), RuntimeError, r"\[fft2\] FFT dims must be unique"),
        (
            lambda x: fft.fft2(x, s=(3,)),
            RuntimeError,
            r"\[fft2\] When given, dim and shape arguments must have the same length",
        ),
        (
            lambda x: fft.fftn(x, s=(2, 2, 2)),
            RuntimeError,
            r"\[fftn\] Got shape with 3 values but input tensor only has 2",
        ),
        (lambda x: fft.rfftn(x, dim=()), RuntimeError, r"\[rfftn\] must transform at least one axis"),
        (lambda x: fft.fftfreq(-1), RuntimeError, r"\[fftfreq\] n must not be negative"),
        (
            lambda x: fft.fftfreq(5, dtype=weft.int64),
            RuntimeError,
            r"\[fftfreq\] requires a floating point or complex dtype",
        ),
        (lambda x: fft.fftshift(x, 3), IndexError, r"\[fftshift\]"),
        (lambda x: fft.fft(x, n=2.0), TypeError, r"\[fft\] n must be an int"),
        (lambda x: fft.fft(None), TypeError, r"\[fft\] input must be a tensor"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(weft.ones(4, 6))


def test_there_is_one_nan():
    """Whatever rows lie beside, and in whichever part of a vector: Inf - Inf and NaN give the same bits."""
    numbers = numpy.random.RandomState(0).randn(19, 40).astype("float32")
    numbers[:, 3], numbers[:, 7], numbers[::2, 11] = numpy.inf, -numpy.inf, numpy.nan
    x = weft.from_numpy(numbers)
    for transform in (weft.fft.fft, weft.fft.rfft, lambda x: weft.fft.irfft(weft.complex(x, -x))):
        result = weft.view_as_real(transform(x)) if transform(x).is_complex() else transform(x)
        bits = result.contiguous().numpy().view(numpy.uint32)
        assert set(bits[numpy.isnan(result.numpy())].tolist()) == {0x7FC00000}
