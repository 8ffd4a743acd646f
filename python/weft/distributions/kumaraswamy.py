"""The Kumaraswamy distribution."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant


def _moment(a: Tensor, b: Tensor, n: int) -> Tensor:
    """E[x^n] = b · B(1 + n / a, b)."""
    first = 1 + n / a
    return weft.exp(b.log() + weft.lgamma(first) + weft.lgamma(b) - weft.lgamma(first + b))


class Kumaraswamy(TransformedDistribution):
    """cdf 1 - (1 - x^a)^b on [0, 1]; a is ``concentration1``, b ``concentration0``."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}  # type: ignore[assignment]
    support = constraints.unit_interval  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(weft.zeros_like(self.concentration0), weft.ones_like(self.concentration0), validate_args=False)
        super().__init__(base, self._transforms_of(), validate_args=validate_args)

    def _transforms_of(self) -> Any:
        return [
            PowerTransform(self.concentration0.reciprocal()),
            AffineTransform(1.0, -1.0),
            PowerTransform(self.concentration1.reciprocal()),
        ]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.concentration1 = self.concentration1.expand((*batch_shape,))
        new.concentration0 = self.concentration0.expand((*batch_shape,))
        new.transforms = new._transforms_of()
        return new

    @property
    def mean(self) -> Tensor:
        return _moment(self.concentration1, self.concentration0, 1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)) ** a.reciprocal()
        return weft.where((a < 1) | (b < 1), math.nan, mode)

    @property
    def variance(self) -> Tensor:
        return _moment(self.concentration1, self.concentration0, 2) - self.mean.square()

    def entropy(self) -> Tensor:
        t1 = 1 - self.concentration1.reciprocal()
        t0 = 1 - self.concentration0.reciprocal()
        harmonic = weft.digamma(self.concentration0 + 1) + euler_constant
        return t0 + t1 * harmonic - weft.log(self.concentration1) - weft.log(self.concentration0)
