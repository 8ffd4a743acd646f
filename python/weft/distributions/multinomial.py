"""The multinomial distribution."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution
from .utils import broadcast_all


class Multinomial(Distribution):
    """How often each category comes among ``total_count`` draws. ValueError unless exactly one of probs and logits is given,
    NotImplementedError for a total_count that is no int."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}  # type: ignore[assignment]

    def __init__(
        self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(f"[Multinomial] total_count must be an int; got {type(total_count).__name__}")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._categorical = self._categorical.expand(batch_shape)
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        return self._categorical.param_shape

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        return F.one_hot(drawn, self._event_shape[0]).sum(0).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        possible = weft.where((value == 0) & (logits == -math.inf), 0.0, logits)
        combinations = weft.lgamma(value.sum(-1) + 1) - weft.lgamma(value + 1).sum(-1)
        return combinations + (possible * value).sum(-1)

    def entropy(self) -> Tensor:
        n = self.total_count
        counts = weft.arange(1.0, n + 1, dtype=self.probs.dtype, device=self.probs.device).reshape(
            -1, *(1,) * self.probs.dim()
        )
        log_p = Binomial(n, self.probs, validate_args=False).log_prob(counts)
        log_factorial = math.lgamma(n + 1)
        return n * self._categorical.entropy() - log_factorial + (log_p.exp() * weft.lgamma(counts + 1)).sum((0, -1))
