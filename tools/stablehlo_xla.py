#!/usr/bin/env python3
"""Training steps of test/models as StableHLO, run by XLA on the CPU: the table of docs/stablehlo.md. Needs jaxlib and jax.

    tools/stablehlo_xla.py [--no-xla] [name ...]

A step's result, and what it leaves in weights and states, is compared with what weft does eagerly. --no-xla: by import_stablehlo instead.
"""

import argparse
import importlib.util
import pathlib
import sys
import time

import numpy
import weft
from weft.export import stablehlo_text

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "python"))


def by_xla():
    """A function that compiles text and gives a function of arrays."""
    from jaxlib import _jax, xla_client

    client = xla_client.make_cpu_client()
    device = client.local_devices()[0]

    def compiled(text):
        executable = client.compile_and_load(text, xla_client.DeviceList((device,)), xla_client.CompileOptions())

        def run(*arrays):
            given = [_jax.dlpack_managed_tensor_to_buffer(numpy.array(a).__dlpack__(), device, None) for a in arrays]
            return [
                numpy.asarray(r[0]) for r in executable.execute_sharded(given).disassemble_into_single_device_arrays()
            ]

        return run

    return compiled


def by_weft(text):
    model = weft.import_stablehlo(text)

    def run(*arrays):
        found = model(*map(weft.from_numpy, arrays))
        return [x.numpy() for x in (found if isinstance(found, tuple) else (found,))]

    return run


def difference(a, b):
    """The greatest, against the numbers' size and 1."""
    if a.dtype.kind != "f":
        return float((a != b).any())
    away = numpy.abs(a.astype("float64") - b) / numpy.maximum(1, numpy.abs(b))
    return float(away.max(initial=0)) if (numpy.isnan(a) == numpy.isnan(b)).all() else numpy.inf


def step_of(name):
    from model_files import FOLDER, fill

    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    weft.manual_seed(0)
    model, step, _ = module.create()
    fill(weft, model)
    batches = [[weft.from_numpy(a) for a in module.data(numpy.random.RandomState(i))] for i in range(2)]
    step(*batches[0])  # the optimizer's states are made by the first one
    return step, batches[1]


def compare(step, args, compiled):
    """(characters, seconds to export, greatest difference of the results, of the states)."""
    start = time.perf_counter()
    text, tensors = stablehlo_text(step, tuple(args))
    seconds = time.perf_counter() - start
    run = compiled(text)
    given = [a.numpy().copy() for a in args]
    parameters = text[text.index("@main(") : text.index("\n", text.index("@main("))].split(") -> (")
    states = dict(tensors)
    names = [
        p.split('weft.state = "')[1].split('"')[0] if "weft.state" in p else ""
        for p in parameters[0].split("%arg")[1 + len(args) :]
    ]
    given += [
        states[n].numpy().copy() if n else numpy.array(weft.get_rng_state().numpy(), numpy.int64)[:2] for n in names
    ]
    found = run(*given)
    wanted = step(*args)
    wanted = [x for x in (wanted if isinstance(wanted, (tuple, list)) else [wanted])]
    results = max(difference(f, w.detach().numpy()) for f, w in zip(found, wanted))
    returned = parameters[1].split("tensor<")[1:]
    after = 0.0
    for value, kind in zip(found[len(wanted) :], returned[len(wanted) :]):
        name = kind.split('weft.state = "')[1].split('"')[0] if "weft.state" in kind else ""
        if name:
            after = max(after, difference(value, states[name].detach().numpy()))
    return len(text), seconds, results, after


def main():
    from model_files import NAMES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--no-xla", action="store_true")
    options = parser.parse_args()
    compiled = by_weft if options.no_xla else by_xla()
    for name in options.names or NAMES:
        try:
            size, seconds, results, states = compare(*step_of(name), compiled)
            print(f"| {name} | {size // 1000} | {1000 * seconds:.0f} | {results:.1e} | {states:.1e} |", flush=True)
        except Exception as error:
            print(f"| {name} | {type(error).__name__}: {str(error)[:300]}", flush=True)


if __name__ == "__main__":
    main()
