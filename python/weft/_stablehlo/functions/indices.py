"""Positions that are data."""

import math

import weft


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
