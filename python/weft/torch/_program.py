"""A run of operators as one weft program: traced when tensors of these sizes come for the first time, then replayed."""

from __future__ import annotations

import operator

import torch

import weft

from .. import _C
from .._aten import TABLE

MAX_ENTRIES = 64  # traces of a program that are kept, those used last

DTYPES = {
    getattr(torch, name): getattr(weft, name)
    for name in dir(torch)
    if isinstance(getattr(torch, name), torch.dtype) and isinstance(getattr(weft, name, None), weft.dtype)
}
_EXCHANGE = torch.Tensor.__dlpack_c_exchange_api__


class Rejected(Exception):
    """weft has no function for the node's arguments."""

    def __init__(self, node, reason):
        super().__init__(f"{node.target}: {reason}")
        self.node, self.reason = node, reason


def function_of(node):
    """weft's function for a node's operator, or None."""
    if node.op != "call_function":
        return None
    target = node.target
    if getattr(target, "__module__", "").startswith("weft._aten"):
        return target
    return TABLE.get(str(target)) if isinstance(target, torch._ops.OpOverload) else None


class Program:
    """Nodes of a graph that run as one program; inputs: nodes outside; outputs: those of its own that others read."""

    def __init__(self, nodes, inputs, outputs):
        self.nodes, self.inputs, self.outputs = nodes, inputs, outputs
        slots = {node: i for i, node in enumerate(inputs)}
        self.steps = []
        last = {argument: node for node in nodes for argument in node.all_input_nodes}
        for node in nodes:
            slots[node] = len(slots)
        dying: dict = {}
        for argument, node in last.items():
            if argument in slots and argument not in outputs:
                dying.setdefault(node, []).append(slots[argument])
        for node in nodes:
            args, kwargs = _template(node.args, slots), _template(node.kwargs, slots)
            function = function_of(node) or _item
            self.steps.append((node, function, args, kwargs, slots[node], dying.get(node, ())))
        self.size = len(slots)
        self.sources = {node: [slots[argument] for argument in node.all_input_nodes] for node in nodes}
        self.results = [(slots[node], stride_order(node.meta["val"]), slots[_viewed(node, slots)]) for node in outputs]
        self.compiled = _C.make_compiled(self.interpret, self.miss, False)
        self.instead = None  # a plan, where weft rejected a node

    def __call__(self, args):
        if self.instead:
            return self.instead.run(args)
        try:
            return _C.call_across(self.compiled, _EXCHANGE, args)
        except Rejected as rejected:
            from ._plan import Plan

            self.instead = Plan(self.nodes, self.inputs, self.outputs, {rejected.node: rejected.reason})
        return self.instead.run(args)

    def miss(self, args, kwargs):
        """The call of tensors whose sizes, strides or dtypes have no trace yet."""
        with _C.trace_turn() as mine:
            if not mine:  # another thread traces: the same bits
                return self.interpret(*args)
            result, traced = _C.run_traced(self.interpret, args, kwargs, None, [], None)
        if not traced.reason:
            _C.add_entry(self.compiled, traced)
            if len(_C.entries(self.compiled)) > MAX_ENTRIES:
                _C.forget_oldest_entry(self.compiled)
        return result

    def interpret(self, *args):
        values = [*args, *(None,) * (self.size - len(args))]
        memory = list(range(self.size))  # slot → a slot with the same memory; of a tuple: of each element
        with _C.GradMode(False):
            for node, function, args, kwargs, slot, dying in self.steps:
                try:
                    value = values[slot] = function(*_filled(args, values), **_filled(kwargs, values))
                except IndexError:  # of the values; PyTorch raises it, too
                    raise
                except Exception as error:
                    raise Rejected(node, f"{type(error).__name__}: {error}") from error
                if value is None and function is _item:
                    raise Rejected(node.args[0], f"its result {node.args[1]} is not weft's")
                memory[slot] = self._memory(node, function, args, value, slot, values, memory)
                for index in dying:
                    values[index] = None
            return self._results(values, memory)

    def _memory(self, node, function, args, value, slot, values, memory):
        if function is _item:
            of = memory[args[0]]
            return of[args[1]] if isinstance(of, list) else of
        sources = [source for source in self.sources[node] if isinstance(values[source], weft.Tensor)]

        def of(x, own):
            same = (memory[source] for source in sources if _C.same_storage(x, values[source]))
            return next(same, own) if isinstance(x, weft.Tensor) else own

        if isinstance(value, (tuple, list)):
            return [of(x, (slot, i)) for i, x in enumerate(value)]
        return of(value, slot)

    def _results(self, values, memory):
        """What PyTorch's graph has in memory of its own is so: weft's functions give operands back where there is nothing to do."""
        results, owner = [], {slot: slot for slot in range(len(self.inputs))}
        for slot, order, viewed in self.results:
            value = values[slot]
            laid = _laid_out(value, order)
            if _C.same_storage(laid, value) and owner.setdefault(memory[slot], viewed) != viewed:
                laid = _laid_out(value.clone(), order)
            results.append(laid)
        return tuple(results)


_ALSO_VIEWS = (torch.ops.aten._unsafe_view.default, torch.ops.aten._reshape_alias.default)


def _viewed(node, slots):
    """The node whose memory the node's value has, as PyTorch sees it."""
    while node.op == "call_function" and node.all_input_nodes and node.all_input_nodes[0] in slots:
        operand = node.all_input_nodes[0]
        views = operand.target if node.target is operator.getitem else node.target
        if not getattr(views, "is_view", False) and views not in _ALSO_VIEWS:
            break
        node = operand
    return node


def _item(values, index):
    return values[index]


class _Slot(int):
    """Where in a program's values an argument is."""


def _template(argument, slots):
    """The argument with slots instead of nodes; what needs none is as it is given to the function."""
    if isinstance(argument, torch.fx.Node):
        return _Slot(slots[argument])
    if isinstance(argument, (tuple, list)):  # also torch.fx's own kinds of them
        return (tuple if isinstance(argument, tuple) else list)([_template(item, slots) for item in argument])
    if isinstance(argument, dict):
        return {name: _template(item, slots) for name, item in argument.items()}
    if isinstance(argument, torch.dtype):
        return DTYPES[argument]
    return argument


def _filled(template, values):
    kind = type(template)
    if kind is _Slot:
        return values[template]
    if kind is tuple or kind is list:
        return kind([_filled(item, values) for item in template])
    if kind is dict:
        return {name: _filled(item, values) for name, item in template.items()}
    return template


def _hint(number):
    return number if isinstance(number, int) else number.node.hint


def stride_order(value):
    """The axes of a traced tensor by their strides, the largest first; None where its elements do not lie densely: it is a view."""
    strides = [_hint(s) for s in value.stride()]
    sizes = [_hint(n) for n in value.shape]
    order = sorted(range(len(strides)), key=lambda axis: (-strides[axis], axis))
    moved = [axis for axis in order if sizes[axis] != 1]
    dense = 1
    for axis in reversed(moved):
        if strides[axis] != dense and 0 not in sizes:
            return None
        dense *= sizes[axis]
    return tuple(range(len(order)) if moved == sorted(moved) else order)


def _laid_out(x, order):
    if order is None:
        return x
    if order == tuple(range(x.ndim)):
        return x.contiguous()
    inverse = [0] * len(order)
    for place, axis in enumerate(order):
        inverse[axis] = place
    return x.permute(order).contiguous().permute(inverse)
