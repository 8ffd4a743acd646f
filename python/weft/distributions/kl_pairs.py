"""The KL divergences of pairs that have a closed form: expectations of log-densities, by the moments of p."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .exp_family import ExponentialFamily, normalizer_and_gradients
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, log_det_of_tril, mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, sum_rightmost

_LOG_2PI = math.log(2 * math.pi)


def _infinite_where(outside: Tensor, value: Tensor) -> Tensor:
    return weft.where(outside, math.inf, value)


def _x_log_x(x: Tensor) -> Tensor:
    return weft.xlogy(x, x)


# ---------------------------------------------------------------- the same family


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    one = _infinite_where(q.probs == 0, p.probs * (F.softplus(-q.logits) - F.softplus(-p.logits)))
    zero = _infinite_where(q.probs == 1, (1 - p.probs) * (F.softplus(q.logits) - F.softplus(p.logits)))
    return weft.where(p.probs == 0, 0.0, one) + weft.where(p.probs == 1, 0.0, zero)


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError("[kl_divergence] of two Binomials is known where q.total_count is at most p's")
    one = p.probs * (p.logits - q.logits) + weft.log1p(-p.probs) - weft.log1p(-q.probs)
    return _infinite_where(p.total_count > q.total_count, p.total_count * one)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    terms = _infinite_where(q.probs == 0, p.probs * (p.logits - q.logits))
    return weft.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    means = weft.digamma(a) - weft.digamma(a.sum(-1, keepdim=True))
    normalizers = weft.lgamma(a.sum(-1)) - weft.lgamma(b.sum(-1)) - (weft.lgamma(a) - weft.lgamma(b)).sum(-1)
    return normalizers + ((a - b) * means).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log normalizer."""
    if type(p) is not type(q):
        raise NotImplementedError(
            f"[kl_divergence] is not known of {type(p).__name__} and {type(q).__name__}; register_kl() adds it"
        )
    params, normalizer, gradients = normalizer_and_gradients(p)
    result = q._log_normalizer(*q._natural_params) - normalizer
    for mine, theirs, gradient in zip(params, q._natural_params, gradients):
        result = result - sum_rightmost((theirs - mine) * gradient, len(q.event_shape))
    return result


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    a, b = p.concentration, q.concentration
    shapes = weft.lgamma(b) - weft.lgamma(a) + (a - b) * weft.digamma(a)
    return b * (p.rate / q.rate).log() + shapes + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    last = weft.exp(weft.lgamma(1 + ratio) - shift)
    return shift - ratio.log() + ratio * euler_constant + last - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - weft.log1p(-q.probs) / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale - ratio.log() + ratio * weft.exp(-distance / p.scale) - 1


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    both = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return both.log() - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    value = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(p.scale < q.scale, value)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return weft.xlogy(p.rate, p.rate) - weft.xlogy(p.rate, q.rate) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    value = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where((q.low > p.low) | (q.high < p.high), value)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("[kl_divergence] two Independents must have as many reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("[kl_divergence] is known of two distributions with the same transforms alone")
    return kl_divergence(p.base_dist, q.base_dist)


# ---------------------------------------------------------------- normal vectors


def _of_vectors(p: Any, q: Any, factors: list[Tensor], log_det_p: Tensor) -> Tensor:
    """By factors of p's covariance, which is the sum of their F · Fᵀ."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"[kl_divergence] both must be of vectors of one length; got {list(p.event_shape)} and {list(q.event_shape)}"
        )
    n, lower = p.event_shape[0], q.scale_tril
    trace: Any = 0
    for factor in factors:
        shape = weft.broadcast_tensors(lower[..., :1], factor[..., :1])[0].shape[:-1]
        solved = weft.linalg.solve_triangular(
            lower.expand((*shape, n)), factor.expand((*shape, factor.shape[-1])), upper=False
        )
        trace = trace + solved.square().sum((-2, -1))
    distance = mahalanobis(lower, q.loc - p.loc)
    return log_det_of_tril(lower) - log_det_p + 0.5 * (trace + distance - n)


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _multivariate(p: Any, q: Any) -> Tensor:
    return _of_vectors(p, q, [p.scale_tril], log_det_of_tril(p.scale_tril))


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank(p: Any, q: Any) -> Tensor:
    return _of_vectors(p, q, [p.cov_factor, p.cov_diag.sqrt().diag_embed()], 0.5 * p._log_det())


# ---------------------------------------------------------------- of different families


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Poisson, Bernoulli)
@register_kl(Poisson, Binomial)
def _poisson_bounded(p: Any, q: Any) -> Tensor:
    return weft.full_like(p.rate, math.inf)


def _second_moment(p: Any) -> Tensor:
    return p.variance + p.mean.square()


def _to_normal(p: Any, q: Any) -> Tensor:
    distance = _second_moment(p) - 2 * q.loc * p.mean + q.loc.square()
    return -p.entropy() + 0.5 * _LOG_2PI + q.scale.log() + distance / (2 * q.scale.square())


def _to_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


def _to_gamma(p: Any, q: Any, mean_of_log: Tensor) -> Tensor:
    normalizer = weft.lgamma(q.concentration) - q.concentration * q.rate.log()
    return -p.entropy() + normalizer - (q.concentration - 1) * mean_of_log + q.rate * p.mean


def _to_gumbel(p: Any, q: Any, mean_of_exp: Tensor) -> Tensor:
    """mean_of_exp: E[exp(-x / scale)]."""
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + weft.exp(q.loc / q.scale) * mean_of_exp


def _to_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return -p.entropy() - p.mean * q.logits - weft.log1p(-q.probs) - q._log_norm()


_kind: Any
for _kind in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform):
    register_kl(_kind, Normal)(_to_normal)
for _kind in (Beta, ContinuousBernoulli, Gamma, Pareto):
    register_kl(_kind, Exponential)(_to_exponential)


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Tensor:
    return _infinite_where(p.alpha <= 2, _to_normal(p, q))


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Tensor:
    return _infinite_where(p.alpha <= 1, _to_exponential(p, q))


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Tensor:
    return _infinite_where(p.alpha <= 1, _to_gamma(p, q, p.scale.log() + p.alpha.reciprocal()))


@register_kl(Beta, Gamma)
def _beta_gamma(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    return _to_gamma(p, q, weft.digamma(p.concentration1) - weft.digamma(total))


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    return _to_gamma(p, q, -euler_constant - p.rate.log())


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Any, q: Any) -> Tensor:
    product = p.rate * q.scale
    return _to_gumbel(p, q, product / (product + 1))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Any, q: Any) -> Tensor:
    return _to_gumbel(p, q, (1 + (p.rate * q.scale).reciprocal()) ** -p.concentration)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Any, q: Any) -> Tensor:
    return _to_gumbel(p, q, weft.exp(-p.loc / q.scale + 0.5 * (p.scale / q.scale).square()))


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Any, q: Any) -> Tensor:
    mean = q.scale / (p.high - p.low) * (weft.exp(-p.low / q.scale) - weft.exp(-p.high / q.scale))
    return _to_gumbel(p, q, mean)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    distance = p.loc - q.loc
    scaled = distance / p.scale
    mean = math.sqrt(2 / math.pi) * p.scale * weft.exp(-0.5 * scaled.square())
    mean = mean + distance * weft.erf(math.sqrt(0.5) * scaled)
    return -p.entropy() + weft.log(2 * q.scale) + mean / q.scale


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return _to_continuous_bernoulli(p, q)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return _infinite_where((p.high > 1) | (p.low < 0), _to_continuous_bernoulli(p, q))


@register_kl(Beta, Uniform)
@register_kl(ContinuousBernoulli, Uniform)
def _of_unit_interval(p: Any, q: Any) -> Tensor:
    return _infinite_where((q.low > 0) | (q.high < 1), -p.entropy() + (q.high - q.low).log())


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Tensor:
    return _infinite_where(p.low < 0, _to_exponential(p, q))


def _mean_of_log(p: Any) -> Tensor:
    """E[log x] of a Uniform."""
    return (_x_log_x(p.high) - _x_log_x(p.low)) / (p.high - p.low) - 1


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Tensor:
    return _infinite_where(p.low < 0, _to_gamma(p, q, _mean_of_log(p)))


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    a, b = q.concentration1, q.concentration0
    mirrored = (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / (p.high - p.low) - 1
    normalizer = weft.lgamma(a) + weft.lgamma(b) - weft.lgamma(a + b)
    value = -p.entropy() + normalizer - (a - 1) * _mean_of_log(p) - (b - 1) * mirrored
    return _infinite_where((p.high > 1) | (p.low < 0), value)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    value = -p.entropy() - q.alpha.log() - q.alpha * q.scale.log() + (q.alpha + 1) * _mean_of_log(p)
    return _infinite_where(p.low < q.scale, value)


def _unbounded(p: Any, q: Any) -> Tensor:
    """The support of p is not within that of q."""
    return weft.full(p.batch_shape, math.inf, dtype=p.mean.dtype, device=p.mean.device)


for _kind in (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto):
    for _bounded in (Beta, ContinuousBernoulli, Uniform):
        register_kl(_kind, _bounded)(_unbounded)
for _kind in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Normal):
    register_kl(_kind, Pareto)(_unbounded)
for _kind in (Gumbel, Laplace, Normal):
    register_kl(_kind, Exponential)(_unbounded)
    register_kl(_kind, Gamma)(_unbounded)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return _to_continuous_bernoulli(p, q)
