"""The axes along which an op's results are independent, as its record states them (ir/ops/Base.td), and slices along them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Pair:
    """An axis of the result, and of each operand the axis that is cut with it; None where all of the operand is needed."""

    result: int
    operands: list

    def cut(self, operands, part):
        return [x if a is None else x[(slice(None),) * a + (part,)] for x, a in zip(operands, self.operands)]

    def of_result(self, result, part):
        return result[(slice(None),) * self.result + (part,)]


def pairs(record, operands, attrs, result):
    """The record's pairs for these operands (arrays or tensors, None where absent), attributes and result."""
    if not record["independent"]:
        return []
    shapes = [None if x is None or isinstance(x, list) else tuple(x.shape) for x in operands]

    def pair(axis, **axes):
        """`axis` of the result and those of the operands, counted from the end where negative. Operands that have no such axis, or
        one element along it, are whole."""
        axis += result.ndim if axis < 0 else 0
        chosen = []
        for name, shape in zip(record["operands"], shapes):
            a = axes.get(name)
            if a is not None and shape is not None:
                a += len(shape) if a < 0 else 0
            whole = a is None or shape is None or not 0 <= a < len(shape) or shape[a] == 1 != result.shape[axis]
            chosen.append(None if whole else a)
        return Pair(axis, chosen)

    def every_axis(but=()):
        """The axes of the first operand but some, or all of the result; of the other operands those that stand as far from the end."""
        rank, found = len(shapes[0]) if but else result.ndim, []
        keeps = result.ndim == rank
        for a in range(rank):
            if a not in but:
                axis = a if keeps else a - sum(b < a for b in but)
                found.append(pair(axis, **{name: a - rank for name in record["operands"]}))
        return found

    def products(lhs_batch, rhs_batch, lhs_contract, rhs_contract):
        """Of dot_general: the batch axes, and the others that are not summed over."""
        found = [pair(i, lhs=left, rhs=right) for i, (left, right) in enumerate(zip(lhs_batch, rhs_batch))]
        for name, shape, taken in zip(
            ("lhs", "rhs"), shapes, ([*lhs_batch, *lhs_contract], [*rhs_batch, *rhs_contract])
        ):
            found += [
                pair(len(found) + i, **{name: a}) for i, a in enumerate(a for a in range(len(shape)) if a not in taken)
            ]
        return found

    scope = {"pair": pair, "every_axis": every_axis, "products": products, "range": range, "max": max, "len": len}
    scope.update(zip(record["operands"], operands))
    scope.update(zip((a["name"] for a in record["attrs"]), attrs))
    found = eval(" ".join(record["independent"].split()), scope)
    return [p for p in found if any(a is not None for a in p.operands)]
