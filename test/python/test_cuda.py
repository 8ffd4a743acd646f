"""The GPU, where there is one; without one, a clear error."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn

needs_gpu = pytest.mark.skipif(not weft.cuda.is_available(), reason="no CUDA driver or GPU on this machine")


@pytest.mark.skipif(weft.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu():
    with pytest.raises(RuntimeError, match=r"(?i)cuda"):
        weft.ones(2).to("cuda")
    assert weft.cuda.device_count() == 0


@needs_gpu
def test_copies():
    x = weft.randn(100)
    assert x.to("cuda").device.type == "cuda"
    assert_same_bits(x.to("cuda").cpu(), x)


@needs_gpu
@pytest.mark.parametrize("name", ["tanh", "exp", "sigmoid", "sqrt", "sin", "relu", "square"])
def test_same_bits_as_the_cpu(name):
    x = weft.randn(1000).abs() if name == "sqrt" else weft.randn(1000)
    assert_same_bits(getattr(weft, name)(x.to("cuda")).cpu(), getattr(weft, name)(x))


@needs_gpu
def test_training_step_compiled_and_eager():
    def train(compiled):
        weft.manual_seed(0)
        m = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5)).to("cuda")
        optimizer = weft.optim.AdamW(m.parameters(), lr=0.01)
        x, y = weft.randn(16, 20).to("cuda"), weft.randint(0, 5, (16,)).to("cuda")

        def step(x, y):
            loss = nn.functional.cross_entropy(m(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss.detach()

        step = weft.compile(step) if compiled else step
        return [step(x, y) for _ in range(4)], list(m.parameters())

    (eager, weights), (compiled, others) = train(False), train(True)
    for a, b in zip([*eager, *weights], [*compiled, *others]):
        assert_same_bits(a, b)
    assert eager[3].item() < eager[0].item()


@needs_gpu
def test_random_numbers_are_the_cpus():
    weft.manual_seed(3)
    a = weft.rand(1000)
    weft.manual_seed(3)
    assert numpy.array_equal(weft.rand(1000, device="cuda").cpu().numpy(), a.numpy())
