"""The tape: accumulation, modes, hooks, higher order, and what it forbids."""

import asyncio
import copy
import pickle

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft.nn import functional as F


def test_backward_accumulates():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 4]
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5, 7]
    x.grad = None
    assert x.grad is None


def test_broadcast_gradients():
    w = weft.ones(3, requires_grad=True)
    b = weft.ones(2, 1, requires_grad=True)
    (weft.arange(6).reshape(2, 3).float() * w + b).sum().backward()
    assert w.grad.tolist() == [3, 5, 7] and b.grad.tolist() == [[3], [3]]


def test_a_value_used_twice():
    x = weft.tensor(2.0, requires_grad=True)
    y = x * x
    (y * y + y).backward()
    assert x.grad.item() == 4 * 8 + 4


def test_modes():
    x = weft.ones(2, requires_grad=True)
    with weft.no_grad():
        assert not (x * 2).requires_grad
        with weft.enable_grad():
            assert (x * 2).requires_grad
    assert (x * 2).requires_grad and not (x * 2).is_leaf and x.is_leaf

    @weft.no_grad()
    def f():
        return x * 2

    @weft.no_grad
    def g():
        return x * 2

    assert not f().requires_grad and not g().requires_grad and weft.is_grad_enabled()
    assert not x.detach().requires_grad and x.detach().data_ptr() == x.data_ptr()
    with weft.set_grad_enabled(False):
        assert not weft.is_grad_enabled()
    assert weft.is_grad_enabled()
    mode = weft.no_grad()
    with mode, weft.enable_grad(), mode:
        assert not weft.is_grad_enabled()
    assert weft.is_grad_enabled()
    with pytest.raises(ValueError), mode:
        raise ValueError
    assert weft.is_grad_enabled()
    with pytest.raises(TypeError, match="no_grad"):
        weft.no_grad(1, 2)

    @weft.enable_grad
    def h():
        """Doubles."""
        return x * 2

    with mode:
        assert h().requires_grad and h.__doc__ == "Doubles."


DECORATORS = {
    "no_grad()": (lambda: weft.no_grad(), False),
    "no_grad": (lambda: weft.no_grad, False),
    "enable_grad": (lambda: weft.enable_grad, True),
    "inference_mode": (lambda: weft.inference_mode, False),
    "inference_mode()": (lambda: weft.inference_mode(), False),
    "inference_mode(mode=False)": (lambda: weft.inference_mode(mode=False), True),
    "set_grad_enabled(False)": (lambda: weft.set_grad_enabled(False), False),
    "set_grad_enabled(mode=True)": (lambda: weft.set_grad_enabled(mode=True), True),
}


@pytest.mark.parametrize("make, inside", DECORATORS.values(), ids=DECORATORS)
@pytest.mark.parametrize("outside", [False, True])
def test_decorators(make, inside, outside):
    """The mode holds while the body runs, whatever kind of function it is, and nowhere else."""
    mode = weft.is_grad_enabled

    def function():
        return mode()

    def generator():
        seen = [mode()]
        try:
            seen.append((yield mode()))
        except ValueError:
            seen.append(mode())
        try:
            yield mode()
        finally:
            log.append(mode())
        return seen

    async def coroutine():
        await asyncio.sleep(0)
        return mode()

    async def asynchronous():
        try:
            await asyncio.sleep(0)
            got = yield mode()
            await asyncio.sleep(0)
            assert got in (None, "sent")
            yield mode()
        except ValueError:
            yield mode()
        finally:
            log.append(mode())

    async def with_another_task():
        other = asyncio.create_task(asyncio.sleep(0))
        task = asyncio.create_task(decorate(coroutine)())
        modes = []
        while not task.done():
            modes.append(mode())
            await asyncio.sleep(0)
        await other
        assert set(modes) == {outside}
        assert await task is inside
        stream = decorate(asynchronous)()
        assert await stream.asend(None) is inside and mode() is outside
        assert await stream.asend("sent") is inside and mode() is outside
        assert await stream.athrow(ValueError) is inside and mode() is outside
        await stream.aclose()
        assert [m async for m in decorate(asynchronous)()] == [inside, inside]

    def decorate(f):
        decorated = make()(f)
        assert mode() is outside and decorated.__name__ == f.__name__
        return decorated

    log = []
    with weft.set_grad_enabled(outside):
        assert decorate(function)() is inside and mode() is outside
        steps = decorate(generator)()
        assert next(steps) is inside and mode() is outside
        assert steps.throw(ValueError) is inside and mode() is outside
        with pytest.raises(StopIteration) as end:
            steps.send(None)
        assert end.value.value == [inside, inside] and mode() is outside
        steps = decorate(generator)()
        next(steps), next(steps)
        steps.close()
        asyncio.run(with_another_task())
        assert mode() is outside and set(log) == {inside}


