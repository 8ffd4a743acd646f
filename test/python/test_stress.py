"""Eight threads do everything at once; each must get what it gets alone. `tools/dev sanitize thread` runs this under TSan."""

import threading

import pytest
import weft
from conftest import bits

THREADS = 8
ROUNDS = 6
SHARED = weft.randn(33, 17)


def elementwise(n):
    x = SHARED[: 1 + n % 33]
    return (x * 1.5 + weft.full((17,), float(n))).tanh(), x.sum(0), x.T.contiguous()


def gradients(n):
    x = (SHARED + n).requires_grad_()
    y = x
    for _ in range(n % 5 + 1):
        y = (y @ weft.ones(17, 17) * 0.1).relu() + x
    y.mean().backward()
    return y, x.grad


@weft.compile
def step(weight, x):
    y = weft.softmax(x @ weight, -1)
    y[:, 0] += 1.0
    return y * 2, y.sum()


def compiled(n):
    return step(weft.full((17, 5), 0.1), SHARED[: n % 7 + 1])


def own_compiled(n):
    function = weft.compile(lambda x: (x * float(n)).exp().sum(-1))
    return function(SHARED), function(SHARED)


def module(n):
    layer = weft.nn.Linear(17, 3)
    with weft.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(0.5 + n)
    optimizer = weft.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(SHARED).square().mean().backward()
        optimizer.step()
    return tuple(layer.parameters())


def memory(n):
    x = weft.arange(n + 5).float()
    array = x.numpy()
    x.data = weft.zeros(3)
    return weft.from_numpy(array), weft.from_dlpack(weft.from_numpy(array)), weft.cat([x, x])


WORK = (elementwise, gradients, compiled, own_compiled, module, memory)


def run(seed, results):
    for i in range(ROUNDS * len(WORK)):
        n = (seed * 7 + i) % 40
        results.append([bits(t) for t in WORK[(seed + i) % len(WORK)](n)])


@pytest.mark.parametrize("kernel_threads", [1, 2])
def test_threads_get_what_they_get_alone(kernel_threads):
    before = weft.get_num_threads()
    weft.set_num_threads(kernel_threads)
    try:
        results = [[] for _ in range(THREADS)]
        threads = [threading.Thread(target=run, args=(seed, results[seed])) for seed in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for seed in range(THREADS):
            alone = []
            run(seed, alone)
            assert results[seed] == alone
    finally:
        weft.set_num_threads(before)
