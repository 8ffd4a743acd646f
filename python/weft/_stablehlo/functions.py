"""What the operations of StableHLO do, in weft's functions. Axes, sizes and dtypes are numbers of the text."""

from __future__ import annotations

import functools
import itertools
import math

import weft
from weft.nn import functional as F

_SIGNED = {weft.uint8: weft.int8, weft.uint16: weft.int16, weft.uint32: weft.int32, weft.uint64: weft.int64}
_UNSIGNED = {signed: unsigned for unsigned, signed in _SIGNED.items()}
_BYTES = {
    weft.bool: 1, weft.int8: 1, weft.uint8: 1, weft.int16: 2, weft.uint16: 2, weft.float16: 2, weft.bfloat16: 2, weft.int32: 4, weft.uint32: 4,
    weft.float32: 4, weft.int64: 8, weft.uint64: 8, weft.float64: 8, weft.complex64: 8, weft.complex128: 16,
}  # fmt: skip


def check(name, x, shape, dtype):
    """An argument or a result must be what the text says."""
    if tuple(x.shape) != shape or x.dtype != dtype:
        raise TypeError(
            f"[import_stablehlo] {name} must be {str(dtype).removeprefix('weft.')}{list(shape)}; got "
            f"{str(x.dtype).removeprefix('weft.')}{list(x.shape)}"
        )


# ---------------------------------------------------------------- elements


def full(shape, number, dtype):
    x = weft.full((), number, dtype=dtype)
    return x.expand(shape) if shape else x


def iota(dim, shape, dtype):
    x = weft.arange(shape[dim], dtype=weft.int64).to(dtype)
    return x.reshape([-1 if i == dim else 1 for i in range(len(shape))]).expand(shape)


def convert(x, dtype):
    if x.is_complex() and not dtype.is_complex:
        x = weft.real(x)
    return x.to(dtype)


