"""What moves elements."""

import weft


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
