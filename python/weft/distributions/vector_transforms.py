"""Transforms of vectors and matrices: to the simplex, to Cholesky factors, to positive definite matrices."""

from __future__ import annotations

import math
from typing import Any

import weft
from weft.nn import functional as F

from . import constraints
from .transform import PlainTransform
from .utils import tril_matrix_to_vec, vec_to_tril_matrix


class SoftmaxTransform(PlainTransform):
    """y = exp(x) / Σ exp(x) along the last dimension; not bijective, and the inverse is log."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return F.softmax(x, -1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("[SoftmaxTransform] a value needs at least one dimension; got shape []")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(PlainTransform):
    """(..., k) → (..., k + 1) of the simplex: each number says which part of what is left is broken off."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _offset(self, x: Any, n: int) -> Any:
        return weft.log(weft.arange(n, 0, -1, dtype=x.dtype, device=x.device))

    def _call(self, x: Any) -> Any:
        z = weft.sigmoid(x - self._offset(x, x.shape[-1]))
        left = weft.cumprod(1 - z, -1)
        one = weft.ones(*x.shape[:-1], 1, dtype=x.dtype, device=x.device)
        return weft.cat([z, one], -1) * weft.cat([one, left], -1)

    def _inverse(self, y: Any) -> Any:
        head = y[..., :-1]
        left = (1 - weft.cumsum(head, -1)).clamp(min=weft.finfo(y.dtype).tiny)
        return head.log() - left.log() + self._offset(y, head.shape[-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        x = x - self._offset(x, x.shape[-1])
        return (-x + F.logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        return (*shape[:-1], shape[-1] - 1)


class CorrCholeskyTransform(PlainTransform):
    """(..., n (n - 1) / 2) → Cholesky factors (..., n, n) of correlation matrices: the tangens hyperbolicus of the numbers, row by row,
    says which part of what is left of a row's length 1 an element takes."""

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        near = 1 - weft.finfo(x.dtype).eps
        r = vec_to_tril_matrix(x.tanh().clamp(min=-near, max=near), -1)
        left = weft.cumprod((1 - r.square()).sqrt(), -1)
        one = weft.ones_like(left[..., :1])
        return (r + weft.eye(r.shape[-1], dtype=r.dtype, device=r.device)) * weft.cat([one, left[..., :-1]], -1)

    def _inverse(self, y: Any) -> Any:
        left = 1 - weft.cumsum(y.square(), -1)
        before = weft.cat([weft.ones_like(left[..., :1]), left[..., :-1]], -1)
        return weft.atanh(tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(before, -1).sqrt())

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """Of the elements below the diagonal."""
        left = tril_matrix_to_vec(1 - weft.cumsum(y.square(), -1), -2)
        return 0.5 * left.log().sum(-1) - 2 * (x + F.softplus(-2 * x) - math.log(2)).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError(
                f"[CorrCholeskyTransform] no matrix has {shape[-1]} elements below its diagonal; got {list(shape)}"
            )
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(f"[CorrCholeskyTransform] needs square matrices; got shape {list(shape)}")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


class LowerCholeskyTransform(PlainTransform):
    """A square matrix → its lower triangle with the exponentials of the diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(PlainTransform):
    """A square matrix → L · Lᵀ of LowerCholeskyTransform's L."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        lower = LowerCholeskyTransform()(x)
        return lower @ lower.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(weft.linalg.cholesky(y))
