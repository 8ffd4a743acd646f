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


class Tagged(nn.Parameter):
    pass


@pytest.mark.parametrize("make", [deep, pickled])
def test_parameters(make):
    p = Tagged(weft.ones(2))
    p.tag = "a"
    other = make(p)
    assert type(other) is Tagged and other.requires_grad and other.data_ptr() != p.data_ptr() and other.tag == "a"
