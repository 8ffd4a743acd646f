"""Random numbers, drawn by PyTorch's generator before the rest of a graph runs, where they depend on sizes alone."""

from __future__ import annotations

import functools
import operator

import torch

_ATEN = torch.ops.aten
# Of their first operand they read sizes, strides and dtype.
_LIKE = {
    _ATEN.bernoulli.p, _ATEN.rand_like.default, _ATEN.randn_like.default, _ATEN.uniform.default, _ATEN.normal_functional.default,
    _ATEN.exponential.default, _ATEN.cauchy.default, _ATEN.log_normal.default, _ATEN.geometric.default,
}  # fmt: skip


def dropout_mask(sizes, strides, probability):
    """As aten.native_dropout draws it on the CPU."""
    mask = torch.empty_strided(sizes, strides, dtype=torch.bool)
    return mask.bernoulli_(1.0 - probability)


def draw(function, sizes, strides, dtype, args, kwargs):
    return function(torch.empty_strided(sizes, strides, dtype=dtype), *args, **kwargs)


def hoist_draws(module):
    """Makes draws independent of values: native_dropout(x, p, True) becomes x * mask * 1 / (1 - p), and what is drawn in the likeness of a
    tensor gets its sizes instead; both where the graph's inputs say these."""
    graph = module.graph
    symbols = {
        str(node.meta["val"].node.expr): node
        for node in graph.find_nodes(op="placeholder")
        if isinstance(node.meta.get("val"), torch.SymInt)
    }
    for node in list(graph.nodes):
        if node.target is not _ATEN.native_dropout.default and node.target not in _LIKE:
            continue
        # The drawn tensor's: its strides are dense where the operand's are not.
        value = node.meta["val"] if node.target in _LIKE else node.meta["val"][1]
        with graph.inserting_before(node):
            layout = [_number(n, symbols, graph) for n in (*value.shape, *value.stride())]
        if None in layout or not node.args[0].meta["val"].dtype.is_floating_point:
            continue
        sizes, strides = layout[: value.ndim], layout[value.ndim :]
        if node.target in _LIKE:
            node.args = (node.target, sizes, strides, value.dtype, tuple(node.args[1:]), dict(node.kwargs))
            node.kwargs, node.target = {}, draw
        elif node.args[2]:
            _take_apart(graph, node, sizes, strides)
    graph.eliminate_dead_code()


def _take_apart(graph, node, sizes, strides):
    x, probability, _ = node.args
    with graph.inserting_before(node):
        mask = graph.call_function(dropout_mask, (sizes, strides, probability))
        kept = graph.call_function(_ATEN.mul.Tensor, (x, mask))
        scale = 0.0 if probability == 1 else 1.0 / (1.0 - probability)
        result = graph.call_function(_ATEN.mul.Tensor, (kept, scale))
    result_value, mask_value = node.meta["val"]
    mask.meta["val"] = mask_value
    kept.meta["val"] = result.meta["val"] = result_value
    for user in list(node.users):
        if user.target is operator.getitem:
            user.replace_all_uses_with((result, mask)[user.args[1]])
            graph.erase_node(user)
    graph.erase_node(node)


def _number(size, symbols, graph):
    """The size as a number or a node; None where the graph's inputs do not say it."""
    return size if isinstance(size, int) else _computed(size.node.expr, symbols, graph)


def _computed(expression, symbols, graph):
    if expression.is_Integer:
        return int(expression)
    if expression.is_Symbol:
        return symbols.get(str(expression))
    function = operator.mul if expression.is_Mul else operator.add if expression.is_Add else None
    operands = [_computed(operand, symbols, graph) for operand in expression.args]
    if function is None or None in operands:
        return None
    return functools.reduce(lambda a, b: graph.call_function(function, (a, b)), operands)
