"""Convolutions, pooling, norms of channels and resizing: PyTorch's conventions (test/data/torch_vision.json, made by
tools/torch_vision.py), any batch, bad input."""

import json
import pathlib

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import array_of, assert_same_bits
from weft import nn
from weft.nn import functional as F

CASES = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_vision.json").read_text())


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["call"] for case in CASES])
def test_as_pytorch(number, compiled):
    case = CASES[number]
    random = numpy.random.RandomState(number)
    inputs = {
        n: weft.from_numpy(random.uniform(-1, 1, s)).requires_grad_(n not in "mv") for n, s in case["shapes"].items()
    }

    def evaluate(*tensors):
        return eval(case["call"], {"F": F, **dict(zip(inputs, tensors))})

    result = (weft.compile(evaluate) if compiled else evaluate)(*inputs.values())
    assert list(result.shape) == case["shape"]
    numpy.testing.assert_allclose(array_of(result.detach()).reshape(-1), case["result"], rtol=1e-6, atol=1e-7)
    if "gradients" in case:
        factors = weft.from_numpy(numpy.cos(numpy.arange(result.numel(), dtype="float64"))).reshape(result.shape)
        (result * factors).sum().backward()
        for name, expected in case["gradients"].items():
            numpy.testing.assert_allclose(
                array_of(inputs[name].grad).reshape(-1), expected, rtol=1e-5, atol=1e-7, err_msg=name
            )


def random_tensor(seed, *shape):
    return weft.from_numpy(numpy.random.RandomState(seed).standard_normal(shape).astype("float32"))


