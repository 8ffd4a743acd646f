"""Streams, events, memory and graphs of a GPU, by PyTorch's names."""

import ctypes
import os

import pytest
import weft
from conftest import assert_same_bits

cuda = weft.cuda
pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(not cuda.is_available(), reason="no CUDA driver or GPU on this machine"),
]
two_gpus = pytest.mark.skipif(cuda.device_count() < 2, reason="one GPU")
on_host_gpu = pytest.mark.skipif(
    "HOST" not in str(cuda.is_available() and cuda.get_device_name()).upper(), reason="a GPU's work goes on meanwhile"
)

keeps_memory = pytest.mark.skipif(
    os.environ.get("WEFT_CUDA_CACHE") == "0", reason="memory is given back, for which all wait"
)


@pytest.fixture(autouse=True)
def default_again():
    yield
    cuda.synchronize()
    if cuda.current_device():
        cuda.set_device(0)
        pytest.fail("the current device is another one")
    assert cuda.current_stream() == cuda.default_stream()


def test_streams():
    default, side = cuda.default_stream(), cuda.Stream()
    assert cuda.current_stream() == default != side
    x = weft.randn(100, device="cuda")
    with cuda.stream(side) as entered:
        assert entered is side and cuda.current_stream() == side
        side.wait_stream(default)
        y = x.exp()
        with cuda.stream(None), cuda.stream(default):
            assert cuda.current_stream() == default
        assert cuda.current_stream() == side
    default.wait_stream(side)
    assert_same_bits((y + 1).cpu(), x.cpu().exp() + 1)
    side.synchronize()
    assert side.query()
    with side:
        assert cuda.current_stream() == side
    assert len({cuda.Stream(priority=-1) for _ in range(40)}) == 32
    external = cuda.ExternalStream(side.cuda_stream)
    assert external == side and hash(external) == hash(side)


@keeps_memory
@on_host_gpu
def test_another_streams_work_is_waited_for_only_when_asked():
    """As the host GPU's work goes on when somebody waits for it, a missing order shows."""
    side = cuda.Stream()
    x = weft.zeros(4, device="cuda")
    cuda.synchronize()
    with cuda.stream(side):
        x.add_(1)
    too_early = x.clone().cpu()
    cuda.current_stream().wait_stream(side)
    assert (too_early.tolist(), x.tolist()) == ([0] * 4, [1] * 4)


def test_events():
    start, middle, end = (cuda.Event(enable_timing=True) for _ in range(3))
    assert start.query() and start.device is None
    start.synchronize()
    start.wait()
    start.record()
    x = weft.ones(1000, device="cuda")
    middle.record()
    side = cuda.Stream()
    side.wait_event(middle)
    with cuda.stream(side):
        y = x * 2
        end.record(side)
    if not end.query():
        with pytest.raises(RuntimeError, match="has not reached both events yet; synchronize"):
            start.elapsed_time(end)
    end.synchronize()
    assert end.query() and start.elapsed_time(end) >= start.elapsed_time(middle) >= 0
    assert y.sum().item() == 2000
    assert start.device == weft.device("cuda:0") and start.cuda_event
    with pytest.raises(ValueError, match="enable_timing"):
        start.elapsed_time(side.record_event())
    with pytest.raises(ValueError, match="must be recorded"):
        start.elapsed_time(cuda.Event(enable_timing=True))


def test_memory_of_several_streams_is_used_again_when_all_are_done():
    """What a stream works on is not given to another tensor before that is done, without record_stream()."""
    side = cuda.Stream()
    expected = weft.arange(1000.0)
    for _ in range(3):
        x = expected.to("cuda")
        cuda.synchronize()
        with cuda.stream(side):
            y = x * 2
        del x
        other = weft.full((1000,), -7.0, device="cuda")  # in the default stream
        cuda.default_stream().synchronize()
        side.synchronize()
        assert_same_bits(y.cpu(), expected * 2)
        assert (other == -7).all()
        x = weft.ones(1000, device="cuda")
        x.record_stream(side)
        del x


