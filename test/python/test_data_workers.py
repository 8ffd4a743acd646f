"""Batches that worker processes load: their order, seeds and errors, and that nothing of them is left."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy
import pytest
import weft
from weft.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

STARTS = pytest.mark.parametrize("start", ["fork", "spawn"])


class Items(Dataset):
    """At a position what a function of this file says."""

    def __init__(self, item, count=12):
        self.item = item
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return self.item(i)


def as_tensors(i):
    return {
        "x": weft.full((2, 3), float(i)),
        "h": weft.full((3,), i, dtype=weft.bfloat16),
        "t": weft.arange(6).reshape(2, 3).T[:, 1] * i,
        "none": weft.zeros(0, 2),
        "n": (i, "text", numpy.full(2, i)),
    }


def numbers(loader):
    return [i for batch in loader for i in batch.tolist()]


def itself(i):
    return i


@STARTS
@pytest.mark.parametrize("persistent", [False, True])
def test_batches_are_those_of_this_process(start, persistent):
    alone = list(DataLoader(Items(as_tensors), 5))
    loader = DataLoader(
        Items(as_tensors), 5, num_workers=2, multiprocessing_context=start, persistent_workers=persistent
    )
    for _ in range(2):
        for mine, theirs in zip(alone, loader, strict=True):
            assert mine.keys() == theirs.keys()
            for name in ("x", "h", "t", "none"):
                assert mine[name].equal(theirs[name]) and mine[name].dtype is theirs[name].dtype
            assert mine["n"][1] == theirs["n"][1] and mine["n"][2].equal(theirs["n"][2])


def test_batches_stay_what_they_are():
    loader = DataLoader(Items(as_tensors, 4000), 2, num_workers=2)
    kept = [batch["x"] for batch in loader]  # more than a process may have open files
    assert [x[0, 0, 0].item() for x in kept] == list(range(0, 4000, 2))
    kept[0] += 1


def test_sizes_that_grow_and_shrink():
    loader = DataLoader(Items(sized, 24), None, num_workers=2, prefetch_factor=3)
    for i, x in enumerate(loader):
        assert x.equal(sized(i))


def sized(i):
    return weft.arange(1 + 40_000 * (i % 5)) + i


def test_a_worker_for_each_batch_in_turn():
    data = Items(worker_number, 8)
    assert numbers(DataLoader(data, 2, num_workers=3)) == [0, 0, 1, 1, 2, 2, 0, 0]
    assert get_worker_info() is None


def worker_number(i):
    info = get_worker_info()
    assert info.num_workers == 3 and len(info.dataset) == 8 and info.seed == weft.initial_seed()
    return info.id


def test_iterable_data_sets_are_each_workers_own():
    class Numbers(IterableDataset):
        def __iter__(self):
            info = get_worker_info()
            return iter(range(info.id, 11 if info.id else 3, 2))

    loader = DataLoader(Numbers(), 2, num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert [b.tolist() for b in loader] == [[0, 2], [1, 3], [5, 7], [9]]


def test_as_they_come():
    start = time.monotonic()
    loader = DataLoader(Items(slow_first, 6), None, num_workers=2, in_order=False, prefetch_factor=1)
    assert list(loader)[-1] == 0 and time.monotonic() - start < 5


def slow_first(i):
    time.sleep(1.0 if i == 0 else 0)
    return i


def test_seeds():
    def draw(count):
        weft.manual_seed(5)
        return [x.tolist() for x in DataLoader(Items(random_numbers, 6), 2, num_workers=count)]

    first = draw(2)
    assert draw(2) == first and len({n for batch in first for row in batch for n in row}) == 18
    weft.manual_seed(5)
    loader = DataLoader(Items(random_numbers, 6), 2, num_workers=2)
    assert list(map(weft.Tensor.tolist, loader)) != list(map(weft.Tensor.tolist, loader))


def random_numbers(i):
    import random

    return weft.tensor([random.random(), numpy.random.rand(), weft.rand(()).item()], dtype=weft.float64)


def test_orders_do_not_depend_on_workers():
    def order(count, generator=None):
        weft.manual_seed(5)
        return numbers(DataLoader(Items(itself, 20), 3, shuffle=True, num_workers=count, generator=generator))

    assert order(0) == order(2) and sorted(order(2)) == list(range(20))
    assert order(2, weft.Generator().manual_seed(1)) == order(0, weft.Generator().manual_seed(1)) != order(2)


def test_worker_init_fn():
    assert numbers(DataLoader(Items(marked, 4), 2, num_workers=2, worker_init_fn=mark)) == [10, 10, 11, 11]
    with pytest.raises(ValueError, match=r"worker 0 raised ValueError in worker_init_fn(.|\n)*no mark"):
        next(iter(DataLoader(Items(marked, 4), 2, num_workers=1, worker_init_fn=fail_to_mark)))


def mark(worker):
    global marking
    marking = worker + 10


def fail_to_mark(worker):
    raise ValueError("no mark")


def marked(i):
    return marking


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raises(i):
    if i == 5:
        raise {0: KeyError, 1: StopIteration, 2: OSError}[MODE]("the picture is broken")
    return i


MODE = 0


@STARTS
def test_an_error_has_the_workers_traceback_and_the_pass_goes_on(start):
    found = iter(DataLoader(Items(raises), 3, num_workers=2, multiprocessing_context=start))
    assert next(found).tolist() == [0, 1, 2]
    with pytest.raises(KeyError) as caught:
        next(found)
    text = str(caught.value)
    assert text.startswith("[DataLoader] worker 1 raised KeyError loading data:\nTraceback")
    assert "in raises" in text and "the picture is broken" in text
    assert [b.tolist() for b in found] == [[6, 7, 8], [9, 10, 11]]


def test_an_end_of_another_iterator_does_not_end_the_pass(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "MODE", 1)
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        list(DataLoader(Items(raises), 3, num_workers=2))


def test_errors_of_classes_that_take_no_text():
    def item(i):
        class Local(Exception):
            pass

        raise Local("a") if i else Odd(1, 2)

    found = iter(DataLoader(Items(item, 2), 1, num_workers=1))
    for text in (r"Odd: \(1, 2\)", "Local: a"):
        with pytest.raises(RuntimeError, match=text):
            next(found)


def test_what_cannot_be_sent_is_an_error():
    with pytest.raises(Exception, match=r"\[DataLoader\] worker 0 raised (.|\n)*sending a batch"):
        list(DataLoader(Items(lambda i: lambda: i, 2), None, num_workers=1))


@STARTS
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_is_killed_is_an_error(start, number):
    before = set(multiprocessing.active_children())  # of an error that is still held
    loader = DataLoader(Items(Killed(number)), 3, num_workers=2, multiprocessing_context=start)
    with pytest.raises(RuntimeError, match=rf"worker 1 \(process \d+\) was killed by signal {number.value} "):
        list(loader)
    assert set(multiprocessing.active_children()) <= before


class Killed:
    def __init__(self, number):
        self.number = number

    def __call__(self, i):
        if i == 4:
            os.kill(os.getpid(), self.number)
        return i


def test_a_worker_that_exits_is_an_error():
    with pytest.raises(RuntimeError, match="worker 0 .* exit code 3"):
        list(DataLoader(Items(lambda i: os._exit(3)), num_workers=1))


def test_timeout():
    before = set(multiprocessing.active_children())
    found = iter(DataLoader(Items(lambda i: time.sleep(i * 60)), None, num_workers=1, timeout=0.5))
    next(found)
    with pytest.raises(RuntimeError, match=r"within 0.5 seconds"):
        next(found)
    assert set(multiprocessing.active_children()) <= before


def open_files():
    return sorted(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("persistent", [False, True])
def test_nothing_is_left(persistent):
    gc.collect()
    before, children = open_files(), set(multiprocessing.active_children())
    loader = DataLoader(Items(as_tensors, 40), 2, num_workers=3, persistent_workers=persistent)
    for _ in loader:
        break
    list(loader)
    for _ in loader:
        break
    del loader, _
    gc.collect()
    assert set(multiprocessing.active_children()) <= children and open_files() == before


PROGRAM = """
import os, signal, sys, time
import weft
from weft.utils.data import DataLoader, Dataset

