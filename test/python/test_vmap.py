"""weft.func.vmap beyond its ops: axes, trees, closures, randomness, in-place operations, chunks. What differs from PyTorch's is in
docs/differences.md."""

import collections

import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.func import vmap

Pair = collections.namedtuple("Pair", "first second")


@pytest.fixture
def x():
    return weft.randn(4, 3)


def test_is_weft_vmap():
    assert weft.vmap is vmap


def test_trees(x):
    def function(tree, scale):
        first, (second, third) = tree["a"], tree["b"]
        return {"sum": first + second, "rest": [third * scale, Pair(first, second)]}

    y, z = weft.randn(3, 4), weft.randn(2)
    result = vmap(function, in_dims=({"a": 0, "b": (1, None)}, None), out_dims={"sum": 1, "rest": 0})(
        {"a": x, "b": (y, z)}, 2.0
    )
    assert list(result) == ["sum", "rest"] and type(result["rest"][1]) is Pair
    assert_same_bits(result["sum"], (x + y.T).T)
    assert_same_bits(result["rest"][0], (z * 2.0).expand(4, 2))
    assert_same_bits(result["rest"][1].second, y.T)


def test_one_dim_stands_for_a_branch(x):
    assert_same_bits(vmap(lambda pair: pair[0] + pair[1], in_dims=(0,))((x, x)), x + x)
    assert_same_bits(vmap(lambda pair, z: pair[0] + z, in_dims=(None, 0))((x[0], x[1]), x), x[0] + x)


def test_negative_dims(x):
    assert_same_bits(vmap(lambda a: a.sum(0), in_dims=-1)(x), x.sum(0))
    assert_same_bits(vmap(lambda a: a * 2, out_dims=-1)(x), (x * 2).T)


def test_out_dims_of_one_result(x):
    assert_same_bits(vmap(lambda a: a * 2, out_dims=(1,))(x), (x * 2).T)
    assert_same_bits(vmap(lambda a: a * 2, out_dims=(1,), chunk_size=3)(x), (x * 2).T.contiguous())


def test_keywords_are_the_same_for_all(x):
    assert_same_bits(vmap(lambda a, b=None: a + b)(x, b=x[0]), x + x[0])


def test_results_that_are_the_same_for_all(x):
    assert_same_bits(vmap(lambda a: weft.ones(2))(x), weft.ones(4, 2))
    assert_same_bits(vmap(lambda a: x[0] * 2, out_dims=None)(x), x[0] * 2)
    w = weft.ones(2, requires_grad=True)
    same = vmap(lambda a: w)(x)
    assert_same_bits(same.detach().contiguous(), weft.ones(4, 2))
    same.sum().backward()
    assert (w.grad == 4).all()
    with weft.no_grad():
        assert not vmap(lambda a: w)(x).requires_grad


def test_results_that_are_no_tensors(x):
    doubled, name = vmap(lambda a: (a * 2, "name"), out_dims=(0, None))(x)
    assert_same_bits(doubled, x * 2)
    assert name == "name"


def test_batched_gradients(x):
    x.requires_grad_()
    y, cotangents = x**3, weft.randn(5, 4, 3)
    (found,) = weft.autograd.grad(y, x, cotangents, retain_graph=True, is_grads_batched=True)
    loop = [weft.autograd.grad(y, x, c, retain_graph=True)[0] for c in cotangents]
    assert_same_bits(found, weft.stack(loop))
    z = weft.ones(2, requires_grad=True)
    assert weft.autograd.grad(y, [z, x], cotangents, allow_unused=True, is_grads_batched=True)[0] is None


def test_no_examples():
    assert vmap(lambda a: a.sum())(weft.ones(0, 3)).shape == (0,)


def test_chunks(x):
    function = vmap(lambda a: (a.tanh(), a.sum()), out_dims=(1, 0))
    chunked = vmap(lambda a: (a.tanh(), a.sum()), out_dims=(1, 0), chunk_size=3)
    assert_same_bits(chunked(x), function(x))


def test_closures_and_nesting(x):
    w = weft.randn(5, 3)
    rows = vmap(lambda a: vmap(lambda b: (a * b).sum())(w))(x)
    assert_same_bits(rows, weft.stack([weft.stack([(a * b).sum() for b in w]) for a in x]))


def test_positions_that_are_examples(x):
    at = weft.tensor([0, 2, 1, 0])
    assert_same_bits(vmap(lambda a, i: a[i])(x, at), weft.stack([a[i] for a, i in zip(x, at)]))


def test_values_from_outside_can_be_read(x):
    w = weft.tensor([2.0, 3.0])
    assert_same_bits(vmap(lambda a: a * (w * 2)[0].item() if w.sum() > 0 else a)(x), x * 4.0)


def test_in_place_inside(x):
    def function(a):
        b = a * 1
        b[0] = a[1] * 3
        b.mul_(2)
        b[1:] += 1
        return b

    assert_same_bits(vmap(function)(x), weft.stack([function(a) for a in x]))


def test_in_place_on_an_argument(x):
    y = x.clone()
    vmap(lambda a: a.add_(1))(y)
    assert_same_bits(y, x + 1)


def test_gradients_stop_where_they_do_in_a_loop(x):
    def function(a):
        with weft.no_grad():
            b = a * 2
        c = a * 1
        c[0] = a.detach()[1] * a[2]
        return (b * a).sum() + (c * c.detach()).sum()

    x.requires_grad_()
    vmap(function)(x).sum().backward()
    found, x.grad = x.grad, None
    for a in x:
        function(a).backward()
    assert_same_bits(found, x.grad)


