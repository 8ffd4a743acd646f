"""Exported programs of PyTorch's as weft modules."""

from __future__ import annotations

import json
import keyword
import math
import operator
import os
from typing import Any

import weft

from ..nn import Module, Parameter, functional
from .archive import SCALAR_TYPES, Archive, ArchiveError, dtype_of, read_archive
from .table import TABLE, Unsupported

# In place of the table's: here results may be written to, and random numbers are weft's.
_OWN = {
    "aten.clone.default": lambda x, **kwargs: x.clone(),
    "aten.lift_fresh_copy.default": lambda x: x.clone(),
    "aten.dropout.default": lambda x, p, train: functional.dropout(x, p, train),
    "aten.rand_like.default": lambda x, dtype=None, **kwargs: weft.rand_like(x, dtype=dtype),
    "aten.randn_like.default": lambda x, dtype=None, **kwargs: weft.randn_like(x, dtype=dtype),
    "aten.rand.default": lambda size, dtype=None, **kwargs: weft.rand(*size, dtype=dtype),
    "aten.randn.default": lambda size, dtype=None, **kwargs: weft.randn(*size, dtype=dtype),
    "aten.sym_size.int": lambda x, dim: x.shape[dim],
    "aten.sym_numel.default": lambda x: x.numel(),
    "aten.item.default": lambda x: x.item(),
    "aten.nonzero.default": weft.nonzero,
    "aten.index.Tensor": lambda x, indices: x[tuple(slice(None) if i is None else i for i in indices)],  # masks, too
}
# What only checks. The shapes are checked by the functions that need them.
_CHECKS = {
    "aten._assert_tensor_metadata.default", "aten._assert_scalar.default", "aten.sym_constrain_range_for_size.default",
    "aten.sym_constrain_range.default", "aten._assert_async.msg",
}  # fmt: skip
_NUMBERS = {
    f"_operator.{name}": getattr(operator, name)
    for name in "add sub mul floordiv mod neg truediv pow eq ne lt le gt ge and_ or_ not_ getitem".split()
} | {
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_not": operator.not_,
    "torch.sym_float": float,
    "torch.sym_int": int,
    "torch._sym_sqrt": math.sqrt,
    "math.trunc": math.trunc,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
}  # fmt: skip


def import_torch(program: Any) -> Module:
    """A weft module that computes what an exported program of PyTorch's does.

    program: a torch.export.ExportedProgram, or the path (or a binary file) of what torch.export.save wrote, for which PyTorch need not
    be there. Parameters and buffers have the names that they have in PyTorch, and are the module's own; dimensions that are dynamic in
    the program are here. The module compiles, trains, exports and goes through weft-aot as any other. ``code`` is its forward as text.

    Raises ValueError where the file is damaged or of another version, and NotImplementedError, with the node and the types of its
    operands, where the program has an operator that weft has not.
    """
    if hasattr(program, "graph_signature"):
        import io

        import torch

        buffer = io.BytesIO()
        torch.export.save(program, buffer)
        buffer.seek(0)
        return _module(read_archive(buffer), "the exported program")
    return _module(read_archive(program), os.fspath(program) if isinstance(program, (str, os.PathLike)) else "the file")


# What code meets that relies on what an intact graph has; RuntimeErrors are weft's, for tensors that cannot be.
_OF_DAMAGE = (KeyError, TypeError, IndexError, AttributeError, RecursionError, StopIteration, SyntaxError)


def _module(archive: Archive, name: str) -> Module:
    try:
        return _Writer(archive, name).module
    except Unsupported:
        raise
    except (*_OF_DAMAGE, RuntimeError) as error:
        raise ArchiveError(f"[import_torch] {name} has a damaged graph ({type(error).__name__}: {error})") from error


class TorchProgram(Module):
    """What import_torch returns. code: the text of forward; example_inputs: tensors of the sizes that it was exported for."""

    code: str
    example_inputs: tuple[Any, ...]