def test_decorating_what_is_no_function():
    with pytest.warns(FutureWarning, match="methods"):

        @weft.no_grad()
        class Thing:
            def __init__(self):
                self.mode = weft.is_grad_enabled()

    assert not Thing().mode and weft.is_grad_enabled()
    with pytest.raises(TypeError, match="int"):
        weft.no_grad()(3)
    with pytest.raises(TypeError, match="bool"):
        weft.set_grad_enabled(1)


def test_grad_leaves_dot_grad_alone():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    (g,) = weft.autograd.grad((x**3).sum(), x)
    assert g.tolist() == [3, 12] and x.grad is None
    y = weft.ones(1, requires_grad=True)
    assert weft.autograd.grad(x.sum(), [x, y], allow_unused=True)[1] is None


def test_cotangents():
    x = weft.ones(3, requires_grad=True)
    (x * 2).backward(weft.tensor([1.0, 2.0, 3.0]))
    assert x.grad.tolist() == [2, 4, 6]


def test_higher_order():
    x = weft.tensor(2.0, dtype=weft.float64, requires_grad=True)
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = weft.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_retain_graph():
    x = weft.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4, 4]


def test_hooks():
    x = weft.ones(2, requires_grad=True)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    handle = x.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.tolist()))
    y.sum().backward()
    assert seen == [[1, 1], [30, 30]] and x.grad.tolist() == [30, 30]
    handle.remove()
    (x * 1).sum().backward()
    assert x.grad.tolist() == [31, 31]


def test_handles_of_hooks():
    x, seen = weft.ones(2, requires_grad=True), []
    with x.register_hook(lambda g: seen.append(1)), x.register_post_accumulate_grad_hook(lambda t: seen.append(2)):
        x.sum().backward()
    x.sum().backward()
    assert seen == [1, 2]

    def once(g):
        handle.remove()
        seen.append(3)

    y = x * 2
    handle = y.register_hook(once)
    z = y.sum()
    del y  # the history keeps the hook, the handle keeps nothing
    z.backward(retain_graph=True)
    z.backward()
    assert seen == [1, 2, 3]
    handle.remove()
    copy.deepcopy(handle).remove()
    pickle.loads(pickle.dumps(handle)).remove()


@pytest.mark.parametrize(
    "result, kind", [(3, TypeError), (weft.ones(3), RuntimeError), (weft.ones(2).double(), RuntimeError)]
)
def test_what_a_hook_may_return(result, kind):
    x = weft.ones(2, requires_grad=True)
    for y in (x, x * 2):
        with y.register_hook(lambda g: result), pytest.raises(kind, match=r"\[register_hook\]"):
            y.sum().backward()
    with x.register_post_accumulate_grad_hook(lambda t: result), pytest.raises(TypeError, match="None"):
        x.sum().backward()
    with pytest.raises(TypeError, match="callable"):
        x.register_hook(3)


def test_retain_grad():
    x = weft.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4, 4] and x.grad.tolist() == [8, 8]


def test_in_place_on_the_tape():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.mul_(y.detach().clone())
    y.sum().backward()
    assert x.grad.tolist() == [4, 8]


