"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .categorical import Categorical
from .distribution import Distribution


class MixtureSameFamily(Distribution):
    """A Categorical chooses among the last batch dimension of a distribution. ValueError where the two do not fit."""

    arg_constraints: Any = {}

    def __init__(
        self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                f"[MixtureSameFamily] the mixture must be a Categorical; got {type(mixture_distribution).__name__}"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                f"[MixtureSameFamily] the components must be a Distribution; got {type(component_distribution).__name__}"
            )
        mine, theirs = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        if any(1 != i != j != 1 for i, j in zip(reversed(mine), reversed(theirs))):
            raise ValueError(f"[MixtureSameFamily] batch shapes must fit; got {list(mine)} for {list(theirs)}")
        count = mixture_distribution.logits.shape[-1]
        if component_distribution.batch_shape[-1:] != (count,):
            raise ValueError(
                f"[MixtureSameFamily] the last batch dimension of the components must be {count}, the number of categories; got "
                f"{list(component_distribution.batch_shape)}"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        super().__init__(theirs, component_distribution.event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        count = self._component_distribution.batch_shape[-1]
        new._component_distribution = self._component_distribution.expand((*batch_shape, count))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        return self._component_distribution

    def _weights(self) -> Tensor:
        probs = self.mixture_distribution.probs
        return probs.reshape(*probs.shape, *(1,) * len(self._event_shape))

    def _over_components(self, x: Tensor) -> Tensor:
        return x.sum(-1 - len(self._event_shape))

    @property
    def mean(self) -> Tensor:
        return self._over_components(self._weights() * self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        means = self.component_distribution.mean
        spread = (means - self.mean.unsqueeze(-1 - len(self._event_shape))).square()
        return self._over_components(self._weights() * (self.component_distribution.variance + spread))

    def cdf(self, x: Tensor) -> Tensor:
        return (self.component_distribution.cdf(x.unsqueeze(-1)) * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(x)
        log_prob = self.component_distribution.log_prob(x.unsqueeze(-1 - len(self._event_shape)))
        return weft.logsumexp(log_prob + weft.log_softmax(self.mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            rank = len(self._event_shape)
            samples = self.component_distribution.sample(sample_shape)
            dim = samples.dim() - rank - 1
            chosen = self.mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            index = chosen.reshape(*chosen.shape, *(1,) * (rank + 1))
            shape = [*samples.shape[:dim], 1, *samples.shape[dim + 1 :]]
            return samples.gather(dim, index.expand(shape)).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily({self.mixture_distribution}, {self.component_distribution})"
