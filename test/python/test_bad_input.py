"""What programs rarely see and must survive: the right result or a clear error, eagerly, compiled and ahead of time."""

import os
import pathlib
import subprocess
import sys

import numpy
import pytest
import weft
from conftest import assert_same_bits

F = weft.nn.functional
HUGE = 2**40

TOO_LARGE = {
    "empty": lambda: weft.empty(HUGE, HUGE),
    "full": lambda: weft.full((2**62,), 1.0),
    "zeros without elements": lambda: weft.zeros(HUGE, HUGE, 0),
    "rand": lambda: weft.rand(2**62),
    "arange": lambda: weft.arange(2**62),
    "expand": lambda: weft.ones(1, 1).expand(HUGE, HUGE),
    "broadcasting": lambda: weft.ones(1).expand(HUGE).unsqueeze(1) * weft.ones(1).expand(HUGE),
    "pad": lambda: F.pad(weft.ones(3), (2**62, 2**62)),
    "cat": lambda: weft.cat([weft.ones(1).expand(2**59)] * 5),
    "matmul": lambda: weft.ones(1, 1).expand(HUGE, 1) @ weft.ones(1, 1).expand(1, HUGE),
}


@pytest.mark.parametrize("make", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("compiled", [False, True])
def test_sizes_that_overflow(make, compiled):
    with pytest.raises(RuntimeError, match=r"2\^6[23]"):
        (weft.compile(make) if compiled else make)()


def test_reshape_does_not_overflow_to_the_right_count():
    with pytest.raises(RuntimeError, match="invalid for input of size 0"):
        weft.ones(0).reshape(2**32, 2**32)


def test_negative_sizes_are_printed_as_numbers():
    for make in (weft.empty, weft.rand, weft.zeros):
        with pytest.raises(RuntimeError, match=r"must not be negative; got \[3, -1\]"):
            make(3, -1)


@pytest.mark.parametrize(
    "function",
    [lambda x: x.expand(HUGE) + 1, lambda x: (x.expand(2**21, 1) @ x.expand(1, 2**21)).sum()],
    ids=["result", "temporary"],
)
def test_no_memory(function):
    """The size is in the message, and afterwards all is as before."""
    x = weft.ones(1)
    for run in (function, weft.compile(function)):
        with pytest.raises(RuntimeError, match=r"out of memory on cpu: cannot allocate .* bytes"):
            run(x)
    assert (x + 1).item() == 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "float16"])
def test_misaligned_memory(dtype):
    """NumPy's arrays may begin at any byte."""
    item = numpy.dtype(dtype).itemsize
    aligned = numpy.arange(3 * 67).reshape(3, 67).astype(dtype)
    memory = numpy.zeros(aligned.nbytes + 1, "uint8")
    memory[1:] = aligned.view("uint8").ravel()
    odd = memory[1:].view(dtype).reshape(3, 67)
    assert odd.ctypes.data % item == (1 + memory.ctypes.data) % item

    def function(x):
        return x + x, x.sum(0), x @ x.T, weft.cat([x, x]), x[:, ::3].contiguous()

    for run in (function, weft.compile(function)):
        for got, want in zip(run(weft.from_numpy(odd)), function(weft.from_numpy(aligned))):
            assert_same_bits(got, want)


def test_zero_sizes():
    def function(x, w):
        y = x @ w
        return y, y.sum(), y.sum(0), weft.cat([y, y]), weft.softmax(y, 1), y.reshape(-1, 2), x.T @ x

    x, w = weft.ones(0, 4), weft.ones(4, 6)
    for got, want in zip(weft.compile(function)(x, w), function(x, w)):
        assert_same_bits(got, want)
    assert (weft.ones(3, 0) @ weft.ones(0, 2)).tolist() == [[0.0, 0.0]] * 3


def test_strides_of_zero():
    def function(x):
        e = x.expand(5, 3)
        return e * 2, e.sum(0), e.sum(1), e @ e.T, e.contiguous(), weft.where(e > 0, e, -e)

    x = weft.randn(3)
    plain = weft.from_numpy(numpy.ascontiguousarray(numpy.broadcast_to(x.numpy(), (5, 3))))
    for run in (function, weft.compile(function)):
        for got, want in zip(run(x), function(plain)):
            assert_same_bits(got, want)


def test_denormals_are_kept():
    x = weft.tensor([1e-45, 1e-40, -1e-39, 1.1754944e-38, 5e-39])
    for run in (lambda f: f(x), lambda f: weft.compile(f)(x)):
        assert_same_bits(run(lambda x: x * 0.5), weft.from_numpy(x.numpy() * numpy.float32(0.5)))
        assert_same_bits(run(lambda x: x + x), weft.from_numpy(x.numpy() + x.numpy()))
        assert_same_bits(run(weft.expm1), x)
        assert_same_bits(run(weft.sin), x)
        assert run(lambda x: (x > 0).sum()).item() == 4


