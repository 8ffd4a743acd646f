"""Sorts."""

import weft


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
