"""Windows, against NumPy's, which are the ones that are not periodic."""

import numpy
import pytest
import weft

WINDOWS = {
    "hann_window": numpy.hanning,
    "hamming_window": numpy.hamming,
    "blackman_window": numpy.blackman,
    "bartlett_window": numpy.bartlett,
    "kaiser_window": lambda length: numpy.kaiser(length, 12.0),
}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 8, 101])
def test_a_window_is_numpys(name, length):
    window = getattr(weft, name)
    assert window(length).dtype is weft.float32
    for dtype, tolerance in ((weft.float32, 1e-7), (weft.float64, 1e-12)):
        got = window(length, periodic=False, dtype=dtype)
        assert numpy.allclose(got.numpy(), WINDOWS[name](length), rtol=tolerance, atol=tolerance)
        longer = WINDOWS[name](length + 1)[:length] if length != 1 else numpy.ones(1)
        assert numpy.allclose(window(length, dtype=dtype).numpy(), longer, rtol=tolerance, atol=tolerance)
    assert window(length, requires_grad=True).requires_grad


@pytest.mark.parametrize("name", WINDOWS)
def test_what_is_refused(name):
    with pytest.raises(RuntimeError, match="negative"):
        getattr(weft, name)(-1)
    with pytest.raises(RuntimeError, match="floating point"):
        getattr(weft, name)(5, dtype=weft.int32)
