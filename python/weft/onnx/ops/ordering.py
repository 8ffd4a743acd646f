"""Orders and sets."""

import weft

from ..table import operator


@operator("TopK", 10, host=("k",))
def top_k_of_10(x, k, *, axis=-1):
    return top_k(x, k, axis=axis)


@operator("TopK", 1)
def top_k_by_attribute(x, *, k, axis=-1):
    return tuple(weft.topk(x, k, axis))


@operator("TopK", 11, 24, host=("k",))
def top_k(x, k, *, axis=-1, largest=1, sorted=1):
    """NaN is the greatest; of equal elements the first comes first."""
    count = int(k.reshape(-1)[0])
    order = weft.sort(x, axis, bool(largest), stable=True)
    if count > x.shape[axis]:
        raise ValueError(f"k is {count}, of an axis of {x.shape[axis]} elements")
    return order.values.narrow(axis, 0, count), order.indices.narrow(axis, 0, count)


@operator("Unique", 11, 28)
def unique(x, *, axis=None, sorted=1):
    """(elements, where each first is, which of them each was, how often); without ``sorted`` in the order of their first places."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    values, inverse, counts = weft.unique(x, sorted=True, return_inverse=True, return_counts=True, dim=axis)
    inverse = inverse.reshape(-1)
    places = weft.arange(inverse.shape[0])
    first = weft.scatter_reduce(
        weft.full((counts.shape[0],), inverse.shape[0], dtype=weft.int64), 0, inverse, places, "amin"
    )
    if not sorted:
        order = weft.argsort(first)
        rank = weft.scatter(weft.zeros_like(order), 0, order, weft.arange(order.shape[0]))
        values, first, counts = weft.index_select(values, axis, order), first[order], counts[order]
        inverse = rank[inverse]
    return values, first, inverse, counts
