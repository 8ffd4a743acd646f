"""Pooling: windows over the last dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from .. import _C, _ops
from .._C import Tensor
from .._public import Any, Number, public
from .arguments import ints
from .convolution import per_axis

__all__ = []
METHODS = ()


def _check_rank(op, axes, input):
    if input.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            f"[{op}] the input must have {axes + 2} dimensions, or {axes + 1} without a batch; got shape {list(input.shape)}; "
            "pass [N, C, *sizes] or [C, *sizes]"
        )
    if any(n == 0 for n in input.shape[-axes - 1 :]):
        raise RuntimeError(f"[{op}] channels and sizes must not be 0; got shape {list(input.shape)}")


def _windows(op, axes, input, kernel_size, stride, padding, dilation, ceil_mode):
    """Kernel, stride, padding before and after (as far as windows reach), and dilation, of each dimension."""
    _check_rank(op, axes, input)
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    stride = (
        kernel
        if stride is None or (isinstance(stride, (list, tuple)) and not stride)
        else per_axis(op, "stride", stride, axes, 1)
    )
    low, dilation = per_axis(op, "padding", padding, axes, 0), per_axis(op, "dilation", dilation, axes, 1)
    high = []
    for n, k, s, p, d in zip(input.shape[-axes:], kernel, stride, low, dilation):
        span = d * (k - 1) + 1
        if 2 * p > span:
            raise RuntimeError(
                f"[{op}] padding should be at most half of the kernel's size; got padding={padding!r} with "
                f"kernel_size={kernel_size!r} and dilation={dilation}"
            )
        count = (n + 2 * p - span + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1  # a window must begin in the input or in the padding before it
        if count < 1:
            raise RuntimeError(
                f"[{op}] windows of {kernel} are larger than the padded input; got shape {list(input.shape)} and padding "
                f"{padding!r}; pad more, or take smaller windows"
            )
        high.append(max((count - 1) * s + span - n - p, 0))
    return kernel, list(stride), low, high, dilation


def _max(op, axes, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    windows = _windows(op, axes, input, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return _ops.max_pool(input, *windows)
    return _ops.max_pool(input, *windows), _ops.max_pool_index(input, *windows)


@public
def max_pool1d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    dilation: Sequence[int] | int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The greatest elements of windows over the last dimension; with ``return_indices`` also where they are."""
    return _max("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public
def max_pool2d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    dilation: Sequence[int] | int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The greatest elements of windows over the last two dimensions; with ``return_indices`` also where they are in these."""
    return _max("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public
def max_pool3d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    dilation: Sequence[int] | int = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The greatest elements of windows over the last three dimensions; with ``return_indices`` also where they are in these."""
    return _max("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _average(op, axes, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    if divisor == 0:
        raise RuntimeError(f"[{op}] divisor_override must not be 0")
    kernel, stride, low, high, dilation = _windows(op, axes, input, kernel_size, stride, padding, 1, ceil_mode)
    return _ops.avg_pool(input, kernel, stride, low, high, dilation, count_include_pad, divisor or 0)


@public
def avg_pool1d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The averages of windows over the last dimension."""
    return _average("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@public
def avg_pool2d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The averages of windows over the last two dimensions; ``divisor_override`` stands for the number of elements."""
    return _average(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@public
def avg_pool3d(
    input: Tensor,
    kernel_size: Sequence[int] | int,
    stride: Sequence[int] | int | None = None,
    padding: Sequence[int] | int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The averages of windows over the last three dimensions; ``divisor_override`` stands for the number of elements."""
    return _average(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


_MANY = 1 << 20


def _adaptive_sizes(op, axes, input, output_size):
    _check_rank(op, axes, input)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"[{op}] needs a floating-point dtype; got {input.dtype}; use .float()")
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(wanted) != axes:
        raise RuntimeError(f"[{op}] output_size must have {axes} elements; got {output_size!r}")
    if any(size is not None and not isinstance(size, int) for size in wanted):
        raise TypeError(f"[{op}] output_size must be an int or None for each dimension; got {output_size!r}; pass ints")
    sizes = [own if size is None else size for own, size in zip(input.shape[-axes:], wanted)]
    if min(sizes) < 0:
        raise RuntimeError(f"[{op}] output_size must not be negative; got {output_size!r}")
    if _product(sizes) > _MANY:  # what does not fit fails before its windows are made
        _C.empty((*input.shape[:-axes], *sizes), input.dtype, input.device)
    return sizes


def _nothing(input, sizes):
    """No windows, as a result that depends on the input."""
    return input.flatten(-len(sizes))[..., :0].reshape(*input.shape[: -len(sizes)], *sizes)


def _parts(size, count):
    """(first, end) of each of so many windows."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _equal_windows(input, sizes):
    """Kernel sizes, where the windows are equal and side by side."""
    given = input.shape[-len(sizes) :]
    return None if any(n % m for n, m in zip(given, sizes)) else [n // m for n, m in zip(given, sizes)]


def _adaptive_average(op, axes, input, output_size):
    sizes = _adaptive_sizes(op, axes, input, output_size)
    if 0 in sizes:
        return _nothing(input, sizes)
    if all(size == 1 for size in sizes):
        return input.mean(tuple(range(-axes, 0)), True)
    kernel = _equal_windows(input, sizes)
    if kernel:
        none = [0] * axes
        return _ops.avg_pool(input, kernel, kernel, none, none, [1] * axes, True, 0)
    for axis, size in zip(range(-axes, 0), sizes):
        if input.shape[axis] == size:
            continue
        parts = [input.narrow(axis, a, b - a).mean(axis, True) for a, b in _parts(input.shape[axis], size)]
        input = _ops.concatenate(parts, input.ndim + axis)
    return input


def _adaptive_max(op, axes, input, output_size, return_indices):
    sizes = _adaptive_sizes(op, axes, input, output_size)
    if 0 in sizes:
        result = _nothing(input, sizes)
        return (result, result.detach().to(_C.int64)) if return_indices else result
    kernel = _equal_windows(input, sizes)
    if kernel:
        return _max(op, axes, input, kernel, kernel, 0, 1, False, return_indices)
    result = input
    for axis, size in zip(range(-axes, 0), sizes):
        parts = [result.narrow(axis, a, b - a).amax(axis, True) for a, b in _parts(result.shape[axis], size)]
        result = _ops.concatenate(parts, result.ndim + axis)
    if not return_indices:
        return result
    # Where the first element of each window is that equals its greatest.
    given = input.shape[-axes:]
    places = [_parts(n, m) for n, m in zip(given, sizes)]
    index = []
    for i in range(_product(sizes)):
        window, start = input, []
        for axis in reversed(range(axes)):
            first, end = places[axis][i % sizes[axis]]
            i //= sizes[axis]
            window = window.narrow(axis - axes, first, end - first)
            start.insert(0, first)
        flat = window.reshape(*window.shape[:-axes], -1).argmax(-1, True)
        at, scale = None, 1
        for axis in reversed(range(axes)):
            along = (flat % window.shape[axis - axes] + start[axis]) * scale
            at = along if at is None else at + along
            flat, scale = flat // window.shape[axis - axes], scale * given[axis]
        index.append(at)
    return result, _ops.concatenate(index, input.ndim - axes).reshape(result.shape)


def _product(sizes):
    product = 1
    for size in sizes:
        product *= size
    return product


@public
def adaptive_avg_pool1d(input: Tensor, output_size: Sequence[int] | int) -> Tensor:
    """The averages of ``output_size`` windows that cover the last dimension."""
    return _adaptive_average("adaptive_avg_pool1d", 1, input, output_size)


@public
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The averages of ``output_size`` windows that cover the last two dimensions; None keeps a size."""
    return _adaptive_average("adaptive_avg_pool2d", 2, input, output_size)


@public
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The averages of ``output_size`` windows that cover the last three dimensions; None keeps a size."""
    return _adaptive_average("adaptive_avg_pool3d", 3, input, output_size)


@public
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest elements of ``output_size`` windows that cover the last dimension."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@public
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest elements of ``output_size`` windows that cover the last two dimensions; None keeps a size."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


@public
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The greatest elements of ``output_size`` windows that cover the last three dimensions; None keeps a size."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _unpool(op, axes, input, indices, kernel_size, stride, padding, output_size):
    _check_rank(op, axes, input)
    if indices.dtype is not _C.int64 or indices.shape != input.shape:
        raise RuntimeError(
            f"[{op}] indices must be int64 of the input's shape; got {indices.dtype} {list(indices.shape)} for "
            f"{list(input.shape)}; pass what max_pool with return_indices gave"
        )
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    stride = kernel if stride is None else per_axis(op, "stride", stride, axes, 1)
    padding = per_axis(op, "padding", padding, axes, 0)
    least = [(n - 1) * s - 2 * p + k for n, s, p, k in zip(input.shape[-axes:], stride, padding, kernel)]
    given = least if output_size is None else ints(op, "output_size", output_size)
    sizes = given[-axes:]
    if min(least) < 0:
        raise ValueError(
            f"[{op}] the result would have the sizes {least}; got shape {list(input.shape)} and padding {padding}"
        )
    if len(given) not in (axes, axes + 2) or any(
        not low - s < size < low + s for size, low, s in zip(sizes, least, stride)
    ):
        raise ValueError(f"[{op}] output_size must be near {least}; got {output_size!r}")
    lead, count = input.shape[:-axes], _product(sizes)
    flat, at = input.reshape(_product(lead), -1), indices.reshape(_product(lead), -1)
    try:
        result = _ops.scatter_add(_C.full([flat.shape[0], count], 0.0, input.dtype, input.device), at, flat, 1)
    except IndexError:
        raise RuntimeError(
            f"[{op}] indices must be those of elements of the result, whose sizes are {sizes}; got one outside; pass what max_pool with "
            "return_indices gave, and the output_size that it had as input"
        ) from None
    return result.reshape(*lead, *sizes)


@public
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The input's elements where max_pool1d found them, zeros elsewhere."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@public
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The input's elements where max_pool2d found them, zeros elsewhere."""
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@public
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The input's elements where max_pool3d found them, zeros elsewhere."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _lp(op, axes, input, norm_type, kernel_size, stride, ceil_mode):
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    if norm_type == 0:
        raise ZeroDivisionError(f"[{op}] norm_type must not be 0")
    if norm_type == float("inf"):
        return _max(op, axes, input, kernel, stride, 0, 1, ceil_mode, False)
    powers = input**norm_type
    total = _average(op, axes, powers, kernel, stride, 0, ceil_mode, True, None)
    return (total * _product(kernel)) ** (1.0 / norm_type)


@public
def lp_pool1d(
    input: Tensor, norm_type: Number, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The norms of windows over the last dimension."""
    return _lp("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@public
def lp_pool2d(
    input: Tensor, norm_type: Number, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The norms of windows over the last two dimensions."""
    return _lp("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@public
def lp_pool3d(
    input: Tensor, norm_type: Number, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The norms of windows over the last three dimensions."""
    return _lp("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


FUNCTIONS = [f"{kind}_pool{axes}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for axes in (1, 2, 3)] + [
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
]
