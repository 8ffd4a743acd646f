"""Elementwise functions made of others, and other names of some."""

from __future__ import annotations

from .. import _C, _dtypes, _ops
from .._C import Tensor
from .._public import Any, Number, Operand, public
from . import elementwise, reductions
from .arguments import number_or_tensor

__all__ = [
    "clip", "nan_to_num", "isin", "lerp", "addcmul", "addcdiv", "logaddexp", "xlogy", "hypot", "greater", "greater_equal",
    "less", "less_equal", "not_equal", "multiply", "subtract", "divide", "true_divide", "negative", "absolute",
]  # fmt: skip
METHODS = [*(name for name in __all__ if name != "isin"), "clip_"]

greater, greater_equal, less, less_equal, not_equal = _ops.gt, _ops.ge, _ops.lt, _ops.le, _ops.ne
multiply, negative, absolute = _ops.mul, _ops.neg, _ops.abs
subtract, divide, true_divide = elementwise.sub, elementwise.div, elementwise.div


@public
def clip(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """``clamp`` by NumPy's name."""
    return elementwise.clamp(input, min, max)


@public
def clip_(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """``clamp_`` by NumPy's name."""
    return elementwise.clamp_(input, min, max)


@public
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Numbers in the place of NaN (0), inf (the dtype's greatest) and -inf (its least); other dtypes stay as they are."""
    if not input.dtype.is_floating_point:
        return input.clone()
    limits = _dtypes.finfo(input.dtype)
    result = elementwise.where(_ops.isnan(input), 0.0 if nan is None else nan, input)
    result = elementwise.where(_ops.eq(input, _dtypes.INF), limits.max if posinf is None else posinf, result)
    return elementwise.where(_ops.eq(input, -_dtypes.INF), limits.min if neginf is None else neginf, result)


@public
def isin(elements: Operand, test_elements: Operand, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Where an element is one of the test elements: bool, of the elements' shape. All are compared with all."""
    if isinstance(elements, Tensor) and isinstance(test_elements, Tensor):
        found = reductions.any(_ops.eq(elements.unsqueeze(-1), test_elements.reshape(-1)), -1)
    elif isinstance(elements, Tensor):
        found = _ops.eq(elements, test_elements)
    elif isinstance(test_elements, Tensor):
        found = reductions.any(_ops.eq(test_elements, elements))
    else:
        raise TypeError("[isin] needs a tensor; got two numbers; pass elements or test_elements as a tensor")
    return _ops.logical_not(found) if invert else found


def _floating(op: str, *tensors: Any) -> None:
    if not any(isinstance(x, Tensor) and x.dtype.is_floating_point for x in tensors):
        raise NotImplementedError(
            f"[{op}] needs a floating-point dtype; got {tensors[0].dtype} of shape {list(tensors[0].shape)}; use .float()"
        )


@public
def lerp(input: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """input + weight · (end - input), from the end where the weight is at least 0.5. Both of one floating-point dtype, else an error."""
    if input.dtype is not end.dtype:
        raise RuntimeError(
            f"[lerp] both must have one dtype; got {input.dtype} and {end.dtype}; convert one by .to(dtype)"
        )
    if not input.dtype.is_complex:
        _floating("lerp", input)
    distance, weight = _ops.sub(end, input), number_or_tensor(weight)
    if not isinstance(weight, Tensor):
        if isinstance(weight, complex):
            raise RuntimeError(f"[lerp] weight must be real beside {input.dtype}; got {weight}; pass a float")
        if weight < 0.5:
            return _ops.add(input, _ops.mul(distance, weight))
        return _ops.sub(end, _ops.mul(distance, 1 - weight))
    from_start = _ops.add(input, _ops.mul(distance, weight))
    from_end = _ops.sub(end, _ops.mul(distance, _ops.sub(1, weight)))
    return _ops.where(_ops.lt(_ops.abs(weight), 0.5), from_start, from_end)


@public
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 · tensor2, elementwise."""
    product = _ops.mul(tensor1, tensor2)
    inexact = any(x.dtype.is_floating_point or x.dtype.is_complex for x in (product, input))
    if isinstance(value, float) and not inexact:
        raise RuntimeError(f"[addcmul] value of integer operands must be an integer; got {value}; use .float()")
    return _ops.add(input, product if value == 1 else _ops.mul(product, value))


@public
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value · tensor1 / tensor2, elementwise; a RuntimeError where both are integers."""
    if not any(x.dtype.is_floating_point or x.dtype.is_complex for x in (tensor1, tensor2)):
        raise RuntimeError(
            f"[addcdiv] quotients of integers are not taken; got {tensor1.dtype} and {tensor2.dtype}; use .float()"
        )
    dividend = tensor1 if value == 1 else _ops.mul(tensor1, value)
    return _ops.add(input, _ops.div(dividend, tensor2))


@public
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """log(exp(input) + exp(other)) without overflow; floating-point dtypes."""
    _floating("logaddexp", input, other)
    both_infinite = _ops.logical_and(_ops.eq(input, other), _ops.isinf(input))
    distance = _ops.abs(elementwise.where(both_infinite, 0.0, _ops.sub(input, other)))
    return _ops.add(_ops.maximum(input, other), _ops.log1p(_ops.exp(_ops.neg(distance))))


@public
def xlogy(input: Operand, other: Operand) -> Tensor:
    """input · log(other), 0 where the input is 0 and other is not NaN; one may be a number. Integers give floats."""
    if isinstance(input, Tensor):
        x, y = (
            input,
            other if isinstance(other, Tensor) else _C.full((), other, _C.result_type(input, other), input.device),
        )
    elif isinstance(other, Tensor):
        x, y = _C.full((), input, _C.result_type(input, other), other.device), other
    else:
        raise TypeError("[xlogy] needs a tensor; got two numbers; use math.log")
    outside = _ops.le(y, 0)
    if y.dtype.is_floating_point:
        outside = _ops.logical_or(outside, _ops.isinf(y))
    # Where the product is 0 · inf the logarithm of 1 is taken, which has a gradient.
    return _ops.mul(x, _ops.log(elementwise.where(_ops.logical_and(_ops.eq(x, 0), outside), 1, y)))


@public
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """sqrt(input² + other²) without overflow; inf where one is. The gradient where both are 0 is 0. Floating-point dtypes, else a NotImplementedError."""
    _floating("hypot", input, other)
    dtype = _C.result_type(input, other)
    wide = _C.float64 if dtype is _C.float64 else _C.float32
    a, b = input.to(wide), other.to(wide)
    largest = _ops.maximum(_ops.abs(a), _ops.abs(b)).detach()
    ordinary = _ops.logical_and(_ops.gt(largest, 0), _ops.isfinite(largest))
    scale = elementwise.where(ordinary, largest, 1.0)
    total = _ops.add(_ops.square(_ops.div(a, scale)), _ops.square(_ops.div(b, scale)))
    none = _ops.eq(largest, 0)  # where there is no derivative
    root = elementwise.where(none, 0.0, _ops.mul(scale, _ops.sqrt(elementwise.where(none, 1.0, total))))
    return elementwise.where(_ops.logical_or(_ops.isinf(a), _ops.isinf(b)), _dtypes.INF, root).to(dtype)
