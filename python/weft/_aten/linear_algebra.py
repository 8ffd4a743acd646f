"""Factorisations and what is made of them, and Fourier transforms.

Not here: _linalg_det, _linalg_slogdet and _linalg_solve_ex. PyTorch's keep the factors of a contiguous real matrix's transpose, otherwise
of the matrix, and their derivatives ask again which it was.
"""

from __future__ import annotations

import weft

from .table import aten

_LINALG = weft.linalg

aten("linalg_matrix_exp")(_LINALG.matrix_exp)
aten("linalg_householder_product")(_LINALG.householder_product)
aten("linalg_eigvals", "_linalg_eigvals")(_LINALG.eigvals)
aten("linalg_eig")(lambda a: tuple(_LINALG.eig(a)))
aten("linalg_qr")(lambda a, mode="reduced": tuple(_LINALG.qr(a, mode)))
aten("cholesky_inverse")(weft.cholesky_inverse)
aten("cholesky_solve")(weft.cholesky_solve)
aten("_cholesky_solve_helper")(weft.cholesky_solve)
aten("ormqr")(weft.ormqr)


@aten("linalg_lu_factor_ex")
def lu_factor_ex(a, pivot=True, check_errors=False):
    return tuple(_LINALG.lu_factor_ex(a, pivot=pivot))


@aten("linalg_lu")
def lu(a, pivot=True):
    return tuple(_LINALG.lu(a, pivot=pivot))


@aten("lu_unpack")
def lu_unpack(factors, pivots, unpack_data=True, unpack_pivots=True):
    return tuple(weft.lu_unpack(factors, pivots, unpack_data, unpack_pivots))


@aten("linalg_lu_solve")
def lu_solve(factors, pivots, b, left=True, adjoint=False):
    return _LINALG.lu_solve(factors, pivots, b, left=left, adjoint=adjoint)


@aten("linalg_inv_ex")
def inv_ex(a, check_errors=False):
    return tuple(_LINALG.inv_ex(a))


@aten("linalg_cholesky_ex")
def cholesky_ex(a, upper=False, check_errors=False):
    return tuple(_LINALG.cholesky_ex(a, upper=upper))


@aten("linalg_solve_triangular")
def solve_triangular(a, b, upper, left=True, unitriangular=False):
    return _LINALG.solve_triangular(a, b, upper=upper, left=left, unitriangular=unitriangular)


@aten("triangular_solve")
def triangular_solve(b, a, upper=True, transpose=False, unitriangular=False):
    return tuple(weft.triangular_solve(b, a, upper, transpose, unitriangular))


@aten("linalg_ldl_factor_ex")
def ldl_factor_ex(a, hermitian=False, check_errors=False):
    return tuple(_LINALG.ldl_factor_ex(a, hermitian=hermitian))


@aten("linalg_ldl_solve")
def ldl_solve(factors, pivots, b, hermitian=False):
    return _LINALG.ldl_solve(factors, pivots, b, hermitian=hermitian)


@aten("_linalg_eigh")
def eigh(a, uplo="L", compute_v=True):
    return tuple(_LINALG.eigh(a, uplo))


@aten("_linalg_svd")
def svd(a, full_matrices=False, compute_uv=True, driver=None):
    return tuple(_LINALG.svd(a, full_matrices))


# ---------------------------------------------------------------- Fourier transforms

# By number: no scale, 1 / sqrt(n), 1 / n; weft's names for these are of the direction.
_FORWARD, _INVERSE = ("backward", "ortho", "forward"), ("forward", "ortho", "backward")


@aten("_fft_c2c")
def fft_c2c(x, dim, normalization, forward):
    if forward:
        return weft.fft.fftn(x, dim=tuple(dim), norm=_FORWARD[normalization])
    return weft.fft.ifftn(x, dim=tuple(dim), norm=_INVERSE[normalization])


@aten("_fft_r2c")
def fft_r2c(x, dim, normalization, onesided):
    transform = weft.fft.rfftn if onesided else weft.fft.fftn
    return transform(x, dim=tuple(dim), norm=_FORWARD[normalization])


@aten("_fft_c2r")
def fft_c2r(x, dim, normalization, last_dim_size):
    sizes = [x.shape[axis] for axis in dim[:-1]] + [last_dim_size]
    return weft.fft.irfftn(x, s=sizes, dim=tuple(dim), norm=_INVERSE[normalization])


# ---------------------------------------------------------------- Complex numbers

aten("view_as_real", "view_as_real_copy")(weft.view_as_real)
aten("view_as_complex", "view_as_complex_copy")(weft.view_as_complex)
aten("complex")(weft.complex)
aten("polar")(weft.polar)
aten("angle")(weft.angle)
for _name in "_conj _conj_physical conj_physical resolve_conj real imag sgn".split():
    aten(_name)(getattr(weft, _name.lstrip("_").replace("conj_physical", "conj")))
