"""Random programs in which operations are replaced by Functions that compute the same: gradients of both agree, in every way to ask for
them, with hooks, checkpoints and in-place operations around; compiled, the bits are eager's."""

import random

import pytest
import weft
from weft.autograd import Function
from weft.utils.checkpoint import checkpoint

WAYS = ("backward", "twice", "inputs", "grad", "double", "compile")


class Product(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b if ctx.needs_input_grad[0] else None, g * a if ctx.needs_input_grad[1] else None


class SineAndCosine(Function):
    @staticmethod
    def forward(ctx, a, materialize):
        results = a.sin(), a.cos()
        ctx.save_for_backward(*results)
        ctx.set_materialize_grads(materialize)
        return results

    @staticmethod
    def backward(ctx, g, h):
        sine, cosine = ctx.saved_tensors
        parts = [
            part for part in (None if g is None else g * cosine, None if h is None else -h * sine) if part is not None
        ]
        return sum(parts[1:], parts[0]) if parts else None, None


class Exponential(Function):
    @staticmethod
    def forward(ctx, a):
        y = a.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0]


OWN = {"product": Product.apply, "sine": SineAndCosine.apply, "exp": Exponential.apply}
PLAIN = {"product": lambda a, b: a * b, "sine": lambda a, _: (a.sin(), a.cos()), "exp": weft.exp}


def program(rng, ops):
    names = ("product", "sine", "exp", "add", "tanh", "cat", "checkpoint", "in place")
    steps = [(rng.choice(names), rng.random(), rng.random(), rng.random()) for _ in range(rng.randint(3, 12))]
    ends = [rng.random() for _ in range(rng.randint(1, 3))]
    materialize = rng.random() < 0.5

    def run(leaves, kept):
        values = list(leaves)
        for name, a, b, also in steps:
            x, y = values[int(a * len(values))], values[int(b * len(values))]
            if name == "product":
                made = [ops["product"](x, y)]
            elif name == "sine":
                made = list(ops["sine"](x, materialize))
            elif name == "exp":
                made = [ops["exp"](x * 0.1)]
            elif name == "add":
                made = [x + y]
            elif name == "tanh":
                made = [x.tanh()]
            elif name == "cat":
                made = [weft.cat([x[:2], y[2:]])]
            elif name == "checkpoint":
                made = [checkpoint(lambda x, y: ops["exp"](ops["product"](x, y).tanh()).sin(), x, y)]
            else:
                made = [x * 1.5]
                made[0][1:3].mul_(y[0])
            for value in made:
                # A second derivative goes through the sine that the Function kept, which the cosine's own does not.
                if also < 0.2 and name != "sine":
                    value.register_hook(lambda g: g * 1.25)
                elif also < 0.35:
                    value.retain_grad()
                    kept.append(value)
            values += made
        return sum([(values[int(end * len(values))] * (end + 0.5)).sum() for end in ends])

    return run


def zeros_for_none(gradients):
    return [weft.zeros(4, dtype=weft.float64) if g is None else g for g in gradients]


def results(seed, ops):
    rng = random.Random(seed)
    way, run = rng.choice(WAYS), program(rng, ops)
    weft.manual_seed(seed)
    leaves, kept = [weft.rand(4, dtype=weft.float64).requires_grad_() for _ in range(3)], []
    if way == "compile":

        def step(*given):
            given = [x.detach().requires_grad_() for x in given]
            value = run(given, [])
            value.backward()
            return [value.detach(), *zeros_for_none([x.grad for x in given])]

        compiled, eager = weft.compile(step), step(*leaves)
        for _ in range(2):
            assert all(weft.equal(a, b) for a, b in zip(compiled(*leaves), eager))
        return eager
    value = run(leaves, kept)
    if way == "grad":
        return [value, *zeros_for_none(weft.autograd.grad(value, leaves, allow_unused=True))]
    if way == "double":
        first = weft.autograd.grad(value, leaves, create_graph=True, allow_unused=True)
        squares = sum([(g * g).sum() for g in first if g is not None and g.requires_grad])
        if not weft.is_tensor(squares):
            return [value]
        return [value, *zeros_for_none(weft.autograd.grad(squares, leaves, allow_unused=True))]
    if way == "twice":
        value.backward(retain_graph=True)
    value.backward(inputs=leaves[:1] if way == "inputs" else None)
    return [value, *zeros_for_none([x.grad for x in leaves]), *zeros_for_none([x.grad for x in kept])]


@pytest.mark.parametrize("seed", range(120))
def test_own_and_plain_agree(seed):
    own, plain = results(seed, OWN), results(seed, PLAIN)
    assert len(own) == len(plain)
    for a, b in zip(own, plain):
        assert weft.allclose(a, b, rtol=1e-8, atol=1e-10)
