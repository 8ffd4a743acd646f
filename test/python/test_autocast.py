"""weft.autocast: PyTorch's lists for CPUs, eagerly, compiled, nested and disabled."""

import pytest
import weft
import weft.nn.functional as F


def x(*shape, dtype=weft.float32):
    weft.manual_seed(3)
    return weft.randn(*shape).to(dtype)


LOWER = {
    "linear": lambda: F.linear(x(4, 8), x(6, 8), x(6)),
    "matmul": lambda: x(4, 8) @ x(8, 3),
    "mm": lambda: weft.mm(x(4, 8), x(8, 3)),
    "bmm": lambda: weft.bmm(x(2, 4, 8), x(2, 8, 3)),
    "addmm": lambda: weft.addmm(x(3), x(4, 8), x(8, 3)),
    "conv2d": lambda: F.conv2d(x(2, 3, 6, 6), x(4, 3, 3, 3), x(4)),
    "conv_transpose2d": lambda: F.conv_transpose2d(x(2, 3, 6, 6), x(3, 4, 3, 3)),
    "scaled_dot_product_attention": lambda: F.scaled_dot_product_attention(*(x(2, 4, 8) for _ in range(3))),
}
IN_FLOAT32 = {
    "prod": lambda t: weft.prod(t),
    "mse_loss": lambda t: F.mse_loss(t, t * 2),
    "l1_loss": lambda t: F.l1_loss(t, t * 2),
    "nll_loss": lambda t: F.nll_loss(t, weft.tensor([1, 0, 2, 1])),
    "cross_entropy": lambda t: F.cross_entropy(t, weft.tensor([1, 0, 2, 1])),
    "cross_entropy of probabilities": lambda t: F.cross_entropy(t, t.abs()),
}
# As its operands are: PyTorch's elementwise ops, reductions, norms.
AS_IS = {
    "add": lambda t: t + t,
    "exp": lambda t: weft.exp(t),
    "softmax": lambda t: t.softmax(-1),
    "layer_norm": lambda t: F.layer_norm(t, (8,)),
    "sum": lambda t: t.sum(),
    "gelu": lambda t: F.gelu(t),
}


@pytest.mark.parametrize("name", LOWER)
@pytest.mark.parametrize("dtype", [weft.bfloat16, weft.float16])
def test_products_take_the_lower_dtype(name, dtype):
    assert LOWER[name]().dtype is weft.float32
    with weft.autocast("cpu", dtype=dtype):
        assert LOWER[name]().dtype is dtype
    assert LOWER[name]().dtype is weft.float32


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_losses_are_in_float32(name):
    narrow = x(4, 8, dtype=weft.bfloat16)
    want = IN_FLOAT32[name](narrow.float())
    with weft.autocast("cpu"):
        got = IN_FLOAT32[name](narrow)
    assert got.dtype is weft.float32
    assert got.item() == want.item()


@pytest.mark.parametrize("name", AS_IS)
@pytest.mark.parametrize("dtype", [weft.float32, weft.bfloat16])
def test_others_take_what_they_are_given(name, dtype):
    with weft.autocast("cpu"):
        assert AS_IS[name](x(4, 8, dtype=dtype)).dtype is dtype


def test_a_region_widens_where_dtypes_meet():
    with weft.autocast("cpu"):
        narrow = x(4, 8) @ x(8, 8)
        assert (narrow + x(4, 8)).dtype is weft.float32
        assert weft.cat([narrow, x(4, 8)]).dtype is weft.float32
        assert (x(4, 8, dtype=weft.float64) @ x(8, 8, dtype=weft.float64)).dtype is weft.float64


def test_regions_nest_and_end_with_an_error():
    product = LOWER["matmul"]
    with weft.autocast("cpu", dtype=weft.bfloat16):
        with weft.autocast("cpu", enabled=False):
            assert product().dtype is weft.float32
            with pytest.raises(ZeroDivisionError), weft.autocast("cpu", weft.float16):
                assert product().dtype is weft.float16
                raise ZeroDivisionError
            assert product().dtype is weft.float32
            assert not weft.is_autocast_enabled("cpu")
        assert product().dtype is weft.bfloat16
    assert not weft.is_autocast_enabled("cpu")


def test_decorates():
    @weft.autocast("cpu")
    def product(a, b):
        "Doc."
        return a @ b

    assert product(x(2, 2), x(2, 2)).dtype is weft.bfloat16
    assert product.__doc__ == "Doc."
    assert not weft.is_autocast_enabled("cpu")


def test_gradients_of_parameters_stay_float32():
    layer = weft.nn.Linear(8, 3)
    with weft.autocast("cpu"):
        loss = layer(x(4, 8)).float().square().mean()
    loss.backward()
    assert {p.grad.dtype for p in layer.parameters()} == {weft.float32}
    narrow = [t.detach().bfloat16().requires_grad_() for t in (layer.weight, layer.bias)]
    F.linear(x(4, 8).bfloat16(), *narrow).float().square().mean().backward()
    for p, q in zip(layer.parameters(), narrow):
        assert (p.grad == q.grad.float()).all().item()


def test_compiled_within_a_region_and_around_one():
    def inside(a, b):
        with weft.autocast("cpu"):
            y = a @ b
        return y, y.float() @ b.t()

    a, b = x(5, 8), x(8, 8)
    compiled = weft.compile(inside)
    for _ in range(3):
        for got, want in zip(compiled(a, b), inside(a, b)):
            assert got.dtype is want.dtype
            assert (got == want).all().item()

    around = weft.compile(lambda a, b: a @ b)
    for _ in range(2):
        assert around(a, b).dtype is weft.float32
        with weft.autocast("cpu"):
            assert around(a, b).dtype is weft.bfloat16
        with weft.autocast("cpu", weft.float16):
            assert around(a, b).dtype is weft.float16


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("tpu",), "unsupported device type"), (("cpu", weft.float32), "bfloat16 or float16"), ((3,), "must be a str")],
)
def test_bad_arguments(arguments, error):
    with pytest.raises((RuntimeError, ValueError), match=error):
        weft.autocast(*arguments)
