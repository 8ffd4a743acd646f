"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .sampling import standard_gamma
from .utils import broadcast_all, standard_normal


class StudentT(Distribution):
    """loc + scale · t, with ``df`` degrees of freedom."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}  # type: ignore[assignment]
    support = constraints.real  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return weft.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.scale.square() * self.df / (self.df - 2).clamp(min=weft.finfo(self.df.dtype).tiny)
        result = weft.where(self.df > 2, finite, math.inf)
        return weft.where(self.df <= 1, math.nan, result)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        x = standard_normal(self.df, shape)
        z = 2 * standard_gamma((self.df / 2).expand(shape))
        return self.loc + self.scale * (x * weft.rsqrt(z / self.df))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        half = 0.5 * self.df
        normalizer = (
            self.scale.log() + 0.5 * (self.df.log() + math.log(math.pi)) + weft.lgamma(half) - weft.lgamma(half + 0.5)
        )
        return -0.5 * (self.df + 1.0) * weft.log1p(y.square() / self.df) - normalizer

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        log_beta = weft.lgamma(half) + math.lgamma(0.5) - weft.lgamma(half + 0.5)
        spread = (half + 0.5) * (weft.digamma(half + 0.5) - weft.digamma(half))
        return self.scale.log() + spread + 0.5 * self.df.log() + log_beta
