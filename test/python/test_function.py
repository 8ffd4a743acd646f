"""autograd.Function: an operation with a derivative of its own, eagerly, compiled, in vmap and in a checkpoint."""

import pytest
import weft
from weft.autograd import Function
from weft.autograd.function import once_differentiable


class Square(Function):
    """x² whose derivative says three times what it should, so that one sees who computed it."""

    @staticmethod
    def forward(ctx, x, factor=3):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient * ctx.factor, None


class Exponential(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[0]


class Separate(Function):
    @staticmethod
    def forward(x, y=3):
        return x * y, x + y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.needs = ctx.needs_input_grad
        ctx.save_for_backward(*[v for v in (*inputs, *output) if weft.is_tensor(v)])
        ctx.other = inputs[1]

    @staticmethod
    def backward(ctx, product, total):
        return product * ctx.other + total, None

    @staticmethod
    def jvp(ctx, tangent, _):
        return tangent * ctx.other, tangent


def leaf(*values, dtype=weft.float32):
    return weft.tensor(values, dtype=dtype, requires_grad=True)


def made(forward, backward, **more):
    return type("Made", (Function,), dict(forward=staticmethod(forward), backward=staticmethod(backward), **more))


def test_backward_is_the_classs():
    x = leaf(1.0, 2.0)
    (Square.apply(x).sum() + x.sum()).backward()
    assert x.grad.tolist() == [7.0, 13.0]


def test_keyword_arguments_are_forwards():
    x = leaf(1.0, 2.0)
    Square.apply(x, factor=1).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_without_recording_there_is_no_history():
    x = leaf(1.0)
    with weft.no_grad():
        assert not Square.apply(x).requires_grad
    assert not Square.apply(weft.ones(1)).requires_grad


def test_several_calls_in_a_chain_and_two_results():
    x = leaf(1.0, 2.0)
    product, total = Separate.apply(Square.apply(x, 1))
    assert product.grad_fn.needs == (True, False)
    (product * total).sum().backward()  # 3a(a + 3), a = x²
    assert x.grad.tolist() == [(6 + 9) * 2.0, (24 + 9) * 4.0]


def test_saved_result_differentiates_twice():
    x = leaf(0.5, 1.0, dtype=weft.float64)
    (first,) = weft.autograd.grad(Exponential.apply(x).sum(), x, create_graph=True)
    (second,) = weft.autograd.grad(first.sum(), x, create_graph=True)
    assert weft.equal(first, x.exp()) and weft.equal(second, x.exp())


def test_results_saved_for_backward_are_no_cycle():
    import weakref

    x = leaf(1.0)
    y = Exponential.apply(x)
    dead = weakref.ref(y)
    del y
    assert dead() is None


def test_second_backward_is_an_error_where_something_was_saved():
    y = Square.apply(leaf(1.0)).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    y = made(lambda ctx, x: x * 2, lambda ctx, g: g * 2).apply(leaf(1.0)).sum()
    y.backward()
    y.backward()


def test_saved_tensor_that_was_written_to():
    y = Exponential.apply(leaf(1.0))
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_none_is_no_gradient():
    x = leaf(1.0, 2.0)
    nothing = made(lambda ctx, x: x * 2, lambda ctx, g: None)
    nothing.apply(x).sum().backward()
    assert x.grad is None
    (nothing.apply(x) + x).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert weft.autograd.grad(nothing.apply(x).sum(), x, allow_unused=True) == (None,)
    # What is before it is called all the same, as PyTorch does, with zeros.
    x.grad = None
    nothing.apply(made(lambda ctx, x: x * 2, lambda ctx, g: g + 1).apply(x)).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_cotangents_that_nothing_gives():
    seen = []
    two = made(lambda ctx, x: (x * 2, x * 3, 5), lambda ctx, *g: (seen.append(g), g[0])[1])
    two.apply(leaf(1.0))[0].sum().backward()
    assert seen[0][1].tolist() == [0.0] and seen[0][2] is None

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    made(forward, lambda ctx, *g: (seen.append(g), g[1])[1]).apply(leaf(1.0))[1].sum().backward()
    assert seen[1][0] is None and seen[1][1].tolist() == [1.0]


def test_gradients_are_summed_and_converted_to_the_argument():
    x = leaf(1.0, 2.0)
    made(lambda ctx, x: x * 2, lambda ctx, g: weft.ones(5, 2, dtype=weft.float64)).apply(x).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0] and x.grad.dtype is weft.float32


