"""Arguments that several families read alike."""

import builtins


def dims(x, dim, op):
    """Axes of a reduction: () for all, which None means, too; else sorted and non-negative."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return ()
    rank = x.ndim
    wanted = dim if isinstance(dim, (tuple, list)) else (dim,)
    for d in wanted:
        if not isinstance(d, int):
            raise TypeError(
                f"[{op}] dim must be an int or a tuple of ints; got {type(d).__name__}; pass dim=0 or dim=(0, 1)"
            )
        low = builtins.max(rank, 1)
        if not -low <= d < low:
            raise IndexError(
                f"[{op}] dim {d} is out of range for shape {list(x.shape)}; use a value of [{-low}, {low - 1}]"
            )
    if rank == 0:
        return ()
    found = sorted({d % rank for d in wanted})
    if len(found) != len(wanted):
        raise RuntimeError(f"[{op}] dim {tuple(wanted)} names an axis twice; got shape {list(x.shape)}; name each once")
    return tuple(found)
