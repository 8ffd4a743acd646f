"""The negative binomial distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from . import constraints
from .binary import Binary
from .distribution import Distribution
from .sampling import poisson, standard_gamma
from .utils import broadcast_all


class NegativeBinomial(Binary, Distribution):
    """The number of successes of probability ``probs`` before ``total_count`` failures. ValueError unless exactly one of probs and
    logits is given."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }  # type: ignore[assignment]
    support = constraints.nonnegative_integer  # type: ignore[assignment]

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        param = self._set_odds(probs, logits)
        self.total_count, param = broadcast_all(total_count, param)
        self.total_count = self.total_count.to(param.dtype)
        setattr(self, "probs" if probs is not None else "logits", param)
        super().__init__(param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * weft.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / weft.sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            rate = standard_gamma(self.total_count.expand(self._extended_shape(sample_shape)))
            return poisson(rate * weft.exp(self.logits))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        unnormalized = n * F.logsigmoid(-self.logits) + value * F.logsigmoid(self.logits)
        normalizer = weft.lgamma(1.0 + value) + weft.lgamma(n) - weft.lgamma(n + value)
        return unnormalized - weft.where(n + value == 0.0, 0.0, normalizer)
