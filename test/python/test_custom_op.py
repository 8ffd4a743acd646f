"""library.custom_op: a Python function as an operator."""

import pytest
import weft
from weft import Tensor
from weft.library import custom_op, infer_schema, opcheck


@custom_op("tests::scaled_sine", mutates_args=())
def scaled_sine(x: Tensor, k: int = 2) -> Tensor:
    return weft.from_numpy(__import__("numpy").sin(x.numpy())) * k


@scaled_sine.register_fake
def _(x, k=2):
    return weft.empty_like(x)


def _setup(ctx, inputs, output):
    ctx.save_for_backward(inputs[0])
    ctx.k = inputs[1]
    ctx.needs = ctx.needs_input_grad


scaled_sine.register_autograd(
    lambda ctx, gradient: (gradient * ctx.saved_tensors[0].cos() * ctx.k, None), setup_context=_setup
)


def test_calls_and_gradients():
    x = weft.tensor([0.5, 1.0], dtype=weft.float64)
    assert weft.allclose(scaled_sine(x), x.sin() * 2) and weft.allclose(scaled_sine(k=3, x=x), x.sin() * 3)
    for call in (
        lambda x: scaled_sine(x, 5),
        lambda x: scaled_sine(k=5, x=x),
        lambda x: weft.ops.tests.scaled_sine(x, 5),
    ):
        a = x.clone().requires_grad_()
        y = call(a)
        assert y.grad_fn.needs == (True, False)
        y.sum().backward()
        assert weft.allclose(a.grad, 5 * x.cos())
    found = opcheck(scaled_sine, (x.clone().requires_grad_(), 3))
    assert found == {"test_faketensor": "SUCCESS", "test_autograd_registration": "SUCCESS"}


def test_compiled_runs_it_each_time():
    compiled = weft.compile(lambda x: scaled_sine(x * 2).exp() + 1)
    for i in range(4):
        x = weft.rand(3) + i
        assert weft.equal(compiled(x), scaled_sine(x * 2).exp() + 1)


def test_lists_of_tensors():
    @custom_op("tests::total", mutates_args=())
    def total(first: Tensor, others: list[Tensor], name: str = "a") -> tuple[Tensor, Tensor]:
        return first + others[0], others[1] * 2

    total.register_autograd(lambda ctx, a, b: (a, [a, b * 2], None))
    x, y, z = (weft.tensor([float(i)], requires_grad=True) for i in range(3))
    a, b = total(x, [y, z])
    (a * 3 + b).sum().backward()
    assert [t.grad.item() for t in (x, y, z)] == [3.0, 3.0, 2.0]


def test_what_is_written_to():
    @custom_op("tests::increment", mutates_args={"x"})
    def increment(x: Tensor) -> None:
        x.add_(1)

    x = weft.zeros(2)
    assert increment(x) is None and x.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="writes to x, which requires grad"):
        increment(weft.zeros(2, requires_grad=True))


def test_kernels_of_devices():
    op = custom_op("tests::onlygpu", lambda x: x, mutates_args=(), device_types="cuda", schema="(Tensor x) -> Tensor")
    with pytest.raises(NotImplementedError, match="no kernel for cpu"):
        op(weft.ones(1))
    op.register_kernel("cpu", lambda x: x + 1)
    assert op(weft.ones(1)).item() == 2.0


def test_without_a_formula():
    @custom_op("tests::plain", mutates_args=())
    def plain(x: Tensor) -> Tensor:
        return x * 2

    y = plain(weft.ones(1, requires_grad=True))
    with pytest.raises(RuntimeError, match="tests::plain but no autograd formula was registered"):
        y.sum().backward()


def test_schemas():
    def f(x: Tensor, ys: list[Tensor], k: int | None = None, s: str = "a") -> tuple[Tensor, Tensor]: ...

    assert infer_schema(f, mutates_args=()) == '(Tensor x, Tensor[] ys, int? k=None, str s="a") -> (Tensor, Tensor)'

    def untyped(x): ...
    def no_result(x: Tensor): ...
    def of_dict(x: dict) -> Tensor: ...

    for function, text in (
        (untyped, "Parameter x must have a type annotation"),
        (no_result, "No return type annotation"),
        (of_dict, "unsupported type"),
    ):
        with pytest.raises(ValueError, match=text):
            infer_schema(function, mutates_args=())
    with pytest.raises(ValueError, match="in mutates_args were not found"):
        infer_schema(f, mutates_args={"z"})
    with pytest.raises(ValueError, match="namespace::name"):
        custom_op("plain", f, mutates_args=())
    with pytest.raises(AttributeError, match="tests::nothing"):
        _ = weft.ops.tests.nothing
