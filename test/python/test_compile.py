"""weft.compile: the same bits, the same meaning, and when Python is skipped."""

import cProfile
import gc
import sys
import time

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional


def mode(function, *args):
    return weft.explain(function, *args).mode


def test_replays_without_python():
    runs = []

    def f(x, y):
        runs  # noqa: B018  read, so that it is guarded
        return (x * y + 1).tanh()

    g = weft.compile(f)
    x, y = weft.randn(4, 5), weft.randn(4, 5)
    for _ in range(3):
        assert_same_bits(g(x, y), f(x, y))
    assert mode(g, x, y) == "replay" and weft._C.entries(g)[0].hits >= 3


def test_containers_of_tensors():
    def f(items, table):
        return {"sum": items[0] + items[1], "list": [table["x"] * 2, items], "none": None}

    g = weft.compile(f)
    items, table = [weft.randn(3), weft.randn(3)], {"x": weft.randn(3)}
    for _ in range(2):
        result = g(items, table)
        assert_same_bits(result["sum"], items[0] + items[1])
        assert_same_bits(result["list"][0], table["x"] * 2)
        assert result["list"][1][0] is items[0] and result["none"] is None


def test_random_numbers_are_drawn_anew():
    f = lambda x: x + weft.rand(3)
    g = weft.compile(f)
    x = weft.zeros(3)
    weft.manual_seed(3)
    compiled = [g(x) for _ in range(3)]
    weft.manual_seed(3)
    for c in compiled:
        assert_same_bits(c, f(x))


def test_prints_every_time(capsys):
    def f(x):
        print("hello")
        return x * 2

    g = weft.compile(f)
    for _ in range(3):
        assert_same_bits(g(weft.ones(2)), weft.ones(2) * 2)
    assert capsys.readouterr().out == "hello\n" * 3
    why = weft.explain(g, weft.ones(2))
    assert why.mode == "lazy" and "print" in why.reason


def test_prints_values(capsys):
    g = weft.compile(lambda x: print((x * 2).tolist()) or x + 1)
    for i in range(3):
        assert g(weft.full((1,), float(i))).item() == i + 1
    assert capsys.readouterr().out == "[0.0]\n[2.0]\n[4.0]\n"


def test_outside_state_is_changed_every_time():
    log, count = [], [0]

    def f(x):
        count[0] += 1
        log.append(count[0])
        return x * count[0]

    g = weft.compile(f)
    assert [g(weft.ones(1)).item() for _ in range(4)] == [1, 2, 3, 4] and log == [1, 2, 3, 4]


def test_attributes_are_set_every_time():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return x + self.calls

    m = Counter()
    g = weft.compile(m)
    assert [g(weft.zeros(1)).item() for _ in range(4)] == [1, 2, 3, 4] and m.calls == 4


def test_time_and_random_are_read_every_time():
    import random

    g = weft.compile(lambda x: x + random.random())
    assert len({g(weft.zeros(1)).item() for _ in range(5)}) == 5
    h = weft.compile(lambda x: x.double() + time.perf_counter())
    assert h(weft.zeros(1)).item() < h(weft.zeros(1)).item()
    k = weft.compile(lambda x: x + numpy.random.rand())
    assert len({k(weft.zeros(1)).item() for _ in range(5)}) == 5


def test_the_environment_is_read_every_time(monkeypatch):
    import os

    g = weft.compile(lambda x: x * int(os.environ["WEFT_TEST_FACTOR"]))
    for factor in (2, 3):
        monkeypatch.setenv("WEFT_TEST_FACTOR", str(factor))
        assert g(weft.ones(1)).item() == factor


def test_requires_grad_is_set_every_time():
    g = weft.compile(lambda x: x.requires_grad_().detach() * 2)
    for _ in range(3):
        x = weft.ones(1)
        g(x)
        assert x.requires_grad


def test_requires_grad_of_what_the_call_makes():
    """A gradient penalty: nothing of the flag is left after the call, so it is replayed."""

    def f(x, y):
        between = (x * 0.3 + y * 0.7).requires_grad_()
        (g,) = weft.autograd.grad((between**3).sum(), between)
        return ((g - 1) ** 2).mean()

    x, y = weft.randn(5), weft.randn(5)
    assert mode(f, x, y) == "replay"
    assert_same_bits(weft.compile(f)(x, y), f(x, y))


def test_branches_on_values():
    def f(x):
        if x.sum() > 0:
            return x * 2
        return x - 1

    g = weft.compile(f)
    for value in (1.0, -1.0, 2.0, -2.0):
        x = weft.full((3,), value)
        assert_same_bits(g(x), f(x))
    assert mode(g, weft.ones(3)) == "lazy"


def test_iterators_advance():
    numbers = iter(range(10))
    g = weft.compile(lambda x: x + next(numbers))
    assert [g(weft.zeros(1)).item() for _ in range(4)] == [0, 1, 2, 3]


def test_writes_into_arguments():
    def f(x, y):
        x.add_(y)
        return x * 2

    g = weft.compile(f)
    a, b = weft.ones(3), weft.ones(3)
    for expected in (4.0, 6.0, 8.0):
        assert g(a, b).tolist() == [expected] * 3
    assert a.tolist() == [4.0] * 3
    x = weft.ones(3)
    assert g(x, x).tolist() == [4.0] * 3  # one tensor twice is another case
    base = weft.ones(6)
    assert g(base[:3], base[:3]).tolist() == [4.0] * 3


def test_results_are_fresh():
    g = weft.compile(lambda x: (x + 1, x))
    x = weft.zeros(2)
    a, same = g(x)
    b, _ = g(x)
    a.fill_(9)
    assert same is x and b.tolist() == [1, 1]
    view = weft.compile(lambda x: x.view(4)[1:])
    y = weft.zeros(2, 2)
    view(y)
    view(y).fill_(1)
    assert y.tolist() == [[0, 1], [1, 1]]


