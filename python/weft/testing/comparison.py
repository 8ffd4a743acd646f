"""assert_close: tensors, numbers and containers of them, up to tolerances."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import weft
from weft import Tensor

# Relative and absolute tolerance by dtype; of others both are 0.
_TOLERANCES = {
    weft.float16: (1e-3, 1e-5),
    weft.bfloat16: (1.6e-2, 1e-5),
    weft.float32: (1.3e-6, 1e-5),
    weft.float64: (1e-7, 1e-7),
    weft.complex64: (1.3e-6, 1e-5),
    weft.complex128: (1e-7, 1e-7),
}


class _Options:
    def __init__(self, **options: Any) -> None:
        vars(self).update(options)
        if (self.rtol is None) != (self.atol is None):  # type: ignore[attr-defined]
            given = "rtol" if self.atol is None else "atol"  # type: ignore[attr-defined]
            raise ValueError(f"[assert_close] rtol and atol are given both or neither; got {given} alone")

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        if self.rtol is not None:  # type: ignore[attr-defined]
            return self.rtol, self.atol  # type: ignore[attr-defined]
        known = [_TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes]
        return max(r for r, _ in known), max(a for _, a in known)

    def fail(self, message: str, place: list[Any]) -> None:
        if place:
            message += f"; at item {''.join(f'[{key!r}]' for key in place)}"
        message = f"[assert_close] {message}"
        mine = self.msg  # type: ignore[attr-defined]
        raise AssertionError(message if mine is None else mine(message) if callable(mine) else mine)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Nothing where |actual - expected| <= atol + rtol · |expected| for all numbers, else an AssertionError that says which differ most.

    Both are tensors, NumPy arrays, numbers or None, or sequences and dicts of them. The tolerances are by default those of the dtypes
    (float32: 1.3e-6 and 1e-5; integers are equal). ``msg``: another message, or a function of this one. ValueError for one tolerance
    without the other, TypeError for what cannot be compared. There is one layout.
    """
    options = _Options(
        allow_subclasses=allow_subclasses, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=check_device,
        check_dtype=check_dtype, check_stride=check_stride, msg=msg,
    )  # fmt: skip
    _compare(actual, expected, options, [])


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """``assert_close`` of what becomes tensors, whatever their dtypes and devices."""
    a, b = weft.as_tensor(actual), weft.as_tensor(expected)
    assert_close(
        a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=False, check_dtype=False, msg=msg or None
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not hasattr(value, "__array_interface__")


def _compare(actual: Any, expected: Any, options: Any, place: list[Any]) -> None:
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        if options.allow_subclasses or type(actual) is type(expected):
            return _compare_tensors(actual, expected, options, place)
    elif _is_array(actual) and _is_array(expected):
        return _compare_tensors(weft.tensor(actual), weft.tensor(expected), options, place)
    elif _is_number(actual) and _is_number(expected):
        return _compare_numbers(actual, expected, options, place)
    elif actual is None or expected is None:
        if actual is not expected:
            options.fail(f"got {actual!r} for {expected!r}", place)
        return None
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            missing, more = expected.keys() - actual.keys(), actual.keys() - expected.keys()
            options.fail(
                f"the keys differ: missing {sorted(missing, key=repr)}, too many {sorted(more, key=repr)}", place
            )
        for key in expected:
            _compare(actual[key], expected[key], options, [*place, key])
        return None
    elif _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            options.fail(f"the lengths differ: {len(actual)} and {len(expected)}", place)
        for i, (a, b) in enumerate(zip(actual, expected)):
            _compare(a, b, options, [*place, i])
        return None
    raise TypeError(
        f"[assert_close] cannot compare {type(actual).__name__} and {type(expected).__name__}; pass tensors, numbers or containers of "
        "them, both of one kind"
    )


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array_interface__") and not isinstance(value, Tensor)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _compare_numbers(actual: Any, expected: Any, options: Any, place: list[Any]) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        options.fail(f"the types differ: {type(actual).__name__} and {type(expected).__name__}", place)
    both_nan = actual != actual and expected != expected
    if actual == expected or (both_nan and options.equal_nan):
        return
    dtypes = [weft.float64 if isinstance(v, (float, complex)) else weft.int64 for v in (actual, expected)]
    rtol, atol = options.tolerances(*dtypes)
    difference = abs(actual - expected)
    if not difference <= atol + rtol * abs(expected) or abs(expected) == float("inf"):
        options.fail(
            f"got {actual} for {expected}, a difference of {difference}, where {atol} + {rtol} times that is allowed",
            place,
        )


def _compare_tensors(actual: Tensor, expected: Tensor, options: Any, place: list[Any]) -> None:
    checks = [("shape", True), ("device", options.check_device), ("dtype", options.check_dtype)]
    for name, wanted in checks:
        mine, theirs = getattr(actual, name), getattr(expected, name)
        if wanted and mine != theirs:
            options.fail(f"the {name}s differ: {mine} and {theirs}", place)
    if options.check_stride and actual.stride() != expected.stride():
        options.fail(f"the strides differ: {actual.stride()} and {expected.stride()}", place)
    a, b = actual.detach().cpu(), expected.detach().cpu()
    rtol, atol = options.tolerances(a.dtype, b.dtype)
    close = a == b
    if options.equal_nan:
        close = close | (a != a) & (b != b)
    wide = weft.complex128 if a.dtype.is_complex or b.dtype.is_complex else weft.float64
    if a.dtype.is_floating_point or b.dtype.is_floating_point or rtol or atol:
        a, b = a.to(wide), b.to(wide)
        close = close | ((a - b).abs() <= atol + rtol * b.abs()) & b.isfinite()
    if close.all():
        return
    a, b = a.to(wide), b.to(wide)
    difference = weft.where(close, 0.0, (a - b).abs())
    relative = weft.where(close, 0.0, difference / b.abs())
    count = close.numel()
    wrong = count - int(close.sum().item())
    options.fail(
        f"{wrong} of {count} elements differ ({100 * wrong / count:.1f} %): {_greatest('absolute', difference, atol)}, "
        f"{_greatest('relative', relative, rtol)}",
        place,
    )


def _greatest(kind: str, difference: Tensor, allowed: float) -> str:
    flat = weft.where(difference.isnan(), float("inf"), difference).flatten()
    position = int(flat.argmax().item())
    index = []
    for size in reversed(difference.shape):
        position, i = divmod(position, size)
        index.append(i)
    at = tuple(reversed(index))
    return f"the greatest {kind} difference is {difference[at].item():.6g} at {list(at)} ({allowed:g} allowed)"
