"""weft.multiprocessing: functions in processes of their own, and what becomes of those that fail."""

import os
import pickle
import time

import pytest
import weft
from weft import multiprocessing


def square(rank, folder, x):
    weft.save(x * x + rank, os.path.join(folder, f"{rank}.pt"))


def fail(rank, how):
    if rank == 1:
        if how == "raise":
            raise ValueError("of the second process")
        if how == "exit":
            os._exit(7)
        os.kill(os.getpid(), 9)
    time.sleep(60)


def test_spawn(tmp_path):
    x = weft.arange(4.0)
    assert multiprocessing.spawn(square, args=(str(tmp_path), x), nprocs=2, join=True) is None
    assert [weft.load(tmp_path / f"{rank}.pt").tolist() for rank in (0, 1)] == [[0, 1, 4, 9], [1, 2, 5, 10]]


def test_the_context_is_joined_later(tmp_path):
    context = multiprocessing.start_processes(
        square, (str(tmp_path), weft.ones(1)), 2, join=False, start_method="spawn"
    )
    assert len(context.pids()) == 2
    while not context.join(timeout=60):
        pass
    assert context.join() and {path.name for path in tmp_path.iterdir()} == {"0.pt", "1.pt"}


@pytest.mark.parametrize(
    "how, error, message",
    [
        ("raise", multiprocessing.ProcessRaisedException, "process 1 raised(.|\n)*ValueError: of the second process"),
        ("exit", multiprocessing.ProcessExitedException, "process 1 ended with exit code 7"),
        ("kill", multiprocessing.ProcessExitedException, "process 1 was ended by SIGKILL"),
    ],
)
def test_one_that_fails_ends_the_others(how, error, message):
    context = multiprocessing.spawn(fail, args=(how,), nprocs=2, join=False)
    with pytest.raises(error, match=message) as caught:
        while not context.join():
            pass
    assert caught.value.error_index == 1 and not any(process.is_alive() for process in context.processes)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is error and str(again) == str(caught.value) and again.pid == caught.value.pid


def test_errors():
    with pytest.raises(TypeError, match="fn at the top of a module"):
        multiprocessing.spawn(lambda rank: None)
    with pytest.raises(ValueError, match="use start_processes"):
        multiprocessing.spawn(square, start_method="fork")
    with pytest.raises(ValueError, match="'shared'"):
        multiprocessing.set_sharing_strategy("shared")


def test_the_rest_is_pythons():
    import multiprocessing as python

    assert multiprocessing.Process is python.Process and multiprocessing.get_context is python.get_context
    assert {"spawn", "Queue", "set_start_method"} <= set(dir(multiprocessing))
    before = multiprocessing.get_sharing_strategy()
    multiprocessing.set_sharing_strategy("file_system")
    assert multiprocessing.get_sharing_strategy() == "file_system"
    multiprocessing.set_sharing_strategy(before)


def test_what_is_distributed_says_that_there_is_one_process():
    assert not weft.distributed.is_available() and not weft.distributed.is_initialized()
    with pytest.raises(AttributeError, match="'get_rank': there is one process. Ask is_available"):
        weft.distributed.get_rank()
    assert not hasattr(weft.distributed, "all_reduce")
