"""Threads of Python's: others run while kernels do, and meet whole tensors."""

import os
import random
import subprocess
import sys
import threading
import time

import pytest
import weft
from weft import nn


def in_threads(*functions):
    """Runs them at once; the first exception is raised here."""
    errors = []

    def guarded(function):
        try:
            function()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


def ticks_during(work):
    """How often this thread wakes, each millisecond, until `work` is done on another one."""
    done = threading.Event()

    def run():
        work()
        done.set()

    thread = threading.Thread(target=run)
    ticks = 0
    thread.start()
    while not done.is_set():
        time.sleep(0.001)
        ticks += 1
    thread.join()
    return ticks


a, b = weft.randn(1500, 1500), weft.randn(1500, 1500)
weights = weft.randn(1500, 1500, requires_grad=True)
strided = weft.randn(3000, 3000).t()
step = weft.compile(lambda x: ((x @ b).relu() @ b).sum())


def compile_anew():
    number = random.random()
    weft.compile(lambda x: (x * number).tanh().sum(0))(a)


def backward():
    (a @ weights).sum().backward()


@pytest.mark.parametrize(
    "work",
    [
        lambda: a @ b,
        lambda: step(a),
        backward,
        lambda: strided.clone().copy_(strided),
        lambda: weft.randn(30_000_000),
        compile_anew,
    ],
    ids=["product", "compiled", "backward", "copies", "random", "compiling"],
)
def test_others_run_meanwhile(work):
    work()
    assert ticks_during(lambda: [work() for _ in range(3)]) >= 6


def test_one_compiled_function_in_many_threads():
    x = weft.randn(64, 64)
    expected = weft.tanh(x @ x) + 1
    for _ in range(3):
        f = weft.compile(lambda x: weft.tanh(x @ x) + 1)

        def calls(f=f):
            for _ in range(20):
                assert (f(x) == expected).all()

        in_threads(*[calls] * 24)


def test_threads_draw_different_numbers():
    weft.manual_seed(5)
    expected = weft.rand(1600 * 50).tolist()
    weft.manual_seed(5)
    noise = weft.compile(lambda: weft.rand(50) * 1.0)
    drawn = []

    def draw():
        for i in range(200):
            drawn.extend((noise() if i % 2 else weft.rand(50)).tolist())

    in_threads(*[draw] * 8)
    assert sorted(drawn) == sorted(expected)


def test_gradients_of_all_threads_are_added():
    weight = nn.Parameter(weft.zeros(300, 300))

    def steps():
        for _ in range(25):
            (weight * 1.0).sum().backward()

    in_threads(*[steps] * 8)
    assert (weight.grad == 200).all()


def test_a_training_step_in_many_threads():
    """Replayed steps that write to the same parameters: any order, but each step whole."""
    weight = nn.Parameter(weft.zeros(200, 200))
    data = weft.ones(200, 200)

    @weft.compile
    def step():
        (weight * data).sum().backward()
        result = weight.grad.sum()
        weight.grad = None
        return result

    step()  # while one thread traces, others call the function itself, which is not whole
    in_threads(*[lambda: [step() for _ in range(10)]] * 8)


def test_values_of_a_trace_for_another_thread():
    """A tensor handed to another thread while its function is traced has its value there."""
    import queue

    here, there = queue.Queue(), queue.Queue()

    @weft.compile
    def produce(x):
        y = x @ x
        here.put(y)
        there.get()
        return y + 1

    x = weft.randn(100, 100)
    expected = x @ x

    def consume():
        for _ in range(5):
            assert (here.get() == expected).all()
            there.put(None)

    in_threads(consume, lambda: [produce(x) for _ in range(5)])