class _Writer:
    """Writes the graph as a Python function, which weft traces as any other."""

    def __init__(self, archive: Archive, name: str):
        self.archive, self.name = archive, name
        self.graph = archive.program["graph"]
        self.signature = archive.program["signature"]
        self.space: dict[str, Any] = {"__name__": "weft._aten.exported"}
        self.names: dict[str, str] = {}
        self.count = 0  # of names
        self.module = TorchProgram()
        self.module.train(False)
        self.lines: list[str] = []
        self._inputs()
        for node in self.graph["nodes"]:
            self._node(node)
        self._outputs()
        parameters = ", ".join(["self", *self.arguments])
        self.module.code = "\n    ".join([f"def forward({parameters}):", *self.lines]) + "\n"
        exec(compile(self.module.code, f"<{name}>", "exec"), self.space)
        object.__setattr__(self.module, "forward", self.space["forward"].__get__(self.module))

    def _fresh(self, name: str) -> str:
        """A Python name for a value: of the file only identifiers and literals become source text."""
        self.names[name] = f"_{self.count}"
        self.count += 1
        return self.names[name]

    # ------------------------------------------------------------ Inputs and outputs

    def _inputs(self) -> None:
        user = []
        for spec in self.signature["input_specs"]:
            ((kind, entry),) = spec.items()
            if kind == "user_input":
                user.append(entry["arg"])
            elif kind == "constant_input":
                user.append(None)
            elif kind in ("parameter", "buffer", "tensor_constant"):
                self._state(kind, entry)
            else:
                raise Unsupported(
                    f"[import_torch] {self.name} has an input of kind {kind}; parameters, buffers and tensors are supported"
                )
        call = self.archive.program["module_call_graph"][0]["signature"]
        spec = json.loads(call["in_spec"])[1]
        positional, keywords = spec["children_spec"]
        given = call.get("forward_arg_names") or []
        self.arguments = []
        leaves = iter(user)
        for i, child in enumerate(positional["children_spec"]):
            self.arguments.append(_identifier(given[i]) if i < len(given) else f"args_{i}")
            self._unpack(self.arguments[-1], child, leaves)
        for key, child in zip(json.loads(keywords["context"]), keywords["children_spec"]):
            self.arguments += (["*"] if "*" not in self.arguments else []) + [_identifier(key)]
            self._unpack(key, child, leaves)
        self.module.example_inputs = tuple(
            self._example(arg["as_tensor"]["name"]) if arg and "as_tensor" in arg else None for arg in user
        )

    def _unpack(self, source: str, spec: dict[str, Any], leaves) -> None:
        if spec["type"] is None:
            argument = next(leaves)
            for value in (argument or {}).values():
                if isinstance(value, dict):
                    self.lines.append(f"{self._fresh(value.get('name') or value['as_name'])} = {source}")
            return
        keys = (
            json.loads(spec["context"])
            if spec["type"] != "builtins.tuple" and spec["type"] != "builtins.list"
            else None
        )
        for i, child in enumerate(spec["children_spec"]):
            self._unpack(f"{source}[{(keys[i] if keys else i)!r}]", child, leaves)

    def _example(self, name: str) -> weft.Tensor:
        meta = self.graph["tensor_values"][name]
        sizes = [n["as_int"] if "as_int" in n else n["as_expr"]["hint"]["as_int"] for n in meta["sizes"]]
        if math.prod(sizes) > 2**40:
            raise ArchiveError(f"[import_torch] the input {name} has sizes {sizes}")
        return weft.empty(sizes, dtype=dtype_of(meta["dtype"]))

    def _state(self, kind: str, entry: dict[str, Any]) -> None:
        name = entry[f"{kind}_name"]
        found = self.archive.weights.get(name) or self.archive.constants.get(name)
        if found is None:
            raise ArchiveError(f"[import_torch] {self.name} has no data for {name}")
        owner: Module = self.module
        path = name.split(".")
        for part in path[:-1]:
            if part not in owner._modules:
                owner.add_module(part, Module())
            owner = owner._modules[part]
        leaf = path[-1]
        if kind == "parameter":
            owner.register_parameter(leaf, Parameter(found[0]))
        else:
            owner.register_buffer(leaf, found[0], persistent=kind == "buffer" and entry.get("persistent", True))
        chain = "self" + "".join(f"._modules[{part!r}]" for part in path[:-1])
        store = "_parameters" if kind == "parameter" else "_buffers"
        self.lines.append(f"{self._fresh(entry['arg']['name'])} = {chain}.{store}[{leaf!r}]")

    def _outputs(self) -> None:
        results = []
        for spec, value in zip(self.signature["output_specs"], self.graph["outputs"]):
            ((kind, entry),) = spec.items()
            if kind == "buffer_mutation":
                self.lines.append(f"{self._buffer(entry['buffer_name'])}.copy_({self._value(value)}.detach())")
            elif kind == "user_input_mutation":
                self.lines.append(f"{self.names[entry['user_input_name']]}.copy_({self._value(value)})")
            elif kind == "user_output":
                results.append(self._value(value))
            else:
                raise Unsupported(
                    f"[import_torch] {self.name} has an output of kind {kind}; values and mutated buffers are supported"
                )
        spec = json.loads(self.archive.program["module_call_graph"][0]["signature"]["out_spec"])[1]
        self.lines.append(f"return {self._packed(spec, iter(results))}")

    def _buffer(self, name: str) -> str:
        for spec in self.signature["input_specs"]:
            if spec.get("buffer", {}).get("buffer_name") == name:
                return self.names[spec["buffer"]["arg"]["name"]]
        raise ArchiveError(f"[import_torch] {self.name} changes {name!r}, which is no buffer of its")

    def _packed(self, spec: dict[str, Any], leaves) -> str:
        if spec["type"] is None:
            return next(leaves)
        items = [self._packed(child, leaves) for child in spec["children_spec"]]
        if spec["type"] == "builtins.tuple":
            return f"({''.join(item + ', ' for item in items)})"
        if spec["type"] == "builtins.list":
            return f"[{', '.join(items)}]"
        keys = json.loads(spec["context"])  # of a dict, or of a class of its own that has keys
        if not isinstance(keys, list) or len(keys) != len(items):
            raise Unsupported(
                f"[import_torch] {self.name} returns a {spec['type']}; tuples, lists and dicts are supported"
            )
        return f"{{{', '.join(f'{key!r}: {item}' for key, item in zip(keys, items))}}}"

    # ------------------------------------------------------------ Nodes

    def _node(self, node: dict[str, Any]) -> None:
        target = node["target"].removeprefix("torch.ops.")
        if target in _CHECKS:
            return
        if target in ("higher_order.cond", "higher_order.while_loop"):
            return self._control(target.partition(".")[2], node)
        arguments = [
            (f"{_identifier(item['name'])}=" if item.get("kind") == 2 else "") + self._value(item["arg"])
            for item in node["inputs"]
            if item["name"] not in ("device", "layout", "pin_memory", "memory_format", "non_blocking")
        ]
        function, in_place = _function(target)
        if function is None:
            raise Unsupported(
                f"[import_torch] {self.name}: node {node.get('name') or '?'} is {target}({self._types(node)}), which weft has no function "
                f"for; {len(TABLE)} operators are supported: torch.export's run_decompositions() may leave those alone"
            )
        called = f"_{target.replace('.', '_')}"
        self.space[called] = function
        call = f"{called}({', '.join(arguments)})"
        if in_place:
            call = f"{arguments[0]}.copy_({call})"
        self.lines.append(self._results(node["outputs"]) + call)

    def _control(self, kind: str, node: dict[str, Any]) -> None:
        """A branch or a loop, whose graphs become functions within the function."""
        given = [self._value(item["arg"]) for item in node["inputs"]]
        self.space[f"_control_{kind}"] = {"cond": _cond, "while_loop": _while_loop}[kind]
        call = f"_control_{kind}({', '.join(given)})"
        outputs = node["outputs"]
        single = "[0]" if len(outputs) == 1 and "as_tensor" in outputs[0] else ""
        self.lines.append(self._results(outputs) + call + single)

    def _inner(self, graph: dict[str, Any]) -> str:
        """The name of a function of a graph's inputs, which gives the list of its outputs."""
        around = self.lines, self.names, self.graph
        self.lines, self.names, self.graph = [], dict(self.names), graph
        called = f"_graph{self.count}"
        self.count += 1
        parameters = [
            self._fresh(value.get("name") or value["as_name"]) for item in graph["inputs"] for value in item.values()
        ]
        for node in graph["nodes"]:
            self._node(node)
        results = ", ".join(self._value(value) for value in graph["outputs"])
        inner = [
            f"def {called}({', '.join(parameters)}):",
            *(f"    {line}" for line in self.lines),
            f"    return [{results}]",
        ]
        self.lines, self.names, self.graph = around
        self.lines += inner
        return called

    def _results(self, outputs: list[dict[str, Any]]) -> str:
        names = []
        for output in outputs:
            ((kind, value),) = output.items()
            if kind == "as_tensors":
                names.append(f"[{', '.join(self._fresh(item['name']) for item in value)}]")
            elif isinstance(value, dict) and ("name" in value or "as_name" in value):
                names.append(self._fresh(value.get("name") or value["as_name"]))
            else:
                names.append("_unused")
        return "" if not names else names[0] + " = " if len(names) == 1 else f"({', '.join(names)}) = "

    def _types(self, node: dict[str, Any]) -> str:
        found = []
        for item in node["inputs"]:
            ((kind, value),) = item["arg"].items()
            if kind == "as_tensor":
                meta = self.graph["tensor_values"].get(value["name"], {"dtype": 0, "sizes": []})
                sizes = ", ".join(str(n.get("as_int", "?")) for n in meta["sizes"])
                found.append(f"{item['name']}: {_dtype_name(meta['dtype'])}[{sizes}]")
            else:
                found.append(f"{item['name']}: {kind.removeprefix('as_')}")
        return ", ".join(found)

    def _value(self, argument: dict[str, Any]) -> str:
        ((kind, value),) = argument.items()
        if kind == "as_none":
            return "None"
        if kind == "as_tensor":
            return self.names[value["name"]]
        if kind in ("as_tensors", "as_nested_tensors"):
            return f"[{', '.join(self.names[item['name']] for item in value)}]"
        if kind == "as_optional_tensors":
            return f"[{', '.join(self._value(item) for item in value)}]"
        if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
            return self.names[value["as_name"]] if "as_name" in value else _literal(next(iter(value.values())))
        if kind in ("as_sym_ints", "as_sym_floats", "as_sym_bools"):
            return f"[{', '.join(self._value({kind[:-1]: item}) for item in value)}]"
        if kind == "as_scalar_type":
            dtype = dtype_of(value)
            name = f"_{SCALAR_TYPES[value]}"
            self.space[name] = dtype
            return name
        if kind in ("as_memory_format", "as_layout", "as_device"):
            return "None"
        if kind == "as_graph":
            return self._inner(value["graph"])
        if kind in ("as_int", "as_float", "as_bool", "as_string", "as_ints", "as_floats", "as_bools", "as_strings"):
            return _literal(value, kind.startswith("as_float"))
        raise Unsupported(f"[import_torch] {self.name} has an argument of kind {kind}, which weft does not read")


