"""Loops and branches: graphs within the graph, which read names of the one around it."""

from . import emits


@emits("scan")
def _scan(w, node):
    attrs = node.attrs
    carries, sequences = attrs["carries"], attrs["sequences"]
    given = node.operands
    body = w.body(node, attrs["body"], given[carries + sequences :], carries, sequences)
    turned = int(attrs["reverse"])
    outputs = len(node.types)
    return w.several(
        "Scan", [v.name for v in given[: carries + sequences]], outputs, body=body, num_scan_inputs=sequences,
        scan_input_directions=[turned] * sequences if turned else None,
        scan_output_directions=[turned] * (outputs - carries) if turned and outputs > carries else None,
    )  # fmt: skip


@emits("cond")
def _cond(w, node):
    condition, *given = node.operands
    branches = [w.body(node, node.attrs[name], given, 0, 0) for name in ("body", "otherwise")]
    return w.several("If", [condition.name], len(node.types), then_branch=branches[0], else_branch=branches[1])


@emits("while_loop")
def _while_loop(w, node):
    condition, *given = node.operands
    carries = node.attrs["carries"]
    body = w.body(node, node.attrs["body"], given[carries:], carries, 0, loop=True)
    names = w.several("Loop", ["", condition.name, *(v.name for v in given[:carries])], carries, body=body)
    # The condition no longer holds.
    return (*names, w.number(False, "bool"))
