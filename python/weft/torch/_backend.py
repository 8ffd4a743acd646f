"""What torch.compile calls: graphs of PyTorch's to programs of weft's.

1. AOTAutograd gives functional graphs of ATen operators, forward and backward apart (`_decompositions`, `_partition`).
2. A graph becomes a `Plan` (_plan.py): as few weft programs as possible, and PyTorch's own operators between them.
3. A program (_program.py) is traced at its first call, and replayed from then on; tensors cross by DLPack, on the same memory.
"""

from __future__ import annotations

import contextvars
import functools

import torch
from torch._decomp import core_aten_decompositions
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.partitioners import min_cut_rematerialization_partition

from .._aten import bags, strided
from .._aten.derivatives import attention_backward
from ._plan import Plan
from ._program import stride_order
from ._random import hoist_draws

# Where explain() gets its plans: (kind, plan).
observed: contextvars.ContextVar[list | None] = contextvars.ContextVar("observed", default=None)

_FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default
_FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward.default


_BAG_BACKWARD = torch.ops.aten._embedding_bag_backward.default
_BAG_FACTORS_BACKWARD = torch.ops.aten._embedding_bag_per_sample_weights_backward.default


@functools.cache
def _decompositions():
    """Core ATen's, but for operators that weft has whole, and those that would draw other random numbers than eager PyTorch.

    The attention must not be taken apart in any case: its second result would become another one than its backward reads.
    """
    aten = torch.ops.aten
    table = dict(core_aten_decompositions())
    whole = (aten.bernoulli, aten.lerp, aten.addcdiv, aten.addcmul, aten.slice_backward, aten.select_backward)
    for overload in (_FLASH, *(getattr(packet, name) for packet in whole for name in packet.overloads())):
        table.pop(overload, None)
    return table


def _bag(result):
    """Of the forward operator, by one of its results: what its derivative depends on, and whether weft has it."""
    given = list(result.args[0].args)
    given += [False, 0, False, None, False, -1][len(given) - 3 :]
    weight, indices, offsets, by_frequency, mode, sparse, factors, include_last, padding = given
    return weight, indices, offsets, mode, factors, include_last, padding, not sparse and not by_frequency


def _partition(joint, inputs, **kwargs):
    """Forward and backward of the joint graph. The backward of attention and of bags takes what weft's own derivatives need: the
    operands, not results of the forward."""
    for node in joint.graph.find_nodes(op="call_function", target=_FLASH_BACKWARD):
        gradient, query, key, value, _, _, dropout, is_causal = node.args
        if dropout == 0:
            node.target = attention_backward
            node.args = (gradient, query, key, value, is_causal)
    for node in joint.graph.find_nodes(op="call_function", target=_BAG_BACKWARD):
        weight, indices, offsets, mode, factors, include_last, padding, plain = _bag(node.args[3])
        if plain:
            node.target = bags.embedding_bag_backward
            node.args = (node.args[0], weight, indices, offsets, mode, factors, include_last, padding)
    for node in joint.graph.find_nodes(op="call_function", target=_BAG_FACTORS_BACKWARD):
        weight, indices, offsets, _, factors, include_last, padding, plain = _bag(node.args[4])
        if plain:
            node.target = bags.embedding_bag_factors_backward
            node.args = (node.args[0], weight, indices, offsets, factors, include_last, padding)
    joint.graph.eliminate_dead_code()
    joint.recompile()
    return min_cut_rematerialization_partition(joint, inputs, **kwargs)


_STRIDED = {
    torch.ops.aten.as_strided.default: (strided.as_strided, 1),
    torch.ops.aten.as_strided_copy.default: (strided.as_strided, 1),
    torch.ops.aten.as_strided_scatter.default: (strided.as_strided_scatter, 2),
}


def _tell_strides(graph):
    """Gives operators that address memory the layout of their operand, which weft's tensors need not have. A result of the graph with
    gaps or overlaps remains PyTorch's."""
    output = graph.output_node()
    for node in graph.nodes:
        if node.target in _STRIDED and (output not in node.users or stride_order(node.meta["val"]) is not None):
            function, operands = _STRIDED[node.target]
            value = node.args[0].meta["val"]
            order, start = stride_order(value), value.storage_offset()
            if order is not None and isinstance(start, int):
                node.target = function
                node.args = (*node.args[:operands], order, start, *node.args[operands:])


def _compile(kind, module, inputs):
    if not any(node.op == "call_function" for node in module.graph.nodes):
        return _boxed(module.forward)
    hoist_draws(module)
    _tell_strides(module.graph)
    plan = Plan.of_graph(module)
    if (plans := observed.get()) is not None:
        plans.append((kind, plan))
    plan.run._boxed_call = True
    return plan.run


def _boxed(function):
    def run(args):
        return function(*args)

    run._boxed_call = True
    return run


@functools.cache
def aot_options():
    """What AOTAutograd is told."""
    return {
        "fw_compiler": functools.partial(_compile, "forward"),
        "bw_compiler": functools.partial(_compile, "backward"),
        "inference_compiler": functools.partial(_compile, "inference"),
        "decompositions": _decompositions(),
        "partition_fn": _partition,
    }


def backend(module, example_inputs, *, mode=None, options=None):
    """The backend of ``torch.compile(model, backend="weft")``: compiles what Dynamo captured, for inference and training.

    module: a torch.fx.GraphModule; example_inputs: its tensors and sizes. mode: torch.compile's, of which there is one; has no effect.
    options: none yet; a key raises ValueError. Returns a function of the inputs that gives a tuple of tensors.
    """
    if options:
        raise ValueError(f"[weft.torch] knows no options; got {', '.join(map(repr, options))}; leave them out")
    return aot_autograd(**aot_options())(module, example_inputs)
