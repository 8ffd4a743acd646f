"""Distributions: PyTorch 2.13's numbers (test/data/torch_distributions.json, made by tools/torch_distributions.py), statistics of
samples, gradients, compiled calls, errors."""

import json
import math
import pathlib
import pickle

import numpy
import pytest
import weft
from conftest import bits
from weft import distributions
from weft.distributions import constraints, kl_divergence, transforms

TABLE = json.loads((pathlib.Path(__file__).parent.parent / "data" / "torch_distributions.json").read_text())


def build(described):
    name, arguments = described
    return getattr(distributions, name)(**{key: argument(value) for key, value in arguments.items()})


def argument(value):
    if isinstance(value, list):
        if isinstance(value[0], str):
            return build(value)
        if isinstance(value[0], list) and isinstance(value[0][0], str):
            return [build(item) for item in value]
        if all(isinstance(v, int) for v in value):
            return tuple(value)
        return weft.tensor(value, dtype=weft.float64)
    return value


@pytest.fixture(autouse=True)
def doubles():
    weft.set_default_dtype(weft.float64)
    yield
    weft.set_default_dtype(weft.float32)


def value_for(distribution, value):
    value = weft.tensor(value, dtype=weft.float64)
    for _ in distribution.batch_shape:
        value = value.unsqueeze(1)
    return value


def compare(act, expected, what):
    if isinstance(expected, str):
        with pytest.raises(Exception) as caught:
            act()
        assert type(caught.value).__name__ == expected, what
        return
    found = act()
    assert list(found.shape) == list(numpy.shape(expected)), what
    numpy.testing.assert_allclose(found.double().numpy(), expected, rtol=1e-6, atol=1e-9, err_msg=what)


def ids(row):
    return "-".join([row["distribution"][0], *(k for k in row["distribution"][1] if k in ("probs", "logits"))])


# What differs from PyTorch's numbers (docs/differences.md); the incomplete gamma function, which makes a cdf, is no op.
OTHERS = {
    ("Kumaraswamy", "mode"),
    ("Weibull", "mode"),
    ("Dirichlet", "mode"),
    ("Gamma", "cdf"),
    ("Chi2", "cdf"),
    ("InverseGamma", "cdf"),
}


@pytest.mark.parametrize("row", TABLE["distributions"], ids=ids)
def test_numbers(row):
    d, facts = build(row["distribution"]), dict(row["facts"])
    assert [list(d.batch_shape), list(d.event_shape)] == [facts.pop("batch_shape"), facts.pop("event_shape")]
    assert d.has_rsample == facts.pop("has_rsample")
    p = weft.tensor([0.1, 0.5, 0.9]).reshape(-1, *[1] * len(d.batch_shape))
    acts = {
        "log_prob": lambda: d.log_prob(value_for(d, row["value"])),
        "cdf": lambda: d.cdf(value_for(d, row["value"])),
        "icdf": lambda: d.icdf(p),
        "entropy": d.entropy,
        "enumerate_support": lambda: d.enumerate_support(),
    }
    for name, expected in facts.items():
        if (type(d).__name__, name) not in OTHERS:
            compare(acts.get(name, lambda name=name: getattr(d, name)), expected, name)


@pytest.mark.parametrize("row", TABLE["distributions"], ids=ids)
def test_expand(row):
    d = build(row["distribution"])
    wide = d.expand((3, *d.batch_shape))
    assert type(wide) is type(d) and wide.batch_shape == (3, *d.batch_shape) and wide.event_shape == d.event_shape
    x = value_for(d, row["value"])
    expected = d.log_prob(x)
    found = wide.log_prob(x.unsqueeze(1))
    assert found.shape == (len(x), 3, *d.batch_shape)
    numpy.testing.assert_allclose(found[:, 1].numpy(), expected.numpy(), rtol=1e-12)
    assert wide.sample((2,)).shape == (2, *wide.batch_shape, *wide.event_shape)
    assert repr(wide)


