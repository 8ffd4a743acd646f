"""Hooks of modules: when they are called, with what, what they may change, and their removal; also under compile."""

import copy
import pickle

import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.nn.modules import module as all_modules


class Scale(nn.Module):
    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = nn.Parameter(weft.tensor(factor))

    def forward(self, x, *, shift=0.0):
        if x.shape[0] == 0:
            raise ValueError("empty")
        return x * self.factor + shift


def test_forward_hooks():
    m, x = Scale(), weft.ones(2)
    seen = []
    handles = [
        m.register_forward_pre_hook(lambda module, args: seen.append(("pre", module is m, len(args)))),
        m.register_forward_pre_hook(lambda module, args: args[0] + 1),
        m.register_forward_pre_hook(
            lambda module, args, kwargs: (args, {"shift": kwargs["shift"] * 10}), with_kwargs=True
        ),
        m.register_forward_hook(lambda module, args, output: seen.append(("post", args[0].tolist(), output.tolist()))),
        m.register_forward_hook(lambda module, args, kwargs, output: output + kwargs["shift"], with_kwargs=True),
        m.register_forward_hook(lambda module, args, output: seen.append(("first",)), prepend=True),
    ]
    assert m(x, shift=1.0).tolist() == [24, 24]
    assert seen == [("pre", True, 1), ("first",), ("post", [2, 2], [14, 14])]
    for handle in handles:
        handle.remove()
        handle.remove()
    assert m(x, shift=1.0).tolist() == [3, 3] and len(seen) == 3
    with m.register_forward_hook(lambda module, args, output: 7):
        assert m(x) == 7
    assert m(x).tolist() == [2, 2]


def test_always_called_hooks():
    m, seen = Scale(), []
    m.register_forward_hook(lambda module, args, output: seen.append("plain"))
    m.register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    with pytest.raises(ValueError, match="empty"):
        m(weft.ones(0))
    assert seen == [None]
    m.register_forward_hook(lambda module, args, output: 1 / 0, always_call=True)
    with pytest.raises(ValueError, match="empty"), pytest.warns(UserWarning, match="division"):
        m(weft.ones(0))


def test_backward_hooks():
    m, x, seen = Scale(), weft.ones(2, requires_grad=True), []

    def hook(module, grad_input, grad_output):
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        return (grad_input[0] * 10,)

    with m.register_full_backward_hook(hook), m.register_full_backward_pre_hook(lambda module, grads: (grads[0] * 3,)):
        y = m(x)
        assert y.tolist() == [2, 2]
        y.sum().backward()
    assert seen == [([6, 6], [3, 3])] and x.grad.tolist() == [60, 60] and m.factor.grad.item() == 6
    x.grad = None
    m(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


class Pair(nn.Module):
    def forward(self, a, b, c):
        return a * b, b + 1, c


def test_backward_hooks_of_several_tensors():
    """A hook sees the gradients of all inputs and outputs at once; None where there is none."""
    a, b = weft.ones(2, requires_grad=True), weft.full((3, 1), 2.0, dtype=weft.float64, requires_grad=True)
    m, seen = Pair(), []

    def change(module, grad_input, grad_output):
        seen.append([g if g is None else g.tolist() for g in grads] for grads in (grad_input, grad_output))
        return (None if grad_input[0] is None else grad_input[0] * 2), grad_input[1] * 3, None

    m.register_full_backward_hook(change)
    first, second, third = m(a, b, 5)
    assert third == 5
    (first.sum() + second.sum() * 10).backward(retain_graph=True)
    ((ins, outs),) = (tuple(pair) for pair in seen)
    assert ins == [[6, 6], [[12.0], [12.0], [12.0]], None] and outs == [[[1, 1]] * 3, [[10], [10], [10]], None]
    assert a.grad.tolist() == [12, 12] and b.grad.tolist() == [[36], [36], [36]]
    a.grad = b.grad = None
    seen.clear()
    second.sum().backward()
    ((ins, outs),) = (tuple(pair) for pair in seen)
    assert outs[0] is None and outs[1] == [[1], [1], [1]] and b.grad.tolist() == [[3], [3], [3]]


def test_backward_hooks_where_no_input_requires_grad():
    m, seen = Scale(), []
    m.register_full_backward_hook(
        lambda module, grad_input, grad_output: seen.append((grad_input, grad_output[0].tolist()))
    )
    m(weft.ones(2)).sum().backward()
    assert seen == [((None,), [1, 1])] and m.factor.grad.item() == 2
    with weft.no_grad():
        m(weft.ones(2))
    m.register_full_backward_hook(lambda module, grad_input, grad_output: (1, 2))
    with pytest.raises(RuntimeError, match=r"\[backward hook\]"):
        m(weft.ones(2)).sum().backward()


def test_hooks_of_all_modules():
    m, seen = nn.Sequential(Scale(), Scale()), []
    with all_modules.register_module_forward_pre_hook(lambda module, args: seen.append(type(module).__name__)):
        m(weft.ones(1))
    with all_modules.register_module_forward_hook(lambda module, args, output: output + 1):
        assert m(weft.ones(1)).item() == 8
    with all_modules.register_module_full_backward_hook(lambda module, grad_input, grad_output: seen.append(module)):
        m(weft.ones(1)).sum().backward()
    assert m(weft.ones(1)).item() == 4 and seen[:3] == ["Sequential", "Scale", "Scale"]
    assert {id(module) for module in seen[3:]} == {id(m), id(m[0]), id(m[1])}


def test_registration_hooks():
    seen = []

    def note(module, name, value):
        seen.append((type(module).__name__, name))

    def freeze(module, name, parameter):
        return nn.Parameter(parameter.detach(), requires_grad=False)

    with (
        all_modules.register_module_parameter_registration_hook(freeze),
        all_modules.register_module_parameter_registration_hook(note),
        all_modules.register_module_buffer_registration_hook(note),
        all_modules.register_module_module_registration_hook(note),
    ):
        m = nn.Sequential(Scale())
        m.register_buffer("b", weft.ones(1))
    assert seen == [("Scale", "factor"), ("Sequential", "0"), ("Sequential", "b")]
    assert not m[0].factor.requires_grad and Scale().factor.requires_grad


def test_state_dict_hooks():
    m, seen = nn.Sequential(Scale(), Scale(3.0)), []

    def rename(module, state, prefix, metadata):
        state[prefix + "old"] = state.pop(prefix + "factor")

    def rename_back(module, state, prefix, metadata, strict, missing_keys, unexpected_keys, error_msgs):
        seen.append(list(state))
        if prefix + "old" in state:
            state[prefix + "factor"] = state.pop(prefix + "old") * 5

    m[0].register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))
    m[0].register_state_dict_post_hook(rename)
    state = m.state_dict()
    assert seen.pop() == ("0.", False) and list(state) == ["0.old", "1.factor"]
    m[0].register_load_state_dict_pre_hook(rename_back)
    assert m.load_state_dict(state) == ([], []) and list(state) == ["0.old", "1.factor"]
    assert m[0].factor.item() == 10 and seen == [["0.old"]]
    m.register_load_state_dict_post_hook(lambda module, names: names.missing_keys.clear())
    m.load_state_dict({"0.old": weft.tensor(1.0)})
    assert m[0].factor.item() == 5 and m[1].factor.item() == 3
    for name in ("more", "0.more", "2.factor"):
        with pytest.raises(RuntimeError, match=name):
            m.load_state_dict({**state, name: weft.ones(1)})


