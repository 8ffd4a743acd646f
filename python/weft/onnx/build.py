"""From a file's graph to steps: operators are looked up, functions become graphs, and what only constants go into is computed."""

from . import graph as graphs
from . import host, ops  # noqa: F401  ops fills the table
from ._package import onnx
from .table import TABLE, versions
from .tensors import array_of
from .values import MOST_KNOWN, name_of, to_tensor

DEEPEST = 64  # graphs and functions within each other
MOST_STEPS = 500_000
ATTRIBUTES = {
    1: "f",
    2: "i",
    3: "s",
    4: "t",
    5: "g",
    6: "floats",
    7: "ints",
    8: "strings",
    9: "tensors",
    10: "graphs",
    13: "tp",
}


class Builder:
    """Builds the graphs of one file. ``weights``: name → array, of the outermost graph, that tensors of the model will hold."""

    def __init__(self, model, folder):
        self.folder = folder
        self.opsets = {i.domain if i.domain != "ai.onnx" else "": i.version for i in model.opset_import}
        self.functions = {(f.domain if f.domain != "ai.onnx" else "", f.name): f for f in model.functions}
        self.weights = {}
        self.buffers = set()  # weights that are no parameters: running means, constants
        self.steps = 0
        # Initializers that are inputs, too: defaults, which a call may replace. Older files list all of them so.
        self.replaceable = {v.name for v in model.graph.input} if model.ir_version >= 4 else set()
        self.types = {}  # name → text, for messages
        self.protos = {}  # name → TypeProto, where the file says

    # ---------------------------------------------------------------- graphs

    def graph(self, proto, outer=(), depth=0, scope=None):
        """A Graph of a GraphProto. ``outer``: the names that graphs around it define; ``scope``: opsets and a function's attributes."""
        if depth > DEEPEST:
            raise RuntimeError(
                f"[onnx] graphs within each other are deeper than {DEEPEST}; the file is damaged or not a model"
            )
        scope = scope or Scope(self.opsets, {}, in_function=False)
        arrays = {}
        for tensor in proto.initializer:
            arrays[tensor.name] = array_of(tensor, self.folder)
        for sparse in proto.sparse_initializer:
            arrays[sparse.values.name] = array_of(sparse, self.folder)
        for value in (*proto.input, *proto.output, *proto.value_info):
            self.types.setdefault(value.name, type_text(value.type))
            self.protos.setdefault(value.name, value.type)
        for name, array in arrays.items():
            self.types.setdefault(name, f"{array.dtype.name}{list(array.shape)}")
        inputs = tuple(v.name for v in proto.input if depth or v.name not in arrays)
        return self.body(proto.name, inputs, [o.name for o in proto.output], proto.node, arrays, outer, depth, scope)

    def body(self, name, inputs, outputs, nodes, arrays, outer, depth, scope):
        nodes = in_order(nodes, {*inputs, *arrays, *outer}, name)
        own = {*inputs, *arrays, *(o for n in nodes for o in n.output if o)}
        needed_as_numbers = self.read_as_numbers(nodes, scope)
        constants, known, steps, quantized = [], {}, [], set()

        def keep(key, array):
            if array.dtype.kind in "OUS" or is_small(array) or key in needed_as_numbers or scope.in_function:
                known[key] = array
            else:
                self.weights[key] = array
                weights.add(key)

        weights = set()
        for key, array in arrays.items():
            if key in self.weights:  # of a graph inside: the same name, another value
                known[key] = array
            else:
                keep(key, array)
        for node in nodes:
            domain = "" if node.domain == "ai.onnx" else node.domain
            if domain == "" and node.op_type == "Constant":
                array = self.constant(node, scope)
                if node.output[0] in self.weights or depth or array.size == 1:
                    known[node.output[0]] = array
                else:
                    keep(node.output[0], array)
                    self.buffers.add(node.output[0])
                continue
            step = self.step(node, domain, own | set(outer), depth, scope)
            given = inputs if depth else {*inputs, *self.replaceable}
            folded = fold(step, known, given)
            if folded is not None:
                known.update(folded)
            elif (
                not depth
                and domain == ""
                and node.op_type == "DequantizeLinear"
                and self.dequantize(step, known, given)
            ):
                weights.add(step.outputs[0])
                quantized.update(step.inputs)
            else:
                steps.append(step)
        read = {n for s in steps for n in (*s.inputs, *(s.captured or ()))} | set(outputs)
        for key in (quantized & weights) - read:
            weights.discard(key)
            self.weights.pop(key, None)
        for key, array in known.items():
            if key in read and key not in inputs:
                constants.append((key, graphs.constant(array)))
        missing = [o for o in outputs if o not in own and o not in outer]
        if missing:
            raise RuntimeError(f"[onnx] graph '{name}' gives {missing[0]!r}, which no node computes")
        # A graph inside takes the weights of the outermost one, and what is around it, by name.
        free = tuple(sorted((read - own) | (weights if depth else set())))
        return graphs.Graph(name, inputs, tuple(outputs), tuple(constants), released(steps, outputs, own), free)

    def dequantize(self, step, known, inputs):
        """Whether the step makes floats of quantized weights; they are made here once, not at every call."""
        values = [known[n] if n in known else self.weights.get(n) for n in step.inputs]
        if any(v is None for v in values) or any(n in inputs for n in step.inputs):
            return False
        try:
            result = step.operator.function(*map(to_tensor, values), **graphs.attributes_of(step))
        except Exception:  # said where it runs, if it ever does
            return False
        if result.dtype.itemsize < 4:
            return False
        self.weights[step.outputs[0]] = result.numpy()
        self.buffers.add(step.outputs[0])
        return True

    def read_as_numbers(self, nodes, scope):
        """The names that only operators read which need numbers."""
        yes, no = set(), set()
        for node in nodes:
            domain = "" if node.domain == "ai.onnx" else node.domain
            entry = self.entry(node, domain, scope)
            for i, name in enumerate(node.input):
                (yes if entry and i in entry.host else no).add(name)
            if domain == "" and node.op_type == "BatchNormalization":
                self.buffers.update(node.input[3:5])
        return yes - no

    # ---------------------------------------------------------------- nodes

    def entry(self, node, domain, scope):
        if (domain, node.op_type) in self.functions:
            return None
        return TABLE.get((domain, node.op_type), {}).get(self.since(node, domain, scope))

    def since(self, node, domain, scope):
        schema = self.schema(node, domain, scope)
        if schema is not None:
            return schema.since_version
        return scope.opsets.get(domain, 1)

    def schema(self, node, domain, scope):
        defs = onnx().defs
        try:
            return defs.get_schema(node.op_type, scope.opsets.get(domain, 1), domain)
        except defs.SchemaError:
            return None

    def step(self, node, domain, defined, depth, scope):
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise RuntimeError(f"[onnx] the model has more than {MOST_STEPS} nodes once its functions are written out")
        label = f"'{node.name or next(iter(node.output), '')}' ({domain + '.' if domain else ''}{node.op_type}, opset {scope.opsets.get(domain, '?')})"
        unknown = [i for i in node.input if i and i not in defined]
        if unknown:
            raise RuntimeError(f"[onnx] node {label} reads {unknown[0]!r}, which nothing before it defines")
        inputs = tuple(node.input)
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        outputs = tuple(node.output)
        entry = self.entry(node, domain, scope)
        if entry is None:
            called = self.function(node, domain, label, depth, scope)
            return graphs.Step(label, called, None, inputs, outputs, (), (), None)
        attributes, captured, graphs_inside = {}, set(), False
        schema = self.schema(node, domain, scope)
        for attribute in node.attribute:
            self.check_kind(attribute, schema, label)
            name, value = self.attribute(attribute, label, defined, depth, scope)
            if isinstance(value, graphs.Graph):
                graphs_inside = True
                captured.update(value.free)
            if value is not None:
                attributes[name] = value
        self.check(node, label, entry, inputs, attributes, domain)
        known = host.KNOWN.get(node.op_type) if not domain else None
        attributes = {n: graphs.constant(v) if host.is_known(v) else v for n, v in attributes.items()}
        return graphs.Step(
            label,
            entry,
            known,
            inputs,
            outputs,
            tuple(attributes.items()),
            (),
            tuple(sorted(captured)) if graphs_inside else None,
        )

    def check_kind(self, attribute, schema, label):
        known = schema.attributes if schema is not None else {}
        if attribute.name in known and int(known[attribute.name].type.value) != attribute.type:
            names = onnx().AttributeProto.AttributeType
            raise RuntimeError(
                f"[onnx] node {label}: the attribute {attribute.name!r} must be {known[attribute.name].type.name}; got "
                f"{names.Name(attribute.type) if attribute.type in names.values() else attribute.type}"
            )

    def check(self, node, label, entry, inputs, attributes, domain):
        wrong = sorted(set(attributes) - entry.attributes)
        if wrong:
            has = ", ".join(sorted(entry.attributes)) or "none"
            raise NotImplementedError(
                f"[onnx] node {label} of ({self.kinds(node)}) has the attribute {wrong[0]!r}; supported are {has}"
            )
        if len(inputs) < entry.required or (entry.accepted >= 0 and len(inputs) > entry.accepted):
            raise RuntimeError(
                f"[onnx] node {label} has {len(inputs)} inputs ({self.kinds(node)}); it takes "
                + (f"{entry.required} to {entry.accepted}" if entry.accepted >= 0 else f"{entry.required} or more")
            )

    def kinds(self, node):
        return ", ".join(self.types.get(i, "of unknown type") if i else "none" for i in node.input)

    def attribute(self, attribute, label, defined, depth, scope):
        if attribute.ref_attr_name:
            return attribute.name, scope.attributes.get(attribute.ref_attr_name)
        kind = ATTRIBUTES.get(attribute.type)
        if kind is None:
            raise NotImplementedError(
                f"[onnx] node {label}: the attribute {attribute.name!r} is of a kind that is not supported"
            )
        value = getattr(attribute, kind)
        if kind == "g":
            return attribute.name, self.graph(value, defined, depth + 1, scope)
        if kind == "s":
            return attribute.name, value.decode("utf-8", "replace")
        if kind == "strings":
            return attribute.name, tuple(v.decode("utf-8", "replace") for v in value)
        if kind == "t":
            return attribute.name, array_of(value, self.folder)
        if kind == "tp":
            return attribute.name, value.SerializeToString()
        if kind in ("tensors", "graphs"):
            raise NotImplementedError(
                f"[onnx] node {label}: the attribute {attribute.name!r} is a list of {kind}, which is not supported"
            )
        return attribute.name, value if kind in "fi" else tuple(value)

    def constant(self, node, scope):
        import numpy

        label = f"'{node.name or node.output[0]}' (Constant)"
        given = [a for a in node.attribute if not a.ref_attr_name or a.ref_attr_name in scope.attributes]
        if len(given) != 1 or len(node.output) != 1:
            raise RuntimeError(f"[onnx] node {label} must have one value; got {[a.name for a in node.attribute]}")
        attribute = given[0]
        if attribute.name == "sparse_value":
            return array_of(attribute.sparse_tensor, self.folder)
        if not attribute.ref_attr_name:
            self.check_kind(attribute, self.schema(node, "", scope), label)
        name, value = self.attribute(attribute, label, (), 0, scope)
        kinds = {
            "value": None, "value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64",
            "value_string": "O", "value_strings": "O",
        }  # fmt: skip
        if name not in kinds:
            raise NotImplementedError(
                f"[onnx] node {label} has the attribute {name!r}; supported are {', '.join(kinds)}"
            )
        return value if name == "value" else numpy.array(value, kinds[name])

    # ---------------------------------------------------------------- functions

    def function(self, node, domain, label, depth, scope):
        """The graph of a function: one of the file's own, or the operator's definition in terms of others."""
        if depth > DEEPEST:
            raise RuntimeError(
                f"[onnx] node {label}: functions call each other deeper than {DEEPEST}; the file is damaged"
            )
        proto = self.functions.get((domain, node.op_type))
        if proto is None:
            proto = self.definition(node, domain, scope)
        if proto is None:
            self.unsupported(node, domain, label, scope)
        attributes = {}
        for default in proto.attribute_proto:
            attributes[default.name] = self.attribute(default, label, (), depth, scope)[1]
        for given in node.attribute:
            value = self.attribute(given, label, (), depth, scope)[1]
            if value is not None:
                attributes[given.name] = value
        opsets = {**self.opsets, **{i.domain if i.domain != "ai.onnx" else "": i.version for i in proto.opset_import}}
        inner = Scope(opsets, attributes)
        return self.body(node.op_type, tuple(proto.input), list(proto.output), proto.node, {}, (), depth + 1, inner)

    def definition(self, node, domain, scope):
        schema = self.schema(node, domain, scope)
        if schema is None or schema.deprecated:
            return None
        proto = onnx().FunctionProto()
        version = scope.opsets.get(domain, 1)
        if schema.has_function:
            fitting = [v for v in schema.function_opset_versions if v <= version] or schema.function_opset_versions[:1]
            proto.ParseFromString(schema.get_function_with_opset_version(max(fitting)))
            return proto
        if schema.has_context_dependent_function:
            versions_ = schema.context_dependent_function_opset_versions
            fitting = [v for v in versions_ if v <= version] or versions_[:1]
            types = [self.protos[i].SerializeToString() if i in self.protos else b"" for i in node.input]
            proto.ParseFromString(
                schema.get_context_dependent_function_with_opset_version(max(fitting), node.SerializeToString(), types)
            )
            return proto
        return None

    def unsupported(self, node, domain, label, scope):
        known = versions(domain, node.op_type)
        text = f"[onnx] node {label} of ({self.kinds(node)}) is not supported; "
        if known:
            since = self.since(node, domain, scope)
            raise NotImplementedError(
                text + f"it is of version {since}, and supported are {', '.join(map(str, known))}"
            )
        near = sorted(n for d, n in TABLE if d == domain)
        raise NotImplementedError(
            text
            + (
                f"of the domain {domain or 'ai.onnx'!r} there are {', '.join(near)}"
                if near
                else f"there are no operators of the domain {domain!r}; use those of ai.onnx, or a function of the model's own"
            )
        )


