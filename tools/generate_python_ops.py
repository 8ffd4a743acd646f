"""Turns the op records into weft/_ops.py (functions), weft/_ops.pyi (their types), weft/return_types.py (what ops of several
results return) and the op reference.

    generate_python_ops.py op_records.json --package DIRECTORY --docs FILE

A record without a `python` signature becomes a public function and a method of Tensor under its own name. The others are
reached through the functions of weft/_functions, which take PyTorch's arguments.
"""

import argparse
import json
import pathlib

# Names of the package that the reference manual sends the reader to, where the public name is not the op's.
PUBLIC_NAMES = {
    "concatenate": "cat",
    "cast": "Tensor.to",
    "sort_last": "sort",
    "topk_last": "topk",
    "cholesky_ex": "linalg.cholesky_ex",
    "solve_triangular": "linalg.solve_triangular",
    "svd_ex": "linalg.svd",
    "eig_ex": "linalg.eig",
    **{
        f"complex_{op}": f"linalg.{op.removesuffix('_ex')}"
        for op in ("svd_ex", "eigh_ex", "eig_ex", "qr", "cholesky_ex", "lu_factor_ex")
    },
    "eigh_ex": "linalg.eigh",
    "qr": "linalg.qr",
    "lu_factor_ex": "linalg.lu_factor_ex",
    "lu_solve": "linalg.lu_solve",
    "solve_ex": "linalg.solve_ex",
    "inv_ex": "linalg.inv_ex",
    "pinv": "linalg.pinv",
    "least_squares": "linalg.lstsq",
    "ldl_factor_ex": "linalg.ldl_factor_ex",
    "ldl_solve": "linalg.ldl_solve",
    "swap_rows": "linalg.lu",
    "scatter_prod": "scatter_reduce",
    "scatter_amax": "scatter_reduce",
    "scatter_amin": "scatter_reduce",
    "i0e": "special.i0e",
    "i1": "special.i1",
    "i1e": "special.i1e",
    "ndtri": "special.ndtri",
    "zeta": "special.zeta",
    "binary_exponent": "frexp",
}
# Made by factories or views, which have arguments of their own.
INTERNAL = {
    "iota",
    "full",
    "count",
    "uniform",
    "normal",
    "reshape",
    "permute",
    "expand",
    "slice",
    "gelu_derivative",
    "relu_gradient",
    "random_integer",
    "clamp",
    "add_scaled",
    "linear_scan",
    "fft_complex",
    "fft_real",
    "fft_to_real",
    "fft_rows",
    "fft_columns",
    "fft_real_rows",
    "fft_to_real_rows",
    "fft_first",
    "fft_second",
}
RETURN_TYPES_HEADER = '''"""The named tuples that operations of several results return; generated from ir/ops."""

'''
TYPES = {"Int": "int", "Float": "float", "Bool": "bool", "DType": "dtype", "Ints": "int | Sequence[int]"}

HEADER = '''"""The ops of the table, one callable each; generated from ir/ops."""

from . import _C, return_types

_make = _C.make_op
'''

# Operands as PyTorch calls them.
OPERAND_NAMES = {"x": "input", "y": "other"}
SECOND_NAMES = {"pow": "exponent", "clamp_min": "min", "clamp_max": "max"}  # of y
# Operands that may be numbers, as in PyTorch, and where its operators take them: of most ops none.
_BOTH, _SECOND = ("x", "y"), ("y",)
NUMBERS = {
    **dict.fromkeys(("add", "sub", "mul", "div", "pow", "remainder", "floor_divide"), _BOTH),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"), _BOTH),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "fmod", "copysign", "clamp_min", "clamp_max"), _SECOND),
    **dict.fromkeys(("maximum", "minimum", "atan2", "logical_and", "logical_or", "logical_xor"), _SECOND),
    "where": _BOTH,
    "clamp": ("low", "high"),
    "add_scaled": ("x", "y", "alpha"),
}
# Elementwise ops without an in-place form.
NOT_IN_PLACE = {
    "signbit",
    "binary_exponent",
    "zeta",
    "i0e",
    "i1",
    "i1e",
    "ndtri",
    "polygamma",
    "isnan",
    "isinf",
    "isfinite",
    "where",
    "cast",
    "gelu",
    "gelu_derivative",
    "relu_gradient",
}

STUB_HEADER = '''"""Types of the generated ops."""

from collections.abc import Sequence

from . import return_types
from ._C import Tensor, dtype

'''


def is_public(op):
    return not op["python"] and op["name"] not in INTERNAL


def is_method(op):
    return is_public(op) and op["operands"] and not op["variadic"]


def has_in_place_form(op):
    return op["family"] == "Elementwise" and op["name"] not in NOT_IN_PLACE


def is_several(op):
    return len(op["results"]) > 1


def returned_type(op):
    return f"return_types.{op['name']}" if is_several(op) else "Tensor"


def default_text(attr):
    kind, text = attr["kind"], attr["default"]
    if not text:
        return "..."
    return f"_C.{text}" if kind == "DType" else text


def parameters(op):
    """(name, type, default or '...') of each parameter, in the order of the record."""
    rows = []
    for i, name in enumerate(op["operands"]):
        number = name in NUMBERS.get(op["name"], ())
        kind = "Sequence[Tensor]" if op["variadic"] else "Tensor | float" if number else "Tensor"
        optional = not op["variadic"] and i >= op["required"]
        name = SECOND_NAMES.get(op["name"], "other") if name == "y" else OPERAND_NAMES.get(name, name)
        rows.append((name, kind + " | None" if optional else kind, "None" if optional else "..."))
    rows += [(a["name"], TYPES[a["kind"]], default_text(a)) for a in op["attrs"]]
    return rows


