"""What a C caller may do wrong, or at an odd time, with a model of weft-aot."""

import ctypes
import os
import signal
import threading
import time

import pytest
import weft
from artifact import Artifact, build
from weft import nn


def test_null_pointers_are_errors(tmp_path):
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", weft.zeros(1))

        def forward(self, x):
            self.count.add_(1)
            return x * self.count + weft.rand(3)

    model = Artifact(Counter(), (weft.ones(3),), tmp_path)
    run, x, y = model.library.model_run, (ctypes.c_float * 3)(), (ctypes.c_float * 3)()
    for arguments, why in [
        ((None, x, y), "the instance is null"),
        ((model.instance, None, y), "the array x is null"),
        ((model.instance, x, None), "the array output0 is null"),
    ]:
        assert run(*arguments) == 1 and why in model.error()
    assert run(model.instance, x, y) == 0 and model.error() == ""
    assert not model.library.model_state(model.instance, None)
    model.library.model_seed(None, ctypes.c_int64(1))
    model.library.model_destroy(None)


def test_a_null_path_of_weights_is_an_error(tmp_path):
    model = Artifact(nn.Linear(2, 2), (weft.ones(1, 2),), tmp_path, "--weights=external")
    assert model.library.model_load(None) == 1 and "path of the weights is null" in model.error()


@pytest.mark.parametrize("name", ["weft_model", "weft", "_", "x1", "main", "weft_run", "int", "weft_program"])
def test_any_c_identifier_is_a_name(tmp_path, name):
    weft.export(lambda x: x + 1, (weft.ones(3),), tmp_path / "model.mlir")
    assert build(tmp_path, "--name", name).returncode == 0
    library = ctypes.CDLL(str(tmp_path / "model.so"))
    x, y = (ctypes.c_float * 3)(1, 2, 3), (ctypes.c_float * 3)()
    assert library[f"{name}_run"](x, y) == 0 and list(y) == [2, 3, 4]


def test_other_names_are_refused(tmp_path):
    weft.export(lambda x: x + 1, (weft.ones(3),), tmp_path / "model.mlir")
    for name in ("a-b", "3d", "ä", "a b"):
        done = build(tmp_path, "--name", name)
        assert done.returncode == 1 and f"--name '{name}' is no C identifier" in done.stderr


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # from Python 3.12 on
def test_a_child_forked_while_another_thread_runs_the_model(tmp_path):
    weft.manual_seed(0)
    model = Artifact(nn.Sequential(nn.Linear(64, 2000), nn.Linear(2000, 64)), (weft.ones(1, 64),), tmp_path)
    x, expected, done = weft.randn(1, 64), None, threading.Event()
    expected = model(x)[0].tolist()

    def work():
        while not done.is_set():
            model(x)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            time.sleep(0.002)
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                os._exit(0 if model(x)[0].tolist() == expected else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
