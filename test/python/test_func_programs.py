"""Random programs of views, in-place operations, products, reductions and nested transformations: vmap, grad and jvp in either order,
eager and compiled, have the bits of a loop over the examples."""

import random

import pytest
import weft
from conftest import assert_same_bits
from weft.func import grad, jvp, vmap

F = weft.nn.functional


def assigned(a, b):
    c = a.clone()
    c[1] = b[2]
    c[:, 1:3] += b[:, :2]
    return c


def without_grad(a, b):
    with weft.no_grad():
        c = a * 2
    return c + b


# Of two tensors [3, 4], and the weights that all examples share: [4, 4], [4].
STEPS = [
    lambda a, b, w, v: a + b,
    lambda a, b, w, v: a * b,
    lambda a, b, w, v: weft.tanh(a),
    lambda a, b, w, v: a @ w,
    lambda a, b, w, v: a @ b.T @ b * 0.1,
    lambda a, b, w, v: a.softmax(1),
    lambda a, b, w, v: a - a.mean(0),
    lambda a, b, w, v: a.reshape(4, 3).T,
    lambda a, b, w, v: a.flip(1),
    lambda a, b, w, v: weft.cat([a[1:], b[:1]]),
    lambda a, b, w, v: a.sort(0)[0],
    lambda a, b, w, v: weft.where(a > b, a, b * 0.5),
    lambda a, b, w, v: a * v,
    lambda a, b, w, v: a + a.max(1, keepdim=True)[0],
    lambda a, b, w, v: F.layer_norm(a, (4,)),
    lambda a, b, w, v: assigned(a, b),
    lambda a, b, w, v: (a * 1).mul_(0.5),
    lambda a, b, w, v: a.detach() * b,
    lambda a, b, w, v: without_grad(a, b),
    lambda a, b, w, v: a.permute(1, 0).expand(2, 4, 3).sum(0).T,
    lambda a, b, w, v: F.pad(a, (1, 0))[:, :4],
    lambda a, b, w, v: F.linear(a, w, v),
    lambda a, b, w, v: grad(lambda z: (z * z * b).sum())(a),
    lambda a, b, w, v: jvp(lambda z: z * z * b, (a,), (b,))[1],
    lambda a, b, w, v: vmap(lambda p, q: p * q.sum())(a, b),
    lambda a, b, w, v: vmap(lambda p, q: p * q, in_dims=(1, None), out_dims=1)(a, b[:, 0]),
    lambda a, b, w, v: a.gather(1, b.argmax(1, keepdim=True).expand(3, 4)),
    lambda a, b, w, v: weft.stack([a, b], 1).amax(1),
    lambda a, b, w, v: a.var(1, keepdim=True) * b,
]


def program(seed):
    choose = random.Random(seed)
    steps = [(choose.choice(STEPS), choose.random(), choose.random()) for _ in range(choose.randrange(3, 12))]
    w, v = weft.randn(4, 4), weft.randn(4, requires_grad=True)

    def function(x, y):
        values = [x, y]
        for step, first, second in steps:
            a, b = values[int(first * len(values))], values[int(second * len(values))]
            values.append(step(a, b, w, v) * 0.5)
        return values[-1]

    return function


def in_a_loop(function, *batches):
    results = [function(*one) for one in zip(*batches)]
    if isinstance(results[0], tuple):
        return tuple([weft.stack(column) for column in zip(*results)])
    return weft.stack(results)


@pytest.mark.parametrize("seed", range(24))
def test_bits_of_a_loop(seed):
    weft.manual_seed(seed)
    function = program(seed)
    x, y, t = weft.randn(3, 3, 4), weft.randn(3, 3, 4), weft.randn(3, 3, 4)
    gradient = grad(lambda a, b: (function(a, b) ** 2).sum(), (0, 1))

    def tangent(a, b, c):
        return jvp(lambda z: function(z, b), (a,), (c,))[1]

    wanted = in_a_loop(function, x, y)
    gradients, tangents = in_a_loop(gradient, x, y), in_a_loop(tangent, x, y, t)
    assert_same_bits(vmap(function)(x, y), wanted)
    assert_same_bits(vmap(function, (2, 0), 1)(x.permute(1, 2, 0).contiguous(), y), wanted.transpose(0, 1).contiguous())
    assert_same_bits(vmap(function, (0, None))(x, y[0]), weft.stack([function(a, y[0]) for a in x]))
    assert_same_bits(vmap(gradient)(x, y), gradients)
    assert_same_bits(grad(lambda a, b: (vmap(function)(a, b) ** 2).sum(), (0, 1))(x, y), gradients)
    assert_same_bits(vmap(tangent)(x, y, t), tangents)
    assert_same_bits(jvp(lambda a: vmap(function)(a, y), (x,), (t,))[1], tangents)
    compiled = weft.compile(lambda a, b: (vmap(function)(a, b), vmap(gradient)(a, b)))
    for _ in range(3):
        results, both = compiled(x, y)
        assert_same_bits(results, wanted)
        assert_same_bits(both, gradients)
