"""Writes the signatures of PyTorch's public callables, which those of weft are compared with (test/python/test_signatures.py).

    python tools/torch_signatures.py test/data/torch_signatures.json     # where PyTorch is installed

A JSON object: name without "torch." → list of signatures, one an overload, as Python source: "input, dim, keepdim=False, *, out=None".
Those of C++ functions are read from PyTorch's stubs. `self` is left out.
"""

import argparse
import ast
import inspect
import json
import pathlib
import typing

import torch
from torch import distributions, serialization, testing
from torch.nn.utils import parametrizations, parametrize, prune, rnn, stateless
from torch.optim import lr_scheduler, swa_utils
from torch.utils import checkpoint, data, hooks, tensorboard

DISTRIBUTIONS = ["__init__", "expand", "sample", "rsample", "log_prob", "cdf", "icdf", "entropy", "enumerate_support"]
TRANSFORMS = ["__init__", "with_cache", "log_abs_det_jacobian", "forward_shape", "inverse_shape"]
WRITER = [
    "__init__",
    "add_scalar",
    "add_scalars",
    "add_histogram",
    "add_image",
    "add_images",
    "add_text",
    "flush",
    "close",
]


def text(arguments, skip=0):
    """The source of an ast.arguments without annotations and its first `skip` parameters."""
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    positional = arguments.posonlyargs + arguments.args
    rest = ast.arguments(
        [], positional[skip:], arguments.vararg, arguments.kwonlyargs, arguments.kw_defaults, arguments.kwarg, []
    )
    rest.defaults = arguments.defaults[-len(rest.args) :] if rest.args and arguments.defaults else []
    return ast.unparse(rest)


def stub(path, owner=None):
    """Name → signatures of a stub's functions, or of a class's methods."""
    body = ast.parse(path.read_text()).body
    if owner:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found.setdefault(node.name, []).append(text(node.args, skip=1 if owner else 0))
    return found


