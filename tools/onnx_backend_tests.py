#!/usr/bin/env python3
"""Runs the backend tests of the onnx package, and prints how many pass, fail and are refused, by sets and families.

    tools/onnx_backend_tests.py [--with weft,onnxruntime] [--sets node,simple,...] [--only TEXT] [--plain] [--show fail,unsupported]

A case passes where all outputs are of the expected dtype and shape and within the case's own tolerance. It is unsupported where the
model or an input is refused with a NotImplementedError. docs/onnx.md has the table.
"""

import argparse
import collections
import glob
import importlib
import os
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper


def cases(sets):
    """(set, name, ModelProto, [(inputs, outputs)], rtol, atol)."""
    for kind in sets:
        yield from made(kind) if kind in ("node", "simple") else stored(kind)


def made(kind, modules=None):
    """``modules``: those of the package's node tests to take cases from, which saves the seconds that making all takes."""
    warnings.simplefilter("ignore")
    package = importlib.import_module(f"onnx.backend.test.case.{'node' if kind == 'node' else 'model'}")
    if modules:
        for name in modules:
            importlib.import_module(f"{package.__name__}.{name}")
        found = package._NodeTestCases
    else:
        found = package.collect_testcases(*([None] if kind == "node" else []))
    for case in found:
        if case.model is not None:
            data = [[[plain(v) for v in values] for values in group] for group in case.data_sets]
            yield kind, case.name, case.model, data, case.rtol, case.atol


def plain(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def stored(kind):
    folder = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data", kind)
    for path in sorted(glob.glob(os.path.join(folder, "*", "model.onnx"))):
        model = onnx.load(path)
        data = []
        for group in sorted(glob.glob(os.path.join(os.path.dirname(path), "test_data_set_*"))):
            read = [
                [
                    numpy_helper.to_array(onnx.load_tensor(f))
                    for f in sorted(glob.glob(os.path.join(group, f"{what}_*.pb")), key=number)
                ]
                for what in ("input", "output")
            ]
            data.append(read)
        yield kind, os.path.basename(os.path.dirname(path)), model, data, 1e-3, 1e-7


def number(path):
    return int(os.path.basename(path).split("_")[1].split(".")[0])


def run_weft(model, inputs):
    from weft.onnx import backend

    return backend.prepare(model).run(inputs)


def run_onnxruntime(model, inputs):
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = [numpy.asarray(v) if isinstance(v, numpy.generic) else v for v in inputs]
    return session.run(None, dict(zip([i.name for i in session.get_inputs()], given)))


def differs(found, wanted, rtol, atol):
    """Why two results differ, or None."""
    if isinstance(wanted, (list, tuple)):
        if not isinstance(found, (list, tuple)) or len(found) != len(wanted):
            return "not a sequence of as many"
        return next((why for f, w in zip(found, wanted) if (why := differs(f, w, rtol, atol))), None)
    if wanted is None or found is None:
        return None if found is wanted else f"{found} instead of {wanted}"
    found, wanted = numpy.asarray(found), numpy.asarray(wanted)
    if found.dtype != wanted.dtype:
        return f"dtype {found.dtype} instead of {wanted.dtype}"
    if found.shape != wanted.shape:
        return f"shape {found.shape} instead of {wanted.shape}"
    if wanted.dtype.kind == "O":
        return None if (found == wanted).all() else "other strings"
    wide = numpy.float64 if wanted.dtype.kind in "fV" else wanted.dtype
    a, b = found.astype(wide), wanted.astype(wide)
    if numpy.allclose(a, b, rtol, atol, equal_nan=wide is numpy.float64):
        return None
    return f"values: {a.reshape(-1)[:6]} instead of {b.reshape(-1)[:6]}"


def outcome(run, model, data, rtol, atol):
    """("pass", "fail" or "unsupported", why)."""
    try:
        for inputs, outputs in data:
            found = run(model, list(inputs))
            why = differs(list(found), list(outputs), rtol, atol)
            if why:
                return "fail", why
    except NotImplementedError as error:
        return "unsupported", str(error)
    except Exception as error:
        kind = type(error).__name__
        return ("unsupported" if kind in ("NotImplemented", "InvalidGraph") else "fail"), f"{kind}: {error}"
    return "pass", ""


def family(model, name):
    """What a case is about: the file of weft's operators that has its operator, or "defined by others"."""
    from weft.onnx import ops  # noqa: F401  fills the table
    from weft.onnx.table import TABLE

    if "expanded" in name:
        return "definitions in terms of others"
    for node in reversed(model.graph.node):
        entries = TABLE.get((node.domain, node.op_type))
        if entries and node.op_type not in ("Constant", "Identity"):
            return next(iter(entries.values())).function.__module__.rpartition(".")[2]
    return "of other domains, ImageDecoder and such"


def is_plain(model):
    """Whether both engines take and give all of the model's tensors as NumPy arrays, and weft has their dtypes."""
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    types = {v.type.tensor_type.elem_type for v in values if v.type.WhichOneof("value") == "tensor_type"}
    types |= {a.i for n in model.graph.node for a in n.attribute if a.name == "to"}
    return types <= {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--with", dest="engines", default="weft", help="weft, onnxruntime, or both with a comma between them"
    )
    parser.add_argument("--sets", default="node,simple,pytorch-converted,pytorch-operator")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--plain", action="store_true", help="cases whose dtypes both engines take as arrays")
    parser.add_argument("--show", default="", help="outcomes whose reason is printed")
    options = parser.parse_args()
    runs = {"weft": run_weft, "onnxruntime": run_onnxruntime}
    engines, shown = options.engines.split(","), options.show.split(",")
    sets, families = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    for kind, name, model, data, rtol, atol in cases(options.sets.split(",")):
        if options.only not in name or (options.plain and not is_plain(model)):
            continue
        for engine in engines:
            result, why = outcome(runs[engine], model, data, rtol, atol)
            sets[kind][engine, result] += 1
            if kind == "node":
                families[family(model, name)][engine, result] += 1
            if result in shown:
                print(f"{engine} {result} {kind} {name}: {why[:300]}", flush=True)
    columns = [(engine, result) for engine in engines for result in ("pass", "fail", "unsupported")]
    for title, table in (("set", sets), ("family of node", families)):
        print(f"| {title} | " + " | ".join(" ".join(c) for c in columns) + " |\n|---|" + "---|" * len(columns))
        for name, found in sorted(table.items()):
            print(f"| {name} | " + " | ".join(str(found[c]) for c in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