@pytest.mark.parametrize("row", TABLE["distributions"], ids=ids)
def test_samples(row):
    """Mean and variance of many samples, where there are finite ones."""
    name = row["distribution"][0]
    d = build(row["distribution"])
    samples = d.sample((20_000,))
    assert samples.shape == (20_000, *d.batch_shape, *d.event_shape) and not samples.requires_grad
    try:
        d._validate_sample(samples)
        mean, variance = d.mean.double().numpy(), d.variance.double().numpy()
    except NotImplementedError:
        return
    if name in ("VonMises", "Categorical"):
        return
    found = samples.double().numpy()
    ok = numpy.isfinite(variance) & numpy.isfinite(mean)
    error = numpy.abs(found.mean(0) - mean) / numpy.sqrt(numpy.where(ok, variance, 1) / 20_000)
    assert (error[ok] < 6).all()
    if name not in (
        "Pareto",
        "LogNormal",
        "StudentT",
        "Weibull",
        "FisherSnedecor",
        "GeneralizedPareto",
        "InverseGamma",
        "NegativeBinomial",
        "TransformedDistribution",
    ):
        numpy.testing.assert_allclose(found.var(0)[ok], variance[ok], rtol=0.15)


def by_cdf(d, samples):
    """The largest distance between the cdf and the samples' (Kolmogorov and Smirnov)."""
    values = numpy.sort(samples.numpy().ravel())
    cdf = d.cdf(weft.from_numpy(values)).numpy()
    steps = numpy.arange(1, len(values) + 1) / len(values)
    return max(numpy.abs(cdf - steps).max(), numpy.abs(cdf - steps + 1 / len(values)).max())


@pytest.mark.parametrize("name", ["Normal", "Laplace", "Exponential", "Cauchy", "Gumbel", "Kumaraswamy", "Weibull"])
def test_samples_follow_the_cdf(name):
    row = next(row for row in TABLE["distributions"] if row["distribution"][0] == name)
    d = getattr(distributions, name)(
        **{k: weft.tensor(v[0] if isinstance(v, list) else v) for k, v in row["distribution"][1].items()}
    )
    assert by_cdf(d, d.sample((10_000,))) < 0.02


@pytest.mark.parametrize("rate", [0.3, 4.0, 9.9, 10.5, 40.0, 900.0])
def test_poisson_numbers(rate):
    import scipy.stats

    samples = distributions.Poisson(rate).sample((20_000,)).numpy()
    low, high = scipy.stats.poisson.ppf([0.001, 0.999], rate)
    edges = numpy.unique(numpy.linspace(low, high, 15).round())
    found = numpy.searchsorted(numpy.sort(samples), edges, side="right") / 20_000
    numpy.testing.assert_allclose(found, scipy.stats.poisson.cdf(edges, rate), atol=0.015)


@pytest.mark.parametrize("a", [0.05, 0.7, 1.0, 3.0, 200.0])
def test_gamma_numbers(a):
    import scipy.stats

    samples = distributions.Gamma(a, 2.0).sample((10_000,)).numpy()
    assert scipy.stats.kstest(samples, scipy.stats.gamma(a, scale=0.5).cdf).statistic < 0.02


def test_von_mises_angles():
    import scipy.stats

    samples = distributions.VonMises(0.5, 2.0).sample((10_000,)).numpy()
    assert (samples >= -math.pi).all() and (samples < math.pi).all()
    turned = (samples - 0.5 + math.pi) % (2 * math.pi) - math.pi
    assert scipy.stats.kstest(turned, scipy.stats.vonmises(2.0).cdf).statistic < 0.02


def divergence_ids(row):
    return f"{row['p'][0]}-{row['q'][0]}"


# PyTorch says infinity although the supports are the same (docs/differences.md).
KL_OTHERS = {"ContinuousBernoulli-Uniform", "Uniform-ContinuousBernoulli"}


@pytest.mark.parametrize("row", TABLE["divergences"], ids=divergence_ids)
def test_divergences(row):
    if divergence_ids(row) not in KL_OTHERS:
        compare(lambda: kl_divergence(build(row["p"]), build(row["q"])), row["kl"], "kl")


