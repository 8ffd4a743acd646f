#!/usr/bin/env python3
"""Turns the op records into C++ tables and a description for Python.

    generate_op_table.py records.json output-directory

records.json is `llvm-tblgen --dump-json` of ir/ops/Ops.td. Every file is written only when it changes, so that a touched
record rebuilds no more than what it is about.
"""

import json
import pathlib
import re
import sys

FAMILIES = [
    "Elementwise",
    "Math",
    "Reduction",
    "Shape",
    "Contraction",
    "Convolution",
    "Indexing",
    "Creation",
    "Composite",
    "Complex",
    "Extern",
    "LinearAlgebra",
    "ComplexLinearAlgebra",
    "Fourier",
    "Pooling",
    "Control",
    "Scan",
    "Segments",
]
CPP_TYPES = {
    "Int": "int64_t",
    "Float": "double",
    "Bool": "bool",
    "DType": "DType",
    "Ints": "const Dims &",
    "Graph": "const std::shared_ptr<const Graph> &",
}
ATTR_READS = {"Int": "i", "Float": "f", "Bool": "asBool()", "DType": "asDType()", "Ints": "ints", "Graph": "body"}
ATTR_MAKERS = {"Int": "integer", "Float": "real", "Bool": "boolean", "DType": "dtype", "Ints": "list", "Graph": "graph"}
# Uses of an operand that read its type and not its elements, in the text of a derivative.
TYPE_ONLY = [
    r"\bNAME\.(shape|dtype|rank)\(\)",
    r"\b(zerosLike|countOf|lastAxes|windowCounts)\(NAME\b",
    r"\bNAME \?",
    r"\bexpandReduced\([^()]*(\([^()]*\))?[^()]*, NAME, dims",
    r"\bdropoutScaled\(ct, NAME\b",
    r"\bsliceOfConcatenated\(ct, NAME\b",
    r"\bembeddingGradient\(ct, index, NAME\b",
]
# Independent axes of the ops of a family (ir/ops/Base.td).
INDEPENDENT = {"Elementwise": "every_axis()", "Reduction": "every_axis(but=dims)"}
RESULT_BIT = 31  # of the first result; the others' are those before
RELATIONS = {"": 0, "<": 1, "==": 2, "<=": 3, ">": 4, "!=": 5, ">=": 6}  # less, equal, greater


class Op:
    """One record, with its text fields ready to print."""

    def __init__(self, key, record, records):
        self.key = key
        self.name = record["opName"]
        self.camel = key[: -len("Op")]
        for field in (
            "family",
            "summary",
            "description",
            "infer",
            "scalar",
            "scalarOperands",
            "reduction",
            "vjp",
            "jvp",
        ):
            setattr(self, field, record[field])
        for field in ("expansion", "numpy", "domain", "examples", "dtypes", "python", "independent", "library"):
            setattr(self, field, record[field])
        self.independent = self.independent or INDEPENDENT.get(self.family, "")
        for field in (
            "inferOthers",
            "converts",
            "leftIdentity",
            "rightIdentity",
            "positionsAlong",
            "externFunction",
            "coreAxes",
            "batchesTogether",
        ):
            setattr(self, field, record[field])
        for field in ("view", "pairs", "product", "scatters", "modular", "idempotent", "involution", "cutsBatches"):
            setattr(self, field, bool(record[field]))
        self.batching = record["batching"]
        camel = "".join(word.capitalize() for word in record["complex"].split("_"))
        self.complex = f"Op, OpKind::{camel}" if record["complex"].islower() else record["complex"] or "None"
        self.results = record["resultNames"]
        self.relation = RELATIONS[record["relation"]]
        self.symbolic = bool(record["symbolic"])
        self.upcast = bool(record["upcast"])
        attrs = [records[a["def"]] for a in record["attrs"]]
        self.attrs = [{"name": a["name"], "kind": a["kind"], "default": a["default"]} for a in attrs]
        self.variadic = any(n.endswith("...") for n in record["operandNames"])
        self.required = sum(not n.endswith("?") for n in record["operandNames"])
        self.operands = [n.rstrip("?.") for n in record["operandNames"]]
        self.vjp = [text.strip() for text in self.vjp]
        self.masks = {field: self.mask(record[field]) for field in ("selects", "lowerBounds", "upperBounds")}
        self.checks = [records[check["def"]] for check in record["checks"]]
        self.differentiable = any(self.vjp) or (self.family in ("Composite", "Control") and not self.vjp)

    def mask(self, names):
        return sum(1 << self.operands.index(name) for name in names)

    @property
    def saves(self):
        """Bit i: the derivative reads operand i's elements; bit 31 - i: those of result i."""
        if self.family == "Control":  # the tape asks the body
            return 0
        if self.differentiable and not self.vjp:
            return (1 << len(self.operands)) - 1
        bits = 0
        for bit, name in [*enumerate(self.operands), *((RESULT_BIT - i, name) for i, name in enumerate(self.results))]:
            for text in self.vjp:
                # Twice: the arguments of a shape-only use may hold another.
                for _ in range(2):
                    for pattern in TYPE_ONLY:
                        text = re.sub(pattern.replace("NAME", name), lambda m: "(" if "(" in m[0][:-1] else "", text)
                if re.search(rf"\b{name}\b", text):
                    bits |= 1 << bit
        return bits