def inspected(function, skip=0):
    """The signature of a Python function, or None."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip:]
        if [p.kind for p in parameters] == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]:
            for overload in typing.get_overloads(function)[:1]:  # says what these are
                parameters = list(inspect.signature(overload).parameters.values())[skip:]
    except (ValueError, TypeError):
        return None
    parts, star = [], False
    for p in parameters:
        star |= p.kind is p.VAR_POSITIONAL
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        prefix = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        parts.append(prefix + p.name + ("" if p.default is p.empty else f"={default(p.default)}"))
    return ", ".join(parts)


def default(value):
    plain = value is None or isinstance(value, (bool, int, float, str, tuple, list))
    return repr(value) if plain else "..."


def functions(module, prefix, stubs):
    table = {}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or not callable(value) or inspect.isclass(value):
            continue
        signature = inspected(value)
        found = stubs.get(name) if signature is None or "*args, **kwargs" in signature else [signature]
        if found:
            table[prefix + name] = found
    return table


def of_operators(module):
    """torch.linalg's or torch.special's, from the schemas of the operators that its built-in functions call."""
    table = {}
    prefix = module.__name__.removeprefix("torch.")
    for name in dir(module):
        found = []
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{prefix}_{name}"):
            if name.startswith("_") or any(a.alias_info and a.alias_info.is_write for a in schema.arguments):
                continue
            parts = []
            for a in schema.arguments:
                if a.kwarg_only and "*" not in parts:
                    parts.append("*")
                value = tuple(a.default_value) if isinstance(a.default_value, list) else a.default_value
                parts.append(
                    ("input" if a.name == "self" else a.name) + (f"={value!r}" if a.has_default_value() else "")
                )
            found.append(", ".join(parts))
        if found:
            table[f"{prefix}.{name}"] = list(dict.fromkeys(found))
    return table


def classes(module, prefix, base, methods):
    table = {}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or not inspect.isclass(value) or not issubclass(value, base):
            continue
        for method in methods:
            signature = inspected(getattr(value, method), skip=1) if hasattr(value, method) else None
            if signature is not None:
                table[f"{prefix}{name}.{method}"] = [signature]
    return table


def exported(module, prefix):
    """What a module names in __all__, or else the functions that it defines; classes by their methods."""
    table = {}
    defined = [n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
    for name in getattr(module, "__all__", [n for n in defined if not n.startswith("_")]):
        value = getattr(module, name)
        if inspect.isclass(value):
            methods = ["__init__", *public_methods(value)]
            if issubclass(value, torch.nn.Module):
                methods = [m for m in methods if m in vars(value)]
            methods = [m for m in methods if inspect.isfunction(getattr(value, m))]
            table |= {f"{prefix}{name}.{m}": [inspected(getattr(value, m), skip=1)] for m in methods}
        else:
            table[prefix + name] = [inspected(value)]
    return {name: found for name, found in table.items() if found != [None]}


def public_methods(cls):
    return [
        name for name in dir(cls) if not name.startswith("_") and inspect.isfunction(inspect.getattr_static(cls, name))
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output
    package = pathlib.Path(torch.__file__).parent
    variables = stub(package / "_C" / "_VariableFunctions.pyi")
    neural = stub(package / "_C" / "_nn.pyi")
    table = {"version": torch.__version__.partition("+")[0]}
    table |= functions(torch, "", variables)
    table |= {"Tensor." + name: found for name, found in stub(package / "_C" / "__init__.pyi", "TensorBase").items()}
    for name in public_methods(torch.Tensor):
        table["Tensor." + name] = [inspected(getattr(torch.Tensor, name), skip=1)]
    table |= functions(torch.nn.functional, "nn.functional.", variables | neural)
    table |= functions(torch.nn.init, "nn.init.", {}) | functions(torch.nn.utils, "nn.utils.", {})
    table |= of_operators(torch.linalg) | of_operators(torch.special)
    table |= functions(torch.autograd, "autograd.", {}) | functions(torch.func, "func.", {})
    for name in ("checkpoint", "checkpoint_sequential"):
        table["utils.checkpoint." + name] = [inspected(getattr(checkpoint, name))]
    module_methods = public_methods(torch.nn.Module)
    table |= {f"nn.Module.{name}": [inspected(getattr(torch.nn.Module, name), skip=1)] for name in module_methods}
    table |= classes(torch.nn, "nn.", torch.nn.Module, ["__init__", "forward"])
    for name in ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"):
        cls = getattr(torch.nn, name)
        own = [method for method in public_methods(cls) if method not in module_methods]
        table |= {f"nn.{name}.{method}": [inspected(getattr(cls, method), skip=1)] for method in own}
    optimizer_methods = public_methods(torch.optim.Optimizer)
    table |= classes(torch.optim, "optim.", torch.optim.Optimizer, ["__init__", "step"])
    table |= {
        f"optim.Optimizer.{name}": [inspected(getattr(torch.optim.Optimizer, name), skip=1)]
        for name in optimizer_methods
    }
    table |= exported(lr_scheduler, "optim.lr_scheduler.") | exported(swa_utils, "optim.swa_utils.")
    table |= exported(torch.amp, "amp.") | exported(torch.cuda.amp, "cuda.amp.")
    for module in (rnn, parametrizations, parametrize, prune, stateless):
        table |= exported(module, f"nn.utils.{module.__name__.rpartition('.')[2]}.")
    table |= {"nn.Buffer.__new__": [inspected(torch.nn.Buffer.__new__, skip=1)]}
    table |= classes(data, "utils.data.", object, ["__init__"]) | functions(data, "utils.data.", {})
    table |= classes(distributions, "distributions.", distributions.Distribution, DISTRIBUTIONS)
    table |= classes(distributions, "distributions.", distributions.Transform, TRANSFORMS)
    table |= functions(distributions, "distributions.", {}) | functions(testing, "testing.", {})
    table |= functions(serialization, "serialization.", {}) | functions(torch.random, "random.", {})
    table |= classes(tensorboard, "utils.tensorboard.", tensorboard.SummaryWriter, WRITER)
    table |= classes(hooks, "utils.hooks.", hooks.RemovableHandle, ["__init__", "remove"])
    rows = (f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table))
    output.write_text("{\n" + ",\n".join(rows) + "\n}\n")


main()
