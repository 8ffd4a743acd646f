"""Random numbers by rejection, and what is made of them."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from .utils import standard_normal, uniform


def accepted(propose: Any) -> Tensor:
    """Each element's first value that ``propose()``, which gives values and whether they are good, finds good."""
    value, good = propose()
    while not good.all():
        again, fine = propose()
        value = weft.where(good, value, again)
        good = good | fine
    return value


def standard_gamma(concentration: Tensor) -> Tensor:
    """Gamma numbers with rate 1, of the concentration's shape (Marsaglia and Tsang, 2000), with their gradients."""
    a = concentration.detach()
    # Below 1 by Gamma(a) = Gamma(a + 1) · U^(1 / a).
    small = a < 1
    d = weft.where(small, a + 1, a) - 1.0 / 3
    c = 1 / (9 * d).sqrt()

    def propose() -> tuple[Tensor, Tensor]:
        x = standard_normal(a, a.shape)
        v = (1 + c * x) ** 3
        good = weft.log(uniform(a, a.shape)) < 0.5 * x.square() + d - d * v + d * weft.log(v.clamp(min=1e-30))
        return d * v, good & (v > 0)

    with weft.no_grad():
        boost = weft.where(small, weft.log(uniform(a, a.shape)) / a, 0.0)
        drawn = (accepted(propose) * weft.exp(boost)).clamp(min=weft.finfo(a.dtype).tiny)
        if not concentration.requires_grad:
            return drawn
        slope = _gamma_slope(a.double(), drawn.double()).to(drawn.dtype)
    return drawn + slope * (concentration - a)  # the number drawn, with that derivative


_SERIES_TO = 40.0  # of the concentration; beyond, Wilson and Hilferty's cube is as good


def _gamma_slope(a: Tensor, z: Tensor) -> Tensor:
    """dz / da at a fixed value of the cdf P(a, z), which is -(dP / da) / (dP / dz) (Figurnov et al., 2018): by the series of P in
    powers of z, whose terms are positive."""
    low, near = a.clamp(max=_SERIES_TO), weft.where(a > _SERIES_TO, _SERIES_TO, z)
    log_z, term = near.log(), 1 / low
    psi = weft.digamma(low + 1)
    total = term * (log_z - psi)
    for n in range(1, 200):
        step = low + n
        term, psi = term * near / step, psi + 1 / step
        total = total + term * (log_z - psi)
    root = a.sqrt()
    cube = (z / a) ** (1 / 3)
    x = (cube - 1 + 1 / (9 * a)) * 3 * root  # a normal number
    large = cube**3 + 3 * a * cube.square() * (1 / (9 * a.square()) - x / (6 * a * root))
    return weft.where(a > _SERIES_TO, large, -near * total)


def poisson(rate: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers of the rate's shape: below 10 by adding up probabilities, else by rejection (Hörmann's PTRS, 1993)."""
    rate = rate.detach()
    low, high = rate.clamp(max=10.0), rate.clamp(min=10.0)
    drawn = uniform(rate, rate.shape, generator)
    probability = weft.exp(-low)
    total, count = probability, weft.zeros_like(rate)
    for k in range(1, 60):  # of rate 10, more has a probability of 1e-27
        count = weft.where(drawn > total, float(k), count)
        probability = probability * low / k
        total = total + probability
    if not (rate > 10).any():
        return count
    b = 0.931 + 2.53 * high.sqrt()
    a = -0.059 + 0.02483 * b
    inverse = 1.1239 + 1.1328 / (b - 3.4)

    def propose() -> tuple[Tensor, Tensor]:
        u, v = uniform(rate, rate.shape, generator) - 0.5, uniform(rate, rate.shape, generator)
        near = 0.5 - u.abs()
        k = ((2 * a / near + b) * u + high + 0.43).floor()
        left = weft.log(v * inverse / (a / near.square() + b))
        right = -high + k * high.log() - weft.lgamma(k.clamp(min=0) + 1)
        good = (near >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
        return k, good | ((k >= 0) & ~((near < 0.013) & (v > near)) & (left <= right))

    return weft.where(rate > 10, accepted(propose), count)


def binomial(trials: Tensor, chance: Tensor, generator: Any = None) -> Tensor:
    """How many trials succeed, of the trials' shape, by drawing each."""
    result = weft.zeros_like(trials)
    for i in range(int(trials.max().item()) if trials.numel() else 0):
        drawn = weft.rand(trials.shape, dtype=chance.dtype, device=chance.device, generator=generator)
        result = result + ((drawn < chance) & (trials > i)).to(result.dtype)
    return result
