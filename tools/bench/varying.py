"""Calls whose numbers and sizes are others each time, compiled beside eager, in turns in one process."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

CALLS = 300
WARM = 100  # calls before those of which the median is taken

Case = Callable[[], tuple[Callable[..., Any], Iterator[tuple[Any, ...]]]]


def cases() -> dict[str, Case]:
    """By name: what makes a function and the arguments of its calls."""
    import weft

    def chain(x: Any, v: Any) -> Any:
        y = (x * v + 1.0).tanh() * 0.5 + x
        return (y * y).sum()

    class Counter:
        step = 0

    def stateful() -> tuple[Callable[..., Any], Iterator[tuple[Any, ...]]]:
        counter = Counter()

        def f(x: Any) -> Any:
            counter.step += 1
            return (x * counter.step).tanh().sum()

        x = weft.randn(100_000)
        return f, ((x,) for _ in range(CALLS))

    def numbers(size: int, number: Callable[[int], Any]) -> Case:
        x = weft.randn(size)
        return lambda: (chain, ((x, number(i)) for i in range(CALLS)))

    def sizes(largest: int) -> Case:
        draw = random.Random(0)
        x = weft.randn(largest)
        return lambda: (
            lambda x: ((x * 2 + 1).tanh() * x).sum(),
            ((x[: draw.randint(largest // 2, largest)],) for _ in range(CALLS)),
        )

    def growing() -> tuple[Callable[..., Any], Iterator[tuple[Any, ...]]]:
        x = weft.randn(300, 512)
        return (lambda x, n: (x[:n].tanh() * 2 + x[n - 1]).sum(0)), ((x, i + 1) for i in range(CALLS))

    return {
        "float, 16 elements": numbers(16, lambda i: 0.1 + i * 1e-3),
        "float, 100,000 elements": numbers(100_000, lambda i: 0.1 + i * 1e-3),
        "int, 100,000 elements": numbers(100_000, lambda i: i),
        "size, up to 200": sizes(200),
        "size, up to 200,000": sizes(200_000),
        "slice that grows, rows of 512": growing,
        "state that counts, 100,000 elements": stateful,
        "training steps of a GPT, batch and length at random": gpt_steps,
    }


def gpt_steps() -> tuple[Callable[..., Any], Iterator[tuple[Any, ...]]]:
    import weft
    from cases import transformer

    weft.manual_seed(0)
    model = transformer(weft, 128)
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        loss = weft.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    draw = random.Random(0)

    def batch() -> tuple[Any, Any]:
        shape = (draw.randint(1, 8), draw.randint(1, 128))
        return weft.randint(0, 256, shape), weft.randint(0, 256, shape)

    return step, (batch() for _ in range(CALLS))


def measure() -> None:
    import weft

    print(f"median of calls {WARM} to {CALLS}; over: compiled's total past 1.1 x eager's\n")
    for name, make in cases().items():
        (eager, arguments), (function, _) = make(), make()
        compiled = weft.compile(function)
        taken: dict[Any, list[float]] = {eager: [], compiled: []}
        for i, call in enumerate(arguments):
            for f in (eager, compiled) if i % 2 else (compiled, eager):  # the second finds what the first has looked up
                start = time.perf_counter()
                f(*call)
                taken[f].append(time.perf_counter() - start)
        medians = [statistics.median(times[WARM:]) for times in taken.values()]
        over = sum(taken[compiled]) - 1.1 * sum(taken[eager])
        print(
            f"{name:52s} eager {medians[0] * 1e6:9.1f} µs  compiled {medians[1] * 1e6:9.1f} µs  {medians[1] / medians[0]:5.2f} x"
            f"   over {over * 1e3:7.0f} ms   {weft._C.way_of_calls(compiled)[0]}",
            flush=True,
        )
