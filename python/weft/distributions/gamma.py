"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .exp_family import ExponentialFamily
from .sampling import standard_gamma
from .utils import broadcast_all


class Gamma(ExponentialFamily):
    """Density rate^concentration · x^(concentration - 1) · exp(-rate · x) / Γ(concentration)."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}  # type: ignore[assignment]
    support = constraints.nonnegative  # type: ignore[assignment]
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        drawn = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return (drawn / self.rate).clamp(min=weft.finfo(drawn.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        value = weft.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return weft.xlogy(a, self.rate) + weft.xlogy(a - 1, value) - self.rate * value - weft.lgamma(a)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - weft.log(self.rate) + weft.lgamma(a) + (1.0 - a) * weft.digamma(a)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return weft.lgamma(x + 1) + (x + 1) * weft.log(-y.reciprocal())
