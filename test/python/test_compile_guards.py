"""weft.compile: what is guarded, and that a change is seen."""

import weft
from conftest import assert_same_bits
from weft import nn


def test_new_shapes_dtypes_and_layouts_are_traced():
    g = weft.compile(lambda x: x.sum(0) * 2)
    for x in (weft.randn(3, 4), weft.randn(5, 2), weft.randn(3, 4).double(), weft.randn(4, 3).T, weft.randn(3, 4)):
        assert_same_bits(g(x), x.sum(0) * 2)
    assert len(weft._C.entries(g)) == 4


def test_python_values_are_guarded():
    def f(x, scale, name=None, flags=(True, 1.5)):
        return x * scale + (1 if name == "a" else 0) + flags[1]

    g = weft.compile(f)
    x = weft.randn(3)
    for args, kwargs in [
        ((x, 2), {}),
        ((x, 2.0), {}),
        ((x, 3), {"name": "a"}),
        ((x, 2), {"flags": (True, 2.5)}),
        ((x, 2), {}),
    ]:
        assert_same_bits(g(*args, **kwargs), f(*args, **kwargs))
    assert len(weft._C.entries(g)) == 4


SCALE = 2.0


def test_globals_are_guarded():
    global SCALE
    g = weft.compile(lambda x: x * SCALE)
    x = weft.ones(2)
    assert g(x).tolist() == [2, 2]
    SCALE = 3.0
    assert g(x).tolist() == [3, 3]
    SCALE = 2.0
    assert g(x).tolist() == [2, 2] and len(weft._C.entries(g)) == 2


def test_closures_and_attributes_are_guarded():
    class Config:
        factor = 2.0

    config, factors = Config(), [1.0]
    shift = 1.0

    def f(x):
        return x * config.factor * factors[0] + shift

    g = weft.compile(f)
    x = weft.ones(1)
    assert g(x).item() == 3
    config.factor = 5.0
    assert g(x).item() == 6
    factors[0] = 2.0
    assert g(x).item() == 11
    shift = 0.0
    assert g(x).item() == 10
    Config.factor = 100.0  # hidden by the instance's
    assert g(x).item() == 10


def test_class_attributes_are_guarded():
    class Config:
        factor = 2.0

    config = Config()
    g = weft.compile(lambda x: x * config.factor)
    assert g(weft.ones(1)).item() == 2
    Config.factor = 7.0
    assert g(weft.ones(1)).item() == 7


def test_functions_called_are_guarded():
    def helper(x):
        return x + 1

    def f(x):
        return helper(x)

    g = weft.compile(f)
    assert g(weft.ones(1)).item() == 2

    def helper(x):  # noqa: F811
        return x + 10

    assert g(weft.ones(1)).item() == 11


def test_training_mode_is_guarded():
    m = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    g = weft.compile(m)
    x = weft.randn(3, 4)
    with weft.no_grad():
        g(x)
        m.eval()
        assert_same_bits(g(x), m(x))
        assert_same_bits(g(x), m(x))
        m.train()
        assert (g(x) == 0).any().item()


def test_parameters_are_read_anew():
    m = nn.Linear(3, 2)
    g = weft.compile(m)
    x = weft.randn(4, 3)
    with weft.no_grad():
        g(x)
        m.weight.mul_(2)
        assert_same_bits(g(x), m(x))
        m.weight = nn.Parameter(weft.zeros(2, 3))
        assert_same_bits(g(x), m(x))


class _Scaled:
    def __init__(self):
        self.scale, self.options, self.weights = 2.0, {"bias": 1.0}, [weft.ones(2)]

    def __call__(self, x):
        return x * self.scale + self.options.get("bias", 0.0) + self.weights[0] + _shift


_shift = 0.0


def _store_often(model, value):
    for _ in range(100):  # CPython specialises the store
        model.scale = value


def test_every_way_to_change_a_dict_is_seen():
    """Guards on a dict are looked at again when CPython has given it another version (python/bindings/Guards.cpp)."""
    model, x = _Scaled(), weft.ones(2)
    g = weft.compile(model)
    options = model.options

    def shift(value):
        globals()["_shift"] = value

    changes = [
        lambda: setattr(model, "scale", 3.0),
        lambda: _store_often(model, 4.0),
        lambda: _store_often(model, 5.0),
        lambda: vars(model).update(scale=6.0),
        lambda: object.__setattr__(model, "scale", 7.0),
        lambda: options.__setitem__("bias", 2.0),
        lambda: options.update(bias=3.0),
        lambda: options.__ior__({"bias": 4.0}),
        lambda: options.pop("bias"),
        lambda: options.setdefault("bias", 5.0),
        lambda: options.popitem(),
        lambda: options.update({"bias": 6.0, "unused": 1}),
        lambda: options.__delitem__("bias"),
        lambda: options.clear(),
        lambda: setattr(model, "options", {"bias": 7.0}),
        lambda: model.weights.__setitem__(0, weft.zeros(2)),
        lambda: shift(1.0),
        lambda: None,
    ]
    for change in changes:
        for _ in range(3):
            assert g(x).tolist() == model(x).tolist()
        change()
    assert weft.explain(g, x).mode == "replay"


def test_one_tensor_twice_is_not_two_views_of_its_memory():
    def f(x, y):
        return x + y

    g = weft.compile(f)
    base = weft.ones(4).requires_grad_()
    a, b = base.detach().requires_grad_(), base.detach().requires_grad_()
    for x, y in ((a, b), (a, a), (b, a)):
        a.grad = b.grad = None
        g(x, y).sum().backward()
        assert x.grad.tolist() == [1.0 if x is not y else 2.0] * 4
