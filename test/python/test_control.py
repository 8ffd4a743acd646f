"""Loops and branches in the graph: ``scan``, ``map``, ``associative_scan``, ``cond``, ``while_loop``."""

import subprocess
import sys

import pytest
import weft
from artifact import Artifact
from hypothesis import given, settings
from hypothesis import strategies as st
from weft.func import grad, jvp, vmap


def same(a, b):
    a, b = a.detach(), b.detach()
    return a.dtype == b.dtype and a.shape == b.shape and a.double().numpy().tobytes() == b.double().numpy().tobytes()


def close(a, b, tolerance=1e-10):
    a, b = a.detach(), b.detach()
    return bool((a - b).abs().max() <= tolerance * (1 + b.abs().max()))


def loop(step, carry, xs, dim=0, reverse=False):
    """scan as a Python loop over entries."""
    steps = range(xs.shape[dim])
    ys = [None] * len(steps)
    for i in reversed(steps) if reverse else steps:
        carry, ys[i] = step(carry, xs.select(dim, i))
    return carry, weft.stack(ys, dim)


# Steps of a carry and an entry, (B, H) each; `w` is (H, H).
STEPS = {
    "tanh": lambda w: lambda c, x: ((h := (c @ w + x).tanh()), h * 2),
    "gate": lambda w: lambda c, x: ((g := (x @ w).sigmoid()) * c + (1 - g) * x, c.exp() * 0.1),
    "entry": lambda w: lambda c, x: (x.sin(), c - x),
    "sums": lambda w: lambda c, x: (c + x.sum(-1, keepdim=True) * w.sum(0), c.relu()),
    "constant": lambda w: lambda c, x: (c, w.sum() + x),
    "rows": lambda w: lambda c, x: (c.softmax(-1) @ (w * w.t()) + x[:, :1], (c + w[0]).amax(-1)),
}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(STEPS)), st.integers(1, 5), st.integers(1, 3), st.integers(1, 4), st.booleans(), st.booleans(),
    st.sampled_from([weft.float32, weft.float64, weft.bfloat16]),
)  # fmt: skip
def test_scan_is_the_loop_to_the_bit(name, length, rows, width, reverse, last, dtype):
    dim = 1 if last else 0
    w = weft.randn(width, width).to(dtype)
    c, xs = weft.randn(rows, width).to(dtype), weft.randn(length, rows, width).to(dtype).movedim(0, dim)
    step = STEPS[name](w)
    want, ys = loop(step, c, xs, dim, reverse)
    for run in (weft.scan, weft.compile(weft.scan)):
        got, collected = run(step, c, xs, dim=dim, reverse=reverse)
        assert same(got, want) and same(collected, ys)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(sorted(STEPS)), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_gradients_of_a_scan(name, length, rows, reverse):
    width, double = 3, dict(dtype=weft.float64)
    w = weft.randn(width, width, **double).requires_grad_()
    c, xs = (
        weft.randn(rows, width, **double).requires_grad_(),
        weft.randn(length, rows, width, **double).requires_grad_(),
    )

    def loss(run, c, xs, w):
        last, ys = run(STEPS[name](w), c, xs, reverse=reverse)
        return (last * last).sum() + (ys.sin() * 3).sum()

    def first(run, *args):
        return weft.autograd.grad(loss(run, *args), args, create_graph=True, allow_unused=True)

    def second(run, *args):
        grads = [g for g in first(run, *args) if g is not None and g.requires_grad]
        total = sum([(g * g).sum() for g in grads], weft.zeros((), **double)) + 0 * sum([a.sum() for a in args])
        return weft.autograd.grad(total, args)

    for order in (first, second):
        want = order(loop, c, xs, w)
        eager = order(weft.scan, c, xs, w)
        compiled = weft.compile(lambda *args, order=order: order(weft.scan, *args))(c, xs, w)
        for a, b, d in zip(want, eager, compiled):
            assert a is None or close(b, a)
            assert (b is None and d is None) or same(b, d)
    tangents = tuple([weft.randn_like(t) for t in (c, xs, w)])
    values = tuple([t.detach() for t in (c, xs, w)])
    want = jvp(lambda *args: loss(loop, *args), values, tangents)
    got = jvp(lambda *args: loss(weft.scan, *args), values, tangents)
    assert close(got[0], want[0]) and close(got[1], want[1])


