"""What moves elements."""

from __future__ import annotations

from .creation import full_of
from .table import axes_of, integers, writes


@writes("stablehlo.broadcast_in_dim")
def _broadcast(w, op, x):
    (kind,) = op.result_types
    axes = axes_of(op, "dims", "broadcast_dimensions")
    if len(axes) != len(x[0].type.shape) or len(set(axes)) != len(axes):
        raise ValueError(f"axes {axes} of {x[0].type}")
    if any(x[0].type.shape[i] not in (1, kind.shape[a]) for i, a in enumerate(axes)):
        raise ValueError(f"{x[0].type} as {kind}")
    if x[0].type == kind and axes == sorted(axes):
        return x
    if x[0].known is not None:
        found = w.assign(full_of(w, x[0].known, kind), kind)
        found.known = x[0].known
        return [found]
    return f"fn.broadcast({x[0].name}, {axes!r}, {kind.shape!r})"


@writes("stablehlo.reshape")
def _reshape(w, op, x):
    return f"{x[0].name}.reshape({op.result_types[0].shape!r})"


@writes("stablehlo.transpose")
def _transpose(w, op, x):
    return f"{x[0].name}.permute({axes_of(op, 'dims', 'permutation')!r})"


@writes("stablehlo.slice")
def _slice(w, op, x):
    if op.words and isinstance(op.words[0], list):
        ranges = op.words[0]
    else:
        ranges = list(zip(*(integers(op.attributes[n]) for n in ("start_indices", "limit_indices", "strides"))))
    shape = x[0].type.shape
    if len(ranges) != len(shape) or any(not 0 <= a <= b <= n or s < 1 for (a, b, s), n in zip(ranges, shape)):
        raise ValueError(f"ranges {ranges} of {x[0].type}")
    return f"fn.cut({x[0].name}, {ranges!r})"


@writes("stablehlo.pad")
def _pad(w, op, x):
    low, high, interior = (axes_of(op, n, f"edge_padding_{n}", f"{n}padding_of") for n in ("low", "high", "interior"))
    rank = len(x[0].type.shape)
    if not len(low) == len(high) == len(interior) == rank or min(interior, default=0) < 0:
        raise ValueError("padding")
    return f"fn.pad({x[0].name}, {x[1].name}, {low!r}, {high!r}, {interior!r})"


@writes("stablehlo.concatenate")
def _concatenate(w, op, x):
    return (
        f"weft.cat([{', '.join(v.name for v in x)}], {int(op.attributes.get('dim', op.attributes.get('dimension')))})"
    )


@writes("stablehlo.reverse")
def _reverse(w, op, x):
    return f"{x[0].name}.flip({axes_of(op, 'dims', 'dimensions')!r})"


@writes("stablehlo.dynamic_slice")
def _dynamic_slice(w, op, x):
    sizes = axes_of(op, "sizes", "slice_sizes")
    shape = x[0].type.shape
    if len(sizes) != len(shape) or len(x) != len(shape) + 1 or any(not 0 <= s <= n for s, n in zip(sizes, shape)):
        raise ValueError(f"sizes {sizes} of {x[0].type}")
    return f"fn.dynamic_slice({x[0].name}, [{', '.join(v.name for v in x[1:])}], {sizes!r})"


@writes("stablehlo.dynamic_update_slice")
def _dynamic_update_slice(w, op, x):
    shape, part = x[0].type.shape, x[1].type.shape
    if len(part) != len(shape) or len(x) != len(shape) + 2 or any(s > n for s, n in zip(part, shape)):
        raise ValueError(f"{x[1].type} into {x[0].type}")
    return f"fn.dynamic_update_slice({x[0].name}, {x[1].name}, [{', '.join(v.name for v in x[2:])}])"
