"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor
from weft.nn import functional as F

from . import constraints
from .exp_family import ExponentialFamily
from .sampling import standard_gamma
from .utils import check_kind


class Dirichlet(ExponentialFamily):
    """Probabilities of the last dimension, with density proportional to Π x_i^(concentration_i - 1). ValueError without dimensions."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}  # type: ignore[assignment]
    support = constraints.simplex  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if check_kind("Dirichlet", "concentration", concentration, Tensor).dim() < 1:
            raise ValueError("[Dirichlet] concentration must have at least one dimension; got shape []; pass a vector")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, keepdim=True)
        highest = F.one_hot(self.concentration.argmax(-1), self._event_shape[0]).to(mode.dtype)
        return weft.where((self.concentration < 1).all(-1, keepdim=True), highest, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total.square() * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        drawn = standard_gamma(self.concentration.expand(self._extended_shape(sample_shape)))
        return drawn / drawn.sum(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return weft.xlogy(a - 1.0, value).sum(-1) + weft.lgamma(a.sum(-1)) - weft.lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        a, k = self.concentration, self._event_shape[0]
        total = a.sum(-1)
        spread = (k - total) * weft.digamma(total) + ((a - 1.0) * weft.digamma(a)).sum(-1)
        return weft.lgamma(a).sum(-1) - weft.lgamma(total) - spread

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        return weft.lgamma(x).sum(-1) - weft.lgamma(x.sum(-1))