def _cond(condition, on_true, on_false, operands=()):
    return _listed(weft.cond(condition, on_true, on_false, tuple(operands)))


def _while_loop(condition, body, carried, others=()):
    test = lambda *values: condition(*values, *others)[0]  # noqa: E731
    return _listed(weft.while_loop(test, lambda *values: tuple(body(*values, *others)), tuple(carried)))


def _listed(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]


def _identifier(name: Any) -> str:
    if (
        not isinstance(name, str)
        or not name.isidentifier()
        or keyword.iskeyword(name)
        or name.startswith("_")
        or name == "self"
    ):
        raise ArchiveError(f"[import_torch] {name!r} is no name of an argument")
    return name


def _function(target: str) -> tuple[Any, bool]:
    """The function of an operator, and whether its result goes into its first operand."""
    found = _OWN.get(target) or TABLE.get(target) or _NUMBERS.get(target)
    if found is None and target.startswith("aten.") and target.split(".")[1].endswith("_"):
        _, name, overload = target.split(".")
        found = TABLE.get(f"aten.{name[:-1]}.{overload}")
        return found, found is not None and name != "detach_"
    return found, False


def _dtype_name(number: int) -> str:
    return SCALAR_TYPES.get(number, f"type {number}")


_SPECIAL = {"Infinity": "float('inf')", "-Infinity": "float('-inf')", "NaN": "float('nan')"}


def _literal(value: Any, is_float: bool = False) -> str:
    """Source text of a number, a string or a list of them; JSON's floats may be words."""
    if isinstance(value, list):
        return f"[{', '.join(_literal(item, is_float) for item in value)}]"
    if is_float and isinstance(value, str):
        return _SPECIAL[value]
    if type(value) not in (int, float, str, bool):
        raise ArchiveError(f"[import_torch] a literal of type {type(value).__name__}")
    return repr(value) if not isinstance(value, float) or math.isfinite(value) else f"float({str(value)!r})"
