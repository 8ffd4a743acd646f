"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from . import constraints
from .binary import Binary
from .exp_family import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs, uniform


class ContinuousBernoulli(Binary, ExponentialFamily):
    """Density proportional to probs^x · (1 - probs)^(1 - x) on [0, 1] (Loaiza-Ganem and Cunningham, 2019). Where probs is within
    ``lims``, about 1/2, Taylor series stand for formulas that cancel. ValueError unless exactly one of probs and logits is given."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # type: ignore[assignment]
    support = constraints.unit_interval  # type: ignore[assignment]
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: Any = (0.499, 0.501), validate_args: bool | None = None
    ) -> None:
        param = self._set_odds(probs, logits)
        self._lims = lims
        super().__init__(param.shape, validate_args=validate_args)
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    @lazy_property
    def probs(self) -> Tensor:  # type: ignore[override]
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _stable(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _away(self) -> Tensor:
        return weft.where(self._stable(), self.probs, self._lims[0])

    def _log_norm(self) -> Tensor:
        p = self._away()
        odds = (weft.log1p(-p) - weft.log(p)).abs().log()
        log_norm = odds - weft.log((1 - 2 * p).abs())
        x = (self.probs - 0.5).square()
        return weft.where(self._stable(), log_norm, math.log(2) + (4 / 3 + 104 / 45 * x) * x)

    @property
    def mean(self) -> Tensor:
        p = self._away()
        mean = p / (2 * p - 1) + 1 / (weft.log1p(-p) - weft.log(p))
        x = self.probs - 0.5
        return weft.where(self._stable(), mean, 0.5 + (1 / 3 + 16 / 45 * x.square()) * x)

    @property
    def variance(self) -> Tensor:
        p = self._away()
        variance = p * (p - 1) / (1 - 2 * p).square() + 1 / (weft.log1p(-p) - weft.log(p)).square()
        x = (self.probs - 0.5).square()
        return weft.where(self._stable(), variance, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform(self.probs, self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none") + self._log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._away()
        inside = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        inside = weft.where(self._stable(), inside, value)
        return weft.where(value <= 0, 0.0, weft.where(value >= 1, 1.0, inside))

    def icdf(self, value: Tensor) -> Tensor:
        p = self._away()
        inside = (weft.log1p(-p + value * (2 * p - 1)) - weft.log1p(-p)) / (weft.log(p) - weft.log1p(-p))
        return weft.where(self._stable(), inside, value)

    def entropy(self) -> Tensor:
        low, high = weft.log1p(-self.probs), weft.log(self.probs)
        return self.mean * (low - high) - self._log_norm() - low

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        stable = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        away = weft.where(stable, x, self._lims[0] - 0.5)
        log_norm = weft.log(weft.expm1(away).abs()) - weft.log(away.abs())
        return weft.where(stable, log_norm, 0.5 * x + x.square() / 24 - x**4 / 2880)
