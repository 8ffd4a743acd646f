"""The normal distribution of vectors whose covariance is of low rank but for its diagonal."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .multivariate_normal import log_det_of_tril, mahalanobis
from .utils import check_kind, lazy_property, standard_normal


class LowRankMultivariateNormal(Distribution):
    """Normal vectors (..., n) with mean ``loc`` and covariance W · Wᵀ + diag(D): ``cov_factor`` W is (..., n, m), ``cov_diag`` D (..., n).
    ValueError where they do not fit."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # type: ignore[assignment]
    support = constraints.real_vector  # type: ignore[assignment]
    has_rsample = True

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        for name, value in (("loc", loc), ("cov_factor", cov_factor), ("cov_diag", cov_diag)):
            check_kind("LowRankMultivariateNormal", name, value, Tensor)
        n = loc.shape[-1:]
        if loc.dim() < 1 or cov_factor.dim() < 2 or cov_factor.shape[-2:-1] != n or cov_diag.shape[-1:] != n:
            raise ValueError(
                "[LowRankMultivariateNormal] takes (..., n), (..., n, m) and (..., n); got shapes "
                f"{list(loc.shape)}, {list(cov_factor.shape)} and {list(cov_diag.shape)}"
            )
        self.loc, self.cov_diag, rows = weft.broadcast_tensors(loc, cov_diag, cov_factor[..., 0])
        self.cov_factor = cov_factor.expand((*rows.shape, cov_factor.shape[-1]))
        super().__init__(self.loc.shape[:-1], n, validate_args=validate_args)

    @lazy_property
    def _scaled(self) -> Tensor:
        """Wᵀ · D⁻¹."""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    @lazy_property
    def _capacitance_tril(self) -> Tensor:
        """The Cholesky factor of I + Wᵀ · D⁻¹ · W, by Woodbury's formula."""
        m = self.cov_factor.shape[-1]
        return weft.linalg.cholesky(
            self._scaled @ self.cov_factor + weft.eye(m, dtype=self.loc.dtype, device=self.loc.device)
        )

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def scale_tril(self) -> Tensor:
        return weft.linalg.cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        half = weft.linalg.solve_triangular(self._capacitance_tril, self._scaled, upper=False)
        return self.cov_diag.reciprocal().diag_embed() - half.mT @ half

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        low = standard_normal(self.loc, (*shape[:-1], self.cov_factor.shape[-1]))
        noise = standard_normal(self.loc, shape)
        return self.loc + (self.cov_factor @ low.unsqueeze(-1)).squeeze(-1) + self.cov_diag.sqrt() * noise

    def _log_det(self) -> Tensor:
        return 2 * log_det_of_tril(self._capacitance_tril) + self.cov_diag.log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        difference = value - self.loc
        inner = (self._scaled @ difference.unsqueeze(-1)).squeeze(-1)
        distance = (difference.square() / self.cov_diag).sum(-1) - mahalanobis(self._capacitance_tril, inner)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self) -> Tensor:
        return 0.5 * (self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._log_det())
