"""Positions that are data."""

from __future__ import annotations

from .bodies import returned_by, simple_body
from .table import Unsupported, axes_of, integers, writes


@writes("stablehlo.gather")
def _gather(w, op, x):
    numbers = op.attributes["dimension_numbers"]
    numbers = numbers if isinstance(numbers, dict) else {}
    lists = [
        integers(numbers.get(n, []))
        for n in (
            "offset_dims",
            "collapsed_slice_dims",
            "operand_batching_dims",
            "start_indices_batching_dims",
            "start_index_map",
        )
    ]
    slices = axes_of(op, "slice_sizes")
    shape = x[0].type.shape
    rank = len(shape)
    if len(slices) != rank or any(not 0 <= s <= n for s, n in zip(slices, shape)):
        raise ValueError(f"slices {slices} of {x[0].type}")
    if any(not 0 <= d < rank for d in (*lists[1], *lists[2], *lists[4])) or any(
        slices[d] != 1 for d in (*lists[1], *lists[2])
    ):
        raise ValueError("axes")
    return (
        f"fn.gather({x[0].name}, {x[1].name}, {', '.join(map(repr, lists))}, {int(numbers.get('index_vector_dim', 0))}, {slices!r}, "
        f"{op.result_types[0].shape!r})"
    )


@writes("stablehlo.scatter")
def _scatter(w, op, x):
    if len(x) != 3:
        raise Unsupported("several tensors are written to at once")
    numbers = op.attributes["scatter_dimension_numbers"]
    numbers = numbers if isinstance(numbers, dict) else {}
    lists = [
        integers(numbers.get(n, []))
        for n in (
            "update_window_dims",
            "inserted_window_dims",
            "input_batching_dims",
            "scatter_indices_batching_dims",
            "scatter_dims_to_operand_dims",
        )
    ]
    combine = simple_body(op.blocks[0])
    if combine is None and returned_by(op.blocks[0]) == [op.blocks[0].names[1]]:
        combine = ""
    if combine not in ("", "add", "multiply", "maximum", "minimum"):
        raise Unsupported("elements are combined in another way than by add, multiply, maximum or minimum")
    return f"fn.scatter({', '.join(v.name for v in x)}, {', '.join(map(repr, lists))}, {int(numbers.get('index_vector_dim', 0))}, {combine!r})"
