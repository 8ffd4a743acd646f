"""compile(dynamic={"x": {0: (1, 1024)}}): symbols from the first call on, bounds, and what is wrong with a declaration."""

import copy
import pickle

import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional


def programs():
    return weft._C.compile_statistics()[0]


def check(function, dynamic, calls, first=1):
    """The first call makes `first` programs, and others make none."""
    compiled = weft.compile(function, dynamic=dynamic)
    for i, args in enumerate(calls):
        eager = function(*args)
        before = programs()
        mine = compiled(*args)
        assert programs() - before == (first if i == 0 else 0)
        for a, b in zip(mine, eager, strict=True):
            assert_same_bits(a, b)


def pointwise(x):
    return (x * 2 + 1).tanh(), (x * x).sum(-1)


def with_shapes(x):
    n, width = x.shape
    y = x.reshape(n * width) * 3
    return y.view(n, width).softmax(1), weft.zeros(n, 2) + x[:, :2], x.mean(0)


def with_another_argument(x, labels):
    return F.cross_entropy(x, labels)[None]


weight = weft.randn(4, 4)


def with_a_weight_of_that_size(x):
    return x @ weight, x.view(-1, 2, 2).transpose(1, 2).sum(0)


def with_a_loop(x):
    return weft.scan(lambda h, v: ((h @ weight + v).tanh(), h), weft.zeros(4), x)


def with_a_gradient(x):
    leaf = weight.clone().requires_grad_()
    (x @ leaf).tanh().sum().backward()
    return (leaf.grad,)


@pytest.mark.parametrize(
    "function",
    [pointwise, with_shapes, with_a_weight_of_that_size, with_a_loop, with_a_gradient],
    ids=lambda f: f.__name__,
)
def test_sizes_are_symbols_from_the_first_call(function):
    check(function, {"x": {0: (1, 1024)}}, [[weft.randn(n, 4)] for n in (7, 8, 4, 100, 3, 2)])


def test_other_arguments_vary_alike():
    calls = [[weft.randn(n, 5), weft.randint(0, 5, (n,))] for n in (7, 9, 100)]
    check(with_another_argument, {"x": {0: (1, 100)}}, calls)


def test_two_axes():
    function = lambda x: ((x * 3 - 1).sigmoid(), x.amax(-1))
    check(function, {"x": {0: (1, 100), -1: (1, 100)}}, [[weft.randn(n, m)] for n, m in ((7, 9), (9, 7), (64, 100))])


def test_what_the_shapes_do_not_tell():
    """A size that is computed otherwise: the second call makes the general program."""
    function = lambda x: (x[: x.shape[0] // 2] * 2 + 1,)
    compiled = weft.compile(function, dynamic={"x": {0: (1, 1000)}})
    for n in (20, 30, 40, 51, 600):
        x = weft.randn(n)
        before = programs()
        assert_same_bits(compiled(x)[0], function(x)[0])
        assert n in (20, 30) or programs() == before


def test_bounds_hold_at_every_call():
    compiled = weft.compile(pointwise, dynamic={"x": {0: (2, 8)}})
    for i in range(200):
        compiled(weft.ones(2 + i % 7, 3))
        with pytest.raises(ValueError, match=r"\[compile\] axis 0 of x must have 2 to 8 entries.*got shape \[9, 3\]"):
            compiled(weft.ones(9, 3))
        with pytest.raises(ValueError, match="must have 2 to 8 entries"):
            compiled(x=weft.ones(1, 3))


def test_bounds_hold_within_another_compiled_function():
    inner = weft.compile(pointwise, dynamic={"x": {0: (2, 8)}})
    outer = weft.compile(lambda x: inner(x * 2))
    outer(weft.ones(3, 3))
    with pytest.raises(ValueError, match="must have 2 to 8 entries"):
        outer(weft.ones(9, 3))


def test_modules_and_methods():
    model = weft.compile(nn.Linear(4, 2), dynamic={"input": {0: (1, 64)}})
    for n in (3, 5, 64):
        assert model(weft.ones(n, 4)).shape == (n, 2)
    with pytest.raises(ValueError, match="axis 0 of input must have 1 to 64 entries"):
        model(weft.ones(65, 4))

    class Scaled:
        @weft.compile(dynamic={"x": {0: (1, 4)}})
        def __call__(self, x, *, factor=2.0):
            return x * factor

    assert Scaled()(weft.ones(3)).sum() == 6
    with pytest.raises(ValueError, match="axis 0 of x must have 1 to 4 entries"):
        Scaled()(weft.ones(5))


def test_copies_keep_the_declaration():
    model = weft.compile(nn.Linear(4, 2), dynamic={"input": {0: (1, 8)}})
    for other in (
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        weft.compile(model, dynamic={"input": {0: (1, 8)}}),
    ):
        with pytest.raises(ValueError, match="must have 1 to 8 entries"):
            other(weft.ones(9, 4))


def test_a_default_is_not_looked_at():
    compiled = weft.compile(lambda x, y=None: x * 2, dynamic={"y": {0: (1, 4)}})
    assert compiled(weft.ones(3)).sum() == 6
    with pytest.raises(TypeError, match="dynamic declares sizes of y, which must be a tensor; got list"):
        compiled(weft.ones(3), [1])
    with pytest.raises(ValueError, match=r"axis 0 of y, which has no such axis; got shape \[\]"):
        compiled(weft.ones(3), weft.tensor(1.0))


@pytest.mark.parametrize(
    "dynamic, error, message",
    [
        ({"z": {0: (1, 2)}}, TypeError, "dynamic names 'z', which is no parameter of pointwise; it has x"),
        ({"x": (1, 2)}, TypeError, "dynamic must say of x which axes vary; got tuple"),
        ({"x": {0: 5}}, TypeError, r"dynamic has 0: 5 for x; as in dynamic=\{"),
        ({"x": {"rows": (1, 2)}}, TypeError, "dynamic has 'rows'"),
        ({"x": {0: (1.0, 2)}}, TypeError, "dynamic has 0"),
        ({"x": {0: (3, 2)}}, ValueError, "dynamic has bounds 3 to 2 for axis 0 of x"),
        ({"x": {0: (-1, 2)}}, ValueError, ".*the least must be from 0 on"),
        ("x", TypeError, "dynamic must be None, True, False or a dict"),
    ],
)
def test_wrong_declarations(dynamic, error, message):
    with pytest.raises(error, match=r"\[compile\] " + message):
        weft.compile(pointwise, dynamic=dynamic)
