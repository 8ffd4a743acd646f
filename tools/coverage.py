"""Writes docs/coverage.md: what weft has of three public lists of operations.

    python tools/coverage.py build/ir/op_records.json docs/coverage.md     # where PyTorch and onnx are installed, weft on the path

The lists are PyTorch's Core ATen and prims (as the installed PyTorch names them), the operators of the installed package onnx, and the functions of
the array API standard (test/python/test_array_api.py). An operation is a record of ir/ops, a composite record, a function in Python that is made
of records, or has a reason below.
"""

import argparse
import ast
import json
import pathlib
import re
import sys

import onnx
import torch
import weft
import weft.onnx.load  # it enters the operators
from torch import _prims
from weft._aten.table import TABLE
from weft.onnx.table import TABLE as OPERATORS

# Other names of what weft has; a record's, or a path in the package.
NAMES = {
    "_adaptive_avg_pool2d_backward": "derivative of nn.functional.adaptive_avg_pool2d",
    "_cdist_forward": "cdist",
    "_embedding_bag": "embedding_bag",
    "_fft_c2r": "fft.irfft",
    "bessel_j0": "special.bessel_j0",
    "bessel_j1": "special.bessel_j1",
    "erfcx": "special.erfcx",
    "spherical_bessel_j0": "special.spherical_bessel_j0",
    "_fft_r2c": "fft.rfft",
    "_local_scalar_dense": "Tensor.item",
    "item": "Tensor.item",
    "real": "real",
    "imag": "imag",
    "_pdist_forward": "nn.functional.pdist",
    "as_strided": "as_strided",
    "col2im": "nn.functional.fold",
    "embedding_dense_backward": "derivative of nn.functional.embedding",
    "native_group_norm_backward": "derivative of nn.functional.group_norm",
    "native_layer_norm_backward": "derivative of nn.functional.layer_norm",
    **{f"reflection_pad{n}d": "nn.functional.pad" for n in (1, 2, 3)},
    **{f"replication_pad{n}d": "nn.functional.pad" for n in (2, 3)},
    "sym_numel": "Tensor.numel",
    "sym_size": "Tensor.size",
    "sym_storage_offset": "Tensor.storage_offset",
    "sym_stride": "Tensor.stride",
    "bessel_i0": "special.i0",
    "bessel_i0e": "special.i0e",
    "bessel_i1": "special.i1",
    "bessel_i1e": "special.i1e",
    "erf_inv": "erfinv",
    "shift_left": "bitwise_left_shift",
    "shift_right_arithmetic": "bitwise_right_shift",
    "shift_right_logical": "bitwise_right_shift",
    "broadcast_in_dim": "Tensor.expand",
    "collapse": "flatten",
    "collapse_view": "flatten",
    "expand_dims": "unsqueeze",
    "split_dim": "unflatten",
    "view_element_type": "Tensor.view",
    "as_strided_scatter": "as_strided",
    "device_put": "Tensor.to",
    "maximum_value": "finfo",
    "minimum_value": "finfo",
    "copy_strided": "Tensor.copy_",
    "copy_to": "Tensor.copy_",
    "resize": "Tensor.resize_",
    "_uniform_helper": "Tensor.uniform_",
    "fft_r2c": "fft.rfft",
    "fft_c2c": "fft.fft",
    "fft_c2r": "fft.irfft",
    "Constant": "onnx.load",  # a node that is a value
}
REASONS = {
    "RETURN_TYPE": "an enumeration, no operation",
    "_make_token _sink_tokens": "order effects within PyTorch's compiler; here a program's order is that of its steps",
    "cbrt": "not there; `x.sign() * x.abs() ** (1 / 3)`",
    "xor_sum": "a checksum of PyTorch's tools; no function of `torch` calls it",
    "ImageDecoder": "decoding images is a library's work",
    "RegexFullMatch": "RE2's regular expressions are a library's work",
    "CausalConvWithState LinearAttention SwiGLU": "new in opsets 27 and 28; not there yet",
    "Gradient": "of ONNX's training preview; `weft.autograd.grad` of a loaded module",
}
REASON = {name: why for names, why in REASONS.items() for name in names.split()}


