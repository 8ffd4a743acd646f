"""weft.utils.checkpoint: the bits that a backward pass has without, from less memory."""

import pytest
import weft
from conftest import assert_same_bits, run_alone
from weft import nn
from weft.utils.checkpoint import checkpoint, checkpoint_sequential


class Block(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.up, self.down, self.norm = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.LayerNorm(width)

    def forward(self, x):
        x = x + self.down(nn.functional.dropout(nn.functional.gelu(self.up(self.norm(x))), 0.3))
        x[:, 0] = x[:, 1] * 2
        return x


def gradients(model, x, run):
    weft.manual_seed(1)
    model.zero_grad()
    x = x.clone().requires_grad_()
    loss = (run(model, x) ** 2).mean()
    loss.backward()
    return (loss.detach(), x.grad, *(p.grad for p in model.parameters()))


def plain(model, x):
    for block in model:
        x = block(x)
    return x


def checkpointed(model, x):
    for block in model:
        x = checkpoint(block, x, use_reentrant=False)
    return x


def test_bits():
    model, x = nn.Sequential(*(Block() for _ in range(3))), weft.randn(5, 16)
    wanted = gradients(model, x, plain)
    for _ in range(8):  # a tape that comes again is compiled
        assert_same_bits(gradients(model, x, checkpointed), wanted)
        weft._C.wait_for_background()
    assert_same_bits(gradients(model, x, lambda m, v: checkpoint_sequential(m, 2, v)), wanted)
    assert_same_bits(gradients(model, x, lambda m, v: checkpoint(checkpointed, m, v)), wanted)


def test_compiled():
    model, x = nn.Sequential(*(Block() for _ in range(2))), weft.randn(5, 16)
    compiled = weft.compile(checkpointed)
    wanted = gradients(model, x, plain)
    for _ in range(3):
        assert_same_bits(gradients(model, x, compiled), wanted)

    def step(x):
        x = x.detach().requires_grad_()
        loss = (checkpointed(model, x) ** 2).mean()
        return weft.autograd.grad(loss, [x, *model.parameters()])

    compiled_step = weft.compile(step)
    for _ in range(3):
        weft.manual_seed(1)
        assert_same_bits(compiled_step(x), wanted[1:])


def test_second_derivatives():
    x = weft.randn(4, requires_grad=True)

    def twice(function):
        (slope,) = weft.autograd.grad(function(x).sum(), x, create_graph=True)
        return weft.autograd.grad((slope**2).sum(), x)[0]

    def function(a):
        return weft.tanh(a.exp() * a)

    assert_same_bits(twice(lambda a: checkpoint(function, a)), twice(function))


def test_keywords_and_several_results():
    x = weft.ones(3, requires_grad=True)
    a, b = checkpoint(lambda v, scale: (v.exp() * scale, v.sin().exp()), x, scale=2.0)
    (a.sum() + b.sum()).backward()
    y = weft.ones(3, requires_grad=True)
    (y.exp() * 2.0).sum().backward()
    assert weft.allclose(x.grad, y.grad + (y.sin().exp() * y.cos()).detach())


def test_a_write_in_between_is_an_error():
    x, w = weft.ones(3, requires_grad=True), weft.ones(3)
    y = checkpoint(lambda v: (v.exp() * w).sin(), x)
    w.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_the_function_runs_once():
    calls = []
    x = weft.ones(3, requires_grad=True)
    checkpoint(lambda v: (calls.append(1), v.exp().sin())[1], x).sum().backward()
    assert calls == [1]


MEMORY = """
import weft
from weft import nn
from weft.utils.checkpoint import checkpoint
weft.set_num_threads(1)
blocks = [nn.Sequential(*(m for _ in range(8) for m in (nn.Linear(64, 64), nn.Tanh()))) for _ in range(8)]
x = weft.randn(16384, 64)
def step(x):
    for block in blocks:
        x = RUN
    x.sum().backward()
step(x[:8])
weft._C.wait_for_background()
def peak():  # of this program: ru_maxrss is that of the process that started it, too
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
before = peak()
for _ in range(TIMES):
    step(x)
    weft._C.wait_for_background()
print((peak() - before) // 1024)
"""


@pytest.mark.parametrize("times", [1, 8])
def test_memory(times):
    """64 layers whose results have 4 MB each; both figures hold what the compiler takes."""
    code = MEMORY.replace("TIMES", str(times))
    kept = int(run_alone(code.replace("RUN", "block(x)")))
    anew = int(run_alone(code.replace("RUN", "checkpoint(block, x)")))
    assert kept > anew + 120, f"{kept} MB without, {anew} MB with checkpoints"
