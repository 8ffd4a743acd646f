"""Random correlation matrices."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .sampling import standard_gamma
from .utils import broadcast_all, check_kind, multigammaln, standard_normal


class LKJCholesky(Distribution):
    """Cholesky factors (..., dim, dim) of correlation matrices with density proportional to det^(concentration - 1) (Lewandowski,
    Kurowicka and Joe, 2009). ValueError for a dim below 2."""

    arg_constraints = {"concentration": constraints.positive}  # type: ignore[assignment]
    support = constraints.corr_cholesky  # type: ignore[assignment]

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if check_kind("LKJCholesky", "dim", dim, int) < 2:
            raise ValueError(f"[LKJCholesky] dim must be at least 2; got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Row by row, by the onion method: a direction, and by a beta number how long it is."""
        with weft.no_grad():
            shape = self._extended_shape(sample_shape)
            like = self.concentration
            before = weft.arange(self.dim - 1, dtype=like.dtype, device=like.device)
            before = weft.cat([before[:1], before])
            a = (before + 0.5).expand(shape[:-1])
            b = (like.unsqueeze(-1) + 0.5 * (self.dim - 2) - 0.5 * before).expand(shape[:-1])
            x, y = standard_gamma(a), standard_gamma(b)
            normal = standard_normal(like, shape).tril(-1)
            length = normal.square().sum(-1, keepdim=True).sqrt()
            direction = normal / weft.where(length == 0, 1.0, length)  # of the first row there is none
            rows = (x / (x + y)).sqrt().unsqueeze(-1) * direction
            left = (1 - rows.square().sum(-1)).clamp(min=weft.finfo(rows.dtype).tiny).sqrt()
            return rows + left.diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, a = self.dim - 1, self.concentration + 0.5 * (self.dim - 1)
        row = weft.arange(2, self.dim + 1, dtype=value.dtype, device=value.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - row
        unnormalized = (order * value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()).sum(-1)
        normalizer = 0.5 * n * math.log(math.pi) + multigammaln(a - 0.5, n) - n * weft.lgamma(a)
        return unnormalized - normalizer
