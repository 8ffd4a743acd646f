"""The regularised incomplete gamma functions.

For a up to 32 the power series below max(a + 1, 3/2) and the continued fraction above (Abramowitz and Stegun, Handbook of Mathematical
Functions, 6.5.29 and 6.5.31); of small a the upper function by the series of the lower one without its first term, as 1 minus that would
lose it (Gautschi, ACM TOMS 5, 1979). For a above 32 the integral of the density from x outwards, by Gauss and Legendre's rule to where
it is below 2^-53 of its greatest. Loops have a fixed number of steps, so that an element's bits do not depend on the others.
"""

from __future__ import annotations

from .. import _C, _factories, _ops
from .._C import Tensor
from .._dtypes import INF
from .._public import Any, in_place, public
from . import special_tables as tables
from .bessel import NAN, polynomial
from .control import scan

__all__ = ["igamma", "igammac"]
METHODS = [*__all__, "igamma_", "igammac_"]

_STEPS = 64
_LARGE = 32.0


def _where_both(chosen: Tensor, a: Tensor, x: Tensor, other_a: float, other_x: float) -> tuple[Tensor, Tensor]:
    return _ops.where(chosen, a, other_a), _ops.where(chosen, x, other_x)


def _of_small(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(lower, upper) for 0 < a <= 32, x finite."""
    near = _ops.le(x, _ops.clamp_min(_ops.add(a, 1.0), 1.5))
    close = _ops.where(near, x, 0.0)
    far = _ops.where(near, _ops.add(a, 2.0), x)
    tiny = _ops.logical_and(_ops.le(a, 0.5), _ops.le(x, 1.5))
    part = _ops.where(tiny, x, 0.0)

    def step(carry: Any, k: Any) -> Any:
        up, down = k
        term, total, fraction, power, rest = carry
        term = _ops.mul(term, _ops.div(close, _ops.add(a, up)))
        begin = _ops.sub(_ops.add(far, _ops.sub(_ops.mul(down, 2.0), 1.0)), a)
        fraction = _ops.sub(begin, _ops.div(_ops.mul(down, _ops.sub(down, a)), fraction))
        power = _ops.mul(power, _ops.div(_ops.neg(part), up))
        rest = _ops.add(rest, _ops.div(power, _ops.add(a, up)))
        return (term, _ops.add(total, term), fraction, power, rest), None

    count = _factories.arange(1, _STEPS + 1, dtype=_C.float64, device=a.device)
    one = _factories.ones_like(a)
    begin = _ops.sub(_ops.add(far, 2.0 * _STEPS + 1.0), a)
    (_, total, fraction, _, rest), _ = scan(
        step, (one, one, begin, one, _factories.zeros_like(a)), (count, _ops.sub(_STEPS + 1.0, count))
    )
    log_gamma = _ops.lgamma(_ops.add(a, 1.0))  # of a + 1, without the rounding error of that where a is small
    low = _ops.where(tiny, a, 0.25)
    log_gamma = _ops.where(
        tiny, _ops.mul(polynomial(_ops.sub(_ops.mul(low, 4.0), 1.0), tables.LOG_GAMMA), low), log_gamma
    )
    positive = _ops.where(_ops.gt(x, 0), x, 1.0)
    logarithm = _ops.sub(_ops.mul(a, _ops.log(positive)), log_gamma)
    density = _ops.exp(_ops.sub(logarithm, x))  # x^a exp(-x) / gamma(a + 1)
    lower = _ops.mul(density, total)
    upper = _ops.div(_ops.mul(density, a), fraction)
    without = _ops.mul(_ops.mul(_ops.exp(logarithm), a), rest)
    without = _ops.neg(_ops.add(_ops.expm1(logarithm), without))
    upper = _ops.where(near, _ops.where(tiny, without, _ops.sub(1.0, lower)), upper)
    lower = _ops.where(near, lower, _ops.sub(1.0, upper))
    none = _ops.eq(x, 0)
    return _ops.where(none, 0.0, lower), _ops.where(none, 1.0, upper)


def _log1p_less(w: Tensor) -> Tensor:
    """log(1 + w) - w, by the series of atanh where it cancels."""
    small = _ops.logical_and(_ops.gt(w, -0.3), _ops.lt(w, 0.45))
    near = _ops.where(small, w, 0.0)
    s = _ops.div(near, _ops.add(near, 2.0))
    square = _ops.square(s)
    series = polynomial(square, [2.0 / k for k in range(3, 27, 2)])
    series = _ops.mul(s, _ops.sub(_ops.mul(square, series), near))
    return _ops.where(small, series, _ops.sub(_ops.log1p(w), w))


def _of_large(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(lower, upper) for 32 < a, x finite and positive."""
    right = _ops.ge(x, a)
    apart = _ops.sub(x, a)
    slope = _ops.clamp_min(
        _ops.where(right, _ops.div(_ops.add(apart, 1.0), x), _ops.neg(_ops.div(_ops.add(apart, 1.0), x))), 0.0
    )
    curvature = _ops.div(_ops.div(_ops.sub(a, 1.0), x), x)
    drop = _ops.where(right, 90.0, 50.0)
    length = _ops.add(slope, _ops.sqrt(_ops.add(_ops.square(slope), _ops.mul(_ops.mul(drop, curvature), 2.0))))
    length = _ops.div(_ops.mul(drop, 2.0), length)
    length = _ops.where(right, length, _ops.neg(_ops.minimum(length, x)))

    def step(total: Tensor, node: Any) -> Any:
        place, weight = node
        moved = _ops.mul(length, place)
        height = _ops.exp(_ops.mul(a, _log1p_less(_ops.div(_ops.add(apart, moved), a))))
        return _ops.add(total, _ops.mul(weight, _ops.div(height, _ops.add(x, moved)))), None

    nodes = [_factories.tensor(v, dtype=_C.float64, device=a.device) for v in (tables.NODES, tables.WEIGHTS)]
    total, _ = scan(step, _factories.zeros_like(a), tuple(nodes))
    inverse = _ops.reciprocal(a)
    stirling = polynomial(_ops.square(inverse), [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188])
    scale = _ops.mul(_ops.sqrt(a), _ops.exp(_ops.neg(_ops.mul(stirling, inverse))))
    tail = _ops.mul(_ops.mul(_ops.mul(total, _ops.abs(length)), scale), 0.39894228040143267794)
    rest = _ops.sub(1.0, tail)
    return _ops.where(right, rest, tail), _ops.where(right, tail, rest)


def _both(a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    a, x = _C.broadcast_tensors(a, x)
    finite = _ops.logical_and(_ops.isfinite(a), _ops.isfinite(x))
    ordinary = _ops.logical_and(finite, _ops.logical_and(_ops.gt(a, 0), _ops.ge(x, 0)))
    large = _ops.logical_and(_ops.gt(a, _LARGE), _ops.logical_and(ordinary, _ops.gt(x, 0)))
    small = _ops.logical_and(_ops.le(a, _LARGE), ordinary)
    lower, upper = _of_small(*_where_both(small, a, x, 1.0, 1.0))
    low, high = _of_large(*_where_both(large, a, x, 64.0, 64.0))
    found = _ops.where(large, low, lower), _ops.where(large, high, upper)
    nothing = _ops.logical_and(_ops.eq(x, 0), _ops.gt(a, 0))
    nothing = _ops.logical_or(nothing, _ops.logical_and(_ops.eq(a, INF), _ops.lt(x, INF)))
    everything = _ops.logical_and(_ops.eq(a, 0), _ops.gt(x, 0))
    everything = _ops.logical_or(everything, _ops.logical_and(_ops.eq(x, INF), _ops.lt(a, INF)))
    wrong = _ops.logical_or(_ops.lt(a, 0), _ops.lt(x, 0))
    wrong = _ops.logical_or(wrong, _ops.logical_or(_ops.isnan(a), _ops.isnan(x)))
    wrong = _ops.logical_or(wrong, _ops.logical_and(_ops.eq(a, x), _ops.logical_or(_ops.eq(a, 0), _ops.eq(a, INF))))
    results = []
    for result, least, most in ((found[0], 0.0, 1.0), (found[1], 1.0, 0.0)):
        result = _ops.where(nothing, least, _ops.where(everything, most, result))
        results.append(_ops.where(wrong, NAN, result))
    return results[0], results[1]


def _derived() -> Any:
    """The autograd.Function, made when it is first used: weft.autograd imports these modules."""
    global _function
    if _function is not None:
        return _function
    from ..autograd import Function

    class IncompleteGamma(Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(a: Tensor, x: Tensor, upper: bool) -> Tensor:
            return _both(a, x)[1 if upper else 0]

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs[:2])
            ctx.save_for_forward(*inputs[:2])
            ctx.upper = inputs[2]

        @staticmethod
        def backward(ctx: Any, cotangent: Tensor) -> Any:
            a, x = ctx.saved_tensors
            if ctx.needs_input_grad[0]:
                raise NotImplementedError(_no_derivative(ctx.upper))
            a, x = _C.broadcast_tensors(a, x)
            slope = _ops.mul(cotangent, _slope(a, x))
            slope = _ops.neg(slope) if ctx.upper else slope
            return None, slope.sum_to_size(ctx.saved_tensors[1].shape), None

        @staticmethod
        def jvp(ctx: Any, of_a: Any, of_x: Any, _: Any) -> Any:
            if of_a is not None:
                raise NotImplementedError(_no_derivative(ctx.upper))
            slope = _ops.mul(of_x, _slope(*ctx.saved_tensors))
            return _ops.neg(slope) if ctx.upper else slope

    _function = IncompleteGamma
    return _function


_function: Any = None


def _no_derivative(upper: bool) -> str:
    name = "igammac" if upper else "igamma"
    return f"[{name}] there is no derivative by the first operand; detach it"


def _slope(a: Tensor, x: Tensor) -> Tensor:
    """x^(a - 1) exp(-x) / gamma(a)."""
    from .arithmetic import xlogy

    return _ops.exp(_ops.sub(_ops.sub(xlogy(_ops.sub(a, 1.0), x), x), _ops.lgamma(a)))


def _result(op: str, input: Tensor, other: Tensor, upper: bool) -> Tensor:
    dtype = _C.result_type(input, other)
    if not dtype.is_floating_point:
        raise NotImplementedError(
            f"[{op}] needs a floating-point dtype; got {input.dtype} and {other.dtype}; use .float()"
        )
    return _derived().apply(input.to(_C.float64), other.to(_C.float64), upper).to(dtype)


@public
def igamma(input: Tensor, other: Tensor) -> Tensor:
    """The regularised lower incomplete gamma function of a (``input``) and x (``other``), elementwise; floating-point. Both not negative, else NaN.

    The gradient for x is the density; that for a is a NotImplementedError."""
    return _result("igamma", input, other, False)


@public
def igammac(input: Tensor, other: Tensor) -> Tensor:
    """1 - ``igamma``, exact where that is near 1."""
    return _result("igammac", input, other, True)


igamma_, igammac_ = in_place(igamma), in_place(igammac)
