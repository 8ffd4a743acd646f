"""Memory that is shared, held and given back: no input makes the process crash or read what is not its own."""

import copy
import ctypes
import pickle

import numpy
import pytest
import weft
from conftest import run_alone

EXPORTS = {
    "numpy": lambda x: x.numpy(),
    "__array__": lambda x: x.__array__(),
    "memoryview": lambda x: numpy.asarray(memoryview(x)),
    "dlpack": numpy.from_dlpack,
    "from_numpy": lambda x: weft.from_numpy(x.numpy()).numpy(),
    "from_dlpack": lambda x: weft.from_dlpack(x).numpy(),
}


# ---- Exports hold the memory, not the tensor.


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_an_export_outlives_the_tensors_memory(export):
    x = weft.ones(300_000)
    array = export(x)
    x.data = weft.zeros(5)
    others = [weft.zeros(300_000) for _ in range(4)]
    assert array.sum() == 300_000
    array[:] = 7
    assert all(other.sum().item() == 0 for other in others)


def test_an_export_outlives_a_conversion_of_its_module():
    module = weft.nn.Linear(300, 300, bias=False).requires_grad_(False)
    array = module.weight.numpy()
    before = array.copy()
    module.double()
    other = weft.zeros(300, 300)
    assert (array == before).all()
    array[:] = 7
    assert other.sum().item() == 0


def test_a_view_whose_base_got_other_memory_stands_alone():
    x = weft.ones(1000, requires_grad=True)
    y = x * 2
    v = y[900:]
    y.data = weft.zeros(5)
    y.mul_(3)
    assert v.sum().item() == 200 and (v * 1).shape == (100,)


def test_the_buffer_of_a_tensor_keeps_to_its_order():
    x = weft.arange(6).reshape(2, 3)
    assert bytes(x) == x.numpy().tobytes() and memoryview(x.T).tolist() == x.T.tolist()
    assert memoryview(x.T).f_contiguous and not memoryview(x.T).c_contiguous
    with pytest.raises(TypeError, match="not C contiguous"):
        ctypes.c_char.from_buffer(x.T)


# ---- DLPack 1.x