@pytest.mark.parametrize("over", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0)])
@pytest.mark.parametrize("name", sorted(STEPS))
def test_vmap_of_a_scan(name, over):
    arguments = [weft.randn(2, 3), weft.randn(4, 2, 3), weft.randn(3, 3)]
    batches = [weft.stack([a, a * 0.5, -a]) if dim == 0 else a for a, dim in zip(arguments, over)]

    def run(c, xs, w):
        last, ys = weft.scan(STEPS[name](w), c, xs)
        return last, ys

    got = vmap(run, over)(*batches)
    for i in range(3):
        want = run(*[b[i] if dim == 0 else b for b, dim in zip(batches, over)])
        assert all([same(g[i], w) for g, w in zip(got, want)])


def test_vmap_of_the_gradient_of_a_scan():
    xs, w = weft.randn(5, 4, 2, 3), weft.randn(3, 3)
    loss = lambda xs: weft.scan(STEPS["tanh"](w), weft.zeros(2, 3), xs)[1].sin().sum()  # noqa: E731
    got = vmap(grad(loss))(xs)
    assert all([same(got[i], grad(loss)(xs[i])) for i in range(5)])


def test_scans_within_scans():
    w, xs = weft.randn(3, 3).requires_grad_(), weft.randn(4, 5, 3).requires_grad_()

    def nested(run):
        outer = lambda c, rows: run(lambda c, x: ((h := (c @ w + x).tanh()), h), c, rows)  # noqa: E731
        last, ys = run(outer, weft.zeros(3), xs)
        return (last.sum() + (ys * ys).sum()), ys

    (a, ys), (b, want) = nested(weft.scan), nested(loop)
    assert same(ys, want) and same(a, b)
    for got, expected in zip(weft.autograd.grad(a, (w, xs)), weft.autograd.grad(b, (w, xs))):
        assert close(got, expected, 1e-5)
    assert same(weft.compile(lambda: nested(weft.scan)[1])(), want)


def test_carries_and_entries_are_trees():
    def step(carry, x):
        return {"h": carry["h"] + x["a"], "n": (carry["n"][0] + 1,)}, [x["b"] * carry["h"]]

    init = {"h": weft.zeros(2), "n": (weft.tensor(0),)}
    carry, (y,) = weft.scan(step, init, {"a": weft.ones(3, 2), "b": weft.ones(3, 2)})
    assert carry["h"].tolist() == [3, 3] and carry["n"][0].item() == 3
    assert y.tolist() == [[0, 0], [1, 1], [2, 2]]
    last, nothing = weft.scan(lambda c, _: (c * 2, None), weft.tensor(1), length=10)
    assert last.item() == 1024 and nothing is None


def test_no_steps():
    last, ys = weft.scan(lambda c, x: (c + x, c), weft.ones(2), weft.zeros(0, 2))
    assert last.tolist() == [1, 1] and ys.shape == (0, 2)
    assert weft.map(lambda x: x.sum(), weft.zeros(0, 3)).shape == (0,)


def test_map_and_associative_scan():
    x = weft.randn(4, 3)
    assert same(weft.map(lambda row: row.softmax(-1), x), x.softmax(-1))
    assert weft.map(lambda c: c.sum(), x, dim=1).shape == (3,)
    n = weft.arange(1, 13).reshape(4, 3)
    assert weft.associative_scan(lambda a, b: a * b, n).tolist() == n.numpy().cumprod(0).tolist()
    assert weft.associative_scan(lambda a, b: a + b, n, 1).tolist() == n.numpy().cumsum(1).tolist()
    backwards = weft.associative_scan(lambda a, b: a + b, n, reverse=True)
    assert backwards.tolist() == n.numpy()[::-1].cumsum(0)[::-1].tolist()
    assert weft.associative_scan(lambda a, b: a + b, n[:1]).tolist() == [[1, 2, 3]]


