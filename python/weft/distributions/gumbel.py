"""The Gumbel distribution."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant


class Gumbel(TransformedDistribution):
    """The distribution of the largest of many: cdf exp(-exp(-(x - loc) / scale))."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}  # type: ignore[assignment]
    support = constraints.real  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = weft.finfo(self.loc.dtype)
        base = Uniform(
            weft.full_like(self.loc, limits.tiny), weft.full_like(self.loc, 1 - limits.eps), validate_args=False
        )
        super().__init__(base, self._transforms_of(), validate_args=validate_args)

    def _transforms_of(self) -> Any:
        minus = AffineTransform(0, -weft.ones_like(self.scale))
        return [ExpTransform().inv, minus, ExpTransform().inv, AffineTransform(self.loc, -self.scale)]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.loc, new.scale = self.loc.expand((*batch_shape,)), self.scale.expand((*batch_shape,))
        new.transforms = new._transforms_of()
        return new

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
