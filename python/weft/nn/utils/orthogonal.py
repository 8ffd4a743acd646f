"""The parametrization of matrices with orthonormal rows or columns (Lezcano-Casado, "Trivializations for gradient-based optimization on
manifolds", 2019)."""

from __future__ import annotations

import math

from ... import _C, _factories, _ops, linalg
from ..._dtypes import finfo
from ..._functions import cat, tril, triu
from ..._functions.arguments import truth
from ..modules.module import Module

MAPS = ("matrix_exp", "cayley", "householder")


def exponential(a):
    """e to the matrix, by halving it until it is short, Taylor's polynomial of degree 18 and squaring. Reads how long it is."""
    length = float(a.detach().abs().sum(-1).max())
    halvings = max(0, math.ceil(math.log2(length))) if length > 0 and math.isfinite(length) else 0
    a = a * 0.5**halvings
    one = _factories.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    result = one + a / 18
    for k in range(17, 0, -1):
        result = one + (a / k) @ result
    for _ in range(halvings):
        result = result @ result
    return result


def cayley(a):
    """(1 - a/2)⁻¹ (1 + a/2) of a skew-symmetric matrix. (1 - a/2)(1 + a/2) = 1 - a²/4 is positive definite, so that Cholesky's
    decomposition solves (1 - a²/4) q = (1 + a/2)²."""
    one = _factories.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    lower = linalg.cholesky(one - a @ a / 4)
    half = one + a / 2
    first = linalg.solve_triangular(lower, half @ half, upper=False)
    return linalg.solve_triangular(lower.transpose(-2, -1), first, upper=True)


def of_reflections(x):
    """The first columns of the product of the reflections by the columns of ``x``, below a diagonal of ones, whose lengths these are:
    1 - V S⁻¹ Vᵀ with S the upper triangle of VᵀV and half its diagonal (Schreiber and Van Loan 1989)."""
    rows, columns = x.shape[-2:]
    one = _factories.eye(rows, columns, dtype=x.dtype, device=x.device)
    v = tril(x, -1) + one
    products = v.transpose(-2, -1) @ v
    half = products * (one[:columns] * 0.5)
    return one - v @ linalg.solve_triangular(
        triu(products, 1) + half, v[..., :columns, :].transpose(-2, -1), upper=True
    )


def reflections(q):
    """What of_reflections, with the diagonal as signs, makes ``q`` of, if its columns are orthonormal; else their QR decomposition's."""
    a, (rows, columns) = q.clone(), q.shape[-2:]
    signs = []
    for i in range(columns):
        x = a[..., i:, i]
        first, rest = x[..., :1], (x[..., 1:] ** 2).sum(-1, keepdim=True)
        length = (first**2 + rest).sqrt()
        to = _ops.where(first > 0, -length, length)  # the diagonal of R
        v = x / (first - to)  # without what is reflected already there is no direction but the axis
        v = _ops.where(rest > 0, v, 0.0)
        v[..., 0] = 1.0
        part = a[..., i:, i:]
        scale = 2.0 / (v**2).sum(-1, keepdim=True)
        reflected = part - (v * scale).unsqueeze(-1) * (v.unsqueeze(-2) @ part)
        signs.append(reflected[..., :1, 0].sign())
        a[..., i:, i:] = reflected
        a[..., i + 1 :, i] = v[..., 1:]
    diagonal = cat(signs, -1).unsqueeze(-2) * _factories.eye(rows, columns, dtype=q.dtype, device=q.device)
    return tril(a, -1) + diagonal


def orthonormal(q):
    """The Q of the decomposition whose R has a positive diagonal."""
    q, r = linalg.qr(q)
    return q * r.diagonal(0, -2, -1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    """Skew-symmetric matrices, or reflections, to orthogonal ones; times ``base``, if there is one."""

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if truth("orthogonal", "use_trivialization", use_trivialization):
            self.register_buffer("base", None)

    def forward(self, X):
        is_wide = X.shape[-2] < X.shape[-1]
        x = X.transpose(-2, -1) if is_wide else X
        rows, columns = x.shape[-2:]
        if self.orthogonal_map == "householder":
            q = of_reflections(x) * x.detach().diagonal(0, -2, -1).sign().unsqueeze(-2)
        else:
            x = tril(x)
            if rows != columns:
                x = cat([x, x.new_zeros(*x.shape[:-1], rows - columns)], -1)
            a = x - x.transpose(-2, -1)
            q = (exponential(a) if self.orthogonal_map == "matrix_exp" else cayley(a))[..., :columns]
        if hasattr(self, "base"):
            q = self.base @ q
        return q.transpose(-2, -1) if is_wide else q

    def right_inverse(self, Q):
        if Q.shape != self.shape:
            raise ValueError(f"[orthogonal] expected a tensor of shape {list(self.shape)}; got shape {list(Q.shape)}")
        is_wide = Q.shape[-2] < Q.shape[-1]
        q = Q.transpose(-2, -1) if is_wide else Q
        rows, columns = q.shape[-2:]
        with _C.GradMode(False):
            if not hasattr(self, "base"):
                if self.orthogonal_map != "householder":
                    raise NotImplementedError(
                        f"[orthogonal] a tensor cannot be made one of {self.orthogonal_map!r} without a base; pass "
                        "use_trivialization=True"
                    )
                x = reflections(q)
                return x.transpose(-2, -1) if is_wide else x
            if rows != columns:
                q = orthonormal(
                    cat([q, _factories.randn(*q.shape[:-1], rows - columns, dtype=q.dtype, device=q.device)], -1)
                )
            else:
                error = (q.transpose(-2, -1) @ q - _factories.eye(rows, dtype=q.dtype, device=q.device)).abs().max()
                q = q.clone() if error <= 10 * rows * finfo(q.dtype).eps else orthonormal(q)
            self.base = q
            # Minus one: the diagonal is the signs of reflections, of which those by the axes make this one.
            return _factories.zeros_like(Q) - _factories.eye(*Q.shape[-2:], dtype=Q.dtype, device=Q.device)
