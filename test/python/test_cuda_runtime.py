"""What the run time does on a GPU beside kernels: loops, library functions, memory, several devices, other frameworks' streams, and
what it says when something fails."""

import copy
import ctypes
import os
import pickle
import subprocess
import sys

import pytest
import weft
from conftest import assert_same_bits, run_alone

pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(not weft.cuda.is_available(), reason="no CUDA driver or GPU on this machine"),
]


def same_on_both(f, *arguments):
    """Of the CPU and of the GPU, eagerly and compiled."""
    expected = f(*arguments)
    there = [a.to("cuda") for a in arguments]
    for run in (f, weft.compile(f)):
        for _ in range(2):
            got = run(*there)
            assert all(t.is_cuda for t in (got if isinstance(got, tuple) else [got]))
            assert_same_bits(got, expected)


def test_loops():
    w, xs = weft.randn(3, 3), weft.randn(5, 2, 3)
    same_on_both(lambda c, xs, w: weft.scan(lambda c, x: ((h := (c @ w + x).tanh()), h * 2), c, xs), xs[0], xs, w)
    same_on_both(lambda a: weft.while_loop(lambda a: a.sum() < 100, lambda a: (a * 1.5 + 1,), (a,))[0], xs[0].abs())
    for value in (-1.0, 1.0):
        same_on_both(
            lambda a: weft.cond(a.sum() > 0, lambda a: a.exp(), lambda a: a - a.amax(), (a,)), weft.full((2, 3), value)
        )


def test_gradient_of_a_loop():
    def gradients(xs, w):
        w = w.detach().requires_grad_()
        carry, ys = weft.scan(lambda c, x: ((h := (c @ w + x).tanh()), h * 2), weft.zeros_like(xs[0]), xs)
        (carry.sum() + ys.sum()).backward()
        return w.grad

    same_on_both(gradients, weft.randn(5, 2, 3), weft.randn(3, 3))


def test_library_functions():
    x = weft.randn(4, 6, 6)
    same_on_both(lambda x: weft.sort(x * 2, 1)[0] + 1, x)
    same_on_both(lambda x: weft.linalg.cholesky(x @ x.mT + weft.eye(6, device=x.device)), x)
    same_on_both(lambda x: weft.linalg.eigh(x + x.mT)[0] * 2, x)


@pytest.mark.parametrize("columns", [12_032, 12_160, 12_288])
def test_shared_memory_is_asked_for_beside_what_kernels_declare(columns):
    """Rows whose scratch is below 48 KiB, but not with the 1 KiB that a reduction declares."""
    same_on_both(lambda x: weft.softmax(x, 1), weft.randn(2, columns))


def test_rows_beyond_shared_memory():
    """More rows than blocks have scratch in global memory."""
    x = weft.randn(513, 12_400, dtype=weft.float64)
    assert_same_bits(weft.compile(lambda x: weft.softmax(x, 1))(x.to("cuda")), weft.softmax(x, 1))


def test_writes_to_views():
    def f(x, y):
        x = x.clone()
        x[:, ::2] = y
        x.t().add_(1)
        x[1:, 1].mul_(3)
        x.view(-1)[3:9] = 2
        return x

    same_on_both(f, weft.randn(4, 6), weft.randn(4, 3))

    def parts(x, y):
        x = x.clone()
        x[1, :, 2::2, 1:3] = y
        x[:, 1] = y[0, 0, 0]
        x.permute(3, 0, 2, 1)[1:, :, ::3] = x[0, 0, 0, 0]
        x[..., 4:4] = 1
        x[0].diagonal(0, 0, 2).copy_(y[0, 0, 1])
        x.view(-1)[3:300:7] = weft.arange(43.0, device=x.device)[:43]
        x.transpose(0, 2).copy_(x.transpose(0, 2).flip(0))
        x[:, :, 0] += 1
        return x

    same_on_both(parts, weft.randn(2, 5, 7, 6), weft.randn(5, 3, 2))
    many = weft.zeros(300, 3, 301, 2).to("cuda")  # more than some copies
    many[:, 1:, ::2, 1] = 1
    assert many.sum().item() == 300 * 2 * 151


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_go_between_devices(compiled):
    def f(x, w):
        h = (x * w).exp()
        return ((h.to("cuda") * 2).sin().cpu() * h).sum()

    def expected(x, w):
        h = (x * w).exp()
        return ((h * 2).sin() * h).sum()

    x, w = weft.randn(5), weft.randn(5).requires_grad_()
    run = weft.compile(f) if compiled else f
    (wanted,) = weft.autograd.grad(expected(x, w), w)
    for _ in range(3):
        (got,) = weft.autograd.grad(run(x, w), w)
        assert_same_bits(got, wanted)
    leaf = weft.randn(3).requires_grad_()
    leaf.to("cuda").square().sum().backward()
    assert_same_bits(leaf.grad, leaf.detach() * 2)