def test_moves_keep_the_payloads_of_nans():
    words = numpy.array([0x7F800001, 0xFFC12345, 0x7FFFFFFF, 0x3F800000, 0xFF800001], "uint32")
    x = weft.from_numpy(words.view("float32"))

    def moves(x):
        index = weft.tensor([4, 1, 0])
        return x.clone(), weft.cat([x, x]), x.flip(0), x[index], weft.where(x == x, x, x), F.pad(x, (1, 1))

    want = [words, numpy.tile(words, 2), words[::-1], words[[4, 1, 0]], words, numpy.pad(words, 1)]
    for run in (moves, weft.compile(moves)):
        for got, expected in zip(run(x), want):
            assert got.numpy().view("uint32").tolist() == expected.tolist()


def test_integers_divided_by_zero():
    x, y = weft.tensor([1, -2, 3]), weft.tensor([1, 0, 2])
    for divide in (weft.floor_divide, weft.remainder, weft.fmod):
        for divisor in (0, y):
            with pytest.raises(RuntimeError, match="ZeroDivisionError"):
                divide(x, divisor)
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            weft.compile(lambda x: divide(x, 0))(x)  # noqa: B023
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        x //= 0
    assert (x / 0).tolist() == [weft.inf, -weft.inf, weft.inf]
    least = weft.tensor([-(2**63)])
    assert (least // -1).item() == -(2**63) and (least % -1).item() == 0


def test_unknown_processor(monkeypatch):
    monkeypatch.setenv("WEFT_CPU", "pentium-9")
    with pytest.raises(RuntimeError, match="unknown CPU 'pentium-9'.*x86-64-v3.*x86-64-v4"):
        weft.compile(lambda x: x * 3)(weft.ones(7))
    monkeypatch.setenv("WEFT_CPU", "core2")
    with pytest.raises(RuntimeError, match="'core2' lacks AVX2, FMA or F16C"):
        weft.compile(lambda x: x * 3)(weft.ones(7))
    monkeypatch.setenv("WEFT_CPU", "diamondrapids")
    if "amx_fp16" not in pathlib.Path("/proc/cpuinfo").read_text():
        with pytest.raises(
            RuntimeError, match="cannot run code for x86-64 diamondrapids: it lacks .*avx10.2.*x86-64-v3"
        ):
            weft.compile(lambda x: x * 3)(weft.ones(7))
    monkeypatch.setenv("WEFT_CPU", "neoverse-n1")
    with pytest.raises(RuntimeError, match="cannot run code for the CPU 'neoverse-n1', which is aarch64"):
        weft.compile(lambda x: x * 3)(weft.ones(7))


def free_memory():
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(free_memory() < 12 << 30, reason="needs 12 GiB of free memory")
def test_more_than_two_to_the_31_elements():
    """In a process of its own, which gives the memory back."""
    program = """
import weft
n = 2**31 + 73
x = weft.zeros(n, dtype=weft.uint8)
x[n - 3] = 7
x[5] = 2
index = weft.tensor([n - 3, 5, n - 1])
def look(x, index):
    return x[index], x[n - 4 : n : 2] + 1, x.reshape(n // 3, 3)[-1] * 2
for run in (look, weft.compile(look)):
    assert [t.tolist() for t in run(x, index)] == [[7, 2, 0], [1, 1], [14, 0, 0]], run(x, index)
assert weft.argmax(x, 0).item() == n - 3
assert (x + 1)[-3:].tolist() == [8, 1, 1]
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_an_index_outside_is_an_error_in_a_replay_too():
    x, good, bad = weft.randn(16, 4), weft.tensor([3, 15]), weft.tensor([3, 16])
    functions = {
        "index": lambda x, i: x[i],
        "a view": lambda x, i: x[i.unsqueeze(1).squeeze(1)],
        "embedding": lambda x, i: F.embedding(i, x),
        "index_select": lambda x, i: weft.index_select(x, 0, i),
        "gather": lambda x, i: weft.gather(x, 0, i.unsqueeze(1)),
        "cross_entropy": lambda x, i: F.cross_entropy(x.reshape(4, 16)[:2], i),
    }
    for name, function in functions.items():
        compiled = weft.compile(function)
        for _ in range(2):
            assert_same_bits(compiled(x, good), function(x, good))
        for run in (function, compiled, weft.compile(function)):
            with pytest.raises(IndexError, match="index 16 is out of bounds"):
                run(x, bad)
        assert weft.explain(function, x, good).mode == "replay", name
    assert weft.compile(lambda x, i: x[i])(x, weft.tensor([-16])).shape == (1, 4)