def test_compiled_functions_run_in_the_current_stream():
    side, event = cuda.Stream(), cuda.Event()
    f = weft.compile(lambda x: (x * 3).sin())

    def switches(x):
        y = x + 1
        with cuda.stream(side):
            side.wait_stream(cuda.default_stream())
            z = y * 2
        event.record(side)
        event.wait()
        return y, z

    x = weft.randn(50, device="cuda")
    for run in (switches, weft.compile(switches)):
        for _ in range(3):
            y, z = run(x)
            assert_same_bits((y.cpu(), z.cpu()), (x.cpu() + 1, (x.cpu() + 1) * 2))
    cuda.synchronize()
    with cuda.stream(side):
        results = [f(x) for _ in range(3)]
    side.synchronize()
    for y in results:
        assert_same_bits(y.cpu(), (x.cpu() * 3).sin())


@two_gpus
def test_current_device():
    x = weft.randn(20)
    with cuda.device(1):
        assert cuda.current_device() == 1 and weft.device("cuda").index == 1
        y = x.to("cuda")
        assert y.device == weft.device("cuda:1") and weft.zeros(2, device="cuda").device.index == 1
        with cuda.device_of(x.to("cuda:0")):
            assert cuda.current_device() == 0
        with cuda.device(None), cuda.device(-1):
            assert cuda.current_device() == 1
    assert cuda.current_device() == 0
    cuda.set_device("cuda:1")
    assert weft.accelerator.current_device_index() == 1
    cuda.set_device(0)
    with pytest.raises(AssertionError, match="invalid device id 7"):
        cuda.set_device(7)
    f = weft.compile(lambda: weft.ones(3, device="cuda") * 2)
    for index in (0, 1, 0, 1):
        with cuda.device(index):
            assert f().device.index == index
    stream = cuda.Stream("cuda:1")
    with cuda.stream(stream):
        assert cuda.current_device() == 1 and cuda.current_stream() == stream
    assert cuda.can_device_access_peer(0, 1) in (True, False) and not cuda.can_device_access_peer(0, 0)


@two_gpus
def test_copies_between_gpus_are_in_order():
    x = weft.randn(1000)
    first = x.to("cuda:0")
    for _ in range(3):
        there = (first * 2).to("cuda:1")
        back = (there + 1).to("cuda:0")
        first.mul_(1)
        assert_same_bits(back.cpu(), x * 2 + 1)
    target = weft.zeros(1000, device="cuda:1")
    target.copy_(first, non_blocking=True)
    first.zero_()  # after the copy
    assert_same_bits(target.cpu(), x)


def test_pinned_memory():
    x = weft.randn(300, 7)
    pinned = x.pin_memory()
    assert pinned.is_pinned() and not x.is_pinned() and pinned.pin_memory() is pinned
    assert_same_bits(pinned, x)
    there = pinned.to("cuda", non_blocking=True)
    assert_same_bits((there * 2).cpu(), x * 2)
    back = weft.empty(300, 7, pin_memory=True)
    assert back.is_pinned() and weft.zeros(3, pin_memory=True).is_pinned() and not weft.zeros(3).is_pinned()
    back.copy_(there, non_blocking=True)
    cuda.current_stream().synchronize()
    assert_same_bits(back, x)
    assert not there.is_pinned() and there.to("cpu", non_blocking=True).tolist() == x.tolist()
    assert weft.nn.Linear(2, 2).to("cuda", non_blocking=True)(weft.ones(1, 2, device="cuda")).is_cuda
    with pytest.raises(RuntimeError, match="only dense tensors of the CPU can be pinned"):
        there.pin_memory()
    loader = weft.utils.data.DataLoader([{"x": weft.ones(2), "y": (1, 2.0)}] * 4, batch_size=2, pin_memory=True)
    for batch in loader:
        assert batch["x"].is_pinned() and batch["y"][0].is_pinned()


def test_pinned_memory_is_kept_until_its_copy_is_done():
    """Released before its copies ran, it is no other tensor's."""
    made = []
    for number in range(6):
        made.append(weft.full((5000,), float(number)).pin_memory().to("cuda", non_blocking=True))
    assert [int(t[0]) for t in made] == list(range(6))
    for t in made:
        assert (t == t[0]).all()


