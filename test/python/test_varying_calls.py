"""Calls whose numbers and sizes are others each time: the same bits, few programs, and Python code that decides by them."""

import pytest
import weft
from conftest import assert_same_bits

CALLS = 24


def lazily(function, *args):
    """A call of which only the tensor operations are compiled."""
    return weft._C.run_traced(function, args, {}, None, None, "asked for by the test")[0]


class State:
    step = 0
    rate = 0.5


def number(x, v):
    y = x * v
    return (y + 1.0).tanh() * 0.5 + x, (y * y).sum()


def integer(x, n):
    return (x * n).sum(), (x + n).exp(), weft.where(x > n, x, -x), n - x


def slices(x, n):
    y = x * 2 + 1
    return (x[n:] * 2 + 1).tanh(), x[: 40 + n].sum(), x[n] * 3, y[n : n + 30], y[n::3].sum(), y[-1] * y[n]


def attribute(x, v):
    state = State()
    state.rate = v
    for _ in range(2):
        state.rate *= 0.5
        x = x * state.rate + 1
    return x


def decides(x, v):
    return x * 2 if v < 1 else x * v if v < 2 else x - v


def counts(x, n):
    for i in range(n % 4):
        x = x * (i + v) if (v := n * 0.5) > 1 else x + i
    return x


def bounds(x, v):
    return x.clamp(-v, v), (x + v).clamp(max=v * 3), weft.full((3,), v), x.masked_fill(x > v, v)


def gradients(x, v):
    w = weft.full((5,), 0.5, requires_grad=True)
    loss = ((x[:5] * w * v).tanh() ** 2).sum()
    loss.backward()
    return loss.detach(), w.grad


def in_place(x, v):
    y = x * v
    y[2:4] = v
    y.add_(v)
    return y


def random(x, v):
    weft.nn.functional.dropout(x, 0.5)
    return weft.nn.functional.dropout(x, 0.5) * v, weft.rand(7), weft.randint(0, 100, (4,))


FUNCTIONS = [number, integer, slices, attribute, decides, counts, bounds, gradients, in_place, random]


def arguments(function, i):
    whole = function in (integer, slices, counts)
    return weft.arange(100).float() * 0.01, (i + 2) if whole else 0.1 + 0.17 * i


def same(a, b):
    for mine, theirs in zip(a, b) if isinstance(a, tuple) else [(a, b)]:
        assert_same_bits(mine, theirs)


