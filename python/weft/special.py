"""PyTorch's ``special``: functions under the names that SciPy gives them."""

from __future__ import annotations

from . import _C, _ops
from ._C import Tensor
from ._functions.arithmetic import xlogy
from ._functions.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    erfcx,
    log_ndtr,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from ._functions.elementwise import round, where
from ._functions.incomplete_gamma import igamma as gammainc
from ._functions.incomplete_gamma import igammac as gammaincc
from ._functions.polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from ._functions.reductions import log_softmax, softmax
from ._functions.specials import digamma, logit, polygamma
from ._functions.specials import mvlgamma as multigammaln
from ._functions.statistics import logsumexp
from ._ops import erf, erfc, erfinv, exp2, expm1, i0, log1p, sinc
from ._ops import lgamma as gammaln
from ._ops import sigmoid as expit
from ._public import Any, Operand, public

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_softmax",
    "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py", "xlogy", "zeta",
    "gammainc", "gammaincc", "modified_bessel_i0", "modified_bessel_i1",
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0",
    "bessel_y1", "erfcx", "log_ndtr", "modified_bessel_k0",
    "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
]  # fmt: skip

psi = digamma
modified_bessel_i0 = i0


@public
def i0e(input: Tensor) -> Tensor:
    """exp(-|x|) times the modified Bessel function of order 0, elementwise; integers give floats."""
    return _ops.i0e(input)


@public
def i1(input: Tensor) -> Tensor:
    """The modified Bessel function of order 1, elementwise; integers give floats."""
    return _ops.i1(input)


modified_bessel_i1 = i1


@public
def i1e(input: Tensor) -> Tensor:
    """exp(-|x|) times the modified Bessel function of order 1, elementwise; integers give floats."""
    return _ops.i1e(input)


@public
def ndtr(input: Tensor) -> Tensor:
    """The standard normal distribution function, elementwise; integers give floats."""
    return _ops.mul(_ops.erfc(_ops.mul(input, -0.70710678118654752440)), 0.5)


@public
def ndtri(input: Tensor) -> Tensor:
    """The inverse of ``ndtr``, elementwise; NaN outside [0, 1]. Integers give floats."""
    return _ops.ndtri(input)


@public
def entr(input: Tensor) -> Tensor:
    """-x log(x), elementwise: 0 at 0, -inf below. Integers give floats."""
    result = _ops.neg(xlogy(input, where(_ops.lt(input, 0), 1, input)))
    return where(_ops.lt(input, 0), float("-inf"), result)


def _pair(name: str, input: Any, other: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors, of which one may be a number."""
    if isinstance(input, Tensor):
        if isinstance(other, Tensor):
            return input, other
        return input, _C.full((), other, _C.result_type(input, other), input.device)
    if not isinstance(other, Tensor):
        raise TypeError(f"[{name}] needs a tensor; got two numbers; use weft.tensor")
    return _C.full((), input, _C.result_type(input, other), other.device), other


@public
def xlog1py(input: Operand, other: Operand) -> Tensor:
    """input · log1p(other), 0 where the input is 0 and other is not NaN; one may be a number. Integers give floats."""
    x, y = _pair("xlog1py", input, other)
    outside = _ops.le(y, -1)
    if y.dtype.is_floating_point:
        outside = _ops.logical_or(outside, _ops.isinf(y))
    return _ops.mul(x, _ops.log1p(where(_ops.logical_and(_ops.eq(x, 0), outside), 0, y)))


@public
def zeta(input: Operand, other: Operand) -> Tensor:
    """The Hurwitz zeta function, the sum of (other + k)^-input over k >= 0, for input > 1; one may be a number. NaN for other < 0."""
    return _ops.zeta(*_pair("zeta", input, other))