class Producer:
    """Of DLPack before 1.0."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __dlpack__(self, stream=None):
        return self.tensor.__dlpack__()

    def __dlpack_device__(self):
        return self.tensor.__dlpack_device__()


def test_dlpack_versions():
    x = weft.ones(3)
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 0)))
    for old in (None, (0, 8)):
        assert '"dltensor"' in repr(x.__dlpack__(max_version=old))
    assert weft.from_dlpack(Producer(x)).data_ptr() == x.data_ptr()
    assert numpy.from_dlpack(x).flags.writeable
    capsule = x.__dlpack__(max_version=(1, 1))
    assert weft.from_dlpack(capsule).data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match="nobody has used"):
        weft.from_dlpack(capsule)


def test_dlpack_read_only_both_ways():
    a = numpy.ones(3, "float32")
    a.flags.writeable = False
    x = weft.from_dlpack(a)
    assert x.data_ptr() == a.ctypes.data
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
    assert not numpy.from_dlpack(x).flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        x.__dlpack__()
    assert not numpy.asarray(x).flags.writeable


def test_dlpack_copies_and_devices():
    x = weft.ones(3)
    for copied in (weft.from_dlpack(x, copy=True), numpy.from_dlpack(x, copy=True)):
        copied[0] = 5
        assert x.tolist() == [1, 1, 1]
    assert weft.from_dlpack(numpy.ones(3), device="cpu", copy=False).tolist() == [1, 1, 1]
    assert weft.from_dlpack(x.__dlpack__(dl_device=(1, 0), copy=False)).data_ptr() == x.data_ptr()
    with pytest.raises(BufferError, match="out there or on the CPU"):
        x.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="requires grad"):
        weft.ones(3, requires_grad=True).__dlpack__()
    with pytest.raises(BufferError, match="stream"):
        x.__dlpack__(stream=1)


# ---- What Python gives.


class Sizes:
    """A sequence that makes its items when they are asked for."""

    def __init__(self, *sizes):
        self.sizes = sizes

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, i):
        return int(str(self.sizes[i]))


def test_sizes_from_any_sequence():
    assert weft.empty(range(1000, 1003)).shape == (1000, 1001, 1002)
    for sizes in (Sizes(3, 1000), numpy.array([3, 1000]), range(3, 1001, 997)):
        assert weft.ones(3000).reshape(sizes).shape == weft.ones(3000).view(sizes).shape == (3, 1000)
        assert weft.ones(1).expand(sizes).shape == weft.zeros(sizes).shape == (3, 1000)
    assert weft.ones(3, 1000).permute(Sizes(1, 0)).shape == (1000, 3)
    assert weft.ones(1003).split(Sizes(3, 1000))[1].shape == (1000,)


def test_a_list_that_changes_while_it_is_read():
    rows = [[1.0, 2.0]]

    class Row(Sizes):
        def __getitem__(self, i):
            rows.clear()
            return super().__getitem__(i)

    rows += [Row(3, 4), [5.0, 6.0]]
    assert weft.tensor(rows).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_arrays_of_ctypes():
    numbers = (ctypes.c_float * 4)(1, 2, 3, 4)
    assert weft.tensor(numbers).tolist() == [1, 2, 3, 4]
    assert weft.tensor(((ctypes.c_int * 2) * 3)()).tolist() == [[0, 0]] * 3
    weft.from_numpy(numbers).mul_(2)
    assert list(numbers) == [2, 4, 6, 8]


def test_no_instances_without_a_value():
    made = {
        weft._C.ModuleBase,
        weft.Size,
        weft.Tensor,
        weft._C.FunctionContext,
        weft.OutOfMemoryError,
        weft.linalg.LinAlgError,
    }  # have one from __new__ on
    types = [kind for kind in vars(weft._C).values() if isinstance(kind, type) and kind not in made]
    assert {weft.dtype, weft.device, type(weft.add), type(weft.compile(min))} <= set(types)
    for kind in types:
        with pytest.raises(TypeError):
            kind.__new__(kind)
        with pytest.raises(TypeError):
            object.__new__(kind)


def test_names_that_are_no_unicode():
    for call in (lambda name: weft.add(1, 2, **{name: 1}), lambda name: weft.zeros(3, device=name)):
        with pytest.raises((TypeError, RuntimeError), match=r"^\[(add|zeros)\] "):
            call("\ud800")


def test_gradients_of_nothing():
    assert weft.autograd.backward([]) is None
    x = weft.ones(3, requires_grad=True)
    for outputs in (None, [None], 3, [3], [x.sum(), None]):
        with pytest.raises(TypeError, match="expected"):
            weft.autograd.backward(outputs)
    for call in (
        lambda: weft.autograd.grad([], []),
        lambda: weft.autograd.grad(x.sum(), []),
        lambda: weft.autograd.backward(x.sum(), inputs=[]),
    ):
        with pytest.raises(RuntimeError, match="cannot be empty"):
            call()
    with pytest.raises(RuntimeError, match="not have been used"):
        weft.autograd.grad([], [x])
    assert weft.autograd.grad([], [x], allow_unused=True) == (None,)


@pytest.mark.parametrize("function", [lambda x: x.copy_(None), lambda x: weft._C.tolist(None)])
def test_none_is_no_tensor(function):
    with pytest.raises(TypeError):
        function(weft.ones(3))


# ---- Sizes and indices near the end of their range.

END = 2**63 - 1


@pytest.mark.parametrize(
    "function, error",
    [
        (lambda x: weft.tensor(3).size(0), IndexError),
        (lambda x: weft.tensor(3).size(-1), IndexError),
        (lambda x: weft.tensor(3).stride(0), IndexError),
        (lambda x: weft.tensor(3).chunk(2), IndexError),
        (lambda x: x.narrow(0, END, 1), IndexError),
        (lambda x: x.narrow(0, -END - 1, 1), IndexError),
        (lambda x: x.narrow(0, 1, END), RuntimeError),
        (lambda x: x.split([2**62, 2**62, 2**62, 2**62, 3]), RuntimeError),
        (lambda x: x.split([4, -1]), RuntimeError),
        (lambda x: x[3:].view(0, END, END), RuntimeError),
        (lambda x: x.select(0, -END - 1), IndexError),
    ],
)
def test_sizes_out_of_range(function, error):
    with pytest.raises(error, match=r"^\[(size|stride|chunk|narrow|split|view|select)\] "):
        function(weft.ones(3))


def test_steps_and_sizes_that_are_larger_than_any_tensor():
    x = weft.arange(3)
    for step in (END, 2**62, 2**70):
        assert x[::step].tolist() == [0] and x[1::step].tolist() == [1] and x[3::step].tolist() == []
        assert weft.compile(lambda x, step=step: x[1::step] + 1)(x).tolist() == [2]
    assert [p.tolist() for p in x.split(END)] == [[0, 1, 2]]
    assert [p.tolist() for p in x.chunk(END)] == [[0], [1], [2]]


# ---- Where memory ends.


def test_rows_come_one_at_a_time():
    rows = iter(weft.tensor(3.0).expand(2**40))
    assert next(rows).item() == 3 and next(rows).shape == ()
    assert [r.tolist() for r in weft.ones(2, 3)] == [[1, 1, 1]] * 2
    with pytest.raises(MemoryError):
        list(weft.tensor(3.0).expand(2**60))
    with pytest.raises(MemoryError):
        weft.tensor(3.0).expand(2**60).tolist()


def test_tolist_where_memory_ends():
    code = "try: weft.tensor(3.5).expand(2**12, 2**12).tolist()\nexcept MemoryError: print('ended')"
    assert run_alone(code, megabytes=100) == "ended"


# ---- Copies.


def test_constants_are_copied_as_themselves():
    for value in (weft.float32, weft.bool, weft.add, weft.sum, weft._ops.sum):
        assert pickle.loads(pickle.dumps(value)) is copy.deepcopy(value) is copy.copy(value) is value
    device = weft.device("cuda:1")
    assert pickle.loads(pickle.dumps(device)) == copy.deepcopy(device) == device != weft.device("cpu")
    assert weft.device("cuda", 1) == device == weft.device(device) and {device: 1}[copy.copy(device)] == 1


def test_reductions_do_not_copy_what_repeats():
    code = """