def bits(x, dtype, shape):
    """As it is in memory; elements of another width take or give the last axis. By arithmetic, of which every program can do, so that
    all NaNs are one."""
    if x.dtype == dtype:
        return x
    old, new = _BYTES[x.dtype], _BYTES[dtype]
    unsigned = _OF_BYTES[old]
    x = _bits_of_float(x) if x.is_floating_point() else x.to(unsigned)
    if old > new:
        x = weft.stack([x >> weft.full_like(x, 8 * new * i) for i in range(old // new)], -1).to(_OF_BYTES[new])
    elif old < new:
        x = x.reshape(*shape, new // old).to(_OF_BYTES[new])
        parts = [x[..., i] << weft.full(shape, 8 * old * i, dtype=x.dtype) for i in range(new // old)]
        x = functools.reduce(lambda a, b: a | b, parts)
    return _float_of_bits(x, dtype) if dtype.is_floating_point else x.to(dtype)


_OF_BYTES = {1: weft.uint8, 2: weft.uint16, 4: weft.uint32, 8: weft.uint64}
_FORMATS = {
    weft.float16: (10, 15),
    weft.bfloat16: (7, 127),
    weft.float32: (23, 127),
    weft.float64: (52, 1023),
}  # bits, bias


def _scaled(x, power):
    """x 2^power in two steps, neither of which leaves the range."""
    half = power // 2
    return x * 2.0**half * 2.0 ** (power - half)


def _bits_of_float(x):
    fraction, bias = _FORMATS[x.dtype]
    wide, integer = (x, weft.int64) if x.dtype == weft.float64 else (x.float(), weft.int64)
    size = weft.abs(wide)
    mantissa, exponent = weft.frexp(weft.where(size < math.inf, size, 1.0))
    biased = exponent.to(integer) + (bias - 1)
    normal = biased >= 1
    low = weft.where(
        normal, (mantissa * 2.0 - 1.0) * 2.0**fraction, _scaled(weft.where(normal, 0.0, size), bias - 1 + fraction)
    )
    found = (weft.where(normal, biased, 0) << fraction) + low.to(integer)
    most = ((2 * bias + 1) << fraction) + weft.where(wide != wide, 1 << (fraction - 1), 0)
    found = weft.where(size < math.inf, found, most)
    sign = weft.signbit(wide) & (wide == wide)
    return (found | (sign.to(integer) << (8 * _BYTES[x.dtype] - 1))).to(_OF_BYTES[_BYTES[x.dtype]])


def _float_of_bits(n, dtype):
    fraction, bias = _FORMATS[dtype]
    wide = weft.float64 if dtype == weft.float64 else weft.float32
    n = n.to(weft.int64)
    low, biased = n & ((1 << fraction) - 1), (n >> fraction) & (2 * bias + 1)
    normal = biased > 0
    mantissa = weft.where(normal, low + (1 << fraction), low).to(wide)
    power = weft.where(normal, biased, 1) - bias  # of 2: from a table, as it must be exact
    table = weft.tensor([2.0 ** min(max(p, 1 - bias), bias) for p in range(1 - bias, bias + 2)], dtype=wide)
    value = (
        mantissa
        * 2.0**-fraction
        * table.index_select(0, (power + (bias - 1)).clamp(0, 2 * bias).reshape(-1)).reshape(n.shape)
    )
    special = weft.where(low == 0, math.inf, math.nan).to(wide)
    value = weft.where(biased == 2 * bias + 1, special, value)
    return weft.where((n >> (8 * _BYTES[dtype] - 1)) & 1 != 0, -value, value).to(dtype)


def _by_integers(function, x, y, by_zero, known):
    """A quotient or remainder of integers. weft asks of a divisor that it is not 0, which can be seen of these; known: of y, too."""
    if known:
        return function(x, y)
    one = weft.ones((), dtype=y.dtype)
    positive = function(x, weft.maximum(y, one))
    if y.dtype not in _SIGNED:
        positive = weft.where(y < 0, function(x, weft.minimum(y, -one)), positive)
    return weft.where(y == 0, by_zero, positive)


def divide(x, y, known=False):
    """Integers by 0 give -1, and the least one by -1 itself. known: y is not 0."""
    if x.is_floating_point() or x.is_complex():
        return x / y
    return _by_integers(lambda a, b: weft.div(a, b, rounding_mode="trunc"), x, y, ~weft.zeros((), dtype=x.dtype), known)


def remainder(x, y, known=False):
    return weft.fmod(x, y) if x.is_floating_point() else _by_integers(weft.fmod, x, y, x, known)


def shift_right_logical(x, y):
    if x.dtype not in _UNSIGNED:
        return x >> y
    unsigned = _UNSIGNED[x.dtype]
    return (x.to(unsigned) >> y.to(unsigned)).to(x.dtype)


def shift_right_arithmetic(x, y):
    if x.dtype not in _SIGNED:
        return x >> y
    signed = _SIGNED[x.dtype]
    return (x.to(signed) >> y.to(signed)).to(x.dtype)


def count_bits(x):
    """How many bits are 1."""
    total = weft.zeros_like(x)
    for i in range(8 * _BYTES[x.dtype]):
        total = total + (shift_right_logical(x, weft.full_like(x, i)) & 1)
    return total


def leading_zeros(x):
    width = 8 * _BYTES[x.dtype]
    step = 1
    while step < width:  # all bits below the first 1 are 1
        x = x | shift_right_logical(x, weft.full_like(x, step))
        step *= 2
    return weft.full_like(x, width) - count_bits(x)


def cbrt(x):
    return weft.sign(x) * weft.abs(x) ** (1 / 3)


def round_away(x):
    return weft.trunc(x + weft.copysign(weft.full_like(x, 0.5), x))


def sign(x):
    if x.is_complex():
        return weft.sgn(x)
    return weft.where(x != x, x, weft.sign(x)) if x.is_floating_point() else weft.sign(x)


def reduce_precision(x, exponent, mantissa):
    return x.to({(8, 7): weft.bfloat16, (5, 10): weft.float16, (8, 23): weft.float32}[exponent, mantissa]).to(x.dtype)


def total_order(x):
    """Integers in the order of the floats, -NaN first, -0 before 0, NaN last."""
    integer = {2: weft.int16, 4: weft.int32, 8: weft.int64}[_BYTES[x.dtype]]
    found = bits(x, integer, tuple(x.shape))
    return weft.where(found < 0, found ^ weft.iinfo(integer).max, found)


# ---------------------------------------------------------------- moves


def broadcast(x, axes, shape):
    sizes = [1] * len(shape)
    for size, axis in zip(x.shape, axes):
        sizes[axis] = size
    order = sorted(range(len(axes)), key=axes.__getitem__)
    if list(order) != list(range(len(axes))):
        x = x.permute(order)
    return x.reshape(sizes).expand(shape)


def cut(x, ranges):
    return x[tuple([slice(start, limit, step) for start, limit, step in ranges])] if ranges else x


def pad(x, value, low, high, interior):
    """Around and between the elements; less than none is cut off."""
    for d, between in enumerate(interior):
        if between and x.shape[d] > 1:
            rest = list(x.shape)
            rest.insert(d + 1, between)
            x = (
                weft.cat([x.unsqueeze(d + 1), value.expand(rest)], d + 1)
                .flatten(d, d + 1)
                .narrow(d, 0, (x.shape[d] - 1) * (between + 1) + 1)
            )
    for d, (before, after) in enumerate(zip(low, high)):
        start, end = max(-before, 0), x.shape[d] - max(-after, 0)
        if (start, end) != (0, x.shape[d]):
            x = x.narrow(d, min(start, x.shape[d]), max(end - start, 0))
        parts = [x]
        for count, place in ((before, 0), (after, 2)):
            if count > 0:
                side = value.expand([count if i == d else s for i, s in enumerate(x.shape)])
                parts = [side, *parts] if place == 0 else [*parts, side]
        x = weft.cat(parts, d) if len(parts) > 1 else x
    return x


def _clamped(start, most):
    return start.to(weft.int64).clamp(0, most)


def dynamic_slice(x, starts, sizes):
    for d, (start, size) in enumerate(zip(starts, sizes)):
        if size != x.shape[d]:
            place = _clamped(start, x.shape[d] - size)
            x = x.index_select(d, place.reshape(1) if size == 1 else place + weft.arange(size))
    return x


def dynamic_update_slice(x, update, starts):
    partial = [d for d in range(x.ndim) if update.shape[d] != x.shape[d]]
    if not partial:
        return update
    return _put(x, update, starts, partial)


def _put(x, update, starts, partial):
    d, *rest = partial
    size = update.shape[d]
    place = _clamped(starts[d], x.shape[d] - size)
    index = place.reshape(1) if size == 1 else place + weft.arange(size)
    if rest:
        update = _put(x.index_select(d, index), update, starts, rest)
    return x.index_copy(d, index, update)


# ---------------------------------------------------------------- positions that are data


def _strides(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return strides


def _along(size, axis, rank):
    """0, 1, ... along one of so many axes."""
    return weft.arange(size).reshape([size if i == axis else 1 for i in range(rank)])


def gather(x, index, offset_dims, collapsed, batching, index_batching, index_map, vector_dim, slices, shape):
    if 0 in shape:
        return weft.zeros(shape, dtype=x.dtype)
    index = index.to(weft.int64)
    if vector_dim == index.ndim:
        index = index.unsqueeze(-1)
    simple = len(index_map) == 1 and not batching and tuple(collapsed) == tuple(index_map)
    batch_axes = [a for a in range(len(shape)) if a not in offset_dims]
    if simple and all(slices[d] == x.shape[d] or d == index_map[0] for d in range(x.ndim)):
        d = index_map[0]
        rows = index.select(vector_dim, 0).clamp(0, x.shape[d] - 1)
        found = x.index_select(d, rows.reshape(-1))
        found = found.movedim(d, 0).reshape([*rows.shape, *(s for i, s in enumerate(x.shape) if i != d)])
    else:
        starts = [index.select(vector_dim, k) for k in range(index.shape[vector_dim])]
        lead = [s for a, s in enumerate(index.shape) if a != vector_dim]
        window = [d for d in range(x.ndim) if d not in collapsed and d not in batching]
        rank = len(lead) + len(window)
        place = weft.zeros((), dtype=weft.int64)
        for d, stride in enumerate(_strides(x.shape)):
            if d in index_map:
                start = starts[index_map.index(d)].clamp(0, x.shape[d] - slices[d])
                place = place + start.reshape([*lead, *[1] * len(window)]) * stride
            if d in batching:
                axis = index_batching[batching.index(d)]
                place = place + _along(x.shape[d], axis - (axis > vector_dim), rank) * stride
            if d in window:
                place = place + _along(slices[d], len(lead) + window.index(d), rank) * stride
        place = place.expand([*lead, *(slices[d] for d in window)])
        found = x.reshape(-1).index_select(0, place.reshape(-1)).reshape(place.shape)
    order = [*batch_axes, *offset_dims]
    return found.permute([order.index(a) for a in range(len(shape))]) if order != sorted(order) else found


def scatter(x, index, update, window_dims, inserted, batching, index_batching, index_map, vector_dim, combine):
    """combine: "" (the update stays), add, multiply, maximum or minimum. What is outside goes nowhere."""
    if 0 in update.shape or 0 in x.shape:
        return x
    index = index.to(weft.int64)
    if vector_dim == index.ndim:
        index = index.unsqueeze(-1)
    starts = [index.select(vector_dim, k) for k in range(index.shape[vector_dim])]
    scatter_axes = [a for a in range(update.ndim) if a not in window_dims]
    lead = [update.shape[a] for a in scatter_axes]
    window = [d for d in range(x.ndim) if d not in inserted and d not in batching]
    update = update.permute([*scatter_axes, *window_dims])
    rank = update.ndim
    place, inside = weft.zeros((), dtype=weft.int64), None
    for d, stride in enumerate(_strides(x.shape)):
        position = None
        if d in index_map:
            position = starts[index_map.index(d)].reshape([*lead, *[1] * len(window)])
        if d in window:
            along = _along(update.shape[len(lead) + window.index(d)], len(lead) + window.index(d), rank)
            position = along if position is None else position + along
        if d in batching:
            axis = index_batching[batching.index(d)]
            along = _along(x.shape[d], axis - (axis > vector_dim), rank)
            position = along if position is None else position + along
        if position is None:
            continue
        if d in index_map:
            fits = (position >= 0) & (position < x.shape[d])
            inside = fits if inside is None else inside & fits
        if d in index_map:
            position = position.clamp(0, x.shape[d] - 1)
        place = place + position * stride
    place = place.expand(update.shape)
    count = math.prod(x.shape)
    if inside is not None:
        place = weft.where(inside.expand(update.shape), place, weft.full((), count, dtype=weft.int64))
    flat = weft.cat([x.reshape(-1), weft.zeros(1, dtype=x.dtype)])
    place, update = place.reshape(-1), update.reshape(-1)
    if combine == "add" and x.dtype == weft.bool:
        combine = "maximum"
    if combine == "":
        flat = flat.scatter(0, place, update)
    elif combine == "add":
        flat = flat.scatter_add(0, place, update)
    else:
        name = {"multiply": "prod", "maximum": "amax", "minimum": "amin"}[combine]
        if x.dtype == weft.bool:
            wide = flat.to(weft.int32).scatter_reduce(0, place, update.to(weft.int32), name)
            flat = wide.to(weft.bool)
        else:
            flat = flat.scatter_reduce(0, place, update, name)
    return flat[:count].reshape(x.shape)


# ---------------------------------------------------------------- reductions

COMBINE = {
    "add": lambda a, b: a | b if a.dtype == weft.bool else a + b,
    "multiply": lambda a, b: a & b if a.dtype == weft.bool else a * b,
    "maximum": lambda a, b: a | b if a.dtype == weft.bool else weft.maximum(a, b),
    "minimum": lambda a, b: a & b if a.dtype == weft.bool else weft.minimum(a, b),
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
}


def combined(name, a, b):
    return COMBINE[name](a, b)


def reduce(x, name, dims):
    """Without the initial value."""
    if not dims:
        return x
    if x.dtype == weft.bool and name in ("add", "maximum", "or", "multiply", "minimum", "and"):
        return x.any(dims) if name in ("add", "maximum", "or") else x.all(dims)
    if name == "add":
        return x.sum(dims, dtype=x.dtype)
    if name == "multiply":
        for d in sorted(dims, reverse=True):
            x = x.prod(d, dtype=x.dtype)
        return x
    if name in ("maximum", "minimum"):
        return x.amax(dims) if name == "maximum" else x.amin(dims)
    return fold([x], dims, lambda a, b: (COMBINE[name](a, b),))[0]


def fold(xs, dims, body):
    """By halves, with a function of two lists of tensors, which the order does not matter to."""
    keep = [d for d in range(xs[0].ndim) if d not in dims]
    kept = [xs[0].shape[d] for d in keep]
    xs = [x.permute([*keep, *dims]).reshape([*kept, -1]) for x in xs]
    count = xs[0].shape[-1]
    while count > 1:
        half = count // 2
        found = body(*[x[..., :half] for x in xs], *[x[..., half : 2 * half] for x in xs])
        if count % 2:
            found = [weft.cat([f.expand(x[..., :half].shape), x[..., 2 * half :]], -1) for f, x in zip(found, xs)]
        else:
            found = [f.expand(x[..., :half].shape) for f, x in zip(found, xs)]
        xs, count = found, half + count % 2
    return [x[..., 0] for x in xs]


def extremum(x, positions, dim, is_max):
    """The values and positions of argmax."""
    values = x.amax(dim) if is_max else x.amin(dim)
    return values, (x.argmax(dim) if is_max else x.argmin(dim)).to(positions)


def cumulative(x, name, dim, reverse):
    if reverse:
        x = x.flip(dim)
    if name == "add":
        x = x.cumsum(dim, dtype=x.dtype)
    elif name == "multiply":
        x = x.cumprod(dim, dtype=x.dtype)
    else:
        x = (x.cummax(dim) if name == "maximum" else x.cummin(dim))[0]
    return x.flip(dim) if reverse else x


def _windows(x, sizes, strides, dilations):
    """Of each place in a window the elements there, in all windows."""
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape, sizes, strides, dilations)]
    for place in itertools.product(*map(range, sizes)):
        yield cut(x, [(p * d, p * d + (c - 1) * s + 1, s) for p, d, c, s in zip(place, dilations, counts, strides)])


def reduce_window(xs, inits, body, sizes, strides, base, dilations, low, high):
    """body: a function of two lists of tensors."""
    padded = [pad(x, init, low, high, [b - 1 for b in base]) for x, init in zip(xs, inits)]
    places = zip(*(_windows(x, sizes, strides, dilations) for x in padded))
    return functools.reduce(lambda a, b: [f.expand(x.shape) for f, x in zip(body(*a, *b), a)], map(list, places))


def select_and_scatter(x, source, init, sizes, strides, low, high, is_max):
    """Each element of the source, added where in x its window's first extremum is."""
    least = weft.full((), (-1 if is_max else 1) * math.inf, dtype=x.dtype) if x.is_floating_point() else None
    if least is None:
        info = weft.iinfo(x.dtype)
        least = weft.full((), info.min if is_max else info.max, dtype=x.dtype)
    ones, zeros = [1] * x.ndim, [0] * x.ndim
    padded = pad(x, least, low, high, zeros)
    parts = list(_windows(padded, sizes, strides, ones))
    best, where = parts[0], weft.zeros(parts[0].shape, dtype=weft.int64)
    for i, part in enumerate(parts[1:], 1):
        better = ~(best >= part if is_max else best <= part)
        best, where = weft.where(better, part, best), weft.where(better, i, where)
    zero = weft.zeros((), dtype=source.dtype)
    total = init.expand(padded.shape)
    for i, place in enumerate(itertools.product(*map(range, sizes))):
        part = weft.where(where == i, source, zero)
        after = [n - p - ((c - 1) * s + 1) for n, p, c, s in zip(padded.shape, place, part.shape, strides)]
        total = total + pad(part, zero, list(place), after, [s - 1 for s in strides])
    return pad(total, zero, [-v for v in low], [-v for v in high], zeros)


# ---------------------------------------------------------------- products


def dot_general(x, y, batch, contract, dtype):
    if not dtype.is_complex and (x.dtype != y.dtype or x.dtype != dtype):
        x, y = x.to(dtype), y.to(dtype)
    if dtype == weft.bool:
        return dot_general(x.to(weft.int32), y.to(weft.int32), batch, contract, weft.int32) != 0
    return weft.dot_general(x, y, batch[0], batch[1], contract[0], contract[1])


def convolution(x, weight, axes, stride, pads, x_dilation, dilation, reverse, groups, batch_groups, dtype):
    """axes: of x (batch, channels, sizes), of the kernel (results, channels, sizes), and of the result, in weft's order."""
    if x.dtype != dtype or weight.dtype != dtype:
        x, weight = x.to(dtype), weight.to(dtype)
    x, weight = x.permute(axes[0]), weight.permute(axes[1])
    turned = [i + 2 for i, r in enumerate(reverse) if r]
    if turned:
        weight = weight.flip(turned)
    zero = weft.zeros((), dtype=dtype)
    around = any(low != high or low < 0 for low, high in pads) or any(d != 1 for d in x_dilation)
    if around:
        x = pad(
            x,
            zero,
            [0, 0, *(low for low, _ in pads)],
            [0, 0, *(high for _, high in pads)],
            [0, 0, *(d - 1 for d in x_dilation)],
        )
        pads = [(0, 0)] * len(pads)
    conv = (None, F.conv1d, F.conv2d, F.conv3d)[len(stride)]
    parts = [(x, weight)] if batch_groups == 1 else list(zip(x.chunk(batch_groups, 0), weight.chunk(batch_groups, 0)))
    results = [conv(a, w, None, stride, [low for low, _ in pads], dilation, groups) for a, w in parts]
    return (results[0] if len(results) == 1 else weft.cat(results, 1)).permute(axes[2])


# ---------------------------------------------------------------- orders


def sort(xs, keys, dim, descending):
    """All in the order of the keys, the last of which counts least."""
    order = None
    for key in reversed(keys):
        if order is not None:
            key = key.gather(dim, order)
        _, step = weft.sort(key, dim=dim, descending=descending, stable=True)
        order = step if order is None else order.gather(dim, step)
    return [x.gather(dim, order) for x in xs]


def sort_by(xs, dim, before):
    """By a function that says of two elements whether the first comes before: how many come before each is its place."""
    count = xs[0].shape[dim]
    if count > 2048:
        raise NotImplementedError(
            f"[import_stablehlo] a sort of {count} elements by a comparison that is none of keys; up to 2048 are supported"
        )
    rows = [x.movedim(dim, -1) for x in xs]
    pairs = []
    for x in rows:
        pairs += [x.unsqueeze(-1), x.unsqueeze(-2)]
    first = before(*pairs)  # [..., i, j]: i before j
    first = first.expand([*rows[0].shape, count])
    earlier = weft.arange(count).unsqueeze(-1) < weft.arange(count)
    tied = ~first & ~first.transpose(-1, -2) & earlier
    places = (first | tied).to(weft.int64).sum(-2)
    order = weft.sort(places, dim=-1)[1]
    return [x.gather(-1, order).movedim(-1, dim) for x in rows]


def top_k(x, k):
    values, indices = weft.sort(x, dim=-1, descending=True, stable=True)
    return values[..., :k], indices[..., :k].to(weft.int32)


# ---------------------------------------------------------------- transforms and matrices


def fft(x, kind, length):
    dims = list(range(x.ndim - len(length), x.ndim))
    if kind == "FFT":
        return weft.fft.fftn(x, dim=dims)
    if kind == "IFFT":
        return weft.fft.ifftn(x, dim=dims)
    return weft.fft.rfftn(x, dim=dims) if kind == "RFFT" else weft.fft.irfftn(x, s=length, dim=dims)


def cholesky(a, lower):
    found = weft.linalg.cholesky(a)
    return found if lower else found.mH


def triangular_solve(a, b, left, lower, unit, transpose):
    if transpose != "NO_TRANSPOSE":
        a, lower = (a.mH if transpose == "ADJOINT" else a.mT), not lower
    return weft.linalg.solve_triangular(a, b, upper=not lower, left=left, unitriangular=unit)