def test_divergences_on_the_whole_support():
    unit = distributions.Uniform(weft.tensor([0.0]), weft.tensor([1.0]))
    q = distributions.ContinuousBernoulli(probs=weft.tensor([0.2]))
    assert kl_divergence(q, unit).item() == pytest.approx(-q.entropy().item())
    x = (weft.arange(100_000) + 0.5) / 100_000
    assert kl_divergence(unit, q).item() == pytest.approx(-q.log_prob(x).mean().item(), rel=1e-6)
    assert kl_divergence(distributions.Uniform(-0.5, 1.0), q).item() == math.inf
    assert kl_divergence(q, distributions.Uniform(0.5, 1.0)).item() == math.inf


def test_modes_are_where_the_density_is_highest():
    x = (weft.arange(100_000) + 0.5) / 100_000
    for d in (distributions.Kumaraswamy(2.0, 3.0), distributions.Kumaraswamy(1.5, 2.0)):
        assert d.mode.item() == pytest.approx(x[d.log_prob(x).argmax()].item(), abs=1e-4)
    assert distributions.Weibull(3.0, 0.6).mode.item() == 0
    assert distributions.Weibull(2.0, 2.0).mode.item() == pytest.approx(math.sqrt(2))


def test_registered_divergences():
    class Mine(distributions.Normal):
        pass

    p, q = Mine(0.0, 1.0), distributions.Normal(1.0, 2.0)
    assert kl_divergence(p, q).equal(kl_divergence(distributions.Normal(0.0, 1.0), q))

    @distributions.register_kl(Mine, distributions.Normal)
    def mine(p, q):
        return 3

    assert kl_divergence(p, q) == 3
    with pytest.raises(TypeError, match=r"\[register_kl\]"):
        distributions.register_kl(int, Mine)
    with pytest.raises(NotImplementedError, match="Normal and Categorical"):
        kl_divergence(q, distributions.Categorical(weft.ones(3)))


@pytest.mark.parametrize("row", TABLE["transforms"], ids=lambda row: row["transform"][0])
def test_transforms(row):
    t, x = build(row["transform"]), weft.tensor(row["x"], dtype=weft.float64)
    y = t(x)
    compare(lambda: y, row["y"], "y")
    compare(lambda: t.inv(y), row["inverse"], "inverse")
    compare(lambda: t.log_abs_det_jacobian(x, y), row["log_abs_det_jacobian"], "log_abs_det_jacobian")
    assert t.bijective == row["bijective"] and t.inv.inv is t and tuple(t.forward_shape(x.shape)) == y.shape
    assert tuple(t.inverse_shape(y.shape)) == x.shape and repr(t)
    if row["bijective"] and not isinstance(row["log_abs_det_jacobian"], str):
        compare(lambda: -t.inv.log_abs_det_jacobian(y, x), row["log_abs_det_jacobian"], "of the inverse")


def test_transforms_compare_and_remember():
    assert transforms.ExpTransform() == transforms.ExpTransform() != transforms.TanhTransform()
    assert transforms.AffineTransform(0, 2) == transforms.AffineTransform(0, 2) != transforms.AffineTransform(1, 2)
    assert transforms.ExpTransform().inv == transforms.ExpTransform().inv
    t = transforms.ExpTransform(cache_size=1)
    x = weft.tensor([1.0])
    assert t.inv(t(x)) is x and pickle.loads(pickle.dumps(t))(x).equal(t(x))
    assert transforms.ExpTransform().with_cache().with_cache(0)._cache_size == 0


@pytest.mark.parametrize("name", TABLE["constraints"])
def test_constraints(name):
    value, expected = TABLE["constraints"][name]
    assert getattr(constraints, name).check(weft.tensor(value)).tolist() == expected


def test_dependent_constraints():
    assert constraints.is_dependent(distributions.Uniform.support)
    assert not constraints.is_dependent(distributions.Uniform(0, 1).support)
    with pytest.raises(NotImplementedError, match="event_dim"):
        constraints.dependent.event_dim  # noqa: B018
    assert repr(constraints.greater_than(0.5)) == "GreaterThan(lower_bound=0.5)"


