"""A program ten times as large takes about ten times as long to compile, and a call of it to check and run."""

import time

import pytest
import weft


def _inputs(n):
    tensors = [weft.ones(1) for _ in range(n)]

    def f(tensors):
        total = tensors[0]
        for t in tensors[1:]:
            total = total + t
        return total

    return f, tensors


def _mutated(n):
    tensors = [weft.ones(4) for _ in range(n)]

    def f(x):
        for t in tensors:
            t += x

    return f, weft.ones(4)


def _layers(n):
    net = weft.nn.Sequential(*[weft.nn.Linear(4, 4) for _ in range(n)])
    optimizer = weft.optim.SGD(net.parameters(), lr=1e-3)

    def f(x):
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()

    return f, weft.ones(2, 4)


def _seconds(make, n):
    """Of the first call, and of the quickest later one."""
    f, argument = make(n)
    g = weft.compile(f, fullgraph=True)

    def call():
        start = time.perf_counter()
        g(argument)
        return time.perf_counter() - start

    return call(), min(call() for _ in range(20))


@pytest.mark.parametrize("make, n", [(_inputs, 300), (_mutated, 300), (_layers, 30)])
def test_time_is_linear_in_the_size(make, n, monkeypatch):
    monkeypatch.setenv("WEFT_CACHE", "0")
    _seconds(make, 3)  # loads the compiler
    factor = 10
    for attempt in range(3):  # other programs on the machine
        size = n + attempt  # a program of its own
        small, large = _seconds(make, size), _seconds(make, factor * size)
        growth = [b / a for a, b in zip(small, large)]
        if all(g < 3 * factor for g in growth):
            return
    pytest.fail(f"{factor} times the size takes {growth[0]:.0f} times as long at first, {growth[1]:.0f} times later")
