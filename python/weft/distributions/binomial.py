"""The binomial distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .binary import Binary
from .distribution import Distribution
from .sampling import binomial
from .utils import broadcast_all


class Binomial(Binary, Distribution):
    """The number of successes of probability ``probs`` among ``total_count``. ValueError unless exactly one of probs and logits is
    given."""

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }  # type: ignore[assignment]
    has_enumerate_support = True

    def __init__(
        self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        param = self._set_odds(probs, logits)
        self.total_count, param = broadcast_all(total_count, param)
        setattr(self, "probs" if probs is not None else "logits", param)
        super().__init__(param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return weft.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            shape = self._extended_shape(sample_shape)
            return binomial(self.total_count.to(self._param.dtype).expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        combinations = weft.lgamma(n + 1) - weft.lgamma(value + 1) - weft.lgamma(n - value + 1)
        # log(1 + exp(logits)) without overflow
        normalizer = n * (self.logits.clamp(min=0) + weft.log1p(weft.exp(-self.logits.abs())))
        return value * self.logits + combinations - normalizer

    def entropy(self) -> Tensor:
        values = self.enumerate_support(False)
        log_prob = self.log_prob(values)
        return -(weft.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """NotImplementedError where the numbers of trials differ."""
        total = int(self.total_count.max().item())
        if not (self.total_count == total).all():
            raise NotImplementedError("[Binomial] enumerate_support() needs one total_count for all of the batch")
        return self._enumerated(weft.arange(1 + total, dtype=self._param.dtype, device=self._param.device), expand)