@pytest.mark.parametrize(
    "channels, outputs, kernel, options",
    [
        (3, 32, 3, {"padding": 1}),
        (16, 70, 3, {"padding": 1, "stride": 2}),
        (40, 8, 1, {}),
        (8, 8, 3, {"padding": 1, "groups": 8}),
        (130, 5, 3, {"padding": 1}),
    ],
)
def test_an_image_has_the_same_bits_in_any_batch_and_size_of_image(channels, outputs, kernel, options):
    """The order of the sums depends on the weight's shape alone."""
    x, w = (
        random_tensor(0, 7, channels, 14, 11),
        random_tensor(1, outputs, channels // options.get("groups", 1), kernel, kernel),
    )
    whole = F.conv2d(x, w, **options)
    for i in (0, 6):
        assert_same_bits(F.conv2d(x[i : i + 1], w, **options), whole[i : i + 1])
    if options.get("padding"):
        alone = F.conv2d(x[:, :, :9, :9], w, **options)
        inner = (alone.shape[2] - 1) // 2
        assert_same_bits(alone[:, :, :inner, :inner], whole[:, :, :inner, :inner])
    assert_same_bits(weft.compile(lambda x, w: F.conv2d(x, w, **options))(x, w), whole)


def test_the_order_of_the_sum_is_that_of_chains():
    """Positions of the kernel, then channels, by fused multiply-adds from 0 in blocks of 256."""
    x, w = random_tensor(0, 1, 50, 3, 3), random_tensor(1, 4, 50, 3, 3)
    products = [
        (w.numpy()[:, c, i, j].astype("longdouble"), x.numpy()[0, c, i, j].astype("longdouble"))
        for i in range(3)
        for j in range(3)
        for c in range(50)
    ]
    blocks = []
    for first in range(0, len(products), 256):
        chain = numpy.zeros(4, "float32")
        for a, b in products[first : first + 256]:
            chain = (a * b + chain.astype("longdouble")).astype("float32")
        blocks.append(chain)
    assert numpy.array_equal(F.conv2d(x, w).numpy().reshape(4), blocks[0] + blocks[1])


def test_running_statistics():
    """Of momentum 0.1, and of None: the average of all batches."""
    for momentum in (0.1, None):
        norm = nn.BatchNorm2d(3, momentum=momentum)
        mean, variance = numpy.zeros(3), numpy.ones(3)
        for i in range(3):
            x = numpy.random.RandomState(i).standard_normal((4, 3, 5, 2))
            norm(weft.from_numpy(x.astype("float32")))
            factor = momentum or 1 / (i + 1)
            mean += factor * (x.mean((0, 2, 3)) - mean)
            variance += factor * (x.var((0, 2, 3), ddof=1) - variance)
        assert norm.num_batches_tracked.item() == 3
        numpy.testing.assert_allclose(norm.running_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
        numpy.testing.assert_allclose(norm.running_var.numpy(), variance, rtol=1e-5)


@pytest.mark.parametrize(
    "call, error, text",
    [
        ("F.conv2d(x, w[:, :2])", RuntimeError, "must have 2 channels"),
        ("F.conv2d(x, w, groups=2)", RuntimeError, "groups"),
        ("F.conv2d(x, w, groups=0)", RuntimeError, "groups must be positive"),
        ("F.conv2d(x[:, :, :2], w)", RuntimeError, "larger than the padded input"),
        ("F.conv2d(x, w, dilation=3)", RuntimeError, "larger than the padded input"),
        ("F.conv2d(x, w, stride=0)", RuntimeError, "stride must be positive"),
        ("F.conv2d(x, w, padding=-1)", RuntimeError, "padding must be at least 0"),
        ("F.conv2d(x[0, 0], w)", RuntimeError, "4 dimensions"),
        ("F.conv1d(x, w)", RuntimeError, "3 dimensions"),
        ("F.conv2d(x, w, weft.ones(3))", RuntimeError, "bias must be"),
        ("F.conv2d(x, w, padding='full')", RuntimeError, "'same' or 'valid'"),
        ("F.conv2d(x, w, padding='same', stride=2)", RuntimeError, "needs stride 1"),
        ("F.conv2d(x.double(), w)", RuntimeError, "one dtype"),
        ("F.conv_transpose2d(x, w)", RuntimeError, "must have 4 channels"),
        ("F.conv_transpose2d(x, weft.ones(3, 2, 1, 1), padding=4)", RuntimeError, "pad less"),
        ("F.conv_transpose2d(x, weft.ones(3, 2, 2, 2), stride=2, output_padding=2)", RuntimeError, "output_padding"),
        ("F.max_pool2d(x, 2, padding=2)", RuntimeError, "at most half"),
        ("F.max_pool2d(x, 9)", RuntimeError, "larger than the padded input"),
        ("F.max_pool2d(x, 0)", RuntimeError, "kernel_size must be positive"),
        ("F.avg_pool2d(x, 2, divisor_override=0)", RuntimeError, "divisor_override"),
        ("F.adaptive_avg_pool2d(x, (2, -1))", RuntimeError, "output_size must not be negative"),
        ("F.adaptive_avg_pool2d(x.long(), 2)", NotImplementedError, "floating-point"),
        ("F.adaptive_max_pool2d(x.long(), 2)", NotImplementedError, "floating-point"),
        ("F.interpolate(x.long(), 3, mode='bilinear')", NotImplementedError, "floating-point"),
        ("F.interpolate(x, scale_factor=float('nan'))", RuntimeError, "must be finite"),
        ("F.conv2d(x[:, :0], w[:, :0])", RuntimeError, "must have channels"),
        ("F.conv2d(x, w[:0])", RuntimeError, "channels"),
        ("F.conv2d(x, w, padding=2**62)", RuntimeError, "conv2d"),
        ("F.interpolate(x, 2**40)", RuntimeError, "too large"),
        ("F.batch_norm(x, None, None, None, None, True, 'a')", TypeError, "momentum must be a number"),
        ("F.instance_norm(x, weft.ones(3))", ValueError, "given together"),
        ("F.unfold(x[:, :0], 2)", RuntimeError, "must not be 0"),
        ("F.lp_pool2d(x, 0, 2)", ZeroDivisionError, "lp_pool2d"),
        ("F.pad(x, (-9, 0))", RuntimeError, "cannot cut off 9 and 0"),
        ("F.max_unpool2d(x, x.long() + 100, 2)", RuntimeError, r"max_unpool2d. indices .* \[10, 10\]"),
        ("F.max_unpool2d(x, x.long() - 9, 2)", RuntimeError, "got one outside"),
        ("F.max_unpool2d(x, x.int(), 2)", RuntimeError, "must be int64"),
        ("F.max_unpool2d(x, x.long(), 2, output_size=(30, 30))", ValueError, "must be near"),
        ("F.max_unpool2d(x, x.long(), 2, output_size=(10, 10, 10, 10, 10))", ValueError, "must be near"),
        ("F.max_unpool2d(x, x.long(), 2, padding=9)", ValueError, "the result would have"),
        ("F.batch_norm(x, None, None)", RuntimeError, "training=False"),
        ("F.batch_norm(x[:1, :, :1, :1], None, None, training=True)", ValueError, "more than one value per channel"),
        ("F.group_norm(x, 2)", RuntimeError, "must divide the channels"),
        ("F.interpolate(x, 3, 2.0)", ValueError, "not both"),
        ("F.interpolate(x, 0)", RuntimeError, "greater than 0"),
        ("F.interpolate(x, 3, mode='linear')", NotImplementedError, "for 3D input"),
        ("F.pixel_shuffle(x, 2)", RuntimeError, "pixel_shuffle"),
        ("nn.Conv2d(3, 4, 3, groups=2)", ValueError, "divisible by groups"),
        ("nn.Conv2d(3, 3, 3, padding_mode='odd')", ValueError, "padding_mode"),
        ("nn.BatchNorm2d(3)(x[0])", ValueError, "expected 4D input"),
        ("nn.GroupNorm(2, 3)", ValueError, "divisible"),
    ],
)
def test_bad_input(call, error, text):
    scope = {"F": F, "nn": nn, "weft": weft, "x": weft.ones(2, 3, 5, 5), "w": weft.ones(4, 3, 3, 3)}
    with pytest.raises(error, match=text):
        eval(call, scope)


def test_no_windows():
    x = weft.ones(2, 3, 5, 5, requires_grad=True)
    for kind in ("avg", "max"):
        result = getattr(F, f"adaptive_{kind}_pool2d")(x, (2, 0))
        assert result.shape == (2, 3, 2, 0)
        result.sum().backward()
    assert not x.grad.any()
    assert [t.shape for t in F.adaptive_max_pool2d(x, 0, True)] == [(2, 3, 0, 0)] * 2


def test_sizes_that_do_not_divide_are_exported(tmp_path):
    """Positions are rounded to float32, as PyTorch has them, without a tensor's value."""
    x = random_tensor(0, 1, 2, 7, 5)

    def program(x):
        return F.interpolate(x, scale_factor=1.7), F.interpolate(x, (4, 9), mode="nearest-exact")

    assert weft.explain(weft.compile(program), x).mode == "replay"
    for got, want in zip(Artifact(program, (x,), tmp_path)(x), program(x)):
        assert_same_bits(got, want)


@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v4"])
@pytest.mark.parametrize("width", [7, 8, 9, 17, 25])
def test_few_channels_of_a_group_have_the_same_bits_on_every_cpu(monkeypatch, cpu, width):
    """Rows that end one element into a register, and kernels that reach over both borders."""
    if cpu == "x86-64-v4" and "avx512vl" not in pathlib.Path("/proc/cpuinfo").read_text():
        pytest.skip("the processor has no AVX-512")
    x, w = weft.randn(2, 6, 5, width), weft.randn(6, 2, 3, 3)
    want = F.conv2d(x, w, padding=1, groups=3)
    monkeypatch.setenv("WEFT_CPU", cpu)
    got = weft.compile(lambda x, w: F.conv2d(x, w, padding=1, groups=3))(x, w)
    assert numpy.array_equal(got.numpy(), want.numpy())


def test_max_pool_of_minus_infinity_beside_padding():
    """The padding is minus infinity, too, and never the place of a window's maximum: PyTorch's indices and gradients."""
    x = weft.full((1, 1, 3, 4), -numpy.inf)
    x[0, 0, 2, 3] = 1.0

    def pool(x):
        return F.max_pool2d(x, 2, stride=1, padding=1, return_indices=True)[1]

    expected = [[[[0, 0, 1, 2, 3], [0, 0, 1, 2, 3], [4, 4, 5, 11, 11], [8, 8, 9, 11, 11]]]]
    assert pool(x).tolist() == weft.compile(pool)(x).tolist() == expected
    assert F.max_pool2d(x, 3, stride=2, padding=1, dilation=2, return_indices=True)[1].tolist() == [[[[5]]]]
    x.requires_grad_()
    F.max_pool2d(x, 2, stride=1, padding=1).sum().backward()
    assert x.grad.tolist() == [[[[4, 2, 2, 2], [2, 1, 0, 0], [2, 1, 0, 4]]]]


def test_strides_may_be_any_number():
    """Also those that a hash table of the compiler would keep for itself."""
    x = weft.randn(1, 2, 8, 8)
    for stride in (2**63 - 1, 2**62):
        assert F.avg_pool2d(x, 5, stride=stride).shape == F.max_pool2d(x, 5, stride=stride).shape == (1, 2, 1, 1)


def test_lp_pool3d():
    x = weft.rand(1, 2, 4, 4, 4, dtype=weft.float64)
    expected = (F.avg_pool3d(x**3, 2) * 8) ** (1 / 3)
    assert (nn.LPPool3d(3, 2)(x) - expected).abs().max().item() < 1e-12


@pytest.mark.parametrize("dtype", [weft.float32, weft.float64, weft.bfloat16], ids=["f32", "f64", "bf16"])
@pytest.mark.parametrize(
    "shape, kernel, arguments",
    [
        ((2, 3, 23, 37), 3, {"stride": 2, "padding": 1}),
        ((3, 40, 35), (3, 2), {"stride": (1, 2), "padding": (1, 0)}),
        ((1, 2, 19, 70), (2, 5), {"stride": (2, 3), "padding": (0, 2), "dilation": (3, 1), "ceil_mode": True}),
        ((2, 4, 18, 64), 2, {}),
        ((1, 2, 6, 7, 33), 3, {"stride": 1, "padding": 1}),
    ],
)
def test_max_pool_gives_an_element_of_each_window(shape, kernel, arguments, dtype):
    """The one that the index names, to the bit: windows are reduced by columns first, indices element by element."""
    x = weft.randn(shape).to(dtype)
    flat = x.view(-1)
    flat[::7], flat[1::11], flat[2::13], flat[5::101] = 0.0, -0.0, -numpy.inf, numpy.inf
    pool = (
        F.max_pool3d
        if len(kernel := (kernel,) * (len(shape) - 2) if isinstance(kernel, int) else kernel) == 3
        else F.max_pool2d
    )

    def both(x):
        return pool(x, kernel, **arguments), pool(x, kernel, return_indices=True, **arguments)[1]

    values, indices = both(x)
    lead = len(shape) - len(kernel)
    named = x.reshape(*shape[:lead], -1).gather(-1, indices.reshape(*shape[:lead], -1)).reshape(values.shape)
    assert numpy.array_equal(array_of(values), array_of(named))
    for found, expected in zip(weft.compile(both)(x), (values, indices)):
        assert_same_bits(found, expected)
    flat[3] = numpy.nan
    assert_same_bits(
        weft.compile(lambda x: pool(x, kernel, **arguments).tanh())(x), pool(x, kernel, **arguments).tanh()
    )
    assert pool(x, kernel, **arguments).isnan().sum() > 0
