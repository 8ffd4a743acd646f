"""The Weibull distribution."""

from __future__ import annotations

from typing import Any

import weft
from weft import Tensor

from . import constraints
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .utils import broadcast_all, euler_constant


class Weibull(TransformedDistribution):
    """scale · E^(1 / concentration) of an exponential number E."""

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}  # type: ignore[assignment]
    support = constraints.positive  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(weft.ones_like(self.scale), validate_args=False)
        super().__init__(base, self._transforms_of(), validate_args=validate_args)

    def _transforms_of(self) -> Any:
        return [PowerTransform(self.concentration.reciprocal()), AffineTransform(0, self.scale)]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.scale, new.concentration = self.scale.expand((*batch_shape,)), self.concentration.expand((*batch_shape,))
        new.transforms = new._transforms_of()
        return new

    @property
    def mean(self) -> Tensor:
        return self.scale * weft.exp(weft.lgamma(1 + self.concentration.reciprocal()))

    @property
    def mode(self) -> Tensor:
        inside = (1 - self.concentration.reciprocal()).clamp(min=0)
        return self.scale * inside ** self.concentration.reciprocal()

    @property
    def variance(self) -> Tensor:
        reciprocal = self.concentration.reciprocal()
        second = weft.exp(weft.lgamma(1 + 2 * reciprocal))
        return self.scale.square() * (second - weft.exp(2 * weft.lgamma(1 + reciprocal)))

    def entropy(self) -> Tensor:
        reciprocal = self.concentration.reciprocal()
        return euler_constant * (1 - reciprocal) + weft.log(self.scale * reciprocal) + 1
