"""CUDA graphs: captured once, launched again on the values that their tensors have then."""

import gc

import pytest
import weft
from conftest import assert_same_bits
from weft import nn

cuda = weft.cuda
pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(not cuda.is_available(), reason="no CUDA driver or GPU on this machine"),
]


def test_replays_take_the_values_at_hand():
    f = weft.compile(lambda x, w: (x @ w).relu().softmax(1))
    x, w = weft.randn(5, 6).to("cuda"), weft.randn(6, 4).to("cuda")
    f(x, w)
    g = cuda.CUDAGraph()
    with cuda.graph(g):
        assert cuda.is_current_stream_capturing()
        y = f(x, w) + 1
    assert not cuda.is_current_stream_capturing()
    for seed in range(3):
        weft.manual_seed(seed)
        values = weft.randn(5, 6)
        x.copy_(values)
        g.replay()
        assert_same_bits(y.cpu(), f(values, w.cpu()) + 1)


def test_a_graph_keeps_its_memory():
    x = weft.arange(1000.0).to("cuda")
    g = cuda.CUDAGraph()
    with cuda.graph(g):
        hidden = x * 2
        y = (hidden + 1).sqrt()
        del hidden
    del x
    gc.collect()
    others = [weft.full((1000,), -1.0, device="cuda") for _ in range(20)]
    g.replay()
    assert_same_bits(y.cpu(), (weft.arange(1000.0) * 2 + 1).sqrt())
    assert all((t == -1).all() for t in others)
    before = cuda.memory_allocated()
    g.reset()
    assert cuda.memory_allocated() == before
    assert_same_bits(y.cpu(), (weft.arange(1000.0) * 2 + 1).sqrt())  # which is the tensor's own from now on
    with pytest.raises(RuntimeError, match="no graph to replay"):
        g.replay()


def test_a_training_step():
    def make():
        weft.manual_seed(3)
        model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3)).to("cuda")
        optimizer = weft.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        @weft.compile
        def step(x, y):
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss.detach()

        return model, step

    data = [(weft.randn(8, 6), weft.randint(0, 3, (8,))) for _ in range(6)]
    model, step = make()
    expected = [step(x.to("cuda"), y.to("cuda")) for x, y in data]
    other, step = make()
    x, y = (t.to("cuda") for t in data[0])
    losses = [step(x, y)]
    x.copy_(data[1][0]), y.copy_(data[1][1])
    losses.append(step(x, y))
    g = cuda.CUDAGraph()
    with cuda.graph(g):
        loss = step(x, y)
    for values, labels in data[2:]:
        x.copy_(values), y.copy_(labels)
        g.replay()
        losses.append(loss.clone())
    for a, b in zip([*expected, *model.parameters()], [*losses, *other.parameters()]):
        assert_same_bits(a.cpu(), b.cpu())
    y.fill_(7)  # no class: seen later
    g.replay()
    with pytest.raises(RuntimeError, match="in a replay of the graph a check failed: .*out of bounds"):
        g.synchronize()


def test_what_a_capture_refuses():
    x = weft.ones(4).to("cuda")
    g = cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="the default stream cannot be captured"):
        g.capture_begin()
    for bad in (lambda: x.sum().item(), lambda: print(x + 1), lambda: (x * 2).cpu()):
        with pytest.raises(RuntimeError, match="a graph is being captured, and nothing can wait"):
            with cuda.graph(g):
                bad()
    with pytest.raises(RuntimeError, match="random numbers"):
        with cuda.graph(g):
            weft.rand(3, device="cuda")
    with pytest.raises(RuntimeError, match="capture_end.. without capture_begin"):
        g.capture_end()
    with pytest.raises(ValueError, match="capture_error_mode"):
        g.capture_begin(capture_error_mode="none")
    with cuda.graph(g):
        y = x + 1
        with pytest.raises(RuntimeError, match="a graph is being captured, and"):
            with cuda.graph(cuda.CUDAGraph()):
                pass
    g.replay()
    assert y.tolist() == [2] * 4  # and a refused capture left nothing behind
    assert (x * 3).tolist() == [3] * 4


def test_graphs_that_share_memory_and_fork():
    x, side = weft.arange(6.0).to("cuda"), cuda.Stream()
    first, second = cuda.CUDAGraph(), cuda.CUDAGraph()
    pool = cuda.graph_pool_handle()
    with cuda.graph(first, pool=pool):
        main = cuda.current_stream()
        side.wait_stream(main)
        with cuda.stream(side):
            a = x.exp()
        b = x.sin()
        main.wait_stream(side)
        y = a + b
        del a, b
    with cuda.graph(second, pool=first.pool()):
        z = (y * 2).cos()
    for _ in range(2):
        first.replay()
        second.replay()
    cpu = weft.arange(6.0)
    assert_same_bits(z.cpu(), ((cpu.exp() + cpu.sin()) * 2).cos())


def test_graphed_callables():
    layer = nn.Linear(4, 2).to("cuda")
    with weft.no_grad():
        call = cuda.make_graphed_callables(lambda x: layer(x).tanh(), (weft.zeros(3, 4, device="cuda"),))
    for _ in range(2):
        x = weft.randn(3, 4).to("cuda")
        assert_same_bits(call(x), layer(x).tanh().detach())
    with pytest.raises(RuntimeError, match="a result requires grad"):
        cuda.make_graphed_callables(layer, (weft.zeros(3, 4, device="cuda"),))