def exists(path):
    value = weft
    for part in path.split("."):
        value = getattr(value, part, None)
        if value is None:
            return False
    return True


def core_aten():
    packets = [(name, getattr(torch.ops.aten, name)) for name in dir(torch.ops.aten)]
    return sorted(
        name
        for name, packet in packets
        if hasattr(packet, "overloads") and any(torch.Tag.core in getattr(packet, o).tags for o in packet.overloads())
    )


def array_api():
    tree = ast.parse(pathlib.Path("test/python/test_array_api.py").read_text())
    lists = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("NAMES", "LINALG", "FFT"):
            lists[node.targets[0].id] = ast.literal_eval(node.value.func.value)
    return [
        f"{prefix}{name}"
        for kind, prefix in (("NAMES", ""), ("LINALG", "linalg."), ("FFT", "fft."))
        for name in lists[kind].split()
        if not re.fullmatch(r"e|inf|nan|pi|newaxis|bool|u?int\d+|float\d+|complex\d+|__.*", name)
    ]


def kind_of(name, families, present):
    """What it is, or None."""
    short = NAMES.get(name, name)
    last = short.rpartition(".")[2].strip("_").lower()
    if last in families:
        return "composite" if families[last] == "Composite" else "record"
    if short.startswith("derivative of"):
        return "derivative"
    return "function" if present or exists(short) else None


TITLES = {
    "record": "records",
    "composite": "composite records",
    "function": "functions of records",
    "derivative": "parts of derivatives",
}


def section(title, names, families, present):
    lines, kinds, absent = [f"\n## {title}\n"], {}, []
    for name in names:
        kind = kind_of(name, families, present(name))
        if kind is None:
            absent.append(name)
        else:
            shown = f"`{name}`" if name not in NAMES else f"`{name}` ({NAMES[name]})"
            kinds.setdefault(kind, []).append(shown)
    counts = ", ".join(f"{len(kinds[k])} {TITLES[k]}" for k in TITLES if k in kinds)
    lines.append(f"{len(names)}: {counts}, {len(absent)} left out.\n")
    lines += [f"**{TITLES[k].capitalize()}**: {', '.join(kinds[k])}.\n" for k in TITLES if k in kinds]
    if absent:
        lines += ["| left out | why |", "|---|---|"]
        lines += [
            f"| `{name}` | {REASON.get(name) or sys.exit(f'say in REASONS why there is no {absent}')} |"
            for name in absent
        ]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    options = parser.parse_args()
    families = {record["name"]: record["family"] for record in json.loads(options.records.read_text())}
    in_table = {key.split(".")[1] for key in TABLE}
    schemas = sorted({s.name for s in onnx.defs.get_all_schemas() if s.domain in ("", "ai.onnx.preview.training")})
    loaded = {name for _, name in OPERATORS}
    lines = [
        "# What there is of three vocabularies\n",
        f"PyTorch {torch.__version__.partition('+')[0]}'s Core ATen and prims, the operators of ONNX (package {onnx.__version__}, opset "
        f"{onnx.defs.onnx_opset_version()}), and the functions of the array API standard 2024.12. A record of `ir/ops` is an op of its own, a composite an "
        "expansion into others that runs as one kernel; a function is made of records in Python. Made by `tools/coverage.py`.",
        *section("Core ATen", core_aten(), families, in_table.__contains__),
        *section("prims", [n for n in _prims.__all__], families, in_table.__contains__),
        *section("ONNX", schemas, families, loaded.__contains__),
        *section("The array API", array_api(), families, lambda name: exists("array_api." + name)),
    ]
    options.target.write_text("\n".join(lines) + "\n")


main()