class Scope:
    """What holds inside a function: its opsets and the attributes that it was called with."""

    def __init__(self, opsets, attributes, in_function=True):
        self.opsets = opsets
        self.attributes = attributes
        self.in_function = in_function


def is_small(array):
    """Whether an initializer is a number or a shape and no weight."""
    return array.dtype.kind in "iub" and array.size <= 64


def in_order(nodes, defined, name):
    """The nodes such that each reads what is defined before; those whose inputs nothing defines come last."""
    pending, done, ready = list(nodes), set(defined), []
    made = {}
    for node in pending:
        for output in node.output:
            if output and (output in made or output in defined):
                raise RuntimeError(f"[onnx] graph '{name}' defines {output!r} twice")
            made[output] = node
    while pending:
        later = []
        for node in pending:
            if all(i in done or i not in made for i in reads(node)):
                ready.append(node)
                done.update(node.output)
            else:
                later.append(node)
        if len(later) == len(pending):
            raise RuntimeError(
                f"[onnx] graph '{name}' has a cycle: node {later[0].name!r} ({later[0].op_type}) needs its own result"
            )
        pending = later
    return ready


def reads(node, depth=0):
    """The names that a node reads, those of its graphs included."""
    names = [i for i in node.input if i]
    if depth < DEEPEST:
        for attribute in node.attribute:
            if attribute.type == 5:
                inside = {o for n in attribute.g.node for o in n.output}
                names += [i for n in attribute.g.node for i in reads(n, depth + 1) if i not in inside]
                names += [o.name for o in attribute.g.output if o.name not in inside]
    return names