def test_what_threads_do_to_each_others_tensors():
    """Each operation sees a tensor as it was at some moment, whatever others do to it meanwhile; or says that it cannot."""
    shared = [weft.randn(n, n) for n in (100, 200, 300)]
    model = nn.Sequential(nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 100))
    compiled = weft.compile(model)
    end = time.monotonic() + 2.0
    allowed = (
        "another thread",
        "size",
        "shape",
        "expand",
        "match",
        "modified by an inplace",
        "second time",
        "numel",
        "cat",
    )

    def repeat(body):
        def run():
            i = 0
            while time.monotonic() < end:
                i += 1
                try:
                    body(i)
                except RuntimeError as error:
                    if not any(word in str(error) for word in allowed):
                        raise

        return run

    def replace(i):
        shared[i % 3].data = weft.randn(*[100 * (1 + i // 3 % 3)] * 2)

    def write(i):
        t = shared[i % 3]
        t.add_(1.0)
        t[: t.shape[0] // 2] = 0.5
        t.t().mul_(t)

    def grow(i):
        t = weft.zeros(100, 100)
        in_threads(lambda: t.exp(), lambda: t.resize_(100 + i % 50, 100))

    def read(i):
        t = shared[i % 3]
        (t @ t).sum().item()
        weft.softmax(t, -1).tolist()
        t.t().contiguous()
        weft.cat([t, shared[(i + 1) % 3]])

    def differentiate(i):
        t = shared[i % 3].detach().requires_grad_()
        ((t @ t).relu() * t).sum().backward()

    def infer(i):
        compiled(weft.randn(50 + i % 3, 100)).sum().item()

    def train(i):
        model(weft.randn(20, 100)).square().sum().backward()
        for p in model.parameters():
            p.grad = None

    def resize(i):
        weft.set_num_threads(1 + i % 3)
        time.sleep(0.01)

    before = weft.get_num_threads()
    try:
        in_threads(*map(repeat, (replace, write, grow, read, read, differentiate, infer, train, resize)))
    finally:
        weft.set_num_threads(before)


# ---------------------------------------------------------------- Processes


def run(code, *args, expected=0):
    """In a process of its own, with an empty cache."""
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "WEFT_CACHE": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == expected, done.stderr
    return done.stdout


INTERRUPTED = """
import os, signal, threading, time, weft

# A shell starts what runs in its background with SIGINT ignored, and Python leaves it so.
signal.signal(signal.SIGINT, signal.default_int_handler)

def many_kernels(x):
    for i in range(360):
        x = weft.softmax(x * (1.0 + i), -1) + weft.tanh(x).sum(0)
    return x

def interrupted(work, seconds=0.3):
    def send():
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=send).start()
    try:
        work()
    except KeyboardInterrupt:
        return
    raise SystemExit("it ended by itself")

x = weft.randn(20, 30)
a = weft.randn(1000, 1000, requires_grad=True)
interrupted(lambda: weft.compile(many_kernels)(x))
y = a
for _ in range(100):
    y = y @ a
interrupted(lambda: y.sum().backward())
b = a.detach()
interrupted(lambda: [b @ b for _ in range(10000)])
assert (weft.compile(many_kernels)(x) == many_kernels(x)).all()
"""


def test_ctrl_c_ends_what_takes_long():
    run(INTERRUPTED)


IN_THE_MIDDLE = (
    INTERRUPTED.partition("\nx = ")[0]
    + """
total, factor = weft.zeros(3000, 3000), weft.randn(3000, 3000)

@weft.compile
def products(x):
    for _ in range(5):
        x = x @ factor * 0.02
    total.add_(x)
    return x

done = 0

def repeated():
    global done
    while True:
        products(factor)
        done += 1

interrupted(repeated, 0.8)
# Python, too, may be interrupted, between the call and the count. What was written is whole.
assert total._version in (done, done + 1)
x, whole = factor, weft.zeros(3000, 3000)
for _ in range(5):
    x = x @ factor * 0.02
for _ in range(total._version):
    whole.add_(x)
assert (total == whole).all()

weight = weft.randn(3000, 3000, requires_grad=True)

@weft.compile
def step():
    x = factor
    for _ in range(5):
        x = x @ weight * 0.02
    x.sum().backward()

interrupted(lambda: [(setattr(weight, "grad", None), step()) for _ in range(10**6)], 0.8)
assert weight.grad is None or weight.grad.isfinite().all()

ran = []
def handler(*_):
    ran.append(weft.ones(100, 100) @ weft.ones(100, 100))
    try:
        weft.set_num_threads(1)
    except RuntimeError as error:
        assert "[set_num_threads]" in str(error), error
signal.signal(signal.SIGALRM, handler)
a = weft.randn(1500, 1500)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.2)
b = a @ a
signal.setitimer(signal.ITIMER_REAL, 0)
assert (a @ a == b).all() and all((r == 100).all() for r in ran)
"""
)


def test_ctrl_c_ends_a_program_before_it_writes():
    """And a handler that returns may compute itself; what it interrupted goes on."""
    run(IN_THE_MIDDLE)


WHILE_COLLECTING = """
import gc, signal, time, weft

gc.disable()
lists = [[] for _ in range(1_000_000)]  # which the collector takes longer to look at than the timer waits
signal.signal(signal.SIGALRM, signal.default_int_handler)

@weft.compile
def collects(x):
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    gc.collect()
    time.sleep(10)
    return x

try:
    collects(weft.ones(3))
except KeyboardInterrupt:
    raise SystemExit(0)
raise SystemExit("the interrupt was dropped")
"""


def test_ctrl_c_while_a_trace_collects_garbage():
    run(WHILE_COLLECTING)


ENDS_WHILE_COMPILING = """
import numpy, threading, time, weft

@weft.compile
def long(x):
    for i in range(400):
        x = weft.tanh(x * (i + 0.5)) @ x
    return x

x = weft.from_numpy(numpy.ones((30, 30), "float32"))  # which compiles nothing
threading.Thread(target=lambda: long(x), daemon=True).start()
while not weft._C.compiler_loaded():
    time.sleep(0.001)
"""


def test_the_end_of_the_process_ends_a_compilation(tmp_path):
    subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_COMPILING], env={**os.environ, "WEFT_CACHE_DIR": str(tmp_path)}, check=True, timeout=300,
    )  # fmt: skip
    assert not list(tmp_path.rglob("*.so"))


DAEMONS = """
import os, sys, threading, time, weft

def compiles():
    for i in range(10**9):
        weft.compile(lambda x: (x * (i + 0.125)).tanh().sum())(weft.ones(10))

def multiplies():
    a = weft.randn(700, 700)
    while True:
        a @ a

def trains():
    w = weft.randn(300, 300, requires_grad=True)
    while True:
        (w @ w).relu().sum().backward()

for work in (compiles, multiplies, trains):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.5)
if sys.argv[1] == "fork":
    child = os.fork()
    if child == 0:
        w = weft.randn(100, 100, requires_grad=True)
        for _ in range(8):
            weft.compile(lambda x: (x @ x * 0.375).tanh())(w).sum().backward()
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 7 << 8
"""


@pytest.mark.parametrize("what", ["exit", "fork"])
def test_daemon_threads_at(what):
    run(DAEMONS, what)
