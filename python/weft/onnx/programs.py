"""weft's graphs as ONNX graphs: traces at several sizes become one program, its nodes are emitted in order."""

import weft

from ._package import onnx
from .emit import EMITTERS
from .values import to_array
from .writer import Node, Value, Varying, Writer, element

MULTIPLES = (
    (2, 3, 5),
    (3, 5, 2),
    (5, 2, 3),
    (7, 3, 2),
    (3, 7, 5),
    (5, 7, 3),
)  # of the dynamic sizes in the three traces


def model_of(trace, args, owned, dynamic_shapes, opset, input_names, output_names):
    """The ModelProto of a program. ``trace(args)`` gives ((name, role) of the inputs, weights, records); ``owned``: the names of the model's
    parameters and buffers, beside which a program has tensors that its code made."""
    first = _renamed(trace(args), input_names)
    names = [name for name, role in first[0] if role == "argument"]
    axes = _axes(dynamic_shapes, names, first[2][0])
    traces = [first] if not axes else _traces(trace, args, axes, names)
    if axes and all(first[2][0][i][1][axis] > 1 for i, axis in axes):  # a size of 1 is another program: it is spread
        traces.append(first)
    inputs, weights, _ = first
    _check_roles(inputs)
    graph = traces[0][2] if len(traces) == 1 else _unified([t[2] for t in traces])
    dims = _dims(axes, names, graph)
    w = Program(opset, [(inputs[i][0], axis, size) for i, axis, size, _ in dims])
    return w.model(inputs, dict(weights), owned, graph, {size: name for _, _, size, name in dims}, output_names)


def _renamed(traced, input_names):
    """With the names of the arguments, which come first, in place of their own."""
    if input_names is None:
        return traced
    inputs, weights, graph = traced
    count, names = sum(role == "argument" for _, role in inputs), list(input_names)
    rest = inputs[count:]
    if len(names) != count or len(set(names)) != count or {name for name, _ in rest} & set(names):
        raise ValueError(f"[onnx.export] input_names must be {count} names that no weight has; got {names}")
    return [*((name, "argument") for name in names), *rest], weights, graph


def _check_roles(inputs):
    for name, role in inputs:
        if role == "state":
            raise NotImplementedError(
                f"[onnx.export] the program writes to its state ({name}), as training steps and batch norm in training do; export a model in eval()"
            )
        if role == "generator":
            raise NotImplementedError(
                "[onnx.export] the program draws random numbers, which no two runtimes have alike; export a model in eval(), or pass them in"
            )


# ---------------------------------------------------------------- sizes that vary


def _axes(dynamic_shapes, names, types):
    """(input, axis) → name."""
    if not dynamic_shapes:
        return {}
    if isinstance(dynamic_shapes, dict):
        unknown = [n for n in dynamic_shapes if n not in names]
        if unknown:
            raise ValueError(f"[onnx.export] dynamic_shapes names {unknown[0]!r}; the inputs are {', '.join(names)}")
        given = [dynamic_shapes.get(n) for n in names]
    elif isinstance(dynamic_shapes, (list, tuple)) and len(dynamic_shapes) == len(names):
        given = dynamic_shapes
    else:
        raise TypeError(
            f"[onnx.export] dynamic_shapes must be a dict by input or a list with an entry for each of {', '.join(names)}"
        )
    axes = {}
    for i, entry in enumerate(given):
        if isinstance(entry, (list, tuple)):
            entry = {a: n for a, n in enumerate(entry) if n is not None}
        if entry is not None and not isinstance(entry, dict):
            raise TypeError(
                f"[onnx.export] dynamic_shapes of {names[i]!r} must be {{axis: name}} or None; got {type(entry).__name__}"
            )
        for axis, name in (entry or {}).items():
            rank = len(types[i][1])
            if type(axis) is not int or not -rank <= axis < rank:
                raise ValueError(f"[onnx.export] the input {names[i]!r} of {rank} axes has no axis {axis!r}")
            name = getattr(name, "__name__", name)
            if not isinstance(name, str) or not name:
                raise TypeError(
                    f"[onnx.export] a dynamic size needs a name; got {name!r} for axis {axis} of {names[i]!r}"
                )
            axes[i, axis % rank] = name
    return axes