def test_not_differentiable_and_integer_results():
    def forward(ctx, x, i):
        constant = x * 3
        ctx.mark_non_differentiable(constant)
        return x * 2, constant, i * 2

    x = leaf(1.0)
    y, constant, integers = made(forward, lambda ctx, *g: (g[0], None)).apply(x, weft.tensor([1]))
    assert y.requires_grad and not constant.requires_grad and not integers.requires_grad


def test_argument_returned_as_it_is():
    same = made(lambda ctx, x: x, lambda ctx, g: g * 7)
    x = leaf(1.0)
    y = same.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr()
    y.sum().backward()
    assert x.grad.tolist() == [7.0]
    z = weft.ones(1)
    assert same.apply(z) is not z


@pytest.mark.parametrize("forward", [lambda ctx, x: x[:1], lambda ctx, x: x, lambda ctx, x: (x * 2).view(-1)])
def test_views_are_not_written_to(forward):
    z = leaf(1.0, 2.0) * 1
    y = made(forward, lambda ctx, g: g).apply(z)
    with pytest.raises(RuntimeError, match="view"):
        y.mul_(2)


def test_in_place():
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    tripled = made(forward, lambda ctx, g: g * 30)
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf"):
        tripled.apply(x)
    x = leaf(1.0, 2.0)
    z = x * 1
    assert tripled.apply(z) is z
    z.sum().backward()
    assert z.tolist() == [3.0, 6.0] and x.grad.tolist() == [30.0, 30.0]
    x.grad = None
    base = x * 1
    tripled.apply(base[:1])
    base.sum().backward()
    assert base.tolist() == [3.0, 2.0] and x.grad.tolist() == [30.0, 1.0]
    for wrong in (
        lambda ctx, x: (ctx.mark_dirty(x), x * 1)[1],
        lambda ctx, x: (ctx.mark_dirty(weft.ones(1)), x * 1)[1],
    ):
        with pytest.raises(RuntimeError, match="marked as dirty"):
            made(wrong, lambda ctx, g: g).apply(x * 1)


def test_only_what_leads_to_the_inputs_is_called():
    called = []
    record = made(lambda ctx, x: x * 2, lambda ctx, g: (called.append(1), g)[1])
    x, w = leaf(1.0), leaf(2.0)
    y = record.apply(x) * w
    assert weft.autograd.grad(y.sum(), w)[0].tolist() == [2.0] and not called
    (record.apply(x) * w).sum().backward(inputs=(w,))
    assert x.grad is None and not called


def test_hooks_and_retained_gradients_around_it():
    x = leaf(1.0)
    before = x * 1
    after = Square.apply(before, 1)
    before.register_hook(lambda g: g * 10)
    after.register_hook(lambda g: g * 100)
    before.retain_grad()
    after.retain_grad()
    after.sum().backward()
    assert (before.grad.item(), after.grad.item(), x.grad.item()) == (2000.0, 100.0, 2000.0)


def test_once_differentiable():
    function = made(lambda ctx, x: x * 2, once_differentiable(lambda ctx, g: g * 2))
    x = leaf(1.0)
    (first,) = weft.autograd.grad((function.apply(x) ** 2).sum(), x, create_graph=True)
    assert first.item() == 8.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize(
    "backward, error, text",
    [
        (lambda ctx, g: (), RuntimeError, "incorrect number of gradients .expected 1, got 0"),
        (lambda ctx, g: (g, g), RuntimeError, "incorrect number of gradients .expected 1, got 2"),
        (lambda ctx, g: "a", RuntimeError, "expected a tensor or None"),
        (lambda ctx, g: weft.ones(3), RuntimeError, r"invalid gradient at index 0 - got \[3\] .* with \[2\]"),
    ],
)
def test_wrong_gradients(backward, error, text):
    with pytest.raises(error, match=text):
        made(lambda ctx, x: x * 2, backward).apply(leaf(1.0, 2.0)).sum().backward()
    assert made(lambda ctx, x: x * 2, lambda ctx, g: (g, None)).apply(leaf(1.0)).sum().backward() is None


