"""Orthogonal polynomials, by their recurrences of three terms (Abramowitz and Stegun, Handbook of Mathematical Functions, 22.7)."""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._public import Any, Operand, public
from .arguments import number_or_tensor
from .control import scan

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "hermite_polynomial_h",
    "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
]  # fmt: skip

_UNROLLED = 16  # degrees beyond are computed in a loop of the graph


def _evaluated(op: str, input: Any, n: Any, first: Any, following: Any, shifted: bool = False) -> Tensor:
    """The polynomial of degree n: 1 of degree 0, ``first(x)`` of degree 1, then ``following(k, p, q, x)`` of the two before, p and q.

    In float64. n: a number or a tensor, which broadcasts; of negative degrees 0."""
    input, n = number_or_tensor(input), number_or_tensor(n)
    if not isinstance(input, Tensor) and not isinstance(n, Tensor):
        raise TypeError(f"[{op}] needs a tensor; got two numbers; use weft.tensor")
    if not isinstance(n, Tensor) and not abs(n) < 2**31:
        raise ValueError(f"[{op}] n must be a degree; got {n}; pass a number below 2^31")
    dtype = _C.result_type(input, n)
    if dtype.is_complex:
        raise NotImplementedError(f"[{op}] takes no complex numbers; got {dtype}; use .real")
    dtype = dtype if dtype.is_floating_point else _C.default_dtype()
    device = (input if isinstance(input, Tensor) else n).device
    x = input.to(_C.float64) if isinstance(input, Tensor) else _C.full((), input, _C.float64, device)
    if isinstance(n, Tensor):
        degrees = n.detach().to(_C.int64)
        x, degrees = _C.broadcast_tensors(x, degrees)
        most = int(degrees.max().item()) if degrees.numel() else 0
    else:
        degrees, most = None, int(n)
    if shifted:
        x = _ops.sub(_ops.mul(x, 2.0), 1.0)
    q, p = _factories.ones_like(x), first(x)
    if degrees is None:
        for k in range(2, min(most, _UNROLLED) + 1):
            p, q = following(float(k), p, q, x), p
        if most > _UNROLLED:
            (p, q), _ = scan(lambda pq, k: ((following(k, *pq, x), pq[0]), None), (p, q), _degrees(most, device))
        result = p if most > 0 else q if most == 0 else _factories.zeros_like(x)
    else:
        result = _ops.where(_ops.lt(degrees, 0), 0.0, _ops.where(_ops.eq(degrees, 0), q, p))
        for k in range(2, min(most, _UNROLLED) + 1):
            p, q = following(float(k), p, q, x), p
            result = _ops.where(_ops.eq(degrees, k), p, result)
        if most > _UNROLLED:
            wanted = degrees.to(_C.float64)

            def step(carry: Any, k: Tensor) -> Any:
                p, q, result = carry
                p, q = following(k, p, q, x), p
                return (p, q, _ops.where(_ops.eq(wanted, k), p, result)), None

            (_, _, result), _ = scan(step, (p, q, result), _degrees(most, device))
    return result.to(dtype)


def _degrees(most: int, device: Any) -> Tensor:
    return _factories.arange(_UNROLLED + 1, most + 1, dtype=_C.float64, device=device)


def _chebyshev(k: Any, p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return _ops.sub(_ops.mul(_ops.mul(x, 2.0), p), q)


def _hermite_h(k: Any, p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return _ops.mul(_ops.sub(_ops.mul(x, p), _ops.mul(q, k - 1)), 2.0)


def _hermite_he(k: Any, p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return _ops.sub(_ops.mul(x, p), _ops.mul(q, k - 1))


def _laguerre(k: Any, p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return _ops.div(_ops.sub(_ops.mul(_ops.sub(2 * k - 1, x), p), _ops.mul(q, k - 1)), k)


def _legendre(k: Any, p: Tensor, q: Tensor, x: Tensor) -> Tensor:
    return _ops.div(_ops.sub(_ops.mul(_ops.mul(x, 2 * k - 1), p), _ops.mul(q, k - 1)), k)


def _double(x: Tensor, more: float = 0.0) -> Tensor:
    return _ops.add(_ops.mul(x, 2.0), more)


@public
def chebyshev_polynomial_t(x: Operand, n: Operand) -> Tensor:
    """Chebyshev's polynomial of the first kind of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("chebyshev_polynomial_t", x, n, lambda x: x, _chebyshev)


@public
def chebyshev_polynomial_u(x: Operand, n: Operand) -> Tensor:
    """Chebyshev's polynomial of the second kind of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("chebyshev_polynomial_u", x, n, _double, _chebyshev)


@public
def chebyshev_polynomial_v(x: Operand, n: Operand) -> Tensor:
    """Chebyshev's polynomial of the third kind of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("chebyshev_polynomial_v", x, n, lambda x: _double(x, -1.0), _chebyshev)


@public
def chebyshev_polynomial_w(x: Operand, n: Operand) -> Tensor:
    """Chebyshev's polynomial of the fourth kind of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("chebyshev_polynomial_w", x, n, lambda x: _double(x, 1.0), _chebyshev)


@public
def shifted_chebyshev_polynomial_t(x: Operand, n: Operand) -> Tensor:
    """``chebyshev_polynomial_t`` of 2 x - 1."""
    return _evaluated("shifted_chebyshev_polynomial_t", x, n, lambda x: x, _chebyshev, True)


@public
def shifted_chebyshev_polynomial_u(x: Operand, n: Operand) -> Tensor:
    """``chebyshev_polynomial_u`` of 2 x - 1."""
    return _evaluated("shifted_chebyshev_polynomial_u", x, n, _double, _chebyshev, True)


@public
def shifted_chebyshev_polynomial_v(x: Operand, n: Operand) -> Tensor:
    """``chebyshev_polynomial_v`` of 2 x - 1."""
    return _evaluated("shifted_chebyshev_polynomial_v", x, n, lambda x: _double(x, -1.0), _chebyshev, True)


@public
def shifted_chebyshev_polynomial_w(x: Operand, n: Operand) -> Tensor:
    """``chebyshev_polynomial_w`` of 2 x - 1."""
    return _evaluated("shifted_chebyshev_polynomial_w", x, n, lambda x: _double(x, 1.0), _chebyshev, True)


@public
def hermite_polynomial_h(x: Operand, n: Operand) -> Tensor:
    """The physicist's Hermite polynomial of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("hermite_polynomial_h", x, n, _double, _hermite_h)


@public
def hermite_polynomial_he(x: Operand, n: Operand) -> Tensor:
    """The probabilist's Hermite polynomial of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("hermite_polynomial_he", x, n, lambda x: x, _hermite_he)


@public
def laguerre_polynomial_l(x: Operand, n: Operand) -> Tensor:
    """Laguerre's polynomial of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("laguerre_polynomial_l", x, n, lambda x: _ops.sub(1.0, x), _laguerre)


@public
def legendre_polynomial_p(x: Operand, n: Operand) -> Tensor:
    """Legendre's polynomial of degree ``n``, elementwise, 0 of negative degrees; one may be a number."""
    return _evaluated("legendre_polynomial_p", x, n, lambda x: x, _legendre)
