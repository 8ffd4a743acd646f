"""weft.func: derivatives of functions, in any order and depth, and functions of modules."""

import pytest
import weft
from conftest import assert_same_bits
from weft import nn
from weft.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)


def cube(a):
    return (a**3).sum()


def smooth(a):
    return weft.sin(a) * a.flip(0)


@pytest.fixture
def x():
    return weft.randn(3, dtype=weft.float64)


class TestGrad:
    def test_of_one_and_of_several(self, x):
        assert_same_bits(grad(cube)(x), 3 * x**2)
        both = grad(lambda a, b: (a * b).sum(), argnums=(1, 0))(x, x * 2)
        assert_same_bits(both, (x, x * 2))
        tree = grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": x, "b": [x * 2]})
        assert_same_bits((tree["a"], tree["b"][0]), (x * 2, x))

    def test_value_and_aux(self, x):
        gradient, (value, aux) = grad_and_value(lambda a: (cube(a), a * 2), has_aux=True)(x)
        assert_same_bits((gradient, value, aux), (3 * x**2, cube(x), x * 2))

    def test_unused(self, x):
        assert_same_bits(grad(lambda a, b: b.sum())(x, x), weft.zeros_like(x))
        assert_same_bits(grad(lambda a: weft.tensor(1.0))(x), weft.zeros_like(x))

    def test_what_is_outside_keeps_its_own(self, x):
        """Perturbations of nested calls are not confused."""
        inner = grad(lambda a: a * grad(lambda b: a + b)(weft.tensor(1.0)))(weft.tensor(1.0))
        assert inner == 1
        assert grad(lambda a: a * grad(lambda b: a * b)(weft.tensor(1.0)))(weft.tensor(3.0)) == 6
        assert grad(grad(grad(lambda a: a**4)))(weft.tensor(2.0)) == 48

    def test_histories(self, x):
        """A result has a history where it depends on leaves outside, and then it is right."""
        assert not grad(cube)(x).requires_grad
        w = weft.tensor(2.0, dtype=weft.float64, requires_grad=True)
        slope = grad(lambda a: (w * a**3).sum())(x)
        slope.sum().backward()
        assert w.grad == (3 * x**2).sum()
        with weft.no_grad():
            assert not grad(lambda a: (w * a**3).sum())(x).requires_grad
        leaf = x.clone().requires_grad_()
        grad(cube)(leaf).sum().backward()
        assert_same_bits(leaf.grad, 6 * x)

    def test_no_grad_inside(self, x):
        def function(a):
            with weft.no_grad():
                b = a * 2
            return (a * b).sum()

        assert_same_bits(grad(function)(x), x * 2)


class TestModes:
    def test_vjp(self, x):
        result, pull = vjp(lambda a, b: (a * b, {"s": a.sum()}), x, x * 2)
        assert not result[0].requires_grad
        of_a, of_b = pull((weft.ones_like(x), {"s": weft.tensor(1.0, dtype=weft.float64)}))
        assert_same_bits((of_a, of_b), (x * 2 + 1, x))
        pull((weft.ones_like(x), {"s": weft.tensor(1.0, dtype=weft.float64)}))  # again

    def test_jvp(self, x):
        t = weft.randn(3, dtype=weft.float64)
        value, tangent = jvp(lambda a: a**3, (x,), (t,))
        assert_same_bits(value, x**3)
        assert weft.allclose(tangent, 3 * x**2 * t)
        _, zero = jvp(lambda a: weft.ones(2), (x,), (t,))
        assert not zero.any()

    def test_jvp_sees_values(self, x):
        assert jvp(lambda a: a * 2 if a.sum() > 1e9 else a * 3, (x,), (x,))[1].allclose(x * 3)

    def test_jvp_in_jvp(self):
        two, one = weft.tensor(2.0), weft.tensor(1.0)
        assert jvp(lambda a: jvp(lambda b: b**3 * a, (a,), (one,))[1], (two,), (one,))[1] == 36
        assert jvp(lambda a: a * jvp(lambda b: a + b, (one,), (one,))[1], (one,), (one,))[1] == 1

    def test_linearize(self, x):
        value, push = linearize(lambda a: a**3, x)
        assert_same_bits(push(x), jvp(lambda a: a**3, (x,), (x,))[1])
        assert_same_bits(vmap(push)(weft.eye(3, dtype=weft.float64)), jacfwd(lambda a: a**3)(x).T.contiguous())

    def test_forward_over_reverse_and_back(self, x):
        t = weft.randn(3, dtype=weft.float64)
        assert jvp(grad(cube), (x,), (t,))[1].allclose(6 * x * t)
        assert grad(lambda a: jvp(cube, (a,), (t,))[1])(x).allclose(6 * x * t)
        assert vmap(lambda a: jvp(cube, (a,), (t,))[1])(weft.stack([x, t])).allclose(
            weft.stack([(3 * x**2 * t).sum(), (3 * t**3).sum()])
        )
        assert jvp(vmap(cube), (weft.stack([x, t]),), (weft.stack([t, t]),))[1].allclose(
            weft.stack([(3 * x**2 * t).sum(), (3 * t**3).sum()])
        )


