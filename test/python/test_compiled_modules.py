"""A compiled module is the module in all but its calls."""

import copy
import pickle

import pytest
import weft
from conftest import assert_same_bits
from weft import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.drop = nn.Dropout(0.5)
        self.scale = 1.0

    def forward(self, x):
        return self.drop(self.layer(x)) * self.scale


class Slotted(nn.Module):
    __slots__ = ("factor", "__unset")

    def forward(self, x):
        return x * self.factor


@pytest.fixture
def pair():
    module = Scaled()
    return module, weft.compile(module)


def test_it_is_a_module_of_the_class(pair):
    module, compiled = pair
    assert isinstance(compiled, Scaled) and type(compiled).__name__ == "Scaled" and repr(compiled) == repr(module)
    assert compiled.layer is module.layer and list(compiled.state_dict()) == list(module.state_dict())
    assert "layer" in dir(compiled) and len(weft.compile(nn.Sequential(nn.ReLU(), nn.Tanh()))) == 2
    assert weft.explain(compiled.eval(), weft.ones(2, 3)).mode == "replay"


def test_attributes_are_the_modules(pair):
    module, compiled = pair
    x = weft.ones(2, 3)
    compiled.eval()
    assert not module.training
    for scale in (2.0, 3.0):
        compiled.scale = scale
        assert module.scale == scale
        assert_same_bits(compiled(x), module(x))
    module.scale = 4.0
    compiled.layer = nn.Linear(3, 3)
    assert module.layer is compiled.layer
    assert_same_bits(compiled(x), module.layer(x) * 4.0)
    del compiled.scale
    assert not hasattr(module, "scale")


def test_methods_return_the_compiled_module(pair):
    _, compiled = pair
    for same in (
        compiled.eval(),
        compiled.train(),
        compiled.to(weft.float64),
        compiled.float(),
        compiled.apply(lambda m: None),
    ):
        assert same is compiled
    assert compiled.zero_grad() is None


def test_as_a_child(pair):
    module, compiled = pair
    net = nn.Sequential(compiled.eval(), nn.ReLU())
    assert [n for n, _ in net.named_parameters()] == ["0.layer.weight", "0.layer.bias"]
    assert list(net.modules())[1] is compiled
    x = weft.ones(2, 3)
    for call in (net, weft.compile(net), weft.compile(lambda x: net(x))):
        for _ in range(2):
            assert_same_bits(call(x), module(x).relu())


def test_hooks_run_once(pair):
    module, compiled = pair
    seen = []
    compiled.eval().register_forward_hook(lambda m, args, out: seen.append(m))
    compiled(weft.ones(2, 3))
    assert seen == [module]


@pytest.mark.parametrize("make", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(pair, make):
    _, compiled = pair
    other = make(compiled.eval())
    assert isinstance(other, Scaled) and other is not compiled
    x = weft.ones(2, 3)
    assert_same_bits(other(x), compiled(x))
    assert len(weft._C.entries(other)) == 1
    other.scale = 7.0
    assert compiled.scale == 1.0


def test_a_compiled_module_is_compiled_anew(pair):
    module, compiled = pair
    again = weft.compile(compiled.eval(), fullgraph=True)
    assert_same_bits(again(weft.ones(2, 3)), module(weft.ones(2, 3)))
    assert weft._C.entries(again) and not weft._C.entries(compiled)


def test_what_a_class_does_with_subclasses_is_not_done():
    made = []

    class Registered(nn.Module):
        def __init_subclass__(cls, name):
            made.append(name)

    class Named(Registered, name="named"):
        def forward(self, x):
            return x * 2

    compiled = weft.compile(Named())
    assert made == ["named"] and isinstance(compiled, Registered)
    assert_same_bits(compiled(weft.ones(2)), weft.full((2,), 2.0))


def test_slots():
    module = Slotted()
    compiled = weft.compile(module)
    for factor in (2.0, 3.0):
        compiled.factor = factor
        assert module.factor == factor
        assert_same_bits(compiled(weft.ones(2)), weft.full((2,), factor))
    del module.factor
    with pytest.raises(AttributeError):
        compiled(weft.ones(2))


def test_it_is_finalised_once():
    ended = []

    class Ending(nn.Module):
        def forward(self, x):
            return x

        def __del__(self):
            ended.append(type(self))

    compiled = weft.compile(Ending())
    compiled(weft.ones(1))
    del compiled
    import gc

    gc.collect()
    assert ended == [Ending]
