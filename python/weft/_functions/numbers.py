"""Functions of one or two numbers that are compositions of operations."""

from __future__ import annotations

from .. import _C, _ops
from .._C import Tensor
from .._dtypes import INF
from .._public import Any, Number, Operand, in_place, public
from . import elementwise, specials
from .arguments import number

__all__ = [
    "deg2rad", "rad2deg", "fmax", "fmin", "frac", "float_power", "isneginf", "isposinf", "positive", "rsub", "fill",
    "deg2rad_", "rad2deg_", "frac_", "gcd_", "lcm_", "ldexp_", "logit_", "i0_", "sinc_",
]  # fmt: skip
METHODS = [
    "deg2rad", "rad2deg", "fmax", "fmin", "frac", "float_power", "isneginf", "isposinf", "positive", "deg2rad_", "rad2deg_", "frac_",
    "float_power_",
]  # fmt: skip


@public
def deg2rad(input: Tensor) -> Tensor:
    """Degrees as radians, elementwise; integers give floats, complex numbers a RuntimeError."""
    return _scaled("deg2rad", input, 0.017453292519943295769)


@public
def rad2deg(input: Tensor) -> Tensor:
    """Radians as degrees, elementwise; integers give floats, complex numbers a RuntimeError."""
    return _scaled("rad2deg", input, 57.295779513082320877)


def _scaled(op: str, input: Tensor, factor: float) -> Tensor:
    if input.dtype.is_complex:
        raise RuntimeError(f"[{op}] is not of complex numbers; got {input.dtype}; use .real")
    return _ops.mul(input if input.dtype.is_floating_point else input.to(_C.default_dtype()), factor)


def _extremum(op: str, of: Any, better: Any, input: Tensor, other: Tensor) -> Tensor:
    dtype = _C.result_type(input, other)
    if dtype.is_complex:
        raise NotImplementedError(f"[{op}] is not of complex numbers; got {input.dtype} and {other.dtype}; use .real")
    a, b = input.to(dtype), other.to(dtype)
    if not dtype.is_floating_point:
        return of(a, b)
    return _ops.where(_ops.logical_or(better(a, b), _ops.isnan(b)), a, b)  # a has the gradient where both are equal


@public
def fmax(input: Tensor, other: Tensor) -> Tensor:
    """The greater of both, elementwise, or the other where one is NaN. NotImplementedError for complex numbers."""
    return _extremum("fmax", _ops.maximum, _ops.ge, input, other)


@public
def fmin(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of both, elementwise, or the other where one is NaN. NotImplementedError for complex numbers."""
    return _extremum("fmin", _ops.minimum, _ops.le, input, other)


@public
def frac(input: Tensor) -> Tensor:
    """What is behind the point, with the number's sign, elementwise; floating-point, else a NotImplementedError."""
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[frac] needs a floating-point dtype; got {input.dtype}; use .float()")
    return _ops.sub(input, _ops.trunc(input))


def _wide(op: str, x: Any, complex_too: bool) -> Any:
    if not isinstance(x, Tensor):
        number(op, "a base or exponent", x)
        return complex(x) if complex_too else float(x)
    return x.to(_C.complex128 if complex_too else _C.float64)


@public
def float_power(input: Operand, exponent: Operand) -> Tensor:
    """input^exponent in float64, or complex128 where one is complex; one may be a number."""
    both = (input, exponent)
    if not any(isinstance(x, Tensor) for x in both):
        raise TypeError("[float_power] needs a tensor; got two numbers; use **")
    complex_too = any(x.dtype.is_complex if isinstance(x, Tensor) else isinstance(x, complex) for x in both)
    return _ops.pow(*(_wide("float_power", x, complex_too) for x in both))


@public
def float_power_(input: Tensor, exponent: Operand) -> Tensor:
    """``float_power`` written into this tensor, which must be float64 or complex128: a RuntimeError for others."""
    complex_too = input.dtype.is_complex or (
        exponent.dtype.is_complex if isinstance(exponent, Tensor) else isinstance(exponent, complex)
    )
    wide = _C.complex128 if complex_too else _C.float64
    if input.dtype is not wide:
        raise RuntimeError(f"[float_power_] the result is {wide}; got a tensor of {input.dtype}; use float_power")
    return input.copy_(_ops.pow(input, _wide("float_power_", exponent, complex_too)))


def _infinite(op: str, input: Tensor, which: float) -> Tensor:
    if input.dtype.is_complex:
        raise RuntimeError(f"[{op}] is not of complex numbers; got {input.dtype}; use .real")
    if not input.dtype.is_floating_point:
        return _C.full(input.shape, False, _C.bool, input.device)
    return _ops.eq(input, which)


@public
def isneginf(input: Tensor) -> Tensor:
    """Whether an element is minus infinity, as bool; RuntimeError for complex numbers."""
    return _infinite("isneginf", input, -INF)


@public
def isposinf(input: Tensor) -> Tensor:
    """Whether an element is infinity, as bool; RuntimeError for complex numbers."""
    return _infinite("isposinf", input, INF)


@public
def positive(input: Tensor) -> Tensor:
    """The input itself; RuntimeError for bool."""
    if input.dtype is _C.bool:
        raise RuntimeError("[positive] there is no sign to keep; got a bool tensor; use .int()")
    return input


@public
def rsub(input: Tensor, other: Operand, alpha: Number = 1) -> Tensor:
    """other - alpha · input, elementwise."""
    if isinstance(other, Tensor):
        return elementwise.sub(other, input, alpha=alpha)
    return _ops.add_scaled(_C.full((), other, _C.result_type(input, other), input.device), input, -alpha)


@public
def fill(input: Tensor, value: Operand) -> Tensor:
    """A tensor of the input's shape and dtype that is ``value`` throughout, a number or a 0-d tensor."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"[fill] the value must be a number or 0-d; got shape {list(value.shape)}; use expand_as"
            )
        return value.to(input.dtype).expand(input.shape).clone()
    return _C.full(input.shape, value, input.dtype, input.device)


deg2rad_, rad2deg_, frac_ = in_place(deg2rad), in_place(rad2deg), in_place(frac)
gcd_, lcm_, ldexp_, logit_ = specials.gcd_, specials.lcm_, specials.ldexp_, specials.logit_
i0_, sinc_ = _ops.i0_, _ops.sinc_