@on_host_gpu
def test_copies_that_nobody_waits_for():
    x = weft.ones(1000).pin_memory()
    y = weft.empty(1000, pin_memory=True).zero_()
    there = x.to("cuda", non_blocking=True)
    y.copy_(there, non_blocking=True)
    assert y.sum() == 0  # it runs when somebody waits
    cuda.synchronize()
    assert y.sum() == 1000
    small = weft.ones(10)
    there = small.to("cuda")  # copied aside, so that nobody waits
    small.zero_()
    assert there.sum().item() == 10


@on_host_gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_step_waits_for_nothing(compiled):
    """Random numbers, the learning rate and the optimizer's numbers go there beside the work; only checks are waited for."""
    model = weft.nn.Sequential(weft.nn.Linear(6, 16), weft.nn.Dropout(), weft.nn.Linear(16, 3)).to("cuda")
    optimizer = weft.optim.AdamW(model.parameters(), lr=0.1)
    schedule = weft.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

    def step(x, y, loss_of):
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    step = weft.compile(step) if compiled else step
    waits = ctypes.CDLL("libcuda.so.1").hostgpu_waits
    x, values, labels = (t.to("cuda") for t in (weft.randn(8, 6), weft.randn(8, 3), weft.randint(0, 3, (8,))))
    for loss, y, expected in (
        (weft.nn.functional.mse_loss, values, 0),
        (weft.nn.functional.cross_entropy, labels, 1),
    ):
        for i in range(6):
            before = waits()
            step(x, y, loss)
            schedule.step()
            assert i < 3 or waits() - before == expected


@keeps_memory
def test_memory_statistics():
    cuda.empty_cache()
    before, reserved = cuda.memory_allocated(), cuda.memory_reserved()
    cuda.reset_peak_memory_stats()
    x = weft.empty(3_000_000, device="cuda")
    y = weft.empty(10, device="cuda")
    assert cuda.memory_allocated() - before >= 12_000_040
    assert cuda.memory_reserved() >= cuda.memory_allocated() and cuda.memory_reserved() > reserved
    assert cuda.max_memory_allocated() >= cuda.memory_allocated()
    del x
    assert cuda.memory_allocated() - before < 2_000_000
    assert cuda.max_memory_allocated() - before >= 12_000_040
    held = cuda.memory_reserved()
    z = weft.empty(2_900_000, device="cuda")  # in what was kept
    assert cuda.memory_reserved() == held
    del z, y
    cuda.empty_cache()
    assert cuda.memory_reserved() <= reserved
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == cuda.memory_allocated()
    stats = cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == cuda.memory_allocated() and stats["num_ooms"] >= 0
    assert stats["allocated_bytes.all.allocated"] - stats["allocated_bytes.all.freed"] == cuda.memory_allocated()
    assert "allocated_bytes" in cuda.memory_summary()
    free, total = cuda.mem_get_info()
    assert 0 < free <= total == cuda.get_device_properties().total_memory


@keeps_memory
def test_blocks_are_split_and_merged():
    cuda.empty_cache()
    held = [weft.empty(1000, device="cuda") for _ in range(100)]
    assert len({t.data_ptr() for t in held}) == 100
    reserved = cuda.memory_reserved()
    del held
    again = weft.empty(200_000, device="cuda")  # in the pieces put together
    assert cuda.memory_reserved() == reserved
    del again


def test_out_of_memory():
    free, total = cuda.mem_get_info()
    kept = weft.empty(50_000_000, device="cuda")
    del kept  # given back before the error
    with pytest.raises(
        cuda.OutOfMemoryError, match=r"out of memory on cuda:0.*the device has .*GiB.*tensors hold"
    ) as raised:
        weft.empty(total, device="cuda")
    assert isinstance(raised.value, RuntimeError)
    assert cuda.memory_stats()["num_ooms"] >= 1
    # All but what nobody holds fits again, in spite of pieces that are kept.
    side = cuda.Stream()
    count = total // 4 // 10
    for _ in range(12):
        x = weft.empty(count, device="cuda")
        with cuda.stream(side):
            x.add_(1)
        del x
    assert weft.ones(3, device="cuda").sum().item() == 3
    cuda.empty_cache()