def body(text, indent="  "):
    """The statements of a field: it holds an expression, or statements with a `return`."""
    text = text.strip()
    if not re.search(r"\breturn\b", text):
        return f"{indent}return {' '.join(text.split())};"
    lines = text.splitlines()
    margin = min((len(l) - len(l.lstrip()) for l in lines[1:] if l.strip()), default=0)
    return "\n".join((indent + (l[margin:] if i else l)).rstrip() for i, l in enumerate(lines))


def locals_of(op, operands="Val", names=None):
    """Declarations of the operands and attributes under their names."""
    out = []
    for i, name in enumerate(op.operands if names is None else names):
        if op.variadic:
            out.append(f"  [[maybe_unused]] llvm::ArrayRef<{operands}> {name} = operands;")
        elif names is None and i >= op.required:
            out.append(f"  [[maybe_unused]] {operands} {name} = operands.size() > {i} ? operands[{i}] : {operands}();")
        else:
            out.append(f"  [[maybe_unused]] {operands} {name} = operands[{i}];")
    for i, attr in enumerate(op.attrs):
        kind = CPP_TYPES[attr["kind"]]
        space = "" if kind.endswith("&") else " "
        out.append(f"  [[maybe_unused]] {kind}{space}{attr['name']} = attrs[{i}].{ATTR_READS[attr['kind']]};")
    return "\n".join(out)


def op_kind(ops):
    listed = ",\n".join(f"  {op.camel}" for op in ops)
    return f"""// The ops, one a record of ir/ops.
#pragma once
#include <cstdint>

namespace weft {{

enum class OpKind : uint16_t {{
{listed}
}};
inline constexpr int kOpCount = {len(ops)};

}} // namespace weft
"""


def results_of(op, cotangents=True):
    """Declarations of the results, and their cotangents, under their names."""
    out = []
    for i, name in enumerate(op.results):
        out.append(f"  [[maybe_unused]] Val {name} = results[{i}];")
        if cotangents:
            ct = "ct" if len(op.results) == 1 else f"ct_{name}"
            out.append(f"  [[maybe_unused]] Val {ct} = cts[{i}];")
    return "\n".join(out)


def function_of_attrs(op, text):
    """A function of an operand's rank and the attributes that gives an axis."""
    if not text:
        return "nullptr"
    used = [i for i, a in enumerate(op.attrs) if re.search(rf"\b{a['name']}\b", text)]
    declared = " ".join(
        f"{CPP_TYPES[op.attrs[i]['kind']]} {op.attrs[i]['name']} = attrs[{i}].{ATTR_READS[op.attrs[i]['kind']]};"
        for i in used
    )
    return (
        f"[]([[maybe_unused]] int rank, [[maybe_unused]] const Attrs &attrs) -> int64_t {{ {declared} return {text}; }}"
    )


def value_check(op, out):
    """The name of the record's check in the table."""
    if not op.checks:
        return "nullptr"
    check = op.checks[0]
    operand, of = op.operands.index(check["operand"]), op.operands.index(check["of"])
    ignored = [a["name"] for a in op.attrs].index(check["ignored"]) if check["ignored"] else -1
    axis = function_of_attrs(op, check["axis"])
    name = f"checkOf{op.camel}"
    out.append(
        f"static const ValueCheck {name} = {{ValueCheck::Rule::{check['rule']}, {operand}, {of}, {ignored}, {axis}}};"
    )
    return f"&{name}"