@pytest.mark.parametrize("registry", [distributions.biject_to, distributions.transform_to])
@pytest.mark.parametrize(
    "constraint, value",
    [
        (constraints.real, [1.0, -2.0]), (constraints.positive, [1.0, 0.1]), (constraints.greater_than(2.0), [3.0, 2.5]),
        (constraints.less_than(2.0), [1.0, -2.5]), (constraints.unit_interval, [0.1, 0.5]),
        (constraints.interval(-1.0, 2.0), [-0.5, 1.5]), (constraints.real_vector, [1.0, -2.0]),
        (constraints.simplex, [0.25, 0.75]), (constraints.corr_cholesky, [[1.0, 0.0], [0.6, 0.8]]),
    ],
)  # fmt: skip
def test_from_the_real_numbers(registry, constraint, value):
    t, y = registry(constraint), weft.tensor(value)
    x = t.inv(y)
    assert constraint.check(t(x)).all() and t(x).allclose(y)
    assert constraint.check(t(weft.randn(*x.shape))).all()


def test_unknown_sets():
    with pytest.raises(NotImplementedError, match="boolean|Boolean"):
        distributions.biject_to(constraints.boolean)


# ---------------------------------------------------------------- gradients and compiled calls


def parameters(*values):
    return [weft.tensor(v, requires_grad=True) for v in values]


RSAMPLES = {
    "Normal": lambda a, b: distributions.Normal(a, b),
    "Laplace": lambda a, b: distributions.Laplace(a, b),
    "Gumbel": lambda a, b: distributions.Gumbel(a, b),
    "LogNormal": lambda a, b: distributions.LogNormal(a, b),
    "Uniform": lambda a, b: distributions.Uniform(a, a + b),
    "Exponential": lambda a, b: distributions.Exponential(b),
    "Weibull": lambda a, b: distributions.Weibull(b, b + a),
    "Kumaraswamy": lambda a, b: distributions.Kumaraswamy(a + 1, b),
    "ContinuousBernoulli": lambda a, b: distributions.ContinuousBernoulli(logits=a * b),
    "RelaxedBernoulli": lambda a, b: distributions.RelaxedBernoulli(0.5, logits=a * b),
    "RelaxedOneHotCategorical": lambda a, b: distributions.RelaxedOneHotCategorical(0.5, logits=weft.stack([a, b], -1)),
    "MultivariateNormal": lambda a, b: distributions.MultivariateNormal(a, b.diag_embed()),
    "LowRank": lambda a, b: distributions.LowRankMultivariateNormal(a, b.unsqueeze(-1), b),
    "Cauchy": lambda a, b: distributions.Cauchy(a, b),
    "HalfNormal": lambda a, b: distributions.HalfNormal(b),
    "Pareto": lambda a, b: distributions.Pareto(b, b),
    "Independent": lambda a, b: distributions.Independent(distributions.Normal(a, b), 1),
}


@pytest.mark.parametrize("name", RSAMPLES)
def test_gradients_go_through_samples(name):
    """Against differences, with the same random numbers."""

    def total(a, b):
        weft.manual_seed(0)
        return (RSAMPLES[name](a, b).rsample((3,)) * weft.arange(1.0, 4.0).reshape(3, *[1])).sum()

    a, b = parameters([0.3, 0.8], [0.7, 1.9])
    if name == "RelaxedOneHotCategorical":

        def total(a, b):
            weft.manual_seed(0)
            return (RSAMPLES[name](a, b).rsample((3,)) * weft.tensor([1.0, 3.0])).sum()

    total(a, b).backward()
    step = 1e-6
    for x, other, swap in ((a, b, False), (b, a, True)):
        for i in range(2):
            shift = weft.zeros(2)
            shift[i] = step
            points = [x.detach() + shift, x.detach() - shift]
            up, down = (total(*((other.detach(), p) if swap else (p, other.detach()))) for p in points)
            mine = 0.0 if x.grad is None else x.grad[i].item()
            assert mine == pytest.approx((up - down).item() / (2 * step), rel=1e-4, abs=1e-5)


def test_straight_through():
    (logits,) = parameters([0.3, 0.8, -0.5])
    d = distributions.OneHotCategoricalStraightThrough(logits=logits)
    sample = d.rsample((4,))
    assert set(sample.detach().round().flatten().tolist()) == {0, 1}
    (sample * weft.tensor([1.0, 2.0, 3.0])).sum().backward()
    expected = 4 * weft.func.grad(lambda x: (weft.softmax(x, -1) * weft.tensor([1.0, 2.0, 3.0])).sum())(logits.detach())
    assert logits.grad.allclose(expected)