def fold(step, known, inputs):
    """The results of a step of constants alone, or None."""
    if step.known is None or not all(n == "" or (n in known and n not in inputs) for n in step.inputs):
        return None
    arguments = [known[n] if n else None for n in step.inputs]
    try:
        result = step.known(*arguments, **graphs.attributes_of(step))
    except Exception:  # said where it runs, if it ever does
        return None
    if result is NotImplemented:
        return None
    results = result if type(result) is tuple else (result,)
    if any(r.size > MOST_KNOWN for r in results):
        return None
    return {name: r for name, r in zip(step.outputs, results) if name}


def released(steps, outputs, own):
    """The steps, each with the names that it is the last to read."""
    result, needed = [], set(outputs)
    for step in reversed(steps):
        names = {n for n in (*step.inputs, *(step.captured or ()), *step.outputs) if n and n in own}
        result.append(step._replace(released=tuple(sorted(names - needed))))
        needed |= names
    return tuple(reversed(result))


def type_text(proto):
    """A TypeProto in words."""
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        sizes = [d.dim_param or (d.dim_value if d.HasField("dim_value") else "?") for d in proto.tensor_type.shape.dim]
        return f"{name_of(proto.tensor_type.elem_type)}[{', '.join(map(str, sizes))}]"
    if kind in ("sequence_type", "optional_type"):
        return f"{kind.removesuffix('_type')} of {type_text(getattr(proto, kind).elem_type)}"
    return kind or "of unknown type"
