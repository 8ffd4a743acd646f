"""Random covariance matrices."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .multivariate_normal import inverse_of_tril, log_det_of_tril, tril_of_precision
from .sampling import standard_gamma
from .utils import broadcast_all, check_kind, either, lazy_property, multigammaln, standard_normal


class Wishart(Distribution):
    """Σ x · xᵀ of ``df`` normal vectors x with mean 0 and one of covariance_matrix, precision_matrix and scale_tril (..., n, n). ValueError
    for several of them or none, and where df is not above n - 1."""

    support = constraints.positive_definite  # type: ignore[assignment]
    has_rsample = True

    @property
    def arg_constraints(self) -> Any:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        name = either("Wishart", **given)
        matrix = check_kind("Wishart", name, given[name], Tensor)
        if matrix.dim() < 2:
            raise ValueError(f"[Wishart] {name} must have at least two dimensions; got shape {list(matrix.shape)}")
        n = matrix.shape[-1]
        self.df, corner = broadcast_all(df, matrix[..., 0, 0])
        matrix = matrix.expand((*corner.shape, n, n))
        setattr(self, name, matrix)
        if name == "scale_tril":
            self._lower = matrix
        else:
            self._lower = weft.linalg.cholesky(matrix) if name == "covariance_matrix" else tril_of_precision(matrix)
        if not (self.df > n - 1).all():
            raise ValueError(f"[Wishart] df must be above {n - 1} for matrices of {n} rows; got {self.df}")
        super().__init__(corner.shape, (n, n), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._lower = self._lower.expand((*batch_shape, *self._event_shape))
        return new

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._lower

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self._lower @ self._lower.mT

    @lazy_property
    def precision_matrix(self) -> Tensor:
        inverse = inverse_of_tril(self._lower)
        return inverse.mT @ inverse

    def _df(self) -> Tensor:
        return self.df.unsqueeze(-1).unsqueeze(-1)

    @property
    def mean(self) -> Tensor:
        return self._df() * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self._df() - self._event_shape[-1] - 1
        return weft.where(factor > 0, factor, math.nan) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._df() * (v.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """By Bartlett's decomposition."""
        shape = self._extended_shape(sample_shape)
        row = weft.arange(shape[-1], dtype=self.df.dtype, device=self.df.device)
        squares = 2 * standard_gamma(((self.df.unsqueeze(-1) - row) / 2).expand(shape[:-1]))
        lower = standard_normal(self.df, shape).tril(-1) + squares.sqrt().diag_embed()
        factor = self._lower @ lower
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[-1]
        lower, factor = weft.broadcast_tensors(self._lower, weft.linalg.cholesky(value))
        solved = weft.linalg.solve_triangular(lower, factor, upper=False)
        log_det = 2 * log_det_of_tril(factor)
        normalizer = self.df * (n * math.log(2) / 2 + log_det_of_tril(self._lower)) + multigammaln(self.df / 2, n)
        return (self.df - n - 1) / 2 * log_det - solved.square().sum((-2, -1)) / 2 - normalizer

    def entropy(self) -> Tensor:
        n, half = self._event_shape[-1], self.df / 2
        means = weft.stack([weft.digamma(half - i / 2) for i in range(n)], -1).sum(-1)
        log_det = n * math.log(2) / 2 + log_det_of_tril(self._lower)
        return (n + 1) * log_det + multigammaln(half, n) - (self.df - n - 1) / 2 * means + half * n