@pytest.mark.parametrize("call", ["compiled", "lazy"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_numbers(function, call):
    compiled = weft.compile(function) if call == "compiled" else lambda *args: lazily(function, *args)
    for i in range(CALLS):
        weft.manual_seed(i)
        eager = function(*arguments(function, i))
        weft.manual_seed(i)
        same(compiled(*arguments(function, i)), eager)
        assert weft.initial_seed() == i


@pytest.mark.parametrize(
    "dtype", [weft.float32, weft.float64, weft.float16, weft.bfloat16, weft.int64, weft.int8, weft.uint8]
)
def test_numbers_in_each_dtype(dtype):
    x = weft.arange(50).to(dtype)
    f = lambda x, v: (x * v, x + v, x < v)
    values = [0.1, 1e-7, 2.5, -3.75, 7.0, 1.0, 0.0, -0.0] if dtype.is_floating_point else [3, 100, 2, 7, 1, 0, -1, 200]
    for v in values:
        same(lazily(f, x, v), f(x, v))


def test_segments_share_programs():
    x = weft.randn(1000)
    lazily(number, x, 0.25), lazily(number, x, 0.5)
    before, _ = weft._C.compile_statistics()
    for i in range(CALLS):
        same(lazily(number, x, 0.011 * i), number(x, 0.011 * i))
    assert weft._C.compile_statistics()[0] == before


def test_sizes_share_programs():
    f = lambda x: ((x * 2 + 1).tanh() * x).sum()
    lazily(f, weft.randn(1000)), lazily(f, weft.randn(900))
    before, _ = weft._C.compile_statistics()
    for n in (9, 17, 100, 257, 899, 5000):
        x = weft.randn(n)
        lazy = lazily(f, x)
        assert weft._C.compile_statistics()[0] == before
        same(lazy, f(x))
        before, _ = weft._C.compile_statistics()


def test_starts_share_programs():
    f = lambda x, i: (x * 2 + 1)[i] * 3 + (x * x)[i - 5 : i + 5].sum()
    x = weft.randn(1000)
    lazily(f, x, 500), lazily(f, x, 501)
    before, _ = weft._C.compile_statistics()
    for i in (5, 6, 17, 100, 994, 995):
        lazy = lazily(f, x, i)
        assert weft._C.compile_statistics()[0] == before
        same(lazy, f(x, i))
        before, _ = weft._C.compile_statistics()


w = weft.randn(4, 4) * 0.1
LOOPS = {
    "scan": lambda x: weft.scan(lambda h, v: ((h @ w + v).tanh(), h * 2), weft.zeros(4), x),
    "scan of a length": lambda x: weft.scan(lambda h, _: (h * 0.5 + 1, h), weft.zeros(4), length=x.shape[0])[1] + x,
    "scan with sizes inside": lambda x: weft.scan(lambda h, _: (h * 0.5 + x, h.sum()), x, length=3),
    "scan of a scan": lambda x: weft.scan(
        lambda h, v: (weft.scan(lambda g, u: (g * v + u, None), h, x)[0], h), weft.zeros(4), x
    ),
    "map": lambda x: weft.map(lambda v: v.sin() + v[0], x).sum(0),
    "while": lambda x: weft.while_loop(lambda v: v.sum() < 1e4, lambda v: (v * 2,), (x.abs() + 1,))[0] + x,
    "cond": lambda x: weft.cond(x.sum() > 0, lambda v: v * x, lambda v: v.cumsum(0), (x + 1,)) * 2,
}


def gradient_of(function):
    def f(x):
        leaf = x.detach().requires_grad_()
        result = function(leaf)
        sum(part.sum() for part in (result if isinstance(result, tuple) else (result,))).backward()
        return leaf.grad

    return f


@pytest.mark.parametrize("name", [*LOOPS, *(f"gradient of {name}" for name in LOOPS if name != "while")])
def test_loops_over_other_lengths_share_programs(name):
    f = LOOPS[name.removeprefix("gradient of ")]
    if name.startswith("gradient"):
        f = gradient_of(f)
    for n in (7, 5, 3, 12, 40, 257):
        x = weft.randn(n, 4)
        eager = f(x)
        before, _ = weft._C.compile_statistics()
        same(lazily(f, x), eager)
        assert n in (7, 5) or weft._C.compile_statistics()[0] == before


F = weft.nn.functional
SUMS = {
    "associative_scan": lambda x, y: weft.associative_scan(lambda a, b: a + b, x),
    "reversed": lambda x, y: weft.associative_scan(lambda a, b: a * b, x, reverse=True),
    "cat": lambda x, y: weft.cat([x, y]).tanh(),
    "cat of a constant": lambda x, y: weft.cat([x * 2, w, y, x])[1:] * 3,
    "cat of bools and integers": lambda x, y: (weft.cat([x > 0, y > 0]), weft.cat([x.long(), y.long()])),
    "cat of columns": lambda x, y: weft.cat([x.t(), y.t()], -1) + 1,
    "pad": lambda x, y: F.pad(x, (0, 0, 1, 2)).exp(),
    "pad other axis": lambda x, y: F.pad(x, (1, 1)) - 1,
    "cut": lambda x, y: F.pad(x, (0, 0, -1, 3)).exp(),
    "write to a part": lambda x, y: weft.zeros(x.shape[0] + 3, 4).slice_scatter(x, 0, 1, 1 + x.shape[0]) * 2,
}


@pytest.mark.parametrize(
    "name", [*SUMS, *(f"gradient of {name}" for name in SUMS if not {"bools", "part"} & set(name.split()))]
)
def test_sums_of_sizes_share_programs(name):
    f = SUMS[name.removeprefix("gradient of ")]
    if name.startswith("gradient"):
        f = lambda x, y, f=f: gradient_of(lambda leaf: f(leaf, y))(x)
    for n, m in ((7, 11), (5, 12), (3, 30), (12, 4), (40, 17), (257, 100)):
        x, y = weft.randn(n, 4), weft.randn(m, 4)
        eager = f(x, y)
        before, _ = weft._C.compile_statistics()
        same(lazily(f, x, y), eager)
        assert n in (7, 5) or weft._C.compile_statistics()[0] == before


def test_gradients_of_parts_share_programs():
    table = weft.randn(200, 8, requires_grad=True)

    def f(x):
        (g,) = weft.autograd.grad(((table[: x.shape[0]] * x).tanh() + table[5 : 5 + x.shape[0]]).sum(), table)
        return g * 2

    for n in (100, 90, 17, 6, 150, 195):
        x = weft.randn(n, 8)
        eager = f(x)
        before, _ = weft._C.compile_statistics()
        same(lazily(f, x), eager)
        assert n in (100, 90) or weft._C.compile_statistics()[0] == before


def test_a_value_that_decides_is_no_constant():
    """Python decides anew at each call, whatever the calls before were."""
    compiled = weft.compile(decides)
    x = weft.ones(3)
    for v in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.5, 2.5, 0.5, 1.75]:
        same(compiled(x, v), decides(x, v))


def test_a_state_that_grows():
    class Counter:
        step = 0

    counter, eager = Counter(), Counter()

    def f(x, counter):
        counter.step += 1
        return x * counter.step

    compiled = weft.compile(f)
    x = weft.ones(10)
    for _ in range(200):
        same(compiled(x, counter), f(x, eager))
    assert counter.step == eager.step == 200
    assert weft.explain(compiled, x, counter).mode in ("lazy", "eager")


def test_explain_tells_how_calls_are_made():
    compiled = weft.compile(number)
    x = weft.randn(10)
    for i in range(100):
        compiled(x, 0.1 + i)
    explanation = weft.explain(compiled, x, -1.0)
    assert explanation.mode in ("lazy", "eager")
    assert "traces were not replayed; a call takes" in explanation.reason


def test_shapes_that_come_again_are_replayed():
    compiled = weft.compile(number)
    xs = [weft.randn(n) for n in range(10, 30)]
    for _ in range(40):  # at most four new shapes a round, and none while calls are bypassed
        for x in xs:
            same(compiled(x, 0.5), number(x, 0.5))
    assert all(weft.explain(compiled, x, 0.5).mode == "replay" for x in xs)


def test_fullgraph_traces_each_call():
    compiled = weft.compile(number, fullgraph=True)
    x = weft.randn(10)
    for i in range(80):
        same(compiled(x, 0.1 * i), number(x, 0.1 * i))
    assert len(weft._C.entries(compiled)) == 64


def test_specialised_calls_have_programs_of_their_own():
    compiled = weft.compile(number, dynamic=False)
    for n in (10, 20, 30, 40, 50, 60):
        x = weft.randn(n)
        before, _ = weft._C.compile_statistics()
        result = compiled(x, 0.5)
        assert weft._C.compile_statistics()[0] > before
        same(result, number(x, 0.5))
        assert weft.explain(compiled, x, 0.5).mode == "replay"


def test_what_dynamic_may_be():
    with pytest.raises(TypeError, match=r"\[compile\] dynamic must be None, True, False or a dict"):
        weft.compile(number, dynamic=3)
    assert weft.compile(number, dynamic=True)(weft.ones(3), 0.5)[1] == 0.75