@pytest.mark.skipif(weft.cuda.device_count() < 2, reason="one GPU")
def test_several_devices():
    x = weft.randn(50)
    first, second = x.to("cuda:0"), x.to("cuda:1")
    a, b = first.exp(), second.exp()
    assert (a.device.index, b.device.index) == (0, 1)
    for t in (a, b, a.to("cuda:1"), b.to("cuda:0"), (first * 2).to("cuda:1") / 2 * 0 + b):
        assert_same_bits(t.cpu(), x.exp())
    weft.cuda.synchronize("cuda:1")
    with pytest.raises(RuntimeError, match="same device"):
        first + second
    del a, b, second
    assert_same_bits((x.to("cuda:1") + 1).cpu(), x + 1)


def test_functions_that_look_at_values_stay_there():
    x, mask = weft.tensor([3.0, 0.0, 1.0, 1.0, 0.0]), weft.tensor([True, False, True, True, False])
    same_on_both(lambda x: x.nonzero(), x)
    same_on_both(lambda x: weft.where(x > 0.5), x)
    same_on_both(lambda x: weft.unique(x, return_inverse=True, return_counts=True), x)
    same_on_both(lambda x: weft.unique_consecutive(x), x)
    same_on_both(lambda x, m: weft.masked_select(x, m), x, mask)
    layer = weft.nn.AdaptiveLogSoftmaxWithLoss(6, 8, [3])
    inputs, targets = weft.randn(4, 6), weft.tensor([1, 5, 7, 2])
    expected = layer(inputs, targets)
    assert_same_bits(tuple(layer.to("cuda")(inputs.to("cuda"), targets.to("cuda"))), tuple(expected))


def test_packed_sequences():
    rnn, x = weft.nn.LSTM(6, 5), weft.randn(2, 3, 6)

    def run(x):
        packed = weft.nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True)
        assert packed.batch_sizes.device.type == "cpu"
        return weft.nn.utils.rnn.pad_packed_sequence(rnn(packed)[0])[0].detach()

    expected = run(x)
    rnn.to("cuda")
    assert_same_bits(run(x.to("cuda")), expected)


def test_printing_copies_what_it_shows():
    x = weft.arange(3_000_000.0).view(3, 1_000_000)
    assert (
        repr(x.to("cuda").expand(2**20, 3, 1_000_000))
        == repr(x.expand(2**20, 3, 1_000_000))[:-1] + ", device='cuda:0')"
    )
    sparse = repr(weft.tensor([[0.0, 2.0]]).to("cuda").to_sparse())
    assert sparse.count("device=") == 1 and "values=tensor([2.])," in sparse
    assert repr(weft.arange(5).to("cuda")) == "tensor([0, 1, 2, 3, 4], device='cuda:0')"


def test_pickles_keep_the_device():
    x = weft.randn(3).to("cuda").requires_grad_()
    layer = weft.nn.Linear(3, 2).to("cuda")
    for original, copied in ((x, pickle.loads(pickle.dumps(x))), (x, copy.deepcopy(x))):
        assert copied.device == original.device and copied.requires_grad
        assert_same_bits(copied, original)
    for other in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert_same_bits(other(x), layer(x))


def test_data_within_a_program_needs_no_break():
    """A number or a list that becomes a tensor of the GPU is a constant of the program."""
    x = weft.randn(3).to("cuda")

    def f(x):
        return x * weft.tensor([1.0, 2.0, 3.0], device=x.device) + weft.as_tensor(0.5).to("cuda")

    compiled = weft.compile(f)
    for _ in range(3):
        assert_same_bits(compiled(x), f(x))
    explanation = weft.explain(compiled, x)
    assert (explanation.mode, explanation.reason) == ("replay", None)


