"""What the Python tests share: the op records and arrays made after their examples."""

import json
import pathlib
import subprocess
import sys

import numpy
import pytest
import weft

NUMPY_DTYPES = {
    "bool": ["bool"],
    "int": ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"],
    "float": ["float32", "float64", "float16", "bfloat16"],
}


def op_records():
    """The records as the build described them, beside the package."""
    for folder in pathlib.Path(weft.__file__).resolve().parents:
        path = folder / "ir" / "op_records.json"
        if path.exists():
            return json.loads(path.read_text())
    staged = pathlib.Path(weft._ops.__file__).parents[2] / "ir" / "op_records.json"
    return json.loads(staged.read_text())


def bits(tensor):
    """dtype, shape and bytes: what must be equal between eager and compiled."""
    return tensor.dtype, tuple(tensor.shape), weft._C.raw_bytes(tensor.detach().cpu().contiguous())


def assert_same_bits(a, b):
    """Of tensors, or of tuples of them."""
    if isinstance(a, tuple):
        assert type(a) is type(b) and len(a) == len(b)
        for one, other in zip(a, b):
            assert_same_bits(one, other)
    elif bits(a) != bits(b):
        raise AssertionError(f"the bits differ:\n{a}\n{b}")


def array_of(tensor):
    """A float64 (or integer, or bool) NumPy array of any tensor, bfloat16 included."""
    tensor = tensor.detach().cpu()
    return (tensor.double() if tensor.dtype.is_floating_point else tensor).numpy()


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", choices=["cpu", "cuda"], help="where tensors are made that name none")


def pytest_configure(config):
    """On a GPU, tests that say nothing of devices make their tensors there, from NumPy's arrays too, and read them back."""
    if config.getoption("--device") == "cpu":
        return
    if not weft.cuda.is_available():
        raise pytest.UsageError("there is no GPU; test/hostgpu/run gives a command one")
    weft.set_default_device("cuda")
    from_numpy, numpy_of, printed = weft.from_numpy, weft.Tensor.numpy, weft.Tensor.__repr__
    weft.from_numpy = lambda ndarray: from_numpy(ndarray).to(weft.get_default_device())
    weft.Tensor.numpy = lambda self, force=False: numpy_of(self.cpu(), force=force)
    weft.Tensor.__array__ = lambda self, dtype=None, copy=None: numpy.asarray(numpy_of(self.cpu()), dtype)

    def printed_as_on_a_cpu(self):
        return (
            printed(self).replace(", device='cuda:0'", "")
            if weft.get_default_device().type == "cuda"
            else printed(self)
        )

    weft.Tensor.__repr__ = printed_as_on_a_cpu


# Files, and tests of them, of what is the host's, whatever the device.
OF_THE_HOST = {
    "test_interop": "memory shared with NumPy",
    "test_columns": "memory shared with tables",
    "test_memory": "memory shared with others",
    "test_aot": "weft-aot makes programs of CPUs",
    "test_aarch64": "weft-aot makes programs of CPUs",
    "test_artifact_misuse": "weft-aot makes programs of CPUs",
    "test_udf": "weft-aot makes programs of CPUs",
    "test_threads": "threads of the host's kernels",
    "test_shipped_kernels": "kernels of CPUs",
    "test_tuning": "kernels of CPUs",
    "test_float_mode": "the host's floating-point mode",
    "test_arguments::test_format": "lines without the device's name",
    "test_array_api::test_a_tensor_knows_its_namespace": "tensors of the CPU by name",
    "test_custom_op::test_kernels_of_devices": "tensors of the CPU by name",
    "test_autocast": "autocast has lists for CPUs alone",
    "test_amp::test_custom_functions": "autocast has lists for CPUs alone",
    "test_bad_input::test_no_memory": "what is said of the CPU's memory",
    "test_bad_input::test_unknown_processor": "WEFT_CPU",
    "test_weight_results": "weights that are written by their address",
    "test_complex::test_memory_is_shared_with_numpy_and_dlpack": "memory shared with NumPy",
    "test_more_names::test_memory": "Python on elements, which is for CPUs",
    "test_more_names::test_shared_memory_is_seen_by_both_processes": "the host's shared memory",
    "test_more_names::test_transforms_and_settings": "autocast has lists for CPUs alone",
    "test_names::test_types_as_classes_and_names": "types of the CPU by name",
    "test_sparse::test_printing": "lines without the device's name",
    "test_unsigned::test_numbers": "lines without the device's name",
}


def pytest_collection_modifyitems(config, items):
    if config.getoption("--device") == "cpu":
        return
    for item in items:
        file = item.module.__name__
        if why := OF_THE_HOST.get(file) or OF_THE_HOST.get(f"{file}::{item.originalname}"):
            item.add_marker(pytest.mark.skip(reason=f"{why}: on a CPU"))


@pytest.fixture
def cpu_by_default():
    """Of tests that name the GPU where they mean it."""
    before = weft.get_default_device()
    weft.set_default_device("cpu")
    yield
    weft.set_default_device(before)


@pytest.fixture(autouse=True)
def seeded():
    """Each test starts with the same random stream."""
    weft.manual_seed(1234)
    numpy.random.seed(1234)


@pytest.fixture
def one_thread():
    """Small work is done sooner by one, where other tests run beside it."""
    threads = weft.get_num_threads()
    weft.set_num_threads(1)
    yield
    weft.set_num_threads(threads)


def run_alone(code, megabytes=None):
    """Runs code in a process of its own, with so much memory beside what the import takes; gives what it prints."""
    limit = ""
    if megabytes:
        limit = (
            "import resource\n"
            "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
            f"resource.setrlimit(resource.RLIMIT_AS, (used + ({megabytes} << 20),) * 2)\n"
        )
    program = f"import weft, gc, threading, time, sys\nweft.set_num_threads(1)\n(weft.ones(3) + 1).sum()\n{limit}{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return done.stdout.strip()
