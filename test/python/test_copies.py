"""Copies and pickles of modules, parameters, optimizers and compiled objects."""

import copy
import pickle

import pytest
import weft
from conftest import assert_same_bits
from weft import nn


def deep(value):
    return copy.deepcopy(value)


def pickled(value):
    return pickle.loads(pickle.dumps(value))


@weft.compile
def double(x):
    return x * 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.tied = nn.Linear(2, 2)
        self.tied.weight = self.layer.weight
        self.fast = weft.compile(self.step, fullgraph=True)
        self.frozen = nn.Parameter(weft.ones(1), requires_grad=False)

    def step(self, x):
        return self.tied(self.layer(x))

    def forward(self, x):
        return self.fast(x)


@pytest.mark.parametrize("make", [deep, pickled])
def test_modules(make):
    x, net = weft.randn(3, 2), Net()
    expected = net(x)
    for other in (make(net), make(make(net))):
        assert_same_bits(other(x), expected)
        assert other.tied.weight is other.layer.weight and other.layer.weight is not net.layer.weight
        assert not other.frozen.requires_grad and isinstance(other.frozen, nn.Parameter)
        with weft.no_grad():
            other.layer.weight.zero_()
        assert_same_bits(other(x), other.step(x))
        assert_same_bits(net(x), expected)
        assert other.fast.compilation.fullgraph


@pytest.mark.parametrize("make", [deep, pickled, copy.copy])
def test_compiled(make):
    x = weft.randn(3, 2)
    assert make(double) is double
    module = weft.compile(nn.Linear(2, 2))
    other = make(module)
    assert other is not module and (other.weight is module.weight) == (make is copy.copy)
    assert_same_bits(other(x), module(x))


def test_compiled_children():
    """A compiled module can be a child; all that goes through the modules goes through it."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.Linear(2, 2))
    plain, x = deep(net), weft.randn(3, 2)
    net[0] = weft.compile(net[0])
    net.register_module("2", weft.compile(net[2]))
    assert list(net.state_dict()) == list(plain.state_dict()) and net.load_state_dict(plain.state_dict()) == ([], [])
    assert [n for n, _ in net.named_parameters()] == [n for n, _ in plain.named_parameters()]
    assert [type(m).__name__ for m in net.modules()] == [type(m).__name__ for m in plain.modules()]
    assert [n for n, _ in net.named_modules()] == [n for n, _ in plain.named_modules()]
    net.eval(), plain.eval()
    assert not net[0].training
    for _ in range(3):
        assert_same_bits(net(x), plain(x))
    assert len(weft._C.entries(net[0])) == 1
    assert_same_bits(deep(net).double()(x.double()), plain.double()(x.double()))


class Tagged(nn.Parameter):
    pass


@pytest.mark.parametrize("make", [deep, pickled])
def test_parameters(make):
    p = Tagged(weft.ones(2))
    p.tag = "a"
    other = make(p)
    assert type(other) is Tagged and other.requires_grad and other.data_ptr() != p.data_ptr() and other.tag == "a"