def _traces(trace, args, axes, names):
    from .. import _pytree

    leaves, structure = _pytree.flatten(args)
    places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, weft.Tensor)]
    own = {}
    for (i, axis), name in axes.items():
        size = leaves[places[i]].shape[axis]
        if own.setdefault(name, size) != size:
            raise ValueError(f"[onnx.export] axes named {name!r} must have one size; got {own[name]} and {size}")
    if len(own) > len(MULTIPLES):
        raise NotImplementedError(f"[onnx.export] at most {len(MULTIPLES)} dynamic sizes are supported; got {len(own)}")
    failed = None
    for choices in (_multiples, _fewer):
        try:
            return [trace(_resized(leaves, structure, places, axes, sizes)) for sizes in choices(own)]
        except (RuntimeError, ValueError, IndexError) as error:
            failed = error
    raise NotImplementedError(
        f"[onnx.export] the program does not run at other sizes of {', '.join(own)}: {failed}; leave these axes out of dynamic_shapes"
    ) from failed


def _multiples(own):
    return [{name: max(size, 1) * MULTIPLES[d][t] for d, (name, size) in enumerate(own.items())} for t in range(3)]


def _fewer(own):
    """Near the example's own, where multiples are too many."""
    return [{name: max(size - t - (t * d) % 3, 2 + t) for d, (name, size) in enumerate(own.items())} for t in range(3)]


def _resized(leaves, structure, places, axes, sizes):
    from .. import _pytree

    leaves = list(leaves)
    for i, place in enumerate(places):
        x = leaves[place]
        shape = [sizes[axes[i, a]] if (i, a) in axes else s for a, s in enumerate(x.shape)]
        if shape != list(x.shape):
            leaves[place] = weft.zeros(shape, dtype=x.dtype, device=x.device)
    return _pytree.unflatten(leaves, structure)


def _unified(graphs):
    """One graph of the same nodes, in which sizes that differ are Varying."""
    first = graphs[0]
    if any(len(g[1]) != len(first[1]) or list(g[2]) != list(first[2]) for g in graphs):
        _differ("", "its nodes")
    inputs = [_type(found) for found in zip(*(g[0] for g in graphs))]
    nodes = []
    for found in zip(*(g[1] for g in graphs)):
        op, operands, attrs, _, result, line = found[0]
        if any(f[0] != op or list(f[1]) != list(operands) for f in found):
            _differ(line, "its nodes")
        merged = {name: _value([f[2][name] for f in found], op, line) for name in attrs}
        nodes.append((op, operands, merged, _type([f[3] for f in found]), result, line))
    return inputs, nodes, first[2]


def _differ(line, what):
    raise NotImplementedError(
        f"[onnx.export] {line + ': ' if line else ''}the program is another at other sizes: {what} differ; leave the axes that decide it out of "
        "dynamic_shapes"
    )


def _type(found):
    if any(f[0] != found[0][0] or len(f[1]) != len(found[0][1]) for f in found):
        _differ("", "types")
    return found[0][0], tuple(_size(sizes) for sizes in zip(*(f[1] for f in found)))


def _size(values):
    return values[0] if len(set(values)) == 1 else Varying(values)


def _value(values, op, line):
    first = values[0]
    if isinstance(first, tuple) and len(first) == 3 and isinstance(first[1], list):
        return _unified(values)
    if isinstance(first, tuple):
        if any(len(v) != len(first) for v in values):
            _differ(line, f"the attributes of {op}")
        return tuple(_size(v) for v in zip(*values))
    if all(v == first or v != v and first != first for v in values):
        return first
    if type(first) is int:
        return Varying(values)
    return _differ(line, f"numbers of {op}")


def _dims(axes, names, graph):
    """(input, axis, Varying, name) of each dynamic axis."""
    return [(i, axis, graph[0][i][1][axis], name) for (i, axis), name in axes.items()]


# ---------------------------------------------------------------- the program