def test_loops_of_all_lengths_are_one_program():
    w = weft.randn(4, 4).requires_grad_()
    step = STEPS["tanh"](w)

    def run(length):
        last, ys = weft.scan(step, weft.zeros(2, 4), weft.randn(length, 2, 4))
        return last + ys.sum(0)

    run(3), run(7)
    before = weft._C.compile_statistics()
    for length in range(2, 40):
        run(length)
    assert weft._C.compile_statistics() == before


def test_an_index_in_a_step_is_checked():
    table, positions = weft.arange(5.0), weft.tensor([[1], [4], [0]])
    step = lambda c, i: (c + table[i], c)  # noqa: E731
    assert weft.scan(step, weft.zeros(1), positions)[0].tolist() == [5.0]
    with pytest.raises(IndexError):
        weft.scan(step, weft.zeros(1), positions + 1)
    with pytest.raises(IndexError):
        weft.compile(lambda p: weft.scan(step, weft.zeros(1), p)[0])(positions + 1)


def test_the_same_bits_with_any_number_of_threads():
    w, xs = weft.randn(64, 64) * 0.1, weft.randn(9, 128, 64)
    run = lambda: weft.scan(STEPS["tanh"](w), weft.zeros(128, 64), xs)  # noqa: E731
    before = weft.get_num_threads()
    try:
        weft.set_num_threads(1)
        one = run()
        weft.set_num_threads(4)
        four = run()
    finally:
        weft.set_num_threads(before)
    assert same(one[0], four[0]) and same(one[1], four[1])


# ---------------------------------------------------------------- cond


def test_cond_takes_a_branch():
    x, w = weft.randn(4, 3).requires_grad_(), weft.randn(3, 3).requires_grad_()
    branches = (lambda x: ((x @ w).tanh(), x.sum()), lambda x: (x * 2 - w.sum(), x.amax()))
    compiled = weft.compile(lambda p, x: weft.cond(p, *branches, (x,)))
    for choice in (True, False):
        pred = weft.tensor(choice)
        want = branches[not choice](x)
        for got in (weft.cond(pred, *branches, (x,)), weft.cond(choice, *branches, (x,)), compiled(pred, x)):
            assert all([same(a, b) for a, b in zip(got, want)])
        total = lambda parts: (parts[0] * parts[0]).sum() + parts[1]  # noqa: E731
        expected = weft.autograd.grad(total(want), (x, w), create_graph=True)
        grads = weft.autograd.grad(total(weft.cond(pred, *branches, (x,))), (x, w), create_graph=True)
        assert all([same(a, b) for a, b in zip(grads, expected)])
        second = (
            [weft.autograd.grad((g * g).sum(), w, retain_graph=True)[0] for g in (grads[0], expected[0])]
            if choice
            else ()
        )
        assert not second or close(*second, 1e-5)
        tangent = weft.randn(4, 3)
        a, b = [
            jvp(f, (x.detach(),), (tangent,))[1]
            for f in (lambda x, pred=pred: weft.cond(pred, *branches, (x,)), branches[not choice])
        ]
        assert all([same(p, q) for p, q in zip(a, b)])


def test_cond_runs_one_branch():
    """A branch that is not taken does nothing: a loop in it that would not end does not begin."""
    endless = lambda x: weft.while_loop(lambda x: x.sum() < 1, lambda x: (x * 0,), (x * 0,))[0]  # noqa: E731
    assert weft.cond(weft.tensor(False), endless, lambda x: x + 1, (weft.ones(2),)).tolist() == [2, 2]


def test_vmap_of_cond_takes_each_examples_branch():
    x, pred = weft.randn(4, 3), weft.tensor([True, False, True, True])
    run = lambda p, x: weft.cond(p, lambda x: x * 2, lambda x: x.exp(), (x,))  # noqa: E731
    assert same(vmap(run)(pred, x), weft.where(pred[:, None], x * 2, x.exp()))
    assert same(vmap(run, (None, 0))(pred[1], x), x.exp())
    grads = vmap(grad(lambda x, p: run(p, x).sum()))(x, pred)
    assert same(grads, weft.where(pred[:, None], weft.full((4, 3), 2.0), x.exp()))


# ---------------------------------------------------------------- while_loop


