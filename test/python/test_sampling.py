"""grid_sample, affine_grid, fractional max pooling and RMS norm beside PyTorch's numbers (test_vision.py): bits, slices, second
gradients, special values, bad input."""

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import array_of, assert_same_bits
from weft import nn
from weft.nn import functional as F


def tensor(seed, *shape, dtype="float32", low=-1.0):
    return weft.from_numpy(numpy.random.RandomState(seed).uniform(low, 1, shape)).to(getattr(weft, dtype))


PROGRAMS = {
    "bilinear": lambda x, g: F.grid_sample(x, g * 1.5, padding_mode="reflection"),
    "bicubic": lambda x, g: F.grid_sample(x, g * 1.5, "bicubic", "border", True),
    "nearest": lambda x, g: F.grid_sample(x, g * 1.5, "nearest"),
    "affine": lambda x, g: F.grid_sample(x, F.affine_grid(g[:, :2, :2].flatten(2)[:, :, :3], (2, 3, 4, 5))),
    "fractional": lambda x, g: F.fractional_max_pool2d(x, 2, (4, 3), _random_samples=(g * g)[:, :3, 0]),
    "rms_norm": lambda x, g: F.rms_norm(x, (5, 4), g[0, :5, :2].flatten(1)[:, :4] * 2.0),
}


def operands(dtype):
    return tensor(0, 2, 3, 5, 4, dtype=dtype), tensor(1, 2, 5, 3, 2, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_eager_and_compiled_have_the_same_bits(name, dtype):
    x, g = operands(dtype)

    def step(x, g):
        result = PROGRAMS[name](x, g)
        return (result, *weft.autograd.grad((result * result).sum(), (x, g), allow_unused=True))

    inputs = x.requires_grad_(), g.requires_grad_()
    for got, want in zip(weft.compile(step)(*inputs), step(*inputs)):
        assert (got is None) == (want is None)
        if want is not None:
            assert_same_bits(got, want)
            assert want.dtype is x.dtype
    exact = PROGRAMS[name](x.double(), g.double())
    step = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    if name not in ("nearest", "fractional"):  # whose choices a rounding may change
        numpy.testing.assert_allclose(array_of(PROGRAMS[name](x, g)), array_of(exact), rtol=0, atol=40 * step)


@pytest.mark.parametrize("name", PROGRAMS)
def test_ahead_of_time(name, tmp_path):
    x, g = operands("float32")
    assert_same_bits(Artifact(PROGRAMS[name], (x, g), tmp_path)(x, g)[0], PROGRAMS[name](x, g))


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "affine", "rms_norm"])
def test_gradients_of_gradients(name):
    inputs = [t.requires_grad_() for t in operands("float64")]
    directions = [tensor(5 + i, *t.shape, dtype="float64") for i, t in enumerate(inputs)]

    def slope(*inputs):
        return sum(
            (s * s).sum() for s in weft.autograd.grad((PROGRAMS[name](*inputs) ** 3).sum(), inputs, create_graph=True)
        )

    gradients = weft.autograd.grad(slope(*inputs), inputs)
    exact, step = sum((a * b).sum() for a, b in zip(gradients, directions)).item(), 1e-7
    moved = [[(t.detach() + s * step * d).requires_grad_() for t, d in zip(inputs, directions)] for s in (1, -1)]
    assert exact == pytest.approx((slope(*moved[0]).item() - slope(*moved[1]).item()) / (2 * step), rel=1e-5)


def test_an_example_has_the_bits_that_it_has_alone():
    x, g = operands("float32")
    for name in ("bilinear", "bicubic", "nearest", "fractional"):
        whole = PROGRAMS[name](x, g)
        for i in range(2):
            assert_same_bits(PROGRAMS[name](x[i : i + 1], g[i : i + 1]), whole[i : i + 1])
    rows = F.rms_norm(x, 4)
    assert_same_bits(F.rms_norm(x[1:, 2:], 4), rows[1:, 2:])


def test_the_identity_samples_the_image_itself():
    x, theta = tensor(0, 2, 3, 5, 4, dtype="float64"), weft.eye(2, 3, dtype=weft.float64).expand(2, 2, 3)
    for corners in (False, True):
        for mode in ("bilinear", "nearest", "bicubic"):
            result = F.grid_sample(x, F.affine_grid(theta, x.shape, corners), mode, align_corners=corners)
            numpy.testing.assert_allclose(result.numpy(), x.numpy(), atol=1e-12)


def test_coordinates_that_are_not_finite():
    """With a border NaN is the first element; beyond it the last one is. Nothing outside is read."""
    x = weft.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    nan, inf = float("nan"), float("inf")
    grid = weft.tensor([[[[nan, 0.0], [0.0, nan], [inf, 0.0], [-inf, 0.0], [1e30, 0.0]]]])
    assert F.grid_sample(x, grid, padding_mode="border").tolist() == [[[[2.5, 2.0, 4.5, 2.5, 4.5]]]]
    assert F.grid_sample(x, grid, "nearest", "zeros").tolist() == [[[[0, 0, 0, 0, 0]]]]
    assert F.grid_sample(x, grid, "nearest", "border").tolist() == [[[[1, 2, 3, 1, 3]]]]
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            assert_same_bits(weft.compile(F.grid_sample)(x, grid, mode, padding), F.grid_sample(x, grid, mode, padding))