class Program(Writer):
    """Writes a whole model."""

    def model(self, inputs, weights, owned, graph, dims, output_names):
        helper = onnx().helper
        types, nodes, outputs = graph
        values, given = [], []
        self.taken.update(name for name, _ in inputs)
        for (name, role), (dtype, shape) in zip(inputs, types):
            values.append(Value(name, dtype, shape))
            if role == "argument":
                given.append(helper.make_tensor_value_info(name, element(dtype), [dims.get(s, s) for s in shape]))
        used = self.emit(nodes, values, outputs)
        for name, role in inputs:
            if role == "weight" and name in used:
                array = to_array(weights[name]) if weights[name].dtype is weft.bfloat16 else weights[name].numpy()
                tensor = onnx().numpy_helper.from_array(array, name)
                if name in owned:
                    self.initializers[name] = tensor
                else:
                    self.constants.append(helper.make_node("Constant", [], [name], value=tensor))
        results = self.outputs(values, outputs, dims, output_names)
        nodes, initializers = [*self.constants, *self.nodes], list(self.initializers.values())
        made = helper.make_graph(nodes, "main", given, results, initializer=initializers)
        opset = helper.make_opsetid("", self.opset)
        return helper.make_model(
            made, opset_imports=[opset], ir_version=10, producer_name="weft", producer_version=weft.__version__
        )

    def outputs(self, values, outputs, dims, output_names):
        names = output_names or (["output"] if len(outputs) == 1 else [f"output_{i}" for i in range(len(outputs))])
        if len(names) != len(outputs) or len(set(names)) != len(names) or self.taken & set(names):
            raise ValueError(
                f"[onnx.export] output_names must be {len(outputs)} names that no input or weight has; got {list(names)}"
            )
        results, spare = [], {}
        for name, index in zip(names, outputs):
            value = values[index]
            self.nodes.append(onnx().helper.make_node("Identity", [value.name], [name]))
            shape = [
                dims.get(s) or spare.setdefault(s, f"size_{len(spare)}") if isinstance(s, Varying) else s
                for s in value.shape
            ]
            results.append(onnx().helper.make_tensor_value_info(name, element(value.dtype), shape))
        return results

    def emit(self, nodes, values, outputs):
        """Writes the nodes that the outputs need; ``values`` grows by all results. Gives the names of those read."""
        first = len(values)
        live = _live(nodes, first, outputs)
        for i, (op, operands, attrs, kind, result, line) in enumerate(nodes):
            if result:  # written with the first one
                continue
            types = [kind]
            while i + len(types) < len(nodes) and nodes[i + len(types)][4]:
                types.append(nodes[i + len(types)][3])
            node = Node(op, tuple(values[o] for o in operands), attrs, tuple(types), line)
            names = self._emitted(node) if any(first + i + k in live for k in range(len(types))) else ("",) * len(types)
            for name, (dtype, shape) in zip(names, types):
                values.append(Value(name, dtype, shape, node))
        return {values[i].name for i in (*live, *outputs)}

    def _emitted(self, node):
        emitter = EMITTERS.get(node.op)
        try:
            if emitter is None:
                raise NotImplementedError(f"it has no ONNX counterpart; supported are {', '.join(sorted(EMITTERS))}")
            names = emitter(self, node)
        except NotImplementedError as error:
            if str(error).startswith("[onnx.export]"):
                raise
            kinds = ", ".join(f"{v.dtype}{list(v.shape)}" for v in node.operands)
            place = f"{node.line}: " if node.line else ""
            raise NotImplementedError(f"[onnx.export] {place}the op {node.op} of ({kinds}): {error}") from None
        return names if isinstance(names, tuple) else (names,)

    def several(self, kind, inputs, outputs, **attributes):
        names = self.node(kind, inputs, outputs, **attributes)
        return names if isinstance(names, tuple) else (names,)

    def body(self, node, graph, outside, carries, sequences, loop=False):
        """The GraphProto of a body: its first inputs are the carries and an entry of each sequence, the others names outside."""
        helper = onnx().helper
        types, nodes, outputs = graph
        own = carries + sequences
        around, self.nodes = self.nodes, []
        self._sizes.append({})
        given = []
        values = [Value(self.fresh("carried" if i < carries else "entry"), *types[i]) for i in range(own)]
        if loop:
            given = [self._info(self.fresh("trip"), "int64", ()), self._info(self.fresh("going"), "bool", ())]
        given += [self._info(v.name, v.dtype, v.shape) for v in values]
        values += outside
        self.emit(nodes, values, outputs)
        if loop:
            outputs = [outputs[-1], *outputs[:-1]]
        results = []
        for index in outputs:
            name = self.fresh("result")
            self.nodes.append(helper.make_node("Identity", [values[index].name], [name]))
            results.append(self._info(name, values[index].dtype, values[index].shape))
        made = helper.make_graph(self.nodes, self.fresh(f"{node.op}_body"), given, results)
        self.nodes = around
        self._sizes.pop()
        return made

    def _info(self, name, dtype, shape):
        return onnx().helper.make_tensor_value_info(
            name, element(dtype), [None if isinstance(s, Varying) else s for s in shape]
        )


def _live(nodes, first, outputs):
    """The values that the outputs depend on."""
    live, pending = set(), list(outputs)
    while pending:
        value = pending.pop()
        if value in live:
            continue
        live.add(value)
        if value >= first:
            pending += nodes[value - first][1]
    return live
