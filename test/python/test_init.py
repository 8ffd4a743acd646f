"""Initialisations: their distributions, shapes and PyTorch's older names."""

import math

import numpy
import pytest
import weft
from weft import nn
from weft.nn import init


def normal_below(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


@pytest.mark.parametrize(
    "mean, std, a, b", [(0, 1, -2, 2), (0, 0.02, -2, 2), (1, 2, 1.5, 2), (0, 1, 1.5, 9), (-1, 1, 0, 0.5)]
)
def test_trunc_normal(mean, std, a, b):
    values = numpy.sort(init.trunc_normal_(weft.empty(100, 100), mean, std, a, b).numpy().ravel())
    assert a <= values[0] and values[-1] <= b
    low, high = (normal_below((edge - mean) / std) for edge in (a, b))
    for part in (0.1, 0.5, 0.9):  # quantiles
        assert normal_below((values[int(part * values.size)] - mean) / std) == pytest.approx(
            low + part * (high - low), abs=0.02
        )


def test_trunc_normal_far_from_the_mean_warns():
    with pytest.warns(UserWarning, match="2 std"):
        init.trunc_normal_(weft.empty(2), 0.0, 0.1, 1.0, 1.1)
    with pytest.raises(ValueError, match="std > 0"):
        init.trunc_normal_(weft.empty(2), std=0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 2, 3), (6, 2, 1, 2)])
@pytest.mark.parametrize("dtype", [weft.float32, weft.float64, weft.bfloat16], ids=str)
def test_orthogonal(shape, dtype):
    w = init.orthogonal_(nn.Parameter(weft.empty(*shape, dtype=dtype)), gain=2.0)
    flat = w.detach().double().numpy().reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    numpy.testing.assert_allclose(product, 4 * numpy.eye(len(product)), atol=5e-2 if dtype is weft.bfloat16 else 1e-5)
    assert w.requires_grad and w.dtype is dtype


def test_eye_dirac_sparse():
    assert init.eye_(weft.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    for axes, conv in ((1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d)):
        layer = conv(4, 4, 3, padding=1, groups=2, bias=False)
        init.dirac_(layer.weight, groups=2)
        x = weft.randn(2, 4, *[5] * axes)
        assert (layer(x) - x).abs().max().item() == 0
    w = init.sparse_(weft.empty(10, 50), 0.35)
    assert ((w == 0).sum(0) == 4).all() and 0.005 < w.std().item() < 0.02


def test_fans_and_gains():
    assert init._calculate_fan_in_and_fan_out(weft.empty(4, 3, 2, 2)) == (12, 16)
    assert init._calculate_correct_fan(weft.empty(4, 3), "FAN_OUT") == 4
    assert init.calculate_gain("selu") == 0.75 and init.calculate_gain("leaky_relu", 1) == 1
    assert init.calculate_gain("conv_transpose3d") == 1


@pytest.mark.parametrize(
    "name, args",
    [("uniform", ()), ("normal", (0.0, 2.0)), ("constant", (3.0,)), ("eye", ()), ("xavier_uniform", ()), ("xavier_normal", (2.0,)),
     ("kaiming_uniform", ()), ("kaiming_normal", (0, "fan_out")), ("orthogonal", ()), ("sparse", (0.5,))],
)  # fmt: skip
def test_older_names_warn(name, args):
    weft.manual_seed(0)
    expected = getattr(init, name + "_")(weft.empty(4, 4), *args)
    weft.manual_seed(0)
    with pytest.warns(FutureWarning, match=f"{name}_"):
        assert getattr(init, name)(weft.empty(4, 4), *args).tolist() == expected.tolist()


REFUSED = {
    "eye": lambda: init.eye_(weft.empty(3)),
    "dirac": lambda: init.dirac_(weft.empty(3, 3)),
    "dirac groups": lambda: init.dirac_(weft.empty(3, 3, 3), 2),
    "orthogonal": lambda: init.orthogonal_(weft.empty(3)),
    "sparse": lambda: init.sparse_(weft.empty(3), 0.5),
    "mode": lambda: init._calculate_correct_fan(weft.empty(3, 3), "fan"),
}


@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_refused(act):
    with pytest.raises(ValueError, match=r"\[.*\].*; got"):
        act()
