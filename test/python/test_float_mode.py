"""The floating-point mode that a library, or the program, left behind changes no result and is left as it was."""

import ctypes
import os
import pathlib
import platform
import subprocess
import sys

import numpy
import pytest

AOT = pathlib.Path(sys.executable).parent / "weft-aot"

FTZ, DAZ = 0x8000, 0x40  # bits of MXCSR
MODES = {
    "flush": lambda mxcsr: mxcsr | FTZ | DAZ,
    "upward": lambda mxcsr: mxcsr | 0x4000,
    "downward": lambda mxcsr: mxcsr | 0x2000,
    "to_zero_and_flush": lambda mxcsr: mxcsr | 0x6000 | FTZ | DAZ,
    "trap": lambda mxcsr: mxcsr & ~0x680,  # invalid operation, division by zero and overflow end the process
}

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the test writes MXCSR")


class Environment(ctypes.Structure):
    """fenv_t of glibc on x86-64."""

    _fields_ = [("x87", ctypes.c_uint32 * 7), ("mxcsr", ctypes.c_uint32)]


def current():
    environment = Environment()
    ctypes.CDLL("libm.so.6").fegetenv(ctypes.byref(environment))
    return environment


class float_mode:
    def __init__(self, name):
        self.change = MODES.get(name, lambda mxcsr: mxcsr)

    def __enter__(self):
        self.before, changed = current(), current()
        changed.mxcsr = self.change(changed.mxcsr)
        ctypes.CDLL("libm.so.6").fesetenv(ctypes.byref(changed))
        return changed.mxcsr

    def __exit__(self, *_):
        ctypes.CDLL("libm.so.6").fesetenv(ctypes.byref(self.before))


# Subnormal numbers, quotients and sums that each mode rounds otherwise, infinities and NaN; on one thread and on several.
PROGRAM = """
import sys, threading, weft
sys.path.insert(0, {tests!r})
from test_float_mode import current, float_mode

def function(x, y):
    return (x / y + x * 1e-3, weft.softmax(x, -1), x.sum(), (x @ x.t()).sum(0), x.double() * 1e-310, weft.log(x - x), x * 1e30 * 1e30,
            x * 1e-30 * 1e-12, x.half() * 1e-4, (weft.full((4, 4), 0.1) * 3.3).bfloat16(), (y * 0.1 + 0.1).to(weft.float16))

def results():
    weft.manual_seed(0)
    found = []
    for rows in (3, 300):
        x, y = weft.rand(rows, 512), weft.randn(rows, 512)
        found += [*function(x, y), *weft.compile(function)(x, y)]
        z = x.clone().requires_grad_()
        (z.sigmoid() * y).sum().backward()
        found.append(z.grad)
    found += [weft.tensor([0.1, 1e-40, 1e-310]), weft.tensor([1e-310, 0.1], dtype=weft.float64), weft.full((2,), 1e-40),
              weft.arange(0, 1, 0.1), weft.tensor(1.0) + 1e-40, weft.ones(2, dtype=weft.float16) * 0.1]
    numbers = [weft.tensor(1e-40).item(), weft.tensor([1e-40, 6e-8]).half().tolist(), bool(weft.tensor(1e-310, dtype=weft.float64)),
               float(weft.tensor(2**63 - 1)), weft.tensor(1e-40).tolist(), weft.tensor(2**53 + 1).item()]
    return [weft._C.raw_bytes(t.detach()) for t in found], [float.hex(n) if isinstance(n, float) else n for n in numbers]

def compute():
    global made
    with float_mode({mode!r}) as set_to:
        found = results()
        assert current().mxcsr & ~63 == set_to & ~63, "the mode is not what it was"
    made.append(found)

made = []
compute()
thread = threading.Thread(target=compute)
thread.start(); thread.join()
assert made[0] == made[1], "another thread computes other bits"
import hashlib
print([hashlib.md5(b).hexdigest() for b in made[0][0]], made[0][1])
"""


def digests(mode, threads):
    program = PROGRAM.format(tests=str(pathlib.Path(__file__).parent), mode=mode)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "WEFT_NUM_THREADS": threads, "WEFT_CACHE": "0"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def expected():
    return digests("as it is", "1")


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_changes_a_bit(mode, expected):
    assert digests(mode, "2") == expected


def test_a_model_of_weft_aot_has_its_own_mode(tmp_path):
    import weft

    x = weft.rand(600, 512) * 1e-38
    weft.export(lambda x: x / 3 + x * 0.01, (x,), tmp_path / "model.mlir")
    subprocess.run([AOT, tmp_path / "model.mlir", "-o", tmp_path / "model.so"], check=True, timeout=120)
    library = ctypes.CDLL(str(tmp_path / "model.so"))

    def run(mode):
        out = numpy.zeros((600, 512), numpy.float32)
        pointer = x.numpy().ctypes.data_as(ctypes.c_void_p)
        with float_mode(mode):
            assert library.model_run(pointer, out.ctypes.data_as(ctypes.c_void_p)) == 0
        return out.tobytes()

    expected = run("as it is")
    assert all(run(mode) == expected for mode in MODES)