def test_grad_inside():
    def f(x):
        x = x.detach().requires_grad_()
        (g,) = weft.autograd.grad((x**3).sum(), x, create_graph=True)
        return weft.autograd.grad(g.sum(), x)[0]

    g = weft.compile(f)
    x = weft.randn(5)
    for _ in range(2):
        assert_same_bits(g(x), f(x))


def test_nested_and_methods():
    inner = weft.compile(lambda x: x * 2)

    class Model:
        @weft.compile
        def forward(self, x):
            return inner(x) + 1

    m = Model()
    for _ in range(2):
        assert m.forward(weft.ones(1)).item() == 3
    assert inner(weft.ones(1)).item() == 2


def test_exceptions_pass_through():
    def f(x, fail):
        y = x * 2
        if fail:
            raise KeyError("mine")
        return y

    g = weft.compile(f)
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            g(weft.ones(1), True)
    assert g(weft.ones(1), False).item() == 2


def test_fullgraph():
    g = weft.compile(lambda x: print("x") or x, fullgraph=True)
    with pytest.raises(RuntimeError, match="print"):
        g(weft.ones(1))
    assert weft.compile(lambda x: x + 1, fullgraph=True)(weft.ones(1)).item() == 2


def test_check():
    g = weft.compile(lambda x: weft.softmax(x * 2, -1), check=True)
    x = weft.randn(4, 5)
    assert_same_bits(g(x), weft.softmax(x * 2, -1))


def test_module_attributes_show_through():
    m = nn.Linear(2, 2)
    g = weft.compile(m)
    assert len(list(g.parameters())) == 2 and g.__wrapped__ is m and g.train(False) is g and not m.training


def test_wrapper_keeps_the_name():
    @weft.compile
    def named(x):
        """Text."""
        return x

    assert named.__name__ == "named" and named.__doc__ == "Text."


def test_what_does_not_run_needs_no_guard():
    class Model:
        def __init__(self):
            self.factor = 2.0

        def forward(self, x):
            return x * self.factor

        def augment(self, x):
            self.seconds = time.time()
            return x * numpy.random.rand()

    model = Model()
    assert mode(lambda x: model.forward(x), weft.ones(2)) == "replay"
    explained = weft.explain(lambda x: model.augment(model.forward(x)), weft.ones(2))
    assert explained.mode == "lazy" and "it calls time.time()" in str(explained)
    explained = weft.explain(lambda x: (x * 2).detach().requires_grad_(), weft.ones(3))
    assert explained.mode == "lazy" and "a result made in the call requires grad" in str(explained)


SCALE = 2.0


def test_explain():
    def f(x):
        return (x * SCALE).sum()

    g = weft.compile(f)
    why = weft.explain(g, weft.ones(3))
    assert why.mode == "replay" and why.ops >= 2 and why.kernels and any("SCALE" in p for p in why.guards)
    assert any("test_compile.py" in kernel.location for kernel in why.kernels)
    assert all(kernel.seconds >= 0 and kernel.bytes > 0 for kernel in why.kernels)
    assert "replay" in str(why)
    g(weft.ones(4))
    assert any("shape" in r for r in g.compilation.retraces)


def test_steps_of_an_unrolled_loop_share_kernels():
    def f(xs, w):
        h = weft.zeros(4, 8)
        for k in range(xs.shape[0]):
            h = (xs[k] + h @ w).tanh()
        return h

    def kernels(length):
        xs = weft.randn(length, 4, 8)
        return {kernel.name for kernel in weft.explain(weft.compile(f), xs, weft.randn(8, 8)).kernels}

    assert len(kernels(12)) == len(kernels(4))


def test_under_a_profiler():
    profiler = cProfile.Profile()
    profiler.enable()
    installed = sys.getprofile()  # the profiler; None from Python 3.12 on, where it uses sys.monitoring
    assert weft.compile(lambda x: x + 1)(weft.ones(2)).tolist() == [2.0, 2.0]
    assert sys.getprofile() is installed
    profiler.disable()


def test_callbacks_of_the_collector_are_no_part_of_the_function():
    times = []
    note = lambda phase, info: times.append(time.perf_counter())
    thresholds = gc.get_threshold()
    gc.callbacks.append(note)
    try:
        gc.set_threshold(1)
        compiled = weft.compile(lambda x: sum([x + i for i in range(20)], x), fullgraph=True)
        assert compiled(weft.ones(2)).tolist() == [211.0, 211.0]
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(note)
    assert times


def test_a_call_that_fails_leaves_histories_as_they_were():
    """An in-place write gives a tensor from outside a history; where the segment's check fails, nothing was written."""
    x = weft.ones(3, requires_grad=True)
    y = x * 1

    def function(y, i):
        y.mul_(2)
        return weft.ones(4)[i + 1]

    with pytest.raises(IndexError):
        weft.compile(function)(y, weft.tensor([3]))
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


@pytest.mark.parametrize("name", ["Compiled", "Traced", "GuardSet", "TraceTurn"])
def test_its_types_make_no_instances_by_hand(name):
    kind = getattr(weft._C, name)
    for make in (kind, lambda: kind.__new__(kind), lambda: object.__new__(kind), lambda: type("Sub", (kind,), {})()):
        with pytest.raises(TypeError):
            make()


def test_what_a_compilation_remembers_does_not_grow():
    g = weft.compile(lambda x, n: print(n, end="") or x)
    for i in range(100):
        g(weft.ones(1), i)
    assert len(g.compilation.paths) <= 1 and len(g.compilation.retraces) <= weft._compile.MAX_ENTRIES
