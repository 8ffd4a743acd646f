"""Memory shared with NumPy and others."""

import copy
import pickle

import numpy
import pytest
import weft
from conftest import assert_same_bits

DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_both_ways(dtype):
    a = (numpy.random.rand(3, 4) * 5).astype(dtype)
    x = weft.from_numpy(a)
    assert x.dtype.name == dtype and x.data_ptr() == a.ctypes.data
    back = x.numpy()
    assert back.dtype == a.dtype and back.ctypes.data == a.ctypes.data and numpy.array_equal(back, a)


def test_writes_are_seen_on_both_sides():
    a = numpy.zeros(3, "float32")
    x = weft.from_numpy(a)
    x.add_(1)
    a[0] = 5
    assert a.tolist() == [5, 1, 1] == x.tolist()
    y = weft.zeros(2)
    view = y.numpy()
    y.fill_(3)
    view[1] = 4
    assert y.tolist() == [3, 4]


def test_strides_and_sizes():
    a = numpy.arange(24, dtype="float32").reshape(4, 6)
    assert weft.from_numpy(a[::2, 1::2]).tolist() == a[::2, 1::2].tolist()
    assert weft.from_numpy(a.T).stride() == (1, 6)
    assert weft.from_numpy(numpy.zeros((0, 3), "float32")).shape == (0, 3)
    assert weft.from_numpy(numpy.float32(3.0).reshape(())).item() == 3.0
    assert numpy.array_equal(weft.from_numpy(a).T[1:].numpy(), a.T[1:])


def test_read_only_arrays_stay_as_they_are():
    a = numpy.ones(3, "float32")
    a.flags.writeable = False
    x = weft.from_numpy(a)
    assert (x + 1).tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
    assert a.tolist() == [1, 1, 1]


def test_memory_outlives_its_owner():
    x = weft.from_numpy(numpy.full(1000, 3.0, "float32"))
    a = weft.full((1000,), 4.0).numpy()
    assert x.sum().item() == 3000 and a.sum() == 4000


def test_dlpack():
    a = numpy.arange(6, dtype="float32").reshape(2, 3)
    x = weft.from_dlpack(a)
    assert x.data_ptr() == a.ctypes.data
    back = numpy.from_dlpack(weft.arange(4).to(weft.float32))
    assert back.tolist() == [0, 1, 2, 3]
    y = weft.ones(3, 2)
    assert numpy.from_dlpack(y.T).shape == (2, 3) and y.__dlpack_device__() == (1, 0)
    assert weft.from_dlpack(y).data_ptr() == y.data_ptr()
    assert_same_bits(weft.from_dlpack(y.bfloat16()), y.bfloat16())


def test_numpy_functions_take_tensors():
    x = weft.tensor([1.0, 4.0])
    assert numpy.sqrt(numpy.asarray(x)).tolist() == [1, 2] and numpy.asarray(x, dtype="float64").dtype == numpy.float64
    assert (x * numpy.array([2.0, 3.0], "float32")).tolist() == [2, 12]
    assert (x + numpy.float32(1)).tolist() == [2, 5]


def test_tensor_from_data():
    assert weft.tensor([[1, 2], [3, 4]]).dtype is weft.int64 and weft.tensor([1, 2.5]).dtype is weft.float32
    assert weft.tensor([]).shape == (0,) and weft.tensor([True]).dtype is weft.bool and weft.tensor(3).shape == ()
    a = numpy.ones(2)
    x = weft.tensor(a)
    a[0] = 5
    assert x.tolist() == [1, 1] and x.dtype is weft.float64
    assert weft.tensor([2**62 + 1]).item() == 2**62 + 1 and weft.as_tensor(a).data_ptr() == a.ctypes.data


def test_copies():
    x = weft.tensor([1.0, 2.0], requires_grad=True)
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert_same_bits(other, x)
        assert other.requires_grad and other.data_ptr() != x.data_ptr()
    assert pickle.loads(pickle.dumps(weft.float32)) is weft.float32


def test_arrays_of_other_frameworks():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    t = torch.arange(6.0).reshape(2, 3)
    x = weft.from_dlpack(t)
    assert x.data_ptr() == t.data_ptr()
    assert torch.from_dlpack(x).data_ptr() == t.data_ptr()


def test_arrays_of_tensors_that_require_grad_under_no_grad():
    x = weft.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with weft.no_grad():  # nothing can be recorded there
        array = x.numpy()
        array[0] = 5
        assert numpy.asarray(x * 1).tolist() == [5.0, 1.0]


def test_frombuffer_says_what_does_not_fit():
    with pytest.raises(
        ValueError,
        match=r"^\[frombuffer\] buffer size must be a multiple of element size; got dtype weft.int64, count -1, offset 0",
    ):
        weft.frombuffer(bytearray(12), dtype=weft.int64)
