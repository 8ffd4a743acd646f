"""The Poisson distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .exp_family import ExponentialFamily
from .sampling import poisson
from .utils import broadcast_all


class Poisson(ExponentialFamily):
    """Numbers of events of which there are ``rate`` on average."""

    arg_constraints = {"rate": constraints.nonnegative}  # type: ignore[assignment]
    support = constraints.nonnegative_integer  # type: ignore[assignment]

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with weft.no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return weft.xlogy(value, rate) - rate - weft.lgamma(value + 1)

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (weft.log(self.rate),)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return weft.exp(natural_params[0])
