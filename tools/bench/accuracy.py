"""The errors of weft's and torch's float32 results against float64, on random and adversarial data.

    tools/dev python tools/bench/accuracy.py --torch PYTHON

PYTHON is an interpreter that has torch. Each error is the root mean square over the outputs, in units of 2^-24 of what the result is
summed from: the sum of the terms' magnitudes for sums and products, the largest magnitude for softmax and layer norm.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROWS, LENGTH = 256, 30_000


def shapes_of_numbers(r, rows, length):
    """Name → float32[rows, length]."""
    normal = r.standard_normal((rows, length))
    big = numpy.where(r.random((rows, length)) < 0.01, 1e4, 1.0)
    cancelling = normal.copy()
    cancelling[:, 1::2] = -cancelling[:, : length // 2 * 2 : 2][:, : cancelling[:, 1::2].shape[1]]
    cancelling += 1e-3 * r.standard_normal((rows, length))
    numbers = {
        "normal": normal,
        "uniform 0 to 1": r.random((rows, length)),
        "1 % are 10^4 times larger": normal * big,
        "cancelling pairs": cancelling,
        "ascending": numpy.sort(r.random((rows, length)), axis=1),
        "10^3 + normal": 1e3 + normal,
    }
    return {name: x.astype(numpy.float32) for name, x in numbers.items()}


def softmax(x):
    e = numpy.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def layer_norm(x):
    d = x - x.mean(1, keepdims=True)
    return d / numpy.sqrt((d * d).mean(1, keepdims=True) + 1e-5)


def cases():
    """(op, data, float32 operands, float64 result, scale of the error)."""
    r = numpy.random.default_rng(0)
    for name, x in shapes_of_numbers(r, ROWS, LENGTH).items():
        wide, magnitude = x.astype(numpy.longdouble), numpy.abs(x).astype(float)
        yield "sum along rows", name, [x], wide.sum(1), magnitude.sum(1)
        yield "mean along rows", name, [x], wide.mean(1), magnitude.mean(1)
        columns = numpy.ascontiguousarray(x.T)
        yield "sum along columns", name, [columns], wide.sum(1), magnitude.sum(1)
    for name, x in shapes_of_numbers(r, 1000, 1000).items():
        for factor, title in ((1, name), (30, f"{name}, times 30")):
            y = (factor * x).astype(numpy.float32)
            want = softmax(y.astype(numpy.longdouble))
            yield "softmax", title, [y], want, want.max(1, keepdims=True)
        want = layer_norm(x.astype(numpy.longdouble))
        yield "layer_norm", name, [x], want, numpy.abs(want).max(1, keepdims=True)
    for k in (64, 1024, 16384):
        for name, a in shapes_of_numbers(r, 128, k).items():
            b = numpy.ascontiguousarray(shapes_of_numbers(r, 128, k)[name].T)
            exact = a.astype(float), b.astype(float)
            yield f"matmul, K = {k}", name, [a, b], exact[0] @ exact[1], numpy.abs(exact[0]) @ numpy.abs(exact[1])


def compute(library, op, operands):
    """The result of one library; torch and weft have the same names."""
    functional = library.nn.functional
    tensors = [library.from_numpy(x) for x in operands]
    function = {
        "sum along rows": lambda x: x.sum(1),
        "mean along rows": lambda x: x.mean(1),
        "sum along columns": lambda x: x.sum(0),
        "softmax": lambda x: functional.softmax(x, 1),
        "layer_norm": lambda x: functional.layer_norm(x, (x.shape[1],)),
    }.get(op, lambda a, b: a @ b)
    return function(*tensors).numpy()


def worker(folder):
    """In torch's interpreter: the result of each case of the folder, which holds its operands."""
    import torch

    for path in sorted(folder.glob("*.in.npz")):
        stored = numpy.load(path)
        operands = [stored[key] for key in stored if key != "op"]
        numpy.save(str(path).replace(".in.npz", ".out.npy"), compute(torch, str(stored["op"]), operands))


def error(got, want, scale):
    return float(numpy.sqrt(numpy.mean(((got - want) / scale).astype(float) ** 2))) * 2**24


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", metavar="PYTHON", help="an interpreter that has torch")
    parser.add_argument("--worker", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(options.worker)
    import weft

    print("| op | data | weft | torch |\n|---|---|---|---|")
    worse = []
    with tempfile.TemporaryDirectory() as name:
        folder, known = pathlib.Path(name), []
        for i, (op, data, operands, want, scale) in enumerate(cases()):
            numpy.savez(folder / f"{i:03}.in.npz", op=op, **{f"x{k}": x for k, x in enumerate(operands)})
            known.append((op, data, error(compute(weft, op, operands), want, scale), want, scale))
        if options.torch:
            subprocess.run([options.torch, __file__, "--worker", name], check=True)
        for i, (op, data, mine, want, scale) in enumerate(known):
            theirs = error(numpy.load(folder / f"{i:03}.out.npy"), want, scale) if options.torch else float("nan")
            worse += [f"{op}, {data}"] if mine > 1.05 * theirs else []
            print(f"| {op} | {data} | {mine:.3g} | {theirs:.3g} |")
    print(f"\nworse than torch by more than 5 %: {'; '.join(worse) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