class Slow(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        time.sleep(0.01)
        return weft.full((100_000,), float(i))

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have had ignored
loader = DataLoader(Slow(), 2, num_workers=3, persistent_workers=bool(int(sys.argv[2])))
for i, batch in enumerate(loader):
    if i == 2:
        print(os.getpid(), flush=True)
        if sys.argv[1] == "exit":
            sys.exit(3)
        if sys.argv[1] == "error":
            raise ValueError("the program's own")
"""


def group_is_empty(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("persistent", [0, 1])
@pytest.mark.parametrize("how", ["exit", "error", "interrupt", "interrupt alone", "kill"])
def test_the_end_of_the_program_ends_the_workers(how, persistent, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", how, str(persistent)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    process.stdout.readline()
    if how == "interrupt":  # as the terminal does it
        os.killpg(process.pid, signal.SIGINT)
    elif how == "interrupt alone":
        os.kill(process.pid, signal.SIGINT)
    elif how == "kill":
        os.kill(process.pid, signal.SIGKILL)
    errors = process.communicate(timeout=30)[1]
    assert process.returncode == {"exit": 3, "error": 1, "kill": -9}.get(how, -2)
    last = errors.strip().splitlines()[-1:]
    expected = {"error": ["ValueError: the program's own"], "exit": [], "kill": []}.get(how, ["KeyboardInterrupt"])
    assert last == expected and errors.count("Traceback") == (1 if expected else 0)
    until = time.monotonic() + 10
    while not group_is_empty(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert group_is_empty(process.pid)


def test_workers_of_a_compiled_training_loop():
    weft.manual_seed(0)
    layer = weft.nn.Linear(3, 1)
    step = weft.compile(lambda x: layer(x).square().mean())
    for (x,) in DataLoader(TensorDataset(weft.randn(20, 3)), 5, num_workers=2, shuffle=True):
        assert step(x).equal(layer(x).square().mean())