def boolean(value):
    return str(bool(value)).lower()


def op_table(ops):
    out = ["using namespace infer;"]
    rows = []
    for op in ops:
        names = ", ".join(f'"{n}"' for n in op.operands) or '""'
        out.append(f"static const char *const operandsOf{op.camel}[] = {{{names}}};")
        attrs = "nullptr"
        if op.attrs:
            listed = ", ".join(f'{{"{a["name"]}", Attr::Kind::{a["kind"]}}}' for a in op.attrs)
            attrs = f"attrsOf{op.camel}"
            out.append(f"static const AttrInfo {attrs}[] = {{{listed}}};")
        results = ", ".join(f'"{n}"' for n in op.results)
        out.append(f"static const char *const resultsOf{op.camel}[] = {{{results}}};")
        others = "nullptr"
        if len(op.results) > 1:
            others = f"othersOf{op.camel}"
            out.append(f"static const InferRule {others}[] = {{{', '.join(op.inferOthers)}}};")
        function = f'"{op.externFunction}"' if op.externFunction else "nullptr"
        traits = [
            *(
                boolean(v)
                for v in (op.view, op.pairs, op.product, op.scatters, op.modular, op.idempotent, op.involution)
            ),
            *(str(op.masks[field]) for field in ("selects", "lowerBounds", "upperBounds")),
            f"Conversion::{op.converts}",
            str(op.relation),
            op.leftIdentity or "kNoIdentity",
            op.rightIdentity or "kNoIdentity",
            value_check(op, out),
            function_of_attrs(op, op.positionsAlong),
            function,
            str(op.coreAxes),
            str(op.batchesTogether),
            boolean(op.cutsBatches),
            f"{{ComplexRule::Kind::{op.complex}}}",
        ]
        count = -1 if op.variadic else len(op.operands)
        reduction = f'"{op.reduction}"' if op.reduction else "nullptr"
        rows.append(
            f'    {{"{op.name}", OpFamily::{op.family}, {count}, operandsOf{op.camel}, {len(op.attrs)}, {attrs}, '
            f"{str(op.differentiable).lower()}, {op.saves}u, {str(op.symbolic).lower()}, {op.infer}, {op.required}, {reduction}, "
            f"{len(op.results)}, resultsOf{op.camel}, {others}, {{{', '.join(traits)}}}}},"
        )
    return "\n".join([*out, "static const OpInfo table[] = {", *rows, "};", ""])


def builders(ops):
    out = []
    for op in ops:
        operands = [f"llvm::ArrayRef<Val> {op.operands[0]}"] if op.variadic else [f"Val {n}" for n in op.operands]
        attrs = [
            CPP_TYPES[a["kind"]] + ("" if CPP_TYPES[a["kind"]].endswith("&") else " ") + a["name"] for a in op.attrs
        ]
        first = [] if op.operands else ["Builder at"]
        values = op.operands[0] if op.variadic else f"{{{', '.join(op.operands)}}}"
        made = ", ".join(f"Attr::{ATTR_MAKERS[a['kind']]}({a['name']})" for a in op.attrs)
        several = len(op.results) > 1
        call = f"create{'All' * several}({'at, ' if first else ''}OpKind::{op.camel}, {values if op.operands else '{}'}, {{{made}}})"
        out.append(
            f"// {op.summary}\ninline {'Results' if several else 'Val'} {op.name}({', '.join(first + operands + attrs)}) {{ return {call}; }}"
        )
    return "\n".join(out) + "\n"


