"""The generalized Pareto distribution, of what exceeds a threshold."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class GeneralizedPareto(Distribution):
    """cdf 1 - (1 + concentration · (x - loc) / scale)^(-1 / concentration) above ``loc``; exponential for a concentration of 0."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, weft.where(self.concentration < 0, end, math.inf))

    def _zero(self) -> tuple[Tensor, Tensor]:
        """Whether the concentration is as good as 0, and it, or 1 where it is."""
        zero = self.concentration.abs() <= 1e-8
        return zero, weft.where(zero, 1.0, self.concentration)

    @property
    def mean(self) -> Tensor:
        return weft.where(self.concentration < 1, self.loc + self.scale / (1 - self.concentration), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        return weft.where(c < 0.5, self.scale.square() / ((1 - c).square() * (1 - 2 * c)), math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(weft.rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._zero()
        power = 1 / c + 1
        return -self.scale.log() - weft.where(zero, z, weft.where(power == 0, 0.0, power * weft.log1p(c * z)))

    def log_survival_function(self, value: Tensor) -> Tensor:
        """log(1 - cdf)."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, c = self._zero()
        return weft.where(zero, -z, -weft.log1p(c * z) / c)

    def log_cdf(self, value: Tensor) -> Tensor:
        return weft.log(-weft.expm1(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return -weft.expm1(self.log_survival_function(value))

    def icdf(self, value: Tensor) -> Tensor:
        log_u = weft.log1p(-value)
        zero, c = self._zero()
        return weft.where(zero, self.loc - self.scale * log_u, self.loc + self.scale / c * weft.expm1(-c * log_u))

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
