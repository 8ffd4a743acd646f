"""The geometric distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from . import constraints
from .binary import Binary
from .distribution import Distribution
from .utils import broadcast_all, uniform


class Geometric(Binary, Distribution):
    """The number of failures before the first success of probability ``probs``. ValueError unless exactly one of probs and logits is
    given, and for a probability of 0."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}  # type: ignore[assignment]
    support = constraints.nonnegative_integer  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        param = self._set_odds(probs, logits)
        super().__init__(param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (param > 0).all():
            raise ValueError(f"[Geometric] probs must be positive; got {param}; pass others")

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return weft.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            drawn = uniform(self.probs, self._extended_shape(sample_shape))
            return (drawn.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        # Of probability 1 all but the first number is impossible, and 0 · log(0) is 0.
        odds = weft.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-odds).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