class TestJacobians:
    def test_both_ways(self, x):
        assert jacrev(lambda a: a**3)(x).allclose(weft.eye(3, dtype=x.dtype) * (3 * x**2))
        assert jacrev(smooth)(x).allclose(jacfwd(smooth)(x))

    def test_trees(self, x):
        y = weft.randn(2, dtype=weft.float64)

        def function(a, d):
            return {"outer": a[:, None] * d["y"], "sum": a.sum() * 2}

        for jacobian in (jacrev, jacfwd):
            by_a, by_d = jacobian(function, argnums=0)(x, {"y": y}), jacobian(function, argnums=(1, 0))(x, {"y": y})
            assert by_a["outer"].shape == (3, 2, 3) and by_a["sum"].shape == (3,)
            assert by_d["outer"][0]["y"].shape == (3, 2, 2) and by_d["outer"][1].shape == (3, 2, 3)
            assert by_d["outer"][1].allclose(by_a["outer"])
            assert by_a["outer"][1, 0, 1] == y[0] and by_a["outer"][1, 0, 2] == 0

    def test_aux_and_chunks(self, x):
        jacobian, aux = jacrev(lambda a: (a**3, a * 2), has_aux=True, chunk_size=2)(x)
        assert_same_bits((jacobian, aux), (jacrev(lambda a: a**3)(x), x * 2))
        assert_same_bits(jacfwd(lambda a: (a**3, a * 2), has_aux=True)(x)[1], x * 2)

    def test_hessian_any_order(self, x):
        def function(a):
            return (weft.sin(a) * a.prod()).sum()

        wanted = hessian(function)(x)
        assert wanted.allclose(wanted.T)
        for outer in (jacfwd, jacrev):
            for inner in (jacfwd, jacrev):
                assert outer(inner(function))(x).allclose(wanted)
        assert vmap(hessian(function))(weft.stack([x, x]))[1].allclose(wanted)


class TestModules:
    @pytest.fixture
    def net(self):
        return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))

    def test_gradients_of_each_example(self, net):
        inputs, targets = weft.randn(5, 3), weft.tensor([0, 1, 1, 0, 1])
        params = {name: p.detach() for name, p in net.named_parameters()}

        def loss(params, a, target):
            return nn.functional.cross_entropy(functional_call(net, params, a), target)

        found = vmap(grad(loss), in_dims=(None, 0, 0))(params, inputs, targets)
        for i in range(5):
            net.zero_grad()
            nn.functional.cross_entropy(net(inputs[i]), targets[i]).backward()
            for name, p in net.named_parameters():
                assert_same_bits(found[name][i], p.grad)

    def test_ensemble(self, net):
        nets = [nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)) for _ in range(3)]
        params, buffers = stack_module_state(nets)
        inputs = weft.randn(5, 3)
        result = vmap(lambda p, b: functional_call(net, (p, b), (inputs,)))(params, buffers)
        assert_same_bits(result, weft.stack([one(inputs) for one in nets]))
        result.sum().backward()
        for k, one in enumerate(nets):
            one(inputs).sum().backward()
            for name, p in one.named_parameters():
                assert params[name].grad[k].allclose(p.grad, atol=1e-5)

    def test_the_module_gets_its_own_back(self, net):
        before = dict(net.named_parameters())
        with pytest.raises(RuntimeError):
            functional_call(net, {"0.weight": weft.zeros(1, 7)}, weft.ones(3))
        assert all(after is before[name] for name, after in net.named_parameters())

    def test_tied_weights(self):
        net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
        net[1].weight = net[0].weight
        zero = weft.zeros(3, 3)
        tied = functional_call(net, {"0.weight": zero}, weft.ones(3))
        assert_same_bits(tied, net[1].bias.detach() + 0)
        assert not weft.equal(functional_call(net, {"0.weight": zero}, weft.ones(3), tie_weights=False), tied)


class TestWhatIsKept:
    """Forward mode reads values that no vjp does; a result's history holds on to no leaf of the call's own."""

    def test_constants_beside_the_primals(self, x):
        c = weft.randn(3, dtype=weft.float64)
        outside = weft.randn(3, dtype=weft.float64, requires_grad=True).exp() + c

        def function(a):
            return (weft.cat([a + c, a * 2]) - outside.sum()).softmax(0)

        t = weft.randn(3, dtype=weft.float64)
        assert jvp(function, (x,), (t,))[1].allclose(jacrev(function)(x) @ t)
        compiled = weft.compile(function)
        compiled(x), compiled(x)
        assert jvp(compiled, (x,), (t,))[1].allclose(jacrev(function)(x) @ t)
        assert jvp(compiled, (x,), (t,))[1].allclose(jacrev(function)(x) @ t)

    def test_histories_replay(self, x):
        w = weft.randn(3, dtype=weft.float64, requires_grad=True)
        for function in (
            lambda a: hessian(lambda b: (b.exp() * w).sum())(a),
            lambda a: grad(lambda b: (b.exp() * w).sum())(a),
            lambda a: jvp(lambda b: b.exp() * w, (a,), (a,))[1],
        ):
            compiled = weft.compile(function)
            for _ in range(3):
                assert_same_bits(compiled(x).detach(), function(x).detach())
            assert weft.explain(compiled, x).mode == "replay"
            (found,) = weft.autograd.grad(compiled(x).sum(), w)
            assert_same_bits(found, weft.autograd.grad(function(x).sum(), w)[0])