@pytest.mark.parametrize("a", [0.05, 0.7, 1.0, 3.0, 20.0, 39.0, 41.0, 300.0])
def test_the_gradient_of_gamma_numbers(a):
    """By the concentration, at a fixed value of the cdf."""
    import scipy.stats

    (concentration,) = parameters(a)
    samples = distributions.Gamma(concentration, 2.0).rsample((200,))
    step = 1e-4 * a
    found = []
    for sample in samples[:20]:
        concentration.grad = None
        sample.backward(retain_graph=True)
        found.append(concentration.grad.item())
    z = samples[:20].detach().numpy()
    p = scipy.stats.gamma(a, scale=0.5).cdf(z)
    up, down = (scipy.stats.gamma(a + s, scale=0.5).ppf(p) for s in (step, -step))
    numpy.testing.assert_allclose(found, (up - down) / (2 * step), rtol=2e-3, atol=1e-9)


@pytest.mark.parametrize(
    "make, moment",
    [
        (lambda a: distributions.Gamma(a, 2.0), lambda d: d.variance + d.mean**2),
        (lambda a: distributions.Beta(a, 1.5), lambda d: d.variance + d.mean**2),
        (lambda a: distributions.Chi2(a), lambda d: d.variance + d.mean**2),
        (lambda a: distributions.StudentT(a + 8), lambda d: d.variance),
        (lambda a: distributions.Dirichlet(weft.stack([a, a * 2, a + 1], -1)), lambda d: d.variance + d.mean**2),
    ],
)
def test_gradients_of_moments(make, moment):
    """The mean of x² has the gradient of the second moment."""
    (a,) = parameters(1.3)
    weights = weft.tensor([1.0, 2.0, 0.5])
    d = make(a)
    (expected,) = weft.autograd.grad((moment(d) * weights[: d.event_shape.numel()]).sum(), [a], retain_graph=True)
    samples = make(a).rsample((200_000,))
    (found,) = weft.autograd.grad((samples.square().mean(0) * weights[: d.event_shape.numel()]).sum(), [a])
    assert found.item() == pytest.approx(expected.item(), rel=0.05)


@pytest.mark.parametrize("row", TABLE["distributions"], ids=ids)
def test_compiled(row):
    """The same bits: samples, log_prob, gradients."""
    name = row["distribution"][0]
    x = value_for(build(row["distribution"]), row["value"])

    def program(x):
        d = build(row["distribution"])
        results = [d.log_prob(x), d.sample((2,))]
        return results

    compiled = weft.compile(program)
    for _ in range(3):
        weft.manual_seed(3)
        eager = program(x)
        weft.manual_seed(3)
        for mine, theirs in zip(compiled(x), eager, strict=True):
            assert bits(mine) == bits(theirs), name


def test_a_compiled_step_of_a_vae():
    weft.set_default_dtype(weft.float32)
    weft.manual_seed(0)
    encoder, decoder = weft.nn.Linear(6, 4), weft.nn.Linear(2, 6)
    optimizer = weft.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)

    def step(x):
        mean, scale = encoder(x).chunk(2, -1)
        q = distributions.Normal(mean, scale.exp())
        z = q.rsample()
        likelihood = distributions.Independent(distributions.Bernoulli(logits=decoder(z)), 1).log_prob(x)
        kl = kl_divergence(q, distributions.Normal(weft.zeros_like(mean), weft.ones_like(mean))).sum(-1)
        loss = (kl - likelihood).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    x = (weft.rand(8, 6) > 0.5).float()
    start = [p.detach().clone() for p in (*encoder.parameters(), *decoder.parameters())]
    found = []
    for function in (step, weft.compile(step)):
        with weft.no_grad():
            for p, value in zip((*encoder.parameters(), *decoder.parameters()), start):
                p.copy_(value)
        weft.manual_seed(5)
        found.append([bits(function(x)) for _ in range(4)])
    assert found[0] == found[1]


# ---------------------------------------------------------------- errors

