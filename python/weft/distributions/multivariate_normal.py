"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft import Tensor

from . import constraints
from .distribution import Distribution
from .utils import check_kind, either, lazy_property, standard_normal


def log_det_of_tril(lower: Tensor) -> Tensor:
    """Half the logarithm of det(L · Lᵀ)."""
    return lower.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def mahalanobis(lower: Tensor, x: Tensor) -> Tensor:
    """xᵀ (L · Lᵀ)⁻¹ x; the batch dimensions broadcast."""
    shape = weft.broadcast_tensors(lower[..., 0], x)[0].shape
    matrices, columns = lower.expand((*shape, shape[-1])), x.expand(shape).unsqueeze(-1)
    return weft.linalg.solve_triangular(matrices, columns, upper=False).squeeze(-1).square().sum(-1)


def inverse_of_tril(lower: Tensor) -> Tensor:
    eye = weft.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device)
    return weft.linalg.solve_triangular(lower, eye.expand(lower.shape), upper=False)


def tril_of_precision(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse, by that of the matrix turned around."""
    flipped = weft.linalg.cholesky(precision.flip(-2, -1))
    return inverse_of_tril(flipped.flip(-2, -1).mT)


class MultivariateNormal(Distribution):
    """Normal vectors (..., n) with mean ``loc`` and one of covariance_matrix, precision_matrix and scale_tril, its Cholesky factor, all
    (..., n, n). ValueError for several of them or none, and without dimensions."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }  # type: ignore[assignment]
    support = constraints.real_vector  # type: ignore[assignment]
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "scale_tril": scale_tril,
            "precision_matrix": precision_matrix,
        }
        name = either("MultivariateNormal", **matrices)
        matrix = check_kind("MultivariateNormal", name, matrices[name], Tensor)
        check_kind("MultivariateNormal", "loc", loc, Tensor)
        if loc.dim() < 1 or matrix.dim() < 2:
            raise ValueError(
                f"[MultivariateNormal] loc must have at least one dimension and {name} two; got shapes {list(loc.shape)} and "
                f"{list(matrix.shape)}"
            )
        rows, loc = weft.broadcast_tensors(matrix[..., 0], loc)
        self.loc = loc
        setattr(self, name, matrix.expand((*rows.shape, matrix.shape[-1])))
        self._given = name
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=validate_args)
        if name != "scale_tril":
            make = weft.linalg.cholesky if name == "covariance_matrix" else tril_of_precision
            self._unbroadcasted_scale_tril = make(matrix)
        else:
            self._unbroadcasted_scale_tril = matrix

    @lazy_property
    def scale_tril(self) -> Tensor:
        n = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand((*self._batch_shape, n, n))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        n, lower = self._event_shape[0], self._unbroadcasted_scale_tril
        return (lower @ lower.mT).expand((*self._batch_shape, n, n))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        n, inverse = self._event_shape[0], inverse_of_tril(self._unbroadcasted_scale_tril)
        return (inverse.mT @ inverse).expand((*self._batch_shape, n, n))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.square().sum(-1).expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = standard_normal(self.loc, self._extended_shape(sample_shape))
        return self.loc + (self._unbroadcasted_scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + distance) - log_det_of_tril(self._unbroadcasted_scale_tril)

    def entropy(self) -> Tensor:
        entropy = 0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi))
        return (entropy + log_det_of_tril(self._unbroadcasted_scale_tril)).expand((*self._batch_shape,))