def test_code_that_runs_as_python_says_the_same():
    def function(x, y):
        z = x // (y - 1)
        print("divided")
        return z

    def message(f, *arguments):
        with pytest.raises(RuntimeError, match="divided by 0") as raised:
            f(*arguments)
        return str(raised.value)

    x, zero = weft.tensor([1, 2]).to("cuda"), weft.tensor([1, 1]).to("cuda")
    compiled = weft.compile(function)
    for _ in range(2):
        assert_same_bits(compiled(x, x + 1), function(x, x + 1))
        assert message(compiled, x, zero) == message(function, x, zero)


class Producer:
    """Another framework's tensor: ours, with what its consumer asks of it."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()

    def __dlpack__(self, **keywords):
        self.keywords = keywords
        return self.tensor.__dlpack__(**keywords)


def test_dlpack_orders_streams():
    x = weft.arange(6.0).to("cuda")
    producer = Producer(x * 2)
    taken = weft.from_dlpack(producer)
    assert producer.keywords["stream"] > 2  # our stream, which waits for what the producer still does
    assert taken.tolist() == [0, 2, 4, 6, 8, 10]
    with pytest.raises(BufferError, match="a stream of a GPU is"):
        x.__dlpack__(stream=0)

    # A consumer that reads in a stream of its own finds what was computed.
    cuda = ctypes.CDLL("libcuda.so.1")
    stream, values = ctypes.c_void_p(), (ctypes.c_float * 6)()
    assert cuda.cuStreamCreate(ctypes.byref(stream), 1) == 0
    y = x + 1
    capsule = y.__dlpack__(stream=stream.value)
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    data = ctypes.cast(get(capsule, b"dltensor"), ctypes.POINTER(ctypes.c_uint64))[0]
    assert cuda.cuMemcpyDtoHAsync_v2(values, ctypes.c_uint64(data), ctypes.c_size_t(24), stream) == 0
    assert cuda.cuStreamSynchronize(stream) == 0
    assert list(values) == [1, 2, 3, 4, 5, 6]


# A tensor whose memory ends before it does.
TOO_LONG = """
import ctypes
capsule = weft.ones(4, device="cuda").__dlpack__()
get = ctypes.pythonapi.PyCapsule_GetPointer
get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
fields = ctypes.cast(get(capsule, b"dltensor"), ctypes.POINTER(ctypes.c_uint64))
ctypes.cast(fields[3], ctypes.POINTER(ctypes.c_int64))[0] = 1 << 20
x = weft.from_dlpack(capsule)
try:
    print((x * 2).sum().item())
except RuntimeError as error:
    print(error)
"""


def test_sizes_and_numbers_share_a_program():
    def f(x, scale):
        return (x * scale + 1).tanh(), (x * x).sum(-1)

    compiled, made = weft.compile(f), []
    for i, n in enumerate((7, 8, 4, 100, 3, 2)):
        x, scale = weft.randn(n, 4), 0.5 * i + 0.25
        eager = f(x.cuda(), scale)
        before = weft._C.compile_statistics()[0]
        got = compiled(x.cuda(), scale)
        made.append(weft._C.compile_statistics()[0] - before)
        for there in (got, eager):
            assert_same_bits(there, f(x, scale))
    assert made == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("blocking", [False, True])
def test_errors_of_kernels(blocking, monkeypatch):
    monkeypatch.setenv("WEFT_CUDA_BLOCKING", "1" if blocking else "0")
    message = run_alone(TOO_LONG)
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in message
    assert ("running mul" if blocking else "run it again with WEFT_CUDA_BLOCKING=1") in message


def test_a_driver_older_than_nvrtc(tmp_path):
    """The message says what to install, and what was compiled stays for another driver."""
    if "HOST" not in weft.cuda.get_device_name().upper():
        pytest.skip("the machine's own driver takes what its NVRTC makes")

    def run(**variables):
        environment = os.environ | {"WEFT_CACHE_DIR": str(tmp_path)} | variables
        code = "import weft\ntry: print(weft.ones(3, device='cuda').sin().tolist())\nexcept RuntimeError as e: print(e)"
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout

    message = run(HOSTGPU_OLD_DRIVER="1")
    assert "sm_90 by NVRTC 13.0" in message and "the driver is for CUDA 12.4" in message
    assert "pip install nvidia-cuda-nvrtc-cu12" in message
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    assert kept and "0.84" in run()
    assert kept.items() <= {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}.items()