ERRORS = {
    "scale": (lambda: distributions.Normal(0.0, -1.0), ValueError, r"\[Normal\] parameter scale .*GreaterThan"),
    "nan": (lambda: distributions.Normal(math.nan, 1.0), ValueError, r"parameter loc .*Real\(\)"),
    "both": (lambda: distributions.Bernoulli(0.5, 0.5), ValueError, r"\[Bernoulli\] .*probs, logits; got probs and logits"),
    "none": (lambda: distributions.Categorical(), ValueError, r"\[Categorical\] .*none"),
    "objects": (lambda: distributions.Normal("a", 1.0), ValueError, "str"),
    "support": (
        lambda: distributions.Exponential(1.0).log_prob(weft.tensor(-1.0)), ValueError, r"\[Exponential\] .*support",
    ),
    "counts": (lambda: distributions.Bernoulli(0.5).log_prob(weft.tensor(0.5)), ValueError, r"Boolean\(\)"),
    "shape": (
        lambda: distributions.Normal(weft.zeros(3), 1.0).log_prob(weft.zeros(2)), ValueError, r"\[2\] for \[3\]",
    ),
    "event": (
        lambda: distributions.Dirichlet(weft.ones(3)).log_prob(weft.ones(2) / 2), ValueError, r"\[2\] for \[3\]",
    ),
    "number": (lambda: distributions.Normal(0.0, 1.0).log_prob(1.0), ValueError, "must be a tensor; got float"),
    "rsample": (lambda: distributions.Bernoulli(0.5).rsample(), NotImplementedError, r"\[Bernoulli\] has no rsample"),
    "cdf": (lambda: distributions.Gamma(1.0, 1.0).cdf(weft.ones(1)), NotImplementedError, r"\[Gamma\] has no cdf"),
    "scalar": (lambda: distributions.Categorical(weft.tensor(0.5)), ValueError, "one dimension"),
    "matrix": (lambda: distributions.MultivariateNormal(weft.zeros(2)), ValueError, "covariance_matrix"),
    "uniform": (lambda: distributions.Uniform(1.0, 0.0), ValueError, r"\[Uniform\] parameter low"),
    "dimensions": (
        lambda: distributions.Independent(distributions.Normal(0.0, 1.0), 1), ValueError, r"\[Independent\] .*at most 0",
    ),
    "mixture": (
        lambda: distributions.MixtureSameFamily(distributions.Normal(0.0, 1.0), distributions.Normal(0.0, 1.0)),
        ValueError, "must be a Categorical",
    ),
    "transform": (
        lambda: distributions.TransformedDistribution(distributions.Normal(0.0, 1.0), [3]), ValueError, "Transforms",
    ),
    "cache": (lambda: transforms.ExpTransform(cache_size=2), ValueError, "cache_size"),
    "reshape": (lambda: transforms.ReshapeTransform((2,), (3,)), ValueError, r"\[2\] and \[3\]"),
    "validation": (lambda: distributions.Distribution.set_default_validate_args(3), ValueError, "bool"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    act, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        act()


def test_without_validation():
    d = distributions.Normal(0.0, -1.0, validate_args=False)
    assert d.scale.item() == -1 and d.log_prob(weft.tensor([math.nan])).isnan().all()
    distributions.Distribution.set_default_validate_args(False)
    try:
        assert distributions.Exponential(-1.0).rate.item() == -1
    finally:
        distributions.Distribution.set_default_validate_args(True)


def test_a_class_of_the_users():
    class Fixed(distributions.Distribution):
        arg_constraints = {"at": constraints.real}  # noqa: RUF012
        support = constraints.real

        def __init__(self, at, other, validate_args=None):
            self.at, self.other = weft.as_tensor(at), other
            super().__init__(self.at.shape, validate_args=validate_args)

        def rsample(self, sample_shape=()):
            return self.at.expand(self._extended_shape(sample_shape))

    d = Fixed([1.0, 2.0], "x").expand((3, 2))
    assert d.sample((4,)).shape == (4, 3, 2) and d.other == "x" and "Fixed(at" in repr(d)
    with pytest.raises(ValueError, match=r"\[Fixed\] parameter at"):
        Fixed([math.nan], 1)
