"""PyTorch's own samples of its operators (OpInfo) through torch.compile's backend: results and gradients beside eager PyTorch's.

    tools/backend_ops.py [NAME ...] [--samples 6] [--limit SECONDS] [--again] [--table docs/torch.md]

Needs torch 2.13 and expecttest beside weft. An operator's first samples in float32, with gradients, and in int64, are traced by
AOTAutograd as under torch.compile, without Dynamo. Processes of their own run the operators, so one that crashes or hangs takes no other
with it. What came of each is kept in build/backend_ops.jsonl, where a later call finds it; NAME is how an operator's name begins.

A result is right if it is within 1e-4 of the tensor's largest element and each of its own, or no further than three times as far
from the result of the same in float64 as eager's.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import threading
import warnings
from collections import Counter

RESULTS = pathlib.Path("build/backend_ops.jsonl")
BEGIN, END = "<!-- operators: tools/backend_ops.py -->", "<!-- end of operators -->"


def op_db():
    from torch.testing._internal.common_methods_invocations import op_db

    defined = [op for op in op_db if "empty" not in op.name]  # what is empty may hold anything
    return {op.name + (f" {op.variant_test_name}" if op.variant_test_name else ""): op for op in defined}


# ---------------------------------------------------------------- One operator


class Sample:
    """A call of the operator as a function of its tensors."""

    def __init__(self, op, sample):
        import torch

        self.op = op
        everything = (sample.input, sample.args, sample.kwargs)
        flat, self.spec = torch.utils._pytree.tree_flatten(everything)
        self.flat = flat
        self.places = [i for i, x in enumerate(flat) if isinstance(x, torch.Tensor)]

    def tensors(self, dtype=None):
        def fresh(x):
            wide = x.detach().clone() if dtype is None or not x.is_floating_point() else x.detach().to(dtype)
            return wide.requires_grad_(x.requires_grad)

        return [fresh(self.flat[i]) for i in self.places]

    def __call__(self, *tensors):
        import torch

        flat = list(self.flat)
        for i, x in zip(self.places, tensors):
            flat[i] = x
        given, args, kwargs = torch.utils._pytree.tree_unflatten(flat, self.spec)
        return self.op.op(given, *args, **kwargs)


def outcome(function, tensors):
    """Results, then gradients by what requires them."""
    import torch

    torch.manual_seed(3)
    results = [x for x in torch.utils._pytree.tree_leaves(function(*tensors)) if isinstance(x, torch.Tensor)]
    wanted = [x for x in tensors if x.requires_grad]
    ends = [x for x in results if x.requires_grad]
    gradients = []
    if wanted and ends:
        cotangents = [
            torch.linspace(0.5, 1.5, x.numel(), dtype=torch.float64).reshape(x.shape).to(x.dtype) for x in ends
        ]
        gradients = torch.autograd.grad(ends, wanted, cotangents, allow_unused=True)
    return [x.detach() for x in results], [g if g is None else g.detach() for g in gradients]


def close(one, other, truth):
    import torch

    if (one is None) != (other is None):
        return False
    if one is None:
        return True
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if other.layout is not torch.strided:
        one, other, truth = one.to_dense(), other.to_dense(), None
    if other.is_complex():
        one, other = torch.view_as_real(one.resolve_conj()), torch.view_as_real(other.resolve_conj())
        truth = None if truth is None else torch.view_as_real(truth.resolve_conj())
    if not other.dtype.is_floating_point:
        return torch.equal(one, other)
    finite = other[other.isfinite()]
    scale = finite.abs().max().item() if finite.numel() else 0.0
    if torch.allclose(one, other, rtol=1e-4, atol=1e-4 * min(scale, 1.0) + 1e-6 * max(scale, 1.0), equal_nan=True):
        return True
    if truth is None or not torch.equal(one.isfinite(), other.isfinite()):
        return False
    mine, own = ((x.double() - truth.double())[other.isfinite()].abs().max().item() for x in (one, other))
    return mine <= 3 * own


def truth_of(sample):
    import torch

    try:
        results, gradients = outcome(sample, sample.tensors(torch.float64))
    except Exception:
        return None
    return [*results, *gradients]


def describe(sample):
    import torch

    def short(x):
        return f"{str(x.dtype)[6:]}{list(x.shape)}" if isinstance(x, torch.Tensor) else x

    given, args, kwargs = torch.utils._pytree.tree_unflatten([short(x) for x in sample.flat], sample.spec)
    return f"({given}, *{args}, **{kwargs})".replace("'", "")


def traced(sample):
    """The outcome by AOTAutograd with compilers that do nothing; None where it cannot trace."""
    from functorch.compile import aot_function, nop
    from weft.torch import _backend

    function = aot_function(sample, nop, nop, decompositions=_backend.aot_options()["decompositions"])
    try:
        results, gradients = outcome(function, sample.tensors())
    except Exception:
        return None
    return [*results, *gradients]


def check(op, samples):
    """What came of an operator: counts, PyTorch's operators that ran, what differs."""
    import torch
    from functorch.compile import aot_function
    from weft.torch import _backend
    from weft.torch._explain import GraphExplanation, _add

    row = {"right": 0, "foreign": Counter(), "differs": [], "not traced": 0, "as traced": 0, "operators": 0}
    inputs = []
    if torch.float32 in op.dtypes:
        gradients = op.supports_autograd and torch.float32 in op.backward_dtypes
        inputs += list(zip(range(samples), op.sample_inputs("cpu", torch.float32, requires_grad=gradients)))
    if torch.int64 in op.dtypes:
        inputs += list(zip(range((samples + 1) // 2), op.sample_inputs("cpu", torch.int64, requires_grad=False)))
    for _, given in inputs:
        sample = Sample(op, given)
        try:
            expected, derived = outcome(sample, sample.tensors())
        except Exception:
            row["not traced"] += 1
            continue
        plans = []
        token = _backend.observed.set(plans)
        try:
            found, mine = outcome(aot_function(sample, **_backend.aot_options()), sample.tensors())
        except Exception as failure:
            if traced(sample):
                row["differs"].append(f"{describe(sample)}: {type(failure).__name__}: {failure}"[:400])
            else:
                row["not traced"] += 1
            continue
        finally:
            _backend.observed.reset(token)
        total = GraphExplanation("", 0, 0, Counter())
        for _, plan in plans:
            _add(plan, total)
        row["foreign"] += total.foreign
        row["operators"] += total.operators
        pairs = list(zip([*found, *mine], [*expected, *derived], strict=True))
        wrong = [i for i, (one, other) in enumerate(pairs) if not close(one, other, None)]
        if wrong:
            truth = truth_of(sample)
            wrong = [i for i in wrong if truth is None or not close(*pairs[i], truth[i])]
        if wrong and (other := traced(sample)) and all(close(pairs[i][0], other[i], None) for i in wrong):
            row["as traced"] += 1
        elif wrong:
            what = [f"result {i}" if i < len(found) else f"gradient {i - len(found)}" for i in wrong]
            row["differs"].append(f"{describe(sample)}: {', '.join(what)}"[:400])
        else:
            row["right"] += 1
    return row


def work(names, samples):
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    ops = op_db()
    for name in names:
        try:
            row = check(ops[name], samples)
        except Exception as failure:
            row = {"failed": f"{type(failure).__name__}: {failure}"[:300]}
        print(json.dumps({"name": name, **row}), flush=True)


# ---------------------------------------------------------------- All of them


def rows_of(names, options):
    """A row an operator, as they come. A process that dies or takes too long for one is replaced by another for the rest."""
    names = list(names)
    while names:
        command = [sys.executable, "-W", "ignore", __file__, "--samples", str(options.samples), "--work", *names]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        seen = False
        while True:
            timer = threading.Timer(options.limit, process.kill)
            timer.start()
            line = process.stdout.readline()
            timer.cancel()
            if not line:
                break
            if line.startswith('{"name"'):
                seen = True
                yield json.loads(line)
                del names[0]
        status = process.wait()
        if names and (status or not seen):
            yield {"name": names.pop(0), "failed": f"exit status {status}"}


def kind(row):
    if "failed" in row or row["differs"]:
        return "differs"
    if not row["right"] + row.get("as traced", 0):
        return "not traced"
    return "in part" if row["foreign"] and row["operators"] else "PyTorch's" if row["foreign"] else "weft's"


def table(rows):
    kinds, foreign = {}, Counter()
    for row in rows:
        kinds.setdefault(kind(row), []).append(row["name"])
        foreign.update({what.split(" (")[0] for what in row.get("foreign", {})})
    right = sum(row.get("right", 0) for row in rows)
    wrong = sum(len(row.get("differs", [0])) for row in rows)
    untraced = sum(row.get("not traced", 0) for row in rows)
    other = sum(row.get("as traced", 0) for row in rows)
    lines = [
        f"{len(rows)} operators; {right + other + wrong} samples: {right} agree, {other} differ as they do with compilers that do nothing "
        f"(PyTorch's samples of random operators seed the generator within the function, which a trace leaves out), {wrong} differ. AOTAutograd does not trace {untraced} more.",
        "",
        "| operators | number | names |",
        "|---|---|---|",
    ]
    for key, title in (
        ("weft's", "all of it is weft's"),
        ("in part", "a part is PyTorch's"),
        ("PyTorch's", "all of it is PyTorch's"),
        ("not traced", "not traced"),
        ("differs", "differs"),
    ):
        names = "" if key == "weft's" else ", ".join(kinds.get(key, []))
        lines.append(f"| {title} | {len(kinds.get(key, []))} | {names} |")
    names = ", ".join(f"{name} {count}" for name, count in sorted(foreign.items()))
    return "\n".join(
        [*lines, "", f"PyTorch's own operators that ran, and in how many of the operators above: {names}."]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--again", action="store_true", help="also operators that have results")
    parser.add_argument("--table", type=pathlib.Path)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.samples)
        return
    from tqdm import tqdm

    rows = {}
    if RESULTS.exists():
        rows = {row["name"]: row for row in map(json.loads, RESULTS.read_text().splitlines())}
    everything = list(op_db())
    chosen = [name for name in everything if not options.names or name.startswith(tuple(options.names))]
    chosen = [name for name in chosen if options.again or name not in rows]
    for row in tqdm(rows_of(chosen, options), total=len(chosen), unit="operator"):
        rows[row["name"]] = row
        with RESULTS.open("a") as file:
            file.write(json.dumps(row) + "\n")
        if kind(row) == "differs":
            tqdm.write(f"{row['name']}: {row.get('failed') or row['differs'][0]}")
    known = [rows[name] for name in everything if name in rows]
    print(table(known).splitlines()[0])
    if options.table:
        text = options.table.read_text()
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        options.table.write_text(f"{before}{BEGIN}\n{table(known)}\n{END}{after}")


if __name__ == "__main__":
    main()
