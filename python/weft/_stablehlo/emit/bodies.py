"""The bodies of reductions, windows and sorts."""

from __future__ import annotations

from ..syntax import Block, Operation
from .elements import ELEMENTWISE
from .table import Unsupported

SIMPLE = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")


def returned_by(block: Block) -> list[str]:
    last = block.operations[-1] if block.operations else None
    return last.operands if last is not None and last.name == "stablehlo.return" else []


def simple_body(block: Block) -> str | None:
    """The name of the one operation on both arguments that the block is."""
    if len(block.operations) != 2 or len(block.names) != 2:
        return None
    first = block.operations[0]
    name = first.name.removeprefix("stablehlo.")
    fits = name in SIMPLE and sorted(first.operands) == sorted(block.names) and returned_by(block) == first.results
    return name if fits else None


def pairwise(w, op: Operation, block: Block) -> str:
    """The block as a Python function of tensors of any shape. Gives its name."""
    for inner in block.operations:
        if inner.name not in ELEMENTWISE and inner.name not in ("stablehlo.constant", "stablehlo.return"):
            raise Unsupported(f"its body has {inner.name}; elementwise operations are supported there")
    name = w.region(block, [None] * len(block.names), op.line)
    results = w.block(block)
    w.end_region(w.tuple(results))
    return name