def test_wrong_classes():
    with pytest.raises(NotImplementedError, match="must implement the forward"):
        type("F", (Function,), {}).apply(leaf(1.0))
    y = type("F", (Function,), {"forward": staticmethod(lambda ctx, x: x * 2)}).apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="either the backward or vjp"):
        y.sum().backward()
    with pytest.raises(TypeError, match="argument 0 is of type int"):
        made(lambda ctx, x: ctx.save_for_backward(3), lambda ctx, g: g).apply(leaf(1.0))
    with pytest.raises(RuntimeError, match="different from None at position 2"):
        made(lambda ctx, x, k: x * k, lambda ctx, g: (g, g)).apply(leaf(1.0), 3).sum().backward()
    with pytest.raises(RuntimeError, match="cannot be called"):
        Square()(leaf(1.0))


def test_name_and_place_on_the_tape():
    x = leaf(1.0)
    function = Square.apply(x).grad_fn
    assert function.name() == "SquareBackward"
    assert function.next_functions[0][0].variable is x
    assert function.factor == 3 and function.saved_tensors[0] is x
    y, z = Separate.apply(x)
    assert z.grad_fn.next_functions[0][0].variable is x and (z + 1).grad_fn.next_functions[0][1] == 1


@pytest.mark.parametrize("name", ["grad", "vjp", "vmap of grad", "jacrev", "hessian"])
def test_functions_of_functions(name):
    x = leaf(0.5, 1.5, dtype=weft.float64).detach()
    f = lambda function: lambda x: function(x).sum() * 2  # noqa: E731
    transform = {
        "grad": lambda f: weft.func.grad(f)(x),
        "vjp": lambda f: weft.func.vjp(f, x)[1](weft.tensor(3.0, dtype=weft.float64))[0],
        "vmap of grad": lambda f: weft.vmap(weft.func.grad(f))(weft.stack([x, x + 1])),
        "jacrev": lambda f: weft.func.jacrev(f)(x),
        "hessian": lambda f: weft.func.jacrev(weft.func.grad(f))(x),
    }[name]
    assert weft.equal(transform(f(Exponential.apply)), transform(f(weft.exp)))


def test_vmap_and_jvp():
    x = weft.rand(3, 2)
    assert weft.equal(weft.vmap(lambda r: Square.apply(r))(x), x * x)
    value, tangent = weft.func.jvp(lambda x: (Separate.apply(x)[0] * x).exp(), (x,), (weft.ones(3, 2),))
    assert weft.allclose(tangent, value * 6 * x)
    with pytest.raises(NotImplementedError, match="jvp"):
        weft.func.jvp(Square.apply, (x,), (x,))
    with pytest.raises(RuntimeError, match="differentiated from outside of vmap"):
        weft.func.grad(lambda x: weft.vmap(Square.apply)(x).sum())(x)


def test_in_a_checkpoint():
    from weft.utils.checkpoint import checkpoint

    def f(x):
        return (Exponential.apply(x.sin()).cos() * x).tanh().sum()

    a, b = leaf(0.3, 0.7), leaf(0.3, 0.7)
    f(a).backward()
    checkpoint(f, b).backward()
    assert weft.equal(a.grad, b.grad)


def test_compiled_has_the_same_bits():
    w = weft.randn(4, 4)

    def step(x):
        x = x.detach().requires_grad_()
        y = Exponential.apply(Square.apply(x @ w, 1).tanh() * 0.5)
        (y * x).sum().backward()
        return y.detach(), x.grad

    compiled = weft.compile(step)
    for _ in range(4):
        x = weft.randn(3, 4)
        for ours, eager in zip(compiled(x), step(x)):
            assert weft.equal(ours, eager)


