"""How a graph runs: weft programs, and between them what weft has no function for, as PyTorch's own operators."""

from __future__ import annotations

import operator
from collections import Counter

import torch

from ._program import DTYPES, Program, function_of
from ._random import draw

_CONSTANTS = (int, float, bool, str, type(None))


class Plan:
    """Nodes in an order of levels: those of even levels run as they are (PyTorch's operators, arithmetic of sizes), those of one odd
    level are one program. A node's level is the least that its operands allow, so there are as few programs as can be.

    run(args): takes a list, which it empties, of the inputs' values; gives those of the outputs, a list.
    """

    def __init__(self, nodes, inputs, outputs, rejected, attributes=None):
        self.rejected = rejected  # node → why
        self.programs = []
        self.foreign = Counter()  # names of PyTorch's operators that run between programs, with the reason
        levels = self._levels(nodes)
        self.run = self._written(nodes, inputs, outputs, levels, attributes or {})

    @classmethod
    def of_graph(cls, module):
        nodes = list(module.graph.nodes)
        inputs = [node for node in nodes if node.op == "placeholder"]
        (outputs,) = module.graph.output_node().args
        attributes = {node: getattr(module, node.target) for node in nodes if node.op == "get_attr"}
        return cls([node for node in nodes if node.op == "call_function"], inputs, outputs, {}, attributes)

    def _why_foreign(self, node):
        """Why a node is not weft's; "" for what is no operator on tensors; None where it is weft's."""
        if node in self.rejected:
            return self.rejected[node]
        if node.target is operator.getitem and isinstance(node.args[0], torch.fx.Node):
            return "" if self._why_foreign(node.args[0]) is not None else None
        if not any(isinstance(value, torch.Tensor) for value in _values(node)):
            return "" if not isinstance(node.target, torch._ops.OpOverload) else "its result is no tensor"
        if not function_of(node):
            return "PyTorch's random numbers" if _draws(node) else "not in weft's table"
        for other in (node, *node.all_input_nodes):
            for value in _values(other):
                if isinstance(value, torch.Tensor) and not _is_weft(value):
                    return f"{value.dtype}, {value.device.type}, {value.layout}"
        if node.target is torch.ops.aten.native_dropout.default and node.args[2:] != (False,):
            return "random numbers are PyTorch's"
        return None

    def _levels(self, nodes):
        levels: dict = {}
        drawn = 0  # the level of the last draw: their order is kept
        for node in nodes:
            level = max((levels.get(argument, 0) for argument in node.all_input_nodes), default=0)
            if self._why_foreign(node) is None:
                levels[node] = level | 1
            else:
                level += level & 1
                if _draws(node):
                    level = drawn = max(level, drawn)
                levels[node] = level
        # What has no operands is made where it is first read.
        for node in reversed(nodes):
            if levels[node] & 1 and not any(argument in levels for argument in node.all_input_nodes):
                wanted = min((levels[user] for user in node.users if user in levels), default=levels[node])
                levels[node] = max(levels[node], wanted - 1 if wanted % 2 == 0 else wanted)
        return levels

    def _written(self, nodes, inputs, outputs, levels, attributes):
        """A Python function of the steps."""
        names = {node: f"v{i}" for i, node in enumerate(inputs)}
        space: dict = {}
        for i, (node, value) in enumerate(attributes.items()):
            names[node] = f"c{i}"
            space[f"c{i}"] = value
        wanted = {node for output in outputs for node in _nodes_in(output)}
        steps = []  # (source, nodes read, nodes made)
        for level in sorted(set(levels.values())):
            here = [node for node in nodes if levels[node] == level]
            for node in here:
                names[node] = f"v{len(names)}"
            if level & 1:
                steps.append(self._program_step(here, levels, wanted, names, space))
            else:
                steps += [self._foreign_step(node, names, space) for node in here]
        lines = ["def run(args):"]
        if inputs:
            lines += [f"    [{', '.join(names[node] for node in inputs)}] = args", "    args.clear()"]
        last = {}
        for i, (_, read, made) in enumerate(steps):
            last.update({node: i for node in (*read, *made)})
        for i, (source, read, made) in enumerate(steps):
            lines.append("    " + source)
            dead = [
                names[n]
                for n in dict.fromkeys((*read, *made))
                if last[n] == i and n not in wanted and n not in attributes
            ]
            if dead and i + 1 < len(steps):
                lines.append(f"    del {', '.join(dead)}")
        lines.append(f"    return {_source(list(outputs), names, space)}")
        self.source = "\n".join(lines)
        exec(self.source, space)
        return space["run"]

    def _program_step(self, nodes, levels, wanted, names, space):
        own = set(nodes)
        read = list(dict.fromkeys(a for node in nodes for a in node.all_input_nodes if a not in own))
        made = [
            node
            for node in nodes
            if (node in wanted or any(u not in own for u in node.users if u in levels)) and _is_one(node)
        ]
        program = Program(nodes, read, made)
        name = f"p{len(self.programs)}"
        self.programs.append(program)
        space[name] = program
        results = f"[{', '.join(names[node] for node in made)}] = " if made else ""
        return f"{results}{name}([{', '.join(names[node] for node in read)}])", read, made

    def _foreign_step(self, node, names, space):
        if reason := self._why_foreign(node):
            target = node.args[0] if node.target is draw else node.target
            name = target if isinstance(target, torch._ops.OpOverload) else getattr(target, "__name__", target)
            self.foreign[f"{name} ({reason})"] += 1
        function = f"f_{names[node]}"
        space[function] = node.target
        arguments = [_source(argument, names, space) for argument in node.args]
        arguments += [f"{name}={_source(argument, names, space)}" for name, argument in node.kwargs.items()]
        return f"{names[node]} = {function}({', '.join(arguments)})", node.all_input_nodes, [node]


def _values(node):
    value = node.meta.get("val")
    return value if isinstance(value, (tuple, list)) else (value,)


def _is_one(node):
    """Whether the node's value is one tensor; those of several are read by getitem."""
    return isinstance(node.meta.get("val"), torch.Tensor)


def _is_weft(value):
    return value.dtype in DTYPES and value.device.type == "cpu" and value.layout is torch.strided


def _draws(node):
    """Whether the node draws random numbers, or has another effect beside its result."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        return torch.Tag.nondeterministic_seeded in target.tags or target._schema.is_mutable
    return getattr(target, "__module__", "") == "weft.torch._random"


def _nodes_in(argument):
    if isinstance(argument, torch.fx.Node):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [node for item in argument for node in _nodes_in(item)]
    return []


def _source(argument, names, space):
    """An argument as source text."""
    if isinstance(argument, torch.fx.Node):
        return names[argument]
    if isinstance(argument, (tuple, list)):
        items = "".join(_source(item, names, space) + ", " for item in argument)
        return f"[{items}]" if isinstance(argument, list) else f"({items})"
    if isinstance(argument, _CONSTANTS) and "n" not in repr(argument):  # nor inf nor nan
        return repr(argument)
    name = f"k{len(space)}"
    space[name] = argument
    return name