def test_random_places_are_drawn():
    x = tensor(0, 2, 3, 9, 8)
    pool = nn.FractionalMaxPool2d((3, 2), output_ratio=0.6, return_indices=True)
    weft.manual_seed(1)
    values, index = pool(x)
    assert values.shape == index.shape == (2, 3, 5, 4)
    assert_same_bits(x.flatten(2).gather(2, index.flatten(2)), values.flatten(2))
    weft.manual_seed(1)
    assert_same_bits(weft.compile(pool)(x)[1], index)
    weft.manual_seed(2)
    assert (pool(x)[1] != index).any()
    unbatched = nn.FractionalMaxPool3d(2, output_size=(2, 3, 3))(tensor(1, 3, 4, 5, 6))
    assert unbatched.shape == (3, 2, 3, 3)


def test_rms_norm_layer():
    norm = nn.RMSNorm((3, 4))
    assert repr(norm) == "RMSNorm((3, 4), eps=None, elementwise_affine=True)" and list(norm.state_dict()) == ["weight"]
    assert list(nn.RMSNorm(4, elementwise_affine=False).state_dict()) == []
    x = tensor(0, 2, 3, 4, dtype="float16") * 1e-3  # beside which eps is that of float32
    exact = x.double().numpy()
    exact = exact / numpy.sqrt((exact**2).mean((1, 2), keepdims=True) + 2.0**-23)
    numpy.testing.assert_allclose(norm.half()(x).double().detach().numpy(), exact, rtol=1e-3)


GRID, PLANE, SAMPLES = weft.ones(2, 3, 3, 2), weft.ones(2, 1, 4, 4), weft.ones(2, 1, 2) * 0.5


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: F.grid_sample(PLANE, GRID[:1]), RuntimeError, "one batch size"),
        (lambda: F.grid_sample(PLANE, GRID, "linear"), ValueError, "mode must be one of bilinear"),
        (lambda: F.grid_sample(PLANE, GRID, padding_mode="wrap"), ValueError, "padding_mode must be one of zeros"),
        (lambda: F.grid_sample(PLANE, GRID.double()), RuntimeError, "one dtype"),
        (lambda: F.grid_sample(PLANE.long(), GRID.long()), NotImplementedError, "floating-point"),
        (lambda: F.grid_sample(PLANE[0], GRID[0]), RuntimeError, "2 or 3 sizes"),
        (lambda: F.grid_sample(PLANE, GRID[0]), RuntimeError, "2 or 3 sizes"),
        (lambda: F.grid_sample(PLANE, weft.ones(2, 3, 3, 3)), RuntimeError, "last dimension must have size 2"),
        (lambda: F.grid_sample(PLANE[:, :, :0], GRID), RuntimeError, "must not be 0"),
        (lambda: F.grid_sample(weft.ones(1, 1, 2, 2, 2), weft.ones(1, 1, 1, 1, 3), "bicubic"), RuntimeError, "4D"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3), (2, 1, 0, 3)), ValueError, "must be positive"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3), (2, 1, -4, 3)), ValueError, "must be positive"),
        (lambda: F.affine_grid(weft.ones(2, 3), (2, 1, 4, 3)), ValueError, r"theta must be \(N, 2, 3\)"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3), (3, 1, 4, 3)), RuntimeError, "must have 3 maps"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3), (2, 1, 4)), NotImplementedError, "4 or 5 elements"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3).long(), (2, 1, 4, 3)), ValueError, "float dtype"),
        (lambda: F.affine_grid(weft.ones(2, 2, 3), (2, 1, 4.0, 3)), TypeError, "sequence of ints"),
        (lambda: F.fractional_max_pool2d(PLANE, 2), ValueError, "either output_size or output_ratio"),
        (lambda: F.fractional_max_pool2d(PLANE, 2, output_ratio=1.5), ValueError, "between 0 and 1"),
        (lambda: F.fractional_max_pool2d(PLANE, 3, 3), RuntimeError, "3 windows of 3 are too many"),
        (lambda: F.fractional_max_pool2d(PLANE, 2, 0), RuntimeError, "output_size must be positive"),
        (lambda: F.fractional_max_pool2d(PLANE, 0, 2), RuntimeError, "kernel_size must be positive"),
        (lambda: F.fractional_max_pool2d(PLANE, (2, 2, 2), 3), RuntimeError, "kernel_size must be an int or 2"),
        (lambda: F.fractional_max_pool2d(PLANE.long(), 2, 3), NotImplementedError, "floating-point"),
        (lambda: F.fractional_max_pool2d(PLANE[0, 0], 2, 3), RuntimeError, r"\(N, C, \*sizes\)"),
        (lambda: F.fractional_max_pool2d(PLANE[:, :0], 2, 3), RuntimeError, "must not be 0"),
        (
            lambda: F.fractional_max_pool2d(PLANE, 2, 3, _random_samples=SAMPLES[:1]),
            RuntimeError,
            "_random_samples must be",
        ),
        (
            lambda: F.fractional_max_pool2d(PLANE, 2, 3, _random_samples=SAMPLES.double()),
            RuntimeError,
            "_random_samples",
        ),
        (lambda: nn.FractionalMaxPool2d(2), ValueError, "either output_size or output_ratio"),
        (lambda: nn.FractionalMaxPool2d(2, 2, 0.5), ValueError, "not both"),
        (lambda: nn.FractionalMaxPool2d(2, output_ratio=1.0), ValueError, "between 0 and 1"),
        (lambda: F.rms_norm(PLANE, (3,)), RuntimeError, "must be the input's last sizes"),
        (lambda: F.rms_norm(PLANE, ()), RuntimeError, "must be the input's last sizes"),
        (lambda: F.rms_norm(PLANE, (4,), weft.ones(3)), RuntimeError, "weight must have the shape"),
        (lambda: F.rms_norm(PLANE.long(), (4,)), NotImplementedError, "floating-point"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call()
    assert str(caught.value).startswith("[")