def test_compiled_forward_whose_backward_is_outside():
    compiled = weft.compile(lambda x: Square.apply(x.sin()).cos())
    for _ in range(4):
        a = weft.randn(3).requires_grad_()
        b = a.detach().clone().requires_grad_()
        compiled(a).sum().backward()
        Square.apply(b.sin()).cos().sum().backward()
        assert weft.equal(a.grad, b.grad)


def test_compiled_python_in_backward_runs_each_time():
    seen = []
    noisy = made(lambda ctx, x: x * 2, lambda ctx, g: (seen.append(1), g)[1])

    @weft.compile
    def step(x):
        x = x.detach().requires_grad_()
        noisy.apply(x).sum().backward()
        return x.grad

    for _ in range(4):
        step(weft.ones(2))
    assert len(seen) == 4


RATE = 2.0


class Rated(Function):
    scale = 3.0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * Rated.scale

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * RATE if x.sum().item() > 0 else -gradient


def test_compiled_sees_what_forward_and_backward_read(monkeypatch):
    def step(x):
        x = x.detach().requires_grad_()
        y = Rated.apply(x)
        y.sum().backward()
        return y.detach(), x.grad

    compiled = weft.compile(step)
    for i in range(8):
        if i == 3:
            monkeypatch.setitem(globals(), "RATE", 5.0)
        if i == 5:
            monkeypatch.setattr(Rated, "scale", 7.0)
        x = weft.ones(2) * (-1) ** i
        for ours, eager in zip(compiled(x), step(x)):
            assert weft.equal(ours, eager)


def test_compiled_training_step_skips_python():
    class Threshold(Function):
        @staticmethod
        def forward(ctx, x):
            return weft.where(x > 0.5, 1.0, 0.0)

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    def losses(compiles):
        weft.manual_seed(0)
        model = weft.nn.Sequential(weft.nn.Linear(4, 8), weft.nn.Tanh(), weft.nn.Linear(8, 2))
        optimizer = weft.optim.SGD(model.parameters(), lr=0.1)

        def step(x, target):
            optimizer.zero_grad()
            loss = ((Threshold.apply(model(x)) - target) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = weft.compile(step) if compiles else step
        values = [run(weft.rand(5, 4), weft.rand(5, 2)).item() for _ in range(5)]
        if compiles:
            assert "mode: replay" in str(weft.explain(step, weft.rand(5, 4), weft.rand(5, 2)))
        return values

    assert losses(True) == losses(False)


def test_second_derivatives_through_several_results_and_a_checkpoint():
    from weft.autograd import gradcheck, gradgradcheck
    from weft.utils.checkpoint import checkpoint

    class Two(Function):
        @staticmethod
        def forward(ctx, a):
            b = a.sin()
            ctx.save_for_backward(a, b)
            return b, a * a

        @staticmethod
        def backward(ctx, g, h):
            a, _ = ctx.saved_tensors
            return g * a.cos() + h * 2 * a

    def f(a):
        sine, square = Two.apply(a)
        return sine * square + a * sine

    x = leaf(0.3, 0.7, dtype=weft.float64)
    for function in (f, lambda a: checkpoint(f, a * 1)):
        assert gradcheck(function, x, check_batched_grad=True) and gradgradcheck(function, x)


def test_long_chains_end_without_recursion():
    double = made(lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    y = leaf(1.0)
    for _ in range(20000):
        y = double.apply(y)
    del y


def test_error_in_backward_leaves_the_tape_as_it_was():
    failing = [True]

    def backward(ctx, gradient):
        if failing[0]:
            raise KeyError("no")
        return gradient * ctx.saved_tensors[0]

    x = leaf(3.0)
    y = made(lambda ctx, x: (ctx.save_for_backward(x), x * 2)[1], backward).apply(x).sum()
    with pytest.raises(KeyError):
        y.backward()
    failing[0] = False
    y.backward()
    assert x.grad.item() == 3.0