def steps_to_one(n):
    return weft.while_loop(
        lambda n, count: n != 1,
        lambda n, count: (weft.where(n % 2 == 0, n // 2, 3 * n + 1), count + 1),
        (n, weft.tensor(0)),
    )[1]


def test_while_loop_runs_while_its_condition_holds():
    def python(n):
        count = 0
        while n != 1:
            n, count = (n // 2 if n % 2 == 0 else 3 * n + 1), count + 1
        return count

    compiled = weft.compile(steps_to_one)
    for n in range(1, 30):
        assert steps_to_one(weft.tensor(n)).item() == compiled(weft.tensor(n)).item() == python(n)
    assert vmap(steps_to_one)(weft.arange(1, 30)).tolist() == [python(n) for n in range(1, 30)]


def test_while_loop_and_derivatives():
    root = lambda a: weft.while_loop(  # noqa: E731
        lambda x, a: (x * x - a).abs() > 1e-12 * a, lambda x, a: (0.5 * (x + a / x), a), (a, a)
    )[0]
    two, one = weft.tensor(2.0, dtype=weft.float64), weft.tensor(1.0, dtype=weft.float64)
    value, tangent = jvp(root, (two,), (one,))
    assert value.item() == pytest.approx(2**0.5) and tangent.item() == pytest.approx(0.5 / 2**0.5)
    with pytest.raises(NotImplementedError, match="weft.scan"):
        grad(root)(two)


# ---------------------------------------------------------------- Bad input

X = weft.ones(4, 3)
REFUSED = {
    "a step that gives no pair": (TypeError, "pair", lambda: weft.scan(lambda c, x: c, X[0], X)),
    "a carry of another dtype": (RuntimeError, "float64", lambda: weft.scan(lambda c, x: (c.double(), x), X[0], X)),
    "a carry of another shape": (RuntimeError, "carry 0", lambda: weft.scan(lambda c, x: (c.sum(), x), X[0], X)),
    "a carry built otherwise": (TypeError, "built like", lambda: weft.scan(lambda c, x: ((c, c), x), X[0], X)),
    "a number as a carry": (TypeError, "weft.tensor", lambda: weft.scan(lambda c, x: (c, x), 1.0, X)),
    "a number among the entries": (TypeError, "xs", lambda: weft.scan(lambda c, x: (c, x), X[0], (X, 3))),
    "an output that is no tensor": (TypeError, "float", lambda: weft.scan(lambda c, x: (c, 1.0), X[0], X)),
    "no length": (ValueError, "length", lambda: weft.scan(lambda c, x: (c, x), X[0])),
    "sizes that differ": (ValueError, r"\[4, 2\]", lambda: weft.scan(lambda c, x: (c, c), X[0], (X, X[:2]))),
    "a length that differs": (ValueError, r"\[5, 4\]", lambda: weft.scan(lambda c, x: (c, x), X[0], X, length=5)),
    "a negative length": (ValueError, "from 0 on", lambda: weft.scan(lambda c, x: (c, c), X[0], length=-1)),
    "an axis that is not there": (IndexError, "no axis 2", lambda: weft.scan(lambda c, x: (c, x), X[0], X, dim=2)),
    "a value": (RuntimeError, "scan", lambda: weft.scan(lambda c, x: (c, x * float(c.sum())), X[0], X)),
    "a write": (RuntimeError, "wrote", lambda: weft.scan(lambda c, x: (c.add_(x), x), X[0].clone(), X)),
    "random numbers": (RuntimeError, "draw before", lambda: weft.scan(lambda c, x: (c + weft.rand(3), x), X[0], X)),
    "detach": (NotImplementedError, "detach", lambda: weft.scan(lambda c, x: (c + x.detach(), x), X[0], X.clone().requires_grad_())),
    "a condition of two": (RuntimeError, "any", lambda: weft.cond(X[0] > 0, lambda: X, lambda: X)),
    "a condition of floats": (RuntimeError, "bool", lambda: weft.cond(X.sum(), lambda: X, lambda: X)),
    "a condition of another kind": (TypeError, "int", lambda: weft.cond(1, lambda: X, lambda: X)),
    "branches of other shapes": (RuntimeError, "branch", lambda: weft.cond(X.sum() > 0, lambda: X, lambda: X[0])),
    "branches built otherwise": (TypeError, "alike", lambda: weft.cond(X.sum() > 0, lambda: (X,), lambda: X)),
    "operands that are no tuple": (TypeError, "tuple", lambda: weft.cond(X.sum() > 0, lambda x: x, lambda x: x, X)),
    "an operand that is a number": (TypeError, "close over", lambda: weft.cond(X.sum() > 0, lambda x: X, lambda x: X, (1,))),
    "an index in a branch": (NotImplementedError, "index", lambda: weft.cond(X.sum() > 0, lambda: X[X[0].long()], lambda: X[:3])),
    "nothing to carry": (TypeError, "holds no tensor", lambda: weft.while_loop(lambda: X.sum() > 0, lambda: (), ())),
    "a carry more": (TypeError, "built like", lambda: weft.while_loop(lambda x: x.sum() > 0, lambda x: (x, x), (X,))),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_refused(case):
    kind, text, call = REFUSED[case]
    with pytest.raises(kind, match=text) as raised:
        call()
    assert str(raised.value).startswith("[")
    assert (X + 1).tolist() == [[2.0] * 3] * 4  # nothing is left behind


@pytest.mark.parametrize("size", [3, 100_000])
def test_an_endless_loop_can_be_interrupted(size):
    program = f"""
import _thread, signal, threading, weft
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have had ignored
threading.Timer(0.3, _thread.interrupt_main).start()
try:
    weft.while_loop(lambda x: x.sum() > 0, lambda x: (x * 1.0,), (weft.ones({size}),))
except KeyboardInterrupt:
    print("interrupted")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "interrupted\n", ran.stderr


# ---------------------------------------------------------------- Ahead of time


def control_model(x, w, n):
    """One of each: a scan with its gradient, a loop of unknown length, a branch."""
    with weft.enable_grad():
        w = w.clone().requires_grad_()
        last, ys = weft.scan(STEPS["tanh"](w), weft.zeros(2, 3), x)
        (slope,) = weft.autograd.grad((last * last).sum() + ys.sum(), w)
    choice = weft.cond(n.sum() > 20, lambda x: x.exp(), lambda x: -x, (x,))
    return last, ys, slope, steps_to_one(n), choice


def test_an_artifact_has_the_bits_of_eager(tmp_path):
    x, w = weft.randn(5, 2, 3), weft.randn(3, 3)
    model = Artifact(control_model, (x, w, weft.tensor(3)), tmp_path)
    for n in (3, 27):
        for got, want in zip(model(x, w, weft.tensor(n)), control_model(x, w, weft.tensor(n))):
            assert same(got, want)


def test_a_recurrent_layer_ships(tmp_path):
    layer = weft.nn.LSTM(3, 4, 2, bidirectional=True)
    x = weft.randn(6, 2, 3)
    model = Artifact(lambda x: layer(x)[0], (x,), tmp_path)
    for _ in range(2):
        x = weft.randn(6, 2, 3)
        (got,) = model(x) if isinstance(model(x), (tuple, list)) else (model(x),)
        assert same(got, layer(x)[0])


def test_a_page_shows_a_loops_kernels_once():
    w, xs = weft.randn(8, 8), weft.randn(50, 4, 8)
    explanation = weft.explain(lambda xs: weft.scan(STEPS["tanh"](w), weft.zeros(4, 8), xs)[0], xs)
    assert explanation.mode == "replay"
    assert 50 in [kernel.runs for kernel in explanation.kernels] and len(explanation.kernels) < 10
    assert "(50 runs)" in str(explanation) and "&times; 50" in explanation._repr_html_()


def test_what_is_no_function():
    x = weft.ones(3)
    for call, name in (
        (lambda: weft.scan(x, x, x), "scan"),
        (lambda: weft.map(x, x), "map"),
        (lambda: weft.associative_scan(x, x), "associative_scan"),
        (lambda: weft.while_loop(x, lambda x: x, (x,)), "while_loop"),
        (lambda: weft.cond(weft.tensor(True), lambda x: x, x, (x,)), "cond"),
    ):
        with pytest.raises(
            TypeError, match=rf"^\[{name}\] \w+ must be a function; got Tensor; pass the function itself"
        ):
            call()