x = weft.tensor([1.5, 2.5]).expand(2**26, 2)  # 512 MB
print(x.mean().item(), x.mean(0).tolist(), x[:, 0].std().item(), weft.nn.functional.mse_loss(x, x).item())
status = open("/proc/self/status").read()  # rusage would count the memory of whoever started this process
print(int(status.split("VmHWM:")[1].split()[0]) < 400_000)
"""
    assert run_alone(code).split("\n") == ["2.0 [1.5, 2.5] 0.0 0.0", "True"]


# ---- Copies of tensors.


def test_deep_copies_share_memory_as_what_they_copy():
    x = weft.arange(6).reshape(2, 3).float()
    kept = {"x": x, "row": x[1], "turned": x.T, "repeated": x[0, :1].expand(4), "other": x.clone()}
    copied = copy.deepcopy(kept)
    for name, tensor in kept.items():
        assert copied[name].tolist() == tensor.tolist() and copied[name].stride() == tensor.stride()
    copied["x"].mul_(-1)
    assert copied["row"].tolist() == [-3, -4, -5] and copied["turned"][2, 1].item() == -5
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and copied["other"].tolist() == x.tolist()


def test_deep_copies_have_the_gradient():
    x = weft.ones(2, requires_grad=True)
    p = weft.nn.Parameter(weft.ones(2))
    (x * 2 + p).sum().backward()
    for tensor in (x, p):
        copied = copy.deepcopy(tensor)
        assert copied.grad.tolist() == tensor.grad.tolist() and copied.grad is not tensor.grad
        assert type(copied) is type(tensor) and copied.requires_grad
        copied.grad.zero_()
        assert tensor.grad.sum().item() != 0
    weights = weft.ones(3, 3)
    tied = copy.deepcopy([weft.nn.Parameter(weights), weft.nn.Parameter(weights[:1])])
    assert tied[0].data_ptr() == tied[1].data_ptr() != weights.data_ptr()


def test_shallow_copies_share_the_memory():
    for tensor in (weft.ones(2), weft.ones(2, requires_grad=True), weft.nn.Parameter(weft.ones(2)), weft.ones(3).T):
        copied = copy.copy(tensor)
        assert copied is not tensor and type(copied) is type(tensor) and copied.data_ptr() == tensor.data_ptr()
        assert copied.requires_grad == tensor.requires_grad and copied.grad is None
    x = weft.ones(2, requires_grad=True)
    copy.copy(x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


# ---- The tape.


def view_under_no_grad(of):
    with weft.no_grad():
        return of[:1]


@pytest.mark.parametrize("run", [lambda f: f, weft.compile])
def test_a_view_made_under_no_grad_is_not_written_to_outside(run):
    x = weft.ones(2, requires_grad=True)
    w = weft.ones(1, requires_grad=True)
    y = x * 2
    for target in (x, y, y[:2]):
        view = run(view_under_no_grad)(target)
        for write in (
            lambda v: v.mul_(3),
            lambda v: v.copy_(w),
            lambda v: v[:1].add_(1),
            lambda v: v.__setitem__(0, 1),
        ):
            with pytest.raises(RuntimeError, match="view was created in no_grad mode"):
                write(view)
    constant = weft.ones(2)
    view = run(view_under_no_grad)(constant)
    view.mul_(3)
    with pytest.raises(RuntimeError, match="view was created in no_grad mode"):
        view.mul_(w)
    with weft.no_grad():
        y[:1].mul_(3)
    y.detach()[1:].mul_(5)
    y.sum().backward()
    assert constant.tolist() == [3, 1] and y.tolist() == [6, 10] and x.grad.tolist() == [2, 2]


def test_grad_fn():
    x = weft.ones(2, requires_grad=True)
    y = (x * 2).exp()
    exp, mul = y.grad_fn, y.grad_fn.next_functions[0][0]
    assert (exp.name(), mul.name(), x.grad_fn) == ("ExpBackward0", "MulBackward0", None)
    leaf = mul.next_functions[0][0]
    assert leaf.name() == "AccumulateGrad" and leaf.variable is x and mul.next_functions[1] == (None, 0)
    assert leaf.next_functions == () and exp.variable is None
    assert y.grad_fn == exp != mul and {exp: 1}[y.grad_fn] == 1 and exp in (y.grad_fn,)
    assert "grad_fn=<ExpBackward0>" in repr(y)


def test_detach_in_place():
    x = weft.ones(2, requires_grad=True)
    y = x * 2
    assert y.detach_() is y and not y.requires_grad and y.is_leaf and y.grad_fn is None
    assert not weft.ones(2, requires_grad=True).detach_().requires_grad
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (x * 2)[:1].detach_()
    compiled = weft.compile(lambda x: (x * 2).detach_() * x)
    for _ in range(3):
        x.grad = None
        compiled(x).sum().backward()
        assert x.grad.tolist() == [2, 2]


def test_resize_in_place():
    x = weft.arange(6).reshape(2, 3)
    row = x[1]
    assert x.resize_(3, 2).tolist() == [[0, 1], [2, 3], [4, 5]] and row.tolist() == [3, 4, 5]
    x.resize_((100,))
    x[5] = 7
    assert x.shape == (100,) and x[:6].tolist() == [0, 1, 2, 3, 4, 7] and row.tolist() == [3, 4, 7]
    assert row.resize_(2).tolist() == [3, 4] and weft.ones(2, 3).T.resize_(2, 2).stride() == (2, 1)
    assert weft.empty(0).resize_(0, 3).shape == (0, 3)
    array = numpy.ones(3)
    assert weft.from_numpy(array).resize_(2).tolist() == [1, 1]
    for shared in (weft.from_numpy(array), weft.from_dlpack(array)):
        with pytest.raises(RuntimeError, match="not resizable"):
            shared.resize_(100)
    seen = x.numpy()
    with pytest.raises(RuntimeError, match="not resizable"):
        x.resize_(1000)
    assert seen[5] == 7
    with pytest.raises(RuntimeError, match="require grad"):
        weft.ones(2, requires_grad=True).resize_(3)
    compiled = weft.compile(lambda x: (x * 2).resize_(2) + 1)
    for _ in range(3):
        assert compiled(weft.ones(4)).tolist() == [3, 3]
