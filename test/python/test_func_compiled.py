"""weft.func in and around compile: the bits of eager code, and a replay."""

import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

w = weft.arange(15.0).reshape(3, 5) / 15


def f(a):
    return weft.tanh(a @ w).sum()


FUNCTIONS = {
    "vmap": vmap(f),
    "vmap of grad": vmap(grad(f)),
    "grad of vmap": grad(lambda a: vmap(f)(a).sum()),
    "vmap of vmap": vmap(vmap(lambda a: a * a.exp())),
    "vmap over columns": vmap(lambda a: a.softmax(0), in_dims=1, out_dims=1),
    "jvp": lambda a: jvp(f, (a,), (a,))[1],
    "vjp": lambda a: vjp(weft.sin, a)[1](a)[0],
    "hessian": lambda a: hessian(f)(a[0]),
    "jacfwd of jacrev": lambda a: jacfwd(jacrev(f))(a[0]),
    "jacrev of jacfwd": lambda a: jacrev(jacfwd(f))(a[0]),
    "vmap of jvp": lambda a: vmap(lambda b: jvp(f, (b,), (b,))[1])(a),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_inside(name):
    function, x = FUNCTIONS[name], weft.randn(4, 3)
    compiled, eager = weft.compile(function), function(x)
    for _ in range(3):
        assert_same_bits(compiled(x), eager)
    assert weft.explain(compiled, x).mode == "replay"


@pytest.mark.parametrize("transform", [vmap, lambda g: vmap(grad(g)), lambda g: lambda a: jvp(g, (a[0],), (a[1],))[1]])
def test_around(transform):
    x = weft.randn(4, 3)
    assert_same_bits(transform(weft.compile(f))(x), transform(f)(x))


def test_training_steps():
    """One by second derivatives, and one by the gradients of each example, clipped."""

    def second_order(x):
        return x - hessian(f)(x) @ grad(f)(x)

    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))

    def step(params, x, y):
        def loss(p, a, b):
            return nn.functional.mse_loss(functional_call(net, p, a), b)

        each = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
        return {name: p - 0.1 * each[name].clamp(-1, 1).mean(0) for name, p in params.items()}

    x, y = weft.randn(4, 3), weft.randn(4, 2)
    params = {name: p.detach() for name, p in net.named_parameters()}
    compiled = weft.compile(step)
    for _ in range(3):
        wanted = step(params, x, y)
        found = compiled(params, x, y)
        for name in params:
            assert_same_bits(found[name], wanted[name])
        params = wanted
    assert weft.explain(compiled, params, x, y).mode == "replay"
    assert_same_bits(weft.compile(second_order)(x[0]), second_order(x[0]))


def test_random_numbers():
    def draw(a):
        return vmap(lambda b: b + weft.rand(3), randomness="different")(a)

    x, compiled = weft.zeros(4, 3), weft.compile(draw)
    for _ in range(3):
        weft.manual_seed(5)
        wanted = draw(x)
        weft.manual_seed(5)
        assert_same_bits(compiled(x), wanted)