def derivatives(ops):
    out, rows = [], []
    parameters = (
        "llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> cts, const Attrs &attrs, int i"
    )
    for op in ops:
        rules = []
        for i, text in enumerate(op.vjp):
            if not text:
                rules.append("nullptr")
                continue
            rules.append(f"vjp{op.camel}{i}")
            out.append(f"static Val {rules[-1]}({parameters}) {{\n{locals_of(op)}\n{results_of(op)}\n{body(text)}\n}}")
        jvp = "nullptr"
        if op.jvp:
            jvp = f"jvp{op.camel}"
            if op.variadic:
                tangents = f"  llvm::ArrayRef<Val> t_{op.operands[0]} = tangents;"
            else:

                def given(i, required=op.required):
                    return f"tangents[{i}]" if i < required else f"{i} < tangents.size() ? tangents[{i}] : Val()"

                tangents = "\n".join(f"  [[maybe_unused]] Val t_{n} = {given(i)};" for i, n in enumerate(op.operands))
            arguments = "llvm::ArrayRef<Val> operands, llvm::ArrayRef<Val> results, llvm::ArrayRef<Val> tangents, const Attrs &attrs"
            named = results_of(op, cotangents=False)
            out.append(
                f"static Results {jvp}({arguments}) {{\n{locals_of(op)}\n{named}\n{tangents}\n{body(op.jvp)}\n}}"
            )
        rules += ["nullptr"] * (5 - len(rules))
        flags = f"{str(bool(op.vjp)).lower()}, {str(op.upcast).lower()}"
        rows.append(f"    {{{{{', '.join(rules)}}}, {jvp}, {flags}}}, // {op.name}")
    return "\n".join([*out, "static const Rules rules[] = {", *rows, "};", ""])


def expansions(ops):
    out, rows = [], []
    for op in ops:
        if not op.expansion:
            rows.append(f"    {{nullptr, false}}, // {op.name}")
            continue
        text = f"{locals_of(op)}\n{body(op.expansion)}"
        out.append(
            f"static Results expansionOf{op.camel}(llvm::ArrayRef<Val> operands, const Attrs &attrs) {{\n{text}\n}}"
        )
        rows.append(f"    {{expansionOf{op.camel}, {str(op.upcast).lower()}}}, // {op.name}")
    return "\n".join([*out, "static const Expansion expansions[] = {", *rows, "};", ""])


def batching(ops):
    rows = [f"    {'batch::' + op.batching if op.batching else 'nullptr'}, // {op.name}" for op in ops]
    return "\n".join(["static const BatchingRule rules[] = {", *rows, "};", ""])


def scalars(ops):
    out, rows = [], []
    for op in ops:
        if not op.scalar:
            rows.append("    nullptr,")
            continue
        names = op.scalarOperands or op.operands
        text = f"{locals_of(op, 'Scalar', names)}\n{body(op.scalar)}"
        parameters = "llvm::ArrayRef<Scalar> operands, const Attrs &attrs, const ConstantBuilder &constantOf, mlir::Type elementType"
        out.append(f"static Scalar bodyOf{op.camel}({parameters}) {{\n{text}\n}}")
        rows.append(f"    bodyOf{op.camel},")
    return "\n".join([*out, "static const Body bodies[] = {", *rows, "};", ""])


def description(ops):
    fields = (
        "name",
        "camel",
        "family",
        "summary",
        "operands",
        "required",
        "variadic",
        "attrs",
        "differentiable",
        "symbolic",
    )
    more = ("results", "reduction", "domain", "examples", "dtypes", "python", "independent", "library")
    listed = []
    for op in ops:
        if op.family == "Control":  # its Python is not made from the record
            continue
        entry = {field: getattr(op, field) for field in fields + more}
        by = f"Computed by {op.library}: the bits are those of the processor's architecture." if op.library else ""
        entry["description"] = " ".join([*op.description.split(), *by.split()])
        entry["dtypes"] = op.dtypes.split()
        entry["numpy"] = body(op.numpy, "") if op.numpy else ""
        entry["jvp"] = bool(op.jvp) or (op.family == "Elementwise" and op.differentiable)
        listed.append(entry)
    return json.dumps(listed, indent=1) + "\n"


def main():
    records = json.loads(pathlib.Path(sys.argv[1]).read_text())
    target = pathlib.Path(sys.argv[2])

    def position(key):
        file, line = records[key]["!locs"][-1].split(":")
        return FAMILIES.index(pathlib.Path(file).stem), int(line)

    ops = [Op(key, records[key], records) for key in sorted(records["!instanceof"]["Weft_Op"], key=position)]
    written = {
        "OpKind.h": op_kind(ops),
        "OpTable.inc": op_table(ops),
        "GraphBuilderOps.h.inc": builders(ops),
        "Derivatives.inc": derivatives(ops),
        "Expansions.inc": expansions(ops),
        "Batching.inc": batching(ops),
        "Scalars.inc": scalars(ops),
        "op_records.json": description(ops),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        path = target / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


main()