def test_requires_grad_is_seen(x):
    seen = []
    vmap(lambda a: (seen.append(a.requires_grad), a)[1])(x.requires_grad_())
    assert seen == [True]


def test_modules(x):
    layer = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.GELU(), nn.Dropout(0.0)).eval()
    assert_same_bits(vmap(layer)(x), weft.stack([layer(a) for a in x]))
    pictures = weft.randn(2, 3, 3, 8, 8)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)).eval()
    assert_same_bits(vmap(net)(pictures), weft.stack([net(a) for a in pictures]))


def test_convolutions_of_other_weights():
    pictures, weights = weft.randn(3, 2, 4, 6, 6), weft.randn(3, 6, 2, 3, 3)
    for groups, w in ((2, weights), (1, weft.randn(3, 6, 4, 3, 3))):

        def convolve(p, v, groups=groups):
            return nn.functional.conv2d(p, v, padding=1, groups=groups)

        assert_same_bits(vmap(convolve)(pictures, w), weft.stack([convolve(p, v) for p, v in zip(pictures, w)]))
        assert_same_bits(vmap(convolve, (None, 0))(pictures[0], w), weft.stack([convolve(pictures[0], v) for v in w]))


class TestRandomness:
    def test_same(self, x):
        result = vmap(lambda a: a * 0 + weft.rand(3), randomness="same")(x)
        assert_same_bits(result, result[0].expand(4, 3).contiguous())

    def test_different_is_one_draw_of_all(self, x):
        weft.manual_seed(3)
        result = vmap(lambda a: a * 0 + weft.rand(3), randomness="different")(x)
        weft.manual_seed(3)
        assert_same_bits(result, weft.stack([weft.rand(3) for _ in x]))

    def test_dropout(self, x):
        def drop(a):
            return nn.functional.dropout(a, 0.5)

        ones = weft.ones(8, 32)
        same, different = vmap(drop, randomness="same")(ones), vmap(drop, randomness="different")(ones)
        assert (same == same[0]).all() and not (different == different[0]).all()

    def test_nested(self, x):
        draw = vmap(vmap(lambda a: weft.rand(2), randomness="same"), randomness="different")(x)
        assert (draw == draw[:, :1]).all() and len(set(draw[:, 0, 0].tolist())) == 4
        draw = vmap(vmap(lambda a: weft.rand(2), randomness="different"), randomness="different")(x)
        assert len(set(draw.flatten().tolist())) == 24


class TestChecks:
    """What an op asks of its operands' values is asked of all examples."""

    def test_indices(self, x):
        at, classes = weft.tensor([0, 2, 7, 1]), weft.tensor([0, 1, 2, -5])
        with pytest.raises(IndexError, match="index 7 is out of bounds"):
            vmap(lambda a, i: a[i])(x, at)
        with pytest.raises(IndexError, match="index -5"):
            vmap(nn.functional.cross_entropy)(x, classes)
        with pytest.raises(IndexError, match="embedding"):
            vmap(nn.functional.embedding, (0, None))(at, x)

    def test_divisors_and_factors(self):
        ones = weft.ones(3, 2, 2, dtype=weft.int64)
        with pytest.raises(RuntimeError, match="divided by 0"):
            vmap(lambda a: a // (a - 1))(ones)
        with pytest.raises(RuntimeError, match="not positive definite"):
            vmap(weft.linalg.cholesky)(-ones.double())

    def test_replays(self, x):
        compiled = weft.compile(vmap(lambda a, i: a.gather(0, i)))
        good = weft.tensor([[0], [2], [1], [0]])
        for _ in range(3):
            assert_same_bits(compiled(x, good), x.gather(1, good))
        with pytest.raises(IndexError):
            compiled(x, good + 2)

    def test_indices_from_outside_in_a_replay(self, x):
        compiled = weft.compile(lambda a, i: vmap(lambda b: b.gather(0, i))(a))
        for _ in range(3):
            assert_same_bits(compiled(x, weft.tensor([1])), x[:, 1:2].contiguous())
        with pytest.raises(IndexError):
            compiled(x, weft.tensor([5]))


@pytest.mark.parametrize("name", ["cholesky", "svd", "svdvals", "eigh", "eigvalsh", "qr"])
def test_linear_algebra(name):
    function, a = getattr(weft.linalg, name), weft.randn(3, 4, 4, dtype=weft.float64)
    a = a @ a.transpose(-1, -2) + weft.eye(4, dtype=weft.float64)
    results, loop = vmap(function)(a), [function(one) for one in a]
    if isinstance(results, weft.Tensor):
        results, loop = (results,), [(one,) for one in loop]
    for result, column in zip(results, zip(*loop)):
        assert_same_bits(result, weft.stack(column))


def test_triangular_solutions():
    a, b = weft.randn(3, 4, 4) + 4 * weft.eye(4), weft.randn(3, 4, 2)

    def solve(a, b):
        return weft.linalg.solve_triangular(a, b, upper=False)

    assert_same_bits(vmap(solve)(a, b), weft.stack([solve(p, q) for p, q in zip(a, b)]))
    assert_same_bits(vmap(solve, (None, 0))(a[0], b), weft.stack([solve(a[0], q) for q in b]))