def signature(op):
    parts = [
        name + ("" if default == "..." else f"={default.removeprefix('_C.')}") for name, _, default in parameters(op)
    ]
    return f"({', '.join(parts)})"


def docstring(op):
    lines = [f"{op['name']}{signature(op)}", "", op["summary"]]
    if op["description"]:
        lines += ["", op["description"]]
    return "\n".join(lines)


def functions(ops):
    out = [HEADER]
    for op in ops:
        listed = ", ".join(f"({name!r}, {default}, {'float' in kind})" for name, kind, default in parameters(op))
        returned = f"return_types.{op['name']}" if is_several(op) else "None"
        out.append(f"{op['name']} = _make({op['name']!r}, [{listed}], {docstring(op)!r}, False, {returned})")
        if has_in_place_form(op):
            doc = f"{op['name']}_: ``{op['name']}`` written into this tensor."
            out.append(f"{op['name']}_ = _make({op['name']!r}, [{listed}], {doc!r}, True, None)")
    names = ", ".join(repr(op["name"]) for op in ops if is_public(op))
    methods = ", ".join(repr(op["name"]) for op in ops if is_method(op))
    in_place = ", ".join(repr(op["name"] + "_") for op in ops if has_in_place_form(op) and op["name"] not in INTERNAL)
    out.append(f"\n__all__ = [{names}]\nMETHODS = ({methods}, {in_place})\n")
    out.append("SUMMARIES = {")
    out += [f"    {op['name']!r}: {op['summary']!r}," for op in ops]
    out.append("}\n")
    return "\n".join(out)


def stub_parameters(rows):
    listed, optional = [], False
    for name, kind, default in rows:
        optional = optional or default != "..."
        listed.append(f"{name}: {kind}" + (" = ..." if optional else ""))
    return listed


def stubs(ops):
    out = [STUB_HEADER]
    public = ", ".join(repr(op["name"]) for op in ops if is_public(op))
    out.append(f"__all__ = [{public}]\nMETHODS: tuple[str, ...]\nSUMMARIES: dict[str, str]\n")
    for op in ops:
        for name in (op["name"], op["name"] + "_") if has_in_place_form(op) else (op["name"],):
            out.append(f"def {name}({', '.join(stub_parameters(parameters(op)))}) -> {returned_type(op)}: ...")
    out.append("\nclass TensorOps:")
    for op in ops:
        names = [op["name"]] * bool(is_method(op))
        if op["name"] not in INTERNAL:
            names += [op["name"] + "_"] * has_in_place_form(op)
        for name in names:
            listed = ", ".join(["self", *stub_parameters(parameters(op)[1:])])
            out.append(f"    def {name}({listed}) -> {returned_type(op)}: ...")
    return "\n".join(out) + "\n"


def return_types(ops):
    out = [RETURN_TYPES_HEADER + "from collections import namedtuple\n"]
    out += [f"{op['name']} = namedtuple({op['name']!r}, {op['results']!r})" for op in ops if is_several(op)]
    return "\n".join(out) + "\n"


def return_type_stubs(ops):
    out = [RETURN_TYPES_HEADER + "from typing import NamedTuple\n\nfrom ._C import Tensor\n"]
    for op in ops:
        if is_several(op):
            out += [f"class {op['name']}(NamedTuple):", *(f"    {name}: Tensor" for name in op["results"]), ""]
    return "\n".join(out)


def reference(ops):
    out = [
        "# Op reference",
        "",
        "Generated from the records in `ir/ops`. A public name is `weft.NAME`; most are methods of Tensor, too.",
        "",
        "Independent axes: a slice of the operands along these axes gives the slice of the result, to the bit, whatever else is beside it.",
        "`every_axis(but=...)` are the axes of the first operand, and of those with its rank; `pair(axis, name=axis, ...)` is one of the",
        "result and those of the operands, the others being whole. Ops that only move elements, random ones and sums over all have none.",
        "",
    ]
    out += ["| op | family | derivative | summary |", "|---|---|---|---|"]
    for op in ops:
        derivative = "yes" if op["differentiable"] else "none"
        out.append(f"| [{op['name']}](#{op['name']}) | {op['family']} | {derivative} | {op['summary']} |")
    for op in ops:
        call = op["python"] or signature(op)
        out += [
            "",
            f"## {op['name']}",
            "",
            f"`weft.{PUBLIC_NAMES.get(op['name'], op['name'].removeprefix('complex_'))}{call}`",
            "",
            op["summary"],
        ]
        if op["description"]:
            out += ["", op["description"]]
        if op["independent"]:
            out += ["", f"Independent: `{' '.join(op['independent'].split())}`"]
        if is_several(op):
            out += ["", f"Returns a named tuple: {', '.join(f'`{name}`' for name in op['results'])}."]
        if op["numpy"]:
            out += ["", "Reference:", "", "```python", op["numpy"].rstrip(), "```"]
    return "\n".join(out) + "\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("records", type=pathlib.Path)
    arguments.add_argument("--package", type=pathlib.Path, required=True)
    arguments.add_argument("--docs", type=pathlib.Path, required=True)
    options = arguments.parse_args()
    ops = json.loads(options.records.read_text())
    write(options.package / "_ops.py", functions(ops))
    write(options.package / "_ops.pyi", stubs(ops))
    write(options.package / "return_types.py", return_types(ops))
    write(options.package / "return_types.pyi", return_type_stubs(ops))
    write(options.docs, reference(ops))


main()
