"""weft.stft and weft.istft: against their definition, round trips, gradients, PyTorch's conventions and errors."""

import numpy
import pytest
import weft

W = weft.hann_window(16, dtype=weft.float64)


def signal(*shape, seed=0):
    return weft.from_numpy(numpy.random.RandomState(seed).uniform(-1, 1, shape))


def parts_of(x, window, n_fft, hop):
    count = (x.shape[-1] - n_fft) // hop + 1
    wide = numpy.zeros(n_fft)
    left = (n_fft - len(window)) // 2
    wide[left : left + len(window)] = window
    return numpy.stack([x[..., i * hop : i * hop + n_fft] * wide for i in range(count)], -2)


@pytest.mark.parametrize("n_fft, hop, win_length", [(16, 4, 16), (16, 5, 10), (15, 3, 8), (100, 100, 100)])
@pytest.mark.parametrize("normalized", [False, True])
def test_definition(n_fft, hop, win_length, normalized):
    x = signal(2, 100)
    window = weft.hann_window(win_length, dtype=weft.float64)
    expected = numpy.fft.rfft(parts_of(x.numpy(), window.numpy(), n_fft, hop)).swapaxes(-1, -2)
    if normalized:
        expected = expected / numpy.sqrt(n_fft)
    arguments = dict(
        n_fft=n_fft, hop_length=hop, win_length=win_length, window=window, center=False, normalized=normalized
    )
    result = weft.stft(x, return_complex=True, **arguments)
    numpy.testing.assert_allclose(result.numpy(), expected, atol=1e-12)
    pairs = x.stft(return_complex=False, **arguments)
    assert pairs.shape == (*expected.shape, 2)
    numpy.testing.assert_allclose(pairs.numpy()[..., 1], expected.imag, atol=1e-12)
    both = weft.stft(x, return_complex=True, onesided=False, **arguments)
    numpy.testing.assert_allclose(both.numpy()[:, : n_fft // 2 + 1], expected, atol=1e-12)
    assert both.shape[1] == n_fft


@pytest.mark.parametrize(
    "pad_mode, of_numpy",
    [("reflect", "reflect"), ("constant", "constant"), ("replicate", "edge"), ("circular", "wrap")],
)
def test_middles_begin_at_the_first_element(pad_mode, of_numpy):
    x = signal(100)
    wide = numpy.pad(x.numpy(), 8, mode=of_numpy)
    expected = numpy.fft.rfft(parts_of(wide, W.numpy(), 16, 4)).swapaxes(-1, -2)
    result = weft.stft(x, 16, window=W, pad_mode=pad_mode, return_complex=True)
    assert result.shape == (9, 26)
    numpy.testing.assert_allclose(result.numpy(), expected, atol=1e-12)


def test_windows_that_begin_at_the_first_element():
    x, window = signal(2, 100), weft.hann_window(8, dtype=weft.float64)
    result = weft.stft(x, 15, 3, 8, window, center=False, return_complex=True, align_to_window=True)
    parts = numpy.zeros((2, 31, 15))
    parts[..., 3:11] = parts_of(x.numpy(), window.numpy(), 8, 3)
    numpy.testing.assert_allclose(result.numpy(), numpy.fft.rfft(parts).swapaxes(-1, -2), atol=1e-12)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("onesided", [None, False])
def test_round_trip(normalized, onesided):
    x = signal(2, 100)
    spectra = weft.stft(x, 16, 5, window=W, normalized=normalized, onesided=onesided, return_complex=True)
    arguments = dict(hop_length=5, window=W, normalized=normalized)
    back = weft.istft(spectra, 16, length=100, **arguments)
    numpy.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-12)
    assert weft.istft(spectra[0], 16, **arguments).shape == (100,)
    assert weft.istft(spectra, 16, length=5, **arguments).shape == (2, 5)


def test_round_trip_of_complex_signals():
    z = weft.view_as_complex(signal(2, 100, 2))
    spectra = weft.stft(z, 16, window=W)
    assert spectra.shape == (2, 16, 26)
    back = weft.istft(spectra, 16, window=W, return_complex=True, onesided=False)
    numpy.testing.assert_allclose(back.numpy(), z.numpy(), atol=1e-12)
    assert not weft.istft(spectra, 16, window=W).is_complex()  # the real part's half


def test_a_longer_length_shows_the_padding_then_zeros():
    """As PyTorch: what the last part has beyond the signal is given, too, and zeros are only after it."""
    x = signal(100)
    long = weft.istft(weft.stft(x, 16, window=W, return_complex=True), 16, window=W, length=112)
    numpy.testing.assert_allclose(long[:107].numpy(), numpy.pad(x.numpy(), (0, 7), mode="reflect"), atol=1e-10)
    assert (long[108:] == 0).all()


def test_gradients_and_compiled():
    x = signal(40).requires_grad_()

    def f(x):
        return weft.istft(weft.stft(x, 16, window=W, return_complex=True) * 2.0, 16, window=W)

    assert weft.autograd.gradcheck(lambda x: weft.view_as_real(weft.stft(x, 16, window=W, return_complex=True)), (x,))
    (gradient,) = weft.autograd.grad(f(x).sum(), x)
    numpy.testing.assert_allclose(gradient.numpy(), 2.0, atol=1e-12)
    compiled = weft.compile(f)
    for _ in range(2):
        assert (compiled(x.detach()) == f(x.detach())).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x, s: weft.stft(x, 16), r"\[stft\] requires the return_complex parameter"),
        (
            lambda x, s: weft.stft(x, 16, win_length=20, return_complex=True),
            r"\[stft\] expected 0 < win_length <= n_fft",
        ),
        (lambda x, s: weft.stft(x, 16, hop_length=0, return_complex=True), r"\[stft\] expected hop_length > 0"),
        (lambda x, s: weft.stft(x, 2, return_complex=True), r"\[stft\] expected hop_length > 0"),
        (lambda x, s: weft.stft(x, 0, return_complex=True), r"\[stft\] expected 0 < n_fft"),
        (lambda x, s: weft.stft(x, 300, center=False, return_complex=True), r"\[stft\] expected 0 < n_fft"),
        (lambda x, s: weft.stft(x, 16, window=W[:10], return_complex=True), r"\[stft\] expected a 1D window"),
        (lambda x, s: weft.stft(x.reshape(2, 5, 10), 4, return_complex=True), r"\[stft\] expected a 1D or 2D tensor"),
        (
            lambda x, s: weft.stft(x.int(), 16, return_complex=True),
            r"\[stft\] expected a tensor of floating point or complex",
        ),
        (lambda x, s: weft.stft(x.half(), 16, return_complex=True), r"\[stft\] Unsupported dtype"),
        (lambda x, s: weft.stft(x, 16, align_to_window=True, return_complex=True), r"\[stft\] align_to_window"),
        (lambda x, s: weft.istft(weft.view_as_real(s), 16), r"\[istft\] requires a complex-valued input"),
        (lambda x, s: weft.istft(s, 15), r"\[istft\] expected the frequency dimension to be 8"),
        (lambda x, s: weft.istft(s, 16, hop_length=17), r"\[istft\] expected 0 < hop_length <= win_length"),
        (lambda x, s: weft.istft(s, 16, window=W, center=False), r"\[istft\] the windows add up to less than 1e-11"),
        (lambda x, s: weft.istft(s, 16, window=W, return_complex=True), r"\[istft\] Cannot have onesided output"),
        (lambda x, s: weft.istft(s[:, :0], 16), r"\[istft\] input tensor cannot be empty"),
        (lambda x, s: weft.istft(s, 16, onesided=False), r"\[istft\] expected the frequency dimension to be 16"),
    ],
)
def test_errors(call, message):
    x = signal(100)
    with pytest.raises(RuntimeError, match=message):
        call(x, weft.stft(x, 16, window=W, return_complex=True))
