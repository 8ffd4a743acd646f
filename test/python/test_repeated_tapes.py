"""backward() over a tape seen before runs a compiled program: the same bits, the same meaning, bounded memory."""

import subprocess
import sys

import pytest
import weft
import weft.nn.functional as F
from conftest import assert_same_bits

ENOUGH = 8  # repetitions, after which a tape has been handed to the compiler


def runs():
    weft._C.wait_for_background()
    return weft._C.tape_program_runs()


def leaf(*shape):
    return weft.randn(*shape, requires_grad=True)


def swapped_in(step):
    """Repeats `step` until its tape has a program."""
    for _ in range(ENOUGH):
        step()
    before = runs()
    step()
    return runs() > before


def mlp(x, w, b, v):
    return F.cross_entropy(F.relu(F.linear(x, w, b)) @ v, weft.tensor([1, 0, 2, 1]))


def views(x, w, b, v):
    a = F.linear(x, w, b).view(4, 2, 4).transpose(1, 2)
    return (a[1:, :, 0] * a[:-1, :, 1]).sum() + x[::2].mean() + (v.t()[1:] ** 2).sum()


def in_place(x, w, b, v):
    h = F.linear(x, w, b)
    h[:, 2:4] = h[:, :2] * 2
    h.add_(b)
    return (h @ v).tanh().sum()


def attention(x, w, b, v):
    q = F.linear(x, w, b).view(1, 4, 2, 4).transpose(1, 2)
    return F.layer_norm(F.scaled_dot_product_attention(q, q, q, is_causal=True), (4,)).pow(3).sum() + v.exp().sum()


def used_twice(x, w, b, v):
    return (w + w).sum() + (b * b).sum() + (x.exp() * x.exp()).sum() + v.sum() * v.sum()


@pytest.mark.parametrize("function", [mlp, views, in_place, attention, used_twice])
def test_same_bits(function):
    leaves = [leaf(4, 6), leaf(8, 6), leaf(8), leaf(8, 3)]
    gradients = []

    def step():
        for t in leaves:
            t.grad = None
        function(*leaves).backward()
        gradients.append([t.grad for t in leaves])

    assert swapped_in(step)
    for later in gradients[1:]:
        for a, b in zip(gradients[0], later):
            assert_same_bits(a, b)


def test_other_values_and_given_cotangents():
    w = leaf(3, 5)
    for seed in range(ENOUGH + 3):
        weft.manual_seed(seed)
        x, cotangent = weft.randn(4, 5), weft.randn(3, 4).t()
        (gradient,) = weft.autograd.grad(x @ w.t(), w, cotangent)
        assert_same_bits(gradient, cotangent.t() @ x)
        runs()


def test_a_gradient_that_is_the_cotangent_is_a_copy():
    x = leaf(3)
    given = weft.ones(3)
    assert swapped_in(lambda: (setattr(x, "grad", None), (x + 0).view(3).backward(given)))
    x.grad.mul_(2)
    assert given.tolist() == [1, 1, 1]


def test_accumulation_and_retained_graphs():
    w = leaf(3)
    assert swapped_in(lambda: (w * w).sum().backward())
    before = w.grad.clone()
    y = (w * w).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert_same_bits(w.grad, before + 2 * w.detach() + 2 * w.detach())
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_a_program_sees_what_was_overwritten():
    w = leaf(3)
    assert swapped_in(lambda: (w.exp() * w).sum().backward())
    y = w.exp()
    z = (y * w).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation: .*saved by 'exp'"):
        z.backward()


def test_hooks_and_retained_gradients_after_the_swap():
    w = leaf(3)
    assert swapped_in(lambda: (w * w).exp().sum().backward())
    w.grad = None
    h = w * w
    h.retain_grad()
    seen = []
    h.register_hook(lambda g: seen.append(g) or g * 2)
    w.register_hook(lambda g: g + 1)
    h.exp().sum().backward()
    assert_same_bits(seen[0], h.exp())
    assert_same_bits(h.grad, h.exp() * 2)
    assert_same_bits(w.grad, (h.grad * w + h.grad * w + 1).detach())


def test_higher_order_after_the_swap():
    x = weft.tensor(2.0, requires_grad=True)
    assert swapped_in(lambda: (x * x * x).backward())
    (first,) = weft.autograd.grad(x * x * x, x, create_graph=True)
    (second,) = weft.autograd.grad(first, x)
    assert first.item() == 12 and second.item() == 12


def test_what_is_wanted_is_part_of_the_tape():
    a, b = leaf(3), leaf(3)
    assert swapped_in(lambda: weft.autograd.grad((a * b).sum(), a))
    x, y = weft.autograd.grad((a * b).sum(), (a, b))
    assert_same_bits(x, b)
    assert_same_bits(y, a)
    b.requires_grad_(False)
    (x,) = weft.autograd.grad((a * b).sum(), a)
    assert_same_bits(x, b)


def test_layouts_are_part_of_the_tape():
    w = leaf(4, 4)
    x = weft.randn(4, 4)
    assert swapped_in(lambda: (w * x).sum().backward())
    w.grad = None
    (w * x.t()).sum().backward()
    assert_same_bits(w.grad, x.t())


def test_a_random_mask_is_drawn_each_time():
    x = weft.ones(1000, requires_grad=True)
    masks = []

    def step():
        x.grad = None
        y = F.dropout(x, 0.5)
        y.sum().backward()
        assert_same_bits(x.grad, y)
        masks.append(x.grad.tolist())

    assert swapped_in(step)
    assert masks[-1] != masks[-2]


def test_inside_compile_it_is_a_part_of_the_trace():
    w = leaf(3)
    step = lambda: weft.autograd.grad((w * w).sum(), w)[0]  # noqa: E731
    assert swapped_in(step)
    compiled = weft.compile(step)
    assert_same_bits(compiled(), step())
    assert weft.explain(compiled).mode == "replay"


def test_many_tapes_do_not_pile_up():
    w = weft.ones(1, requires_grad=True)
    for size in range(1, 400):
        for _ in range(2):
            (w.expand(size) * 3.0).sum().backward()
    before = runs()
    (w.expand(1) * 3.0).sum().backward()  # forgotten, and seen too seldom
    assert runs() == before


def test_the_process_ends_while_a_tape_is_compiled():
    program = """
import weft
x = weft.randn(7, 5, requires_grad=True)
for _ in range(5):
    (x.tanh() @ x.exp().t()).sum().backward()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
