"""Reductions along axes."""

import weft

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