@pytest.mark.parametrize("wrap", [lambda f: f, weft.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("part", [slice(None), slice(1, 3)], ids=str)
@pytest.mark.parametrize("op", ["mul_", "div_", "pow_", "atan2_"])
def test_what_is_overwritten_is_kept_where_the_derivative_reads_it(op, part, wrap):
    def step(y, recorded, in_place):
        x = weft.arange(1, 5).float()
        x = (x.requires_grad_() * 3)[part] if recorded else (x * 3)[part]
        result = getattr(x, op)(y) if in_place else getattr(x, op[:-1])(y)
        (result * result).sum().backward()
        return y.grad

    compiled = wrap(step)
    for recorded in (False, True):
        for _ in range(4):
            given = [weft.full((4,), 2.0)[part].clone().requires_grad_() for _ in range(2)]
            assert compiled(given[0], recorded, True).tolist() == step(given[1], recorded, False).tolist()


def test_saved_tensor_overwritten():
    x = weft.ones(2, requires_grad=True)
    w = weft.ones(2)
    y = (x * w).sum()
    w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in"):
        y.backward()


def test_views_and_indexing():
    x = weft.arange(6).float().requires_grad_()
    (x.view(2, 3).T[1] * weft.tensor([1.0, 10.0])).sum().backward()
    assert x.grad.tolist() == [0, 1, 0, 0, 10, 0]
    x.grad = None
    x[weft.tensor([1, 1, 5])].sum().backward()
    assert x.grad.tolist() == [0, 2, 0, 0, 0, 1]


def test_same_gradients_each_time():
    """A tape seen again gives the same bits."""
    a = weft.randn(20, 30)
    w = weft.randn(30, 10, requires_grad=True)
    results = []
    for _ in range(3):
        w.grad = None
        weft.softmax(a @ w, dim=1).square().sum().backward()
        results.append(w.grad)
    assert_same_bits(results[0], results[1])
    assert_same_bits(results[0], results[2])


def test_a_deep_graph_is_freed():
    x = weft.ones(1, requires_grad=True)
    y = x
    for _ in range(20000):
        y = y + 1
    del y


def test_against_numpy():
    """A two-layer net's gradients, written out."""
    rng = numpy.random.RandomState(0)
    x, w1, w2 = rng.randn(5, 4), rng.randn(4, 3), rng.randn(3, 2)
    a, b = (weft.from_numpy(w.copy()).requires_grad_() for w in (w1, w2))
    loss = (weft.tanh(weft.from_numpy(x) @ a) @ b).square().mean()
    loss.backward()
    h = numpy.tanh(x @ w1)
    d = 2 * (h @ w2) / 10
    numpy.testing.assert_allclose(b.grad.numpy(), h.T @ d, rtol=1e-10)
    numpy.testing.assert_allclose(a.grad.numpy(), x.T @ (d @ w2.T * (1 - h * h)), rtol=1e-10)


def test_views_of_a_leaf_that_is_a_part_of_another_tensor():
    leaf = weft.randn(6)[3:].requires_grad_()
    with pytest.raises(RuntimeError, match="view of a leaf"):
        leaf.select(0, 0).add_(1)


def test_a_concatenation_of_many():
    parts = [weft.randn(3, 1 + k % 4, requires_grad=k % 3 != 1) for k in range(300)]
    parts[7] = parts[0]  # twice
    widths = [part.shape[1] for part in parts]
    weight = weft.randn(3, sum(widths))
    (weft.cat(parts, 1) * weight).sum().backward()
    ends = numpy.cumsum(widths)
    wanted = [weight[:, int(end) - width : int(end)] for end, width in zip(ends, widths)]
    for k, part in enumerate(parts):
        if k in (0, 7):
            assert_same_bits(part.grad, wanted[7] + wanted[0])
        else:
            assert (part.grad is None) if not part.requires_grad else bool((part.grad == wanted[k]).all())


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_are_row_major(create_graph):
    """A derivative may be a view, as of an image without its padding; what users get can be viewed as any new tensor."""
    x = weft.randn(2, 1, 6, 6, requires_grad=True)
    seen = []
    inner = x * 1
    inner.register_hook(lambda gradient: seen.append(gradient))
    inner.retain_grad()
    y = F.conv2d(inner, weft.ones(1, 1, 3, 3), padding=1).pow(2).sum()
    (gradient,) = weft.autograd.grad(y, inner, create_graph=create_graph, retain_graph=True)
    y.backward(create_graph=create_graph)
    for found in (gradient, inner.grad, *seen):
        assert found.is_contiguous() and found.view(2, -1).shape == (2, 36)
    (transposed,) = weft.autograd.grad((x[0, 0].t() * weft.ones(6, 6)).sum(), x)
    assert transposed.is_contiguous()
