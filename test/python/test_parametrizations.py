"""nn.utils.weight_norm, spectral_norm and their parametrizations: values, PyTorch's names in the state, gradients, compiled, copies."""

import copy
import pickle

import numpy
import pytest
import weft
from artifact import Artifact
from conftest import assert_same_bits
from weft import nn
from weft.nn.utils import parametrizations, parametrize

OLD, NEW = nn.utils, parametrizations


def layer(kind="linear"):
    weft.manual_seed(3)
    return (
        nn.Linear(3, 2) if kind == "linear" else nn.Conv2d(3, 4, 3) if kind == "conv" else nn.ConvTranspose2d(3, 2, 3)
    )


def inputs(module, seed=0):
    random = numpy.random.RandomState(seed)
    return weft.from_numpy(
        random.standard_normal((4, 3) if isinstance(module, nn.Linear) else (2, 3, 5, 5)).astype("float32")
    )


@pytest.mark.parametrize(
    "function, names",
    [
        (OLD.weight_norm, ["bias", "weight_g", "weight_v"]),
        (OLD.spectral_norm, ["bias", "weight_orig", "weight_u", "weight_v"]),
        (NEW.weight_norm, ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]),
        (
            NEW.spectral_norm,
            [
                "bias",
                "parametrizations.weight.original",
                "parametrizations.weight.0._u",
                "parametrizations.weight.0._v",
            ],
        ),
    ],
    ids=["old weight", "old spectral", "weight", "spectral"],
)
@pytest.mark.parametrize("kind", ["linear", "conv", "transposed"])
def test_state_compiled_steps_and_copies(function, names, kind):
    module = function(layer(kind))
    assert list(module.state_dict()) == names
    assert [n for n, _ in module.named_parameters()] == [
        n for n in names if n[-1] not in "uv" or n == "weight_v" and "weight_g" in names
    ]
    other = copy.deepcopy(module)
    optimizers = [weft.optim.SGD(m.parameters(), lr=0.1) for m in (module, other)]

    def step(module, optimizer, x):
        loss = (module(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    compiled, losses = weft.compile(lambda x: step(other, optimizers[1], x)), []
    for seed in range(3):
        x = inputs(module, seed)
        losses.append(step(module, optimizers[0], x))
        assert_same_bits(compiled(x), losses[-1])
    assert weft.explain(compiled, x).mode == "replay"
    for name, tensor in module.state_dict().items():
        if name[-1] not in "uv":  # explain() took one more step
            assert tensor.shape == other.state_dict()[name].shape
    fresh = function(layer(kind))
    fresh.load_state_dict(module.state_dict())
    assert_same_bits(fresh.eval()(x), module.eval()(x))


@pytest.mark.parametrize("dim", [0, 1, -1, None])
def test_weight_norm_is_a_length_and_a_direction(dim):
    axes = {0: (1, 2, 3), 1: (0, 2, 3)}.get(dim, (0, 1, 2, 3))
    for function in (OLD.weight_norm, NEW.weight_norm):
        module = layer("conv")
        weight = module.weight.detach().numpy().copy()
        function(module, dim=dim)
        numpy.testing.assert_allclose(module.weight.detach().numpy(), weight, rtol=1e-6)
        g = module.weight_g if function is OLD.weight_norm else module.parametrizations.weight.original0
        norm = numpy.sqrt((weight.astype("float64") ** 2).sum(axes, keepdims=True))
        numpy.testing.assert_allclose(g.detach().numpy(), norm if dim in (0, 1) else norm.reshape(()), rtol=1e-6)
        with weft.no_grad():
            g.mul_(2.0)
        numpy.testing.assert_allclose(module.weight.detach().numpy(), 2 * weight, rtol=1e-6)


def test_spectral_norm_follows_the_greatest_singular_value():
    for function, axis in ((OLD.spectral_norm, 0), (NEW.spectral_norm, 0), (NEW.spectral_norm, 1)):
        module = layer("transposed" if axis else "conv")
        matrix = numpy.moveaxis(module.weight.detach().double().numpy(), axis, 0)
        matrix = matrix.reshape(matrix.shape[0], -1)
        function(module, n_power_iterations=200)
        module(inputs(module))
        norm = numpy.moveaxis(module.weight.detach().double().numpy(), axis, 0).reshape(matrix.shape)
        numpy.testing.assert_allclose(norm, matrix / numpy.linalg.norm(matrix, 2), rtol=1e-4)


def test_one_step_of_power_iteration():
    """PyTorch's older form computes v of u, and then u; the newer one u of v, and then v."""
    module = OLD.spectral_norm(layer())
    w, u = (t.detach().double().numpy() for t in (module.weight_orig, module.weight_u))
    module(inputs(module))
    v = w.T @ u
    v /= numpy.linalg.norm(v)
    u = w @ v
    u /= numpy.linalg.norm(u)
    numpy.testing.assert_allclose(module.weight_u.numpy(), u, rtol=1e-5)
    numpy.testing.assert_allclose(module.weight_v.numpy(), v, rtol=1e-5)
    numpy.testing.assert_allclose(module.weight.detach().numpy(), w / (u @ w @ v), rtol=1e-5)
    before = module.weight_u.clone()
    module.eval()(inputs(module))
    assert_same_bits(module.weight_u, before)
    newer = NEW.spectral_norm(layer())
    v = newer.parametrizations.weight[0]._v.double().numpy()
    newer(inputs(newer))
    numpy.testing.assert_allclose(
        newer.parametrizations.weight[0]._u.numpy(), w @ v / numpy.linalg.norm(w @ v), rtol=1e-5
    )


@pytest.mark.parametrize("function", [NEW.weight_norm, NEW.spectral_norm])
def test_gradients_of_first_and_second_order(function):
    module = function(layer().double()).eval()
    x = inputs(module).double()
    parameters = list(module.parameters())

    def slopes():
        return weft.autograd.grad((module(x) ** 3).sum(), parameters, create_graph=True)

    def value(order):
        return (module(x) ** 3).sum() if order == 1 else sum((s * s).sum() for s in slopes())

    for order in (1, 2):
        gradients = weft.autograd.grad(value(order), parameters)
        directions = [weft.randn(p.shape, dtype=p.dtype) for p in parameters]
        exact, step, at = sum((g * d).sum() for g, d in zip(gradients, directions)).item(), 1e-6, []
        for sign in (1, -2):
            with weft.no_grad():
                for p, d in zip(parameters, directions):
                    p.add_(d * (sign * step))
            at.append(value(order).item())
        with weft.no_grad():
            for p, d in zip(parameters, directions):
                p.add_(d * step)
        assert exact == pytest.approx((at[0] - at[1]) / (2 * step), rel=1e-5)


def test_two_passes_before_one_backward():
    """As a GAN has it: the steps of the second do not disturb the first one's gradient."""
    for function in (OLD.spectral_norm, NEW.spectral_norm):
        module = function(layer())
        loss = module(inputs(module, 0)).sum() - module(inputs(module, 1)).sum()
        loss.backward()
        assert module.bias.grad.abs().max() < 1e-6


def test_removed_again():
    for function, remove in ((OLD.weight_norm, OLD.remove_weight_norm), (OLD.spectral_norm, OLD.remove_spectral_norm),
                             (NEW.weight_norm, None), (NEW.spectral_norm, None)):  # fmt: skip
        module = function(layer()).eval()
        value = module.weight.detach().clone()
        remove(module) if remove else parametrize.remove_parametrizations(module, "weight")
        assert type(module) is nn.Linear and sorted(module.state_dict()) == ["bias", "weight"]
        assert isinstance(module.weight, nn.Parameter)
        assert_same_bits(module.weight.detach(), value)
        module(inputs(module)).sum().backward()


class Symmetric(nn.Module):
    def forward(self, x):
        return (x + x.transpose(0, 1)) * 0.5

    def right_inverse(self, x):
        return x


class Doubled(nn.Module):
    def forward(self, x):
        return x * 2.0


def test_parametrizations_of_ones_own(tmp_path):
    module = nn.Linear(3, 3)
    parametrize.register_parametrization(module, "weight", Symmetric())
    parametrize.register_parametrization(module, "weight", Doubled())
    assert parametrize.is_parametrized(module) and parametrize.is_parametrized(module, "weight")
    assert not parametrize.is_parametrized(module, "bias") and not parametrize.is_parametrized(nn.Linear(2, 2))
    original = module.parametrizations.weight.original
    assert_same_bits(module.weight, original + original.transpose(0, 1))
    x = weft.randn(2, 3)
    assert_same_bits(weft.compile(module)(x), module(x))
    assert_same_bits(Artifact(module, (x,), tmp_path)(x)[0], module(x))
    parametrize.remove_parametrizations(module, "weight", leave_parametrized=False)
    assert module.weight is original


def test_states_of_the_older_weight_norm_load():
    old, new = OLD.weight_norm(layer()), NEW.weight_norm(layer())
    with weft.no_grad():
        old.weight_g.mul_(3.0)
    new.load_state_dict(old.state_dict())
    assert_same_bits(new.weight, old.weight)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: OLD.weight_norm(nn.ReLU()), AttributeError, "has no parameter 'weight'"),
        (lambda: OLD.weight_norm(OLD.weight_norm(layer())), RuntimeError, "is computed already"),
        (lambda: OLD.spectral_norm(OLD.spectral_norm(layer())), RuntimeError, "is computed already"),
        (lambda: OLD.weight_norm(layer(), dim=2), IndexError, "dim 2 is out of range"),
        (lambda: OLD.remove_weight_norm(layer()), ValueError, "has no weight_norm"),
        (lambda: OLD.remove_spectral_norm(layer()), ValueError, "has no spectral_norm"),
        (lambda: OLD.spectral_norm(layer(), n_power_iterations=0), ValueError, "must be positive"),
        (lambda: NEW.weight_norm(nn.ReLU()), ValueError, "no parameter, buffer or parametrized tensor 'weight'"),
        (lambda: NEW.spectral_norm(nn.ReLU()), ValueError, "has no parameter or buffer 'weight'"),
        (lambda: NEW.spectral_norm(layer(), n_power_iterations=0), ValueError, "must be positive"),
        (lambda: NEW.spectral_norm(layer(), dim=2), IndexError, "dim 2 is out of range"),
        (lambda: parametrize.register_parametrization(layer(), "weight", Symmetric()), RuntimeError, "shape"),
        (lambda: parametrize.register_parametrization(layer(), "weight", nn.Flatten(0)), ValueError, "unsafe=True"),
        (lambda: parametrize.remove_parametrizations(layer(), "weight"), ValueError, "has no parametrization"),
        (lambda: parametrize.remove_parametrizations(NEW.weight_norm(layer()), "weight", False), ValueError, "leave_parametrized"),
        (lambda: pickle.dumps(NEW.weight_norm(layer())), RuntimeError, "save its state_dict"),
    ],
)  # fmt: skip
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("kind", [parametrizations.weight_norm, parametrizations.orthogonal], ids=lambda f: f.__name__)
def test_parametrizations_given_to_another_module(kind):
    first, second = kind(nn.Linear(3, 4)), nn.Linear(3, 4)
    assert parametrize.transfer_parametrizations_and_params(first, second) is second
    assert_same_bits(first.weight, second.weight)
    assert list(first.state_dict()) == list(second.state_dict())
    held = next(iter(second.parametrizations.weight.parameters()))
    with weft.no_grad():
        held.mul_(2.0)
    assert_same_bits(first.weight, second.weight)
    plain = nn.Linear(3, 4)
    assert parametrize.transfer_parametrizations_and_params(nn.Linear(3, 4), plain) is plain
    assert not parametrize.is_parametrized(plain)
