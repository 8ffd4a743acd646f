"""The GPU, where there is one; without one, a clear error."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.usefixtures("cpu_by_default")
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


@needs_gpu
def test_permutations_are_made_on_the_default_device():
    weft.manual_seed(3)
    expected = weft.randperm(9)
    weft.manual_seed(3)
    with weft.device("cuda"):
        assert weft.randperm(9).is_cuda
        weft.manual_seed(3)
        assert weft.randperm(9).tolist() == expected.tolist() and not weft.randperm(2, device="cpu").is_cuda


@needs_gpu
def test_indices_may_come_from_the_cpu():
    x, rows, mask = weft.randn(5, 3), weft.tensor([3, 0, -1]), weft.tensor([True, False, True, False, True])
    on_gpu = x.to("cuda")
    for key in (rows, mask, (slice(None), weft.tensor([2, 0])), True, False, [1, 2], weft.tensor(2)):
        assert on_gpu[key].device.type == "cuda"
        assert_same_bits(on_gpu[key], x[key])
        changed, expected = on_gpu.clone(), x.clone()
        changed[key] = 7.0
        expected[key] = 7.0
        assert_same_bits(changed, expected)
    on_gpu[[0, 1], [0, 1]] = [5, 6]
    assert on_gpu.cpu().diagonal()[:2].tolist() == [5, 6]
    with pytest.raises(RuntimeError, match="indices should be either on cpu or on the same device"):
        x[rows.to("cuda")]
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        on_gpu[weft.tensor([5])]


@needs_gpu
def test_shuffled_batches_of_a_gpu():
    data = TensorDataset(weft.arange(10).to("cuda"), weft.randn(10, 2).to("cuda"))
    batches = list(DataLoader(data, batch_size=4, shuffle=True))
    assert {x.device.type for batch in batches for x in batch} == {"cuda"}
    assert sorted(weft.cat([numbers for numbers, _ in batches]).tolist()) == list(range(10))


@needs_gpu
@pytest.mark.parametrize("compiled", [False, True])
def test_values_are_checked(compiled):
    def f(x, index, divisor):
        return x.index_select(0, index) + (index // divisor).sum()

    def loss(x, target):
        return nn.functional.cross_entropy(x, target)

    f, loss = (weft.compile(f), weft.compile(loss)) if compiled else (f, loss)
    x, good, bad, zero = (
        v.to("cuda") for v in (weft.randn(4, 3), weft.tensor([1, 2]), weft.tensor([1, 4]), weft.tensor(0))
    )
    for _ in range(3):
        assert f(x, good, good).shape == (2, 3)
        with pytest.raises(IndexError, match="4 is out of bounds" if not compiled else "out of bounds"):
            f(x, bad, good)
        with pytest.raises(RuntimeError, match="[Dd]ivi.*(by zero|by 0)"):
            f(x, good, zero)
        with pytest.raises(IndexError, match="[Tt]arget 4 is out of bounds|out of bounds"):
            loss(x, weft.tensor([0, 1, 4, 2]).to("cuda"))


@needs_gpu
@pytest.mark.parametrize("shape, dim", [((2**22 + 5,), 0), ((3 * 2**20, 2), 0)])
def test_long_sums_take_the_cpus_order(shape, dim):
    x = weft.randn(*shape)
    assert_same_bits(x.to("cuda").sum(dim), x.sum(dim))
