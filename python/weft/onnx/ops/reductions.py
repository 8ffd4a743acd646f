"""Reductions, and running sums and products."""

import weft

from ..table import operator


def axes_of(x, axes, noop_with_empty_axes):
    """The axes to reduce as a tuple, or None for none at all."""
    if axes is None or len(axes) == 0:
        return None if noop_with_empty_axes else tuple(range(x.ndim))
    return tuple(int(a) % x.ndim for a in axes)


def _reduction(name, by_attribute, by_input, function, prepared=None):
    """``by_attribute``: the versions whose axes are an attribute. ``prepared``: what is done to each element, also where no axis is reduced."""

    def reduce(x, axes, keepdims, noop):
        axes = axes_of(x, axes, noop)
        if prepared:
            x = prepared(x)
        if axes is None:
            return x if prepared or name not in _OF_ONE else _OF_ONE[name](x)
        return function(x, axes, bool(keepdims))

    def with_attribute(x, *, axes=None, keepdims=1):
        return reduce(x, axes, keepdims, 0)

    def with_input(x, axes=None, *, keepdims=1, noop_with_empty_axes=0):
        return reduce(x, None if axes is None else axes.reshape(-1).tolist(), keepdims, noop_with_empty_axes)

    operator(name, *by_attribute)(with_attribute)
    operator(name, *by_input, host=("axes",))(with_input)


_OF_ONE = {"ReduceLogSum": weft.log, "ReduceL1": weft.abs, "ReduceL2": weft.abs}


def _sum(x, axes, keepdim):
    return weft.sum(x, axes, keepdim) if x.dtype.is_floating_point else weft.sum(x, axes, keepdim, dtype=x.dtype)


def _prod(x, axes, keepdim):
    for axis in sorted(axes, reverse=True):
        x = weft.prod(x, axis, keepdim, dtype=x.dtype)
    return x


def _mean(x, axes, keepdim):
    if x.dtype.is_floating_point:
        return weft.mean(x, axes, keepdim)
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return weft.div(_sum(x, axes, keepdim), count, rounding_mode="trunc").to(x.dtype)


def _l2(x, axes, keepdim):
    if not x.dtype.is_floating_point:
        return weft.sqrt(_sum(x * x, axes, keepdim).double()).to(x.dtype)
    return weft.sqrt(weft.sum(x * x, axes, keepdim))


def _log_sum(x, axes, keepdim):
    if not x.dtype.is_floating_point:
        return weft.log(_sum(x, axes, keepdim).double()).to(x.dtype)
    return weft.log(weft.sum(x, axes, keepdim))


def _log_sum_exp(x, axes, keepdim):
    if not x.dtype.is_floating_point:
        return weft.logsumexp(x.double(), axes, keepdim).to(x.dtype)
    return weft.logsumexp(x, axes, keepdim)


def _extreme(function, whole, least):
    """Of no elements: the greatest there is, or the least."""

    def extreme(x, axes, keepdim):
        if x.dtype is weft.bool:
            for axis in sorted(axes, reverse=True):
                x = whole(x, axis, keepdim)
            return x
        if x.numel() == 0 and any(x.shape[a] == 0 for a in axes):
            shape = [1 if a in axes else s for a, s in enumerate(x.shape) if keepdim or a not in axes]
            inf = float("inf")
            limits = (-inf, inf) if x.dtype.is_floating_point else (weft.iinfo(x.dtype).min, weft.iinfo(x.dtype).max)
            return weft.full(shape, limits[0 if least else 1], dtype=x.dtype)
        return function(x, axes, keepdim)

    return extreme


for _name, _old, _new, _function in (
    ("ReduceSum", (1, 11), (13,), _sum),
    ("ReduceMean", (1, 11, 13), (18,), _mean),
    ("ReduceProd", (1, 11, 13), (18,), _prod),
    ("ReduceMax", (1, 11, 12, 13), (18, 20), _extreme(weft.amax, weft.any, True)),
    ("ReduceMin", (1, 11, 12, 13), (18, 20), _extreme(weft.amin, weft.all, False)),
    ("ReduceL2", (1, 11, 13), (18,), _l2),
    ("ReduceLogSum", (1, 11, 13), (18, 28), _log_sum),
    ("ReduceLogSumExp", (1, 11, 13), (18, 28), _log_sum_exp),
):
    _reduction(_name, _old, _new, _function)
_reduction("ReduceL1", (1, 11, 13), (18,), _sum, weft.abs)
_reduction("ReduceSumSquare", (1, 11, 13), (18,), _sum, weft.square)


def _arg(function):
    def arg(x, *, axis=0, keepdims=1, select_last_index=0):
        if not select_last_index:
            return function(x, axis, bool(keepdims))
        return x.shape[axis] - 1 - function(weft.flip(x, [axis]), axis, bool(keepdims))

    return arg


operator("ArgMax", 1, 11, 12, 13)(_arg(weft.argmax))
operator("ArgMin", 1, 11, 12, 13)(_arg(weft.argmin))


def _running(function, identity):
    def running(x, axis, *, exclusive=0, reverse=0):
        axis = int(axis.reshape(-1)[0]) % x.ndim
        x = weft.flip(x, [axis]) if reverse else x
        result = function(x, axis, dtype=x.dtype)
        if exclusive:
            first = weft.full([1 if a == axis else s for a, s in enumerate(x.shape)], identity, dtype=x.dtype)
            result = weft.cat([first, result.narrow(axis, 0, x.shape[axis] - 1)], axis) if x.shape[axis] else result
        return weft.flip(result, [axis]) if reverse else result

    return running


operator("CumSum", 11, 14, host=("axis",))(_running(weft.cumsum, 0))
operator("CumProd", 26, host=("axis",))(_running(weft.cumprod, 1))