def test_copies_have_hooks_of_their_own():
    m = Scale()
    m.handle = m.register_forward_hook(double_output)
    for other in (copy.deepcopy(m), pickle.loads(pickle.dumps(m))):
        assert other(weft.ones(1)).item() == 4
        other.handle.remove()
        assert other(weft.ones(1)).item() == 2 and m(weft.ones(1)).item() == 4


def double_output(module, args, output):
    return output * 2


def test_a_hook_must_be_callable():
    with pytest.raises(TypeError, match=r"\[forward hook\].*int"):
        Scale().register_forward_hook(3)


def collector(features):
    return lambda module, args, output: features.append(output.detach())


def test_compiled():
    """What compiled code replays has the hooks of now; hooks that do more than compute are run."""
    m, x = nn.Sequential(nn.Linear(3, 3), Scale()), weft.randn(2, 3)
    for compiled in (weft.compile(m), weft.compile(lambda x: m(x))):
        plain = m(x)
        assert_same_bits(compiled(x), plain)
        handle = m[0].register_forward_hook(double_output)
        assert_same_bits(compiled(x), m(x))
        assert_same_bits(compiled(x), m(x))
        assert weft.explain(compiled, x).mode == "replay" and not (m(x) == plain).all()
        handle.remove()
        assert_same_bits(compiled(x), plain)
        with all_modules.register_module_forward_hook(double_output):
            assert_same_bits(compiled(x), m(x))
        assert_same_bits(compiled(x), plain)
        features = []
        handle = m[0].register_forward_hook(collector(features))
        for i in range(3):
            assert_same_bits(compiled(x), plain)
            assert len(features) == i + 1
            assert_same_bits(features[i], m[0].forward(x))
        handle.remove()


def test_backward_hooks_compiled():
    m, x, seen = nn.Sequential(nn.Linear(3, 3), Scale()), weft.randn(2, 3), []
    m[1].register_full_backward_hook(
        lambda module, grad_input, grad_output: seen.append(grad_input[0].tolist()) or (grad_input[0] * 2,)
    )

    def step(x):
        m.zero_grad()
        m(x).sum().backward()
        return m[0].weight.grad.clone()

    compiled, expected = weft.compile(step), step(x)
    for i in range(4):
        assert_same_bits(compiled(x), expected)
        assert len(seen) == i + 2 and seen[-1] == seen[0]
