"""Dropout's masks, drawn by PyTorch's generator before the rest of a graph runs: they depend on sizes alone."""

from __future__ import annotations

import operator

import torch


def dropout_mask(sizes, strides, probability):
    """As aten.native_dropout draws it on the CPU."""
    mask = torch.empty_strided(sizes, strides, dtype=torch.bool)
    return mask.bernoulli_(1.0 - probability)


def hoist_masks(module):
    """native_dropout(x, p, True) becomes x * mask * 1 / (1 - p), where the sizes are numbers or inputs of the graph."""
    graph = module.graph
    dropouts = graph.find_nodes(op="call_function", target=torch.ops.aten.native_dropout.default)
    symbols = {
        str(node.meta["val"].node.expr): node
        for node in graph.find_nodes(op="placeholder")
        if isinstance(node.meta.get("val"), torch.SymInt)
    }
    for node in dropouts:
        x, probability, train = node.args
        value = x.meta["val"]
        if not train or not value.dtype.is_floating_point:
            continue
        layout = [_number(n, symbols) for n in (*value.shape, *value.stride())]
        if None in layout:
            continue
        with graph.inserting_before(node):
            sizes, strides = layout[: value.ndim], layout[value.ndim :]
            mask = graph.call_function(dropout_mask, (sizes, strides, probability))
            kept = graph.call_function(torch.ops.aten.mul.Tensor, (x, mask))
            scale = 0.0 if probability == 1 else 1.0 / (1.0 - probability)
            result = graph.call_function(torch.ops.aten.mul.Tensor, (kept, scale))
        result_value, mask_value = node.meta["val"]
        mask.meta["val"] = mask_value
        kept.meta["val"] = result.meta["val"] = result_value
        for user in list(node.users):
            if user.target is operator.getitem:
                user.replace_all_uses_with((result, mask)[user.args[1]])
                graph.erase_node(user)
        graph.erase_node(node)


def _number(size, symbols):
    if isinstance(size, int):
        return size
    return symbols.get(str(size.node.expr))
