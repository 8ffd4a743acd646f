#!/usr/bin/env python3
"""Loads damaged ONNX files, and runs what loads: each must work or be an error of load's, without a crash and in bounded memory.

    tools/onnx_fuzz.py [--count N] [--seed S] [--megabytes M] [--no-run]

The mutants are of the onnx package's node tests and of its stored models: bytes are changed, or fields of the parsed file.
"""

import argparse
import random
import resource
import signal
import sys
import traceback

import onnx
import onnx_backend_tests as suite
import weft
import weft.onnx

LOADING = (RuntimeError, NotImplementedError)
RUNNING = (
    RuntimeError,
    NotImplementedError,
    ValueError,
    TypeError,
    IndexError,
    ZeroDivisionError,
    MemoryError,
    OverflowError,
)
WORDS = (
    "",
    "x",
    "Add",
    "Conv",
    "Loop",
    "If",
    "Reshape",
    "ai.onnx.ml",
    "../../etc/passwd",
    "/dev/zero",
    "\0",
    "é" * 40,
    "a.b.c",
    "training",
)
NUMBERS = (0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**40, 2**63 - 1, -(2**63))


def of_bytes(content, rng):
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        else:
            data[at:at] = data[at : at + rng.randrange(1, 40)]
        if not data:
            return b"\0"
    return bytes(data)


def fields(message, found, depth=0):
    """All (message, field) that are set."""
    for field, value in message.ListFields():
        found.append((message, field))
        if field.message_type is not None and depth < 12:
            for item in value if repeated(field) else (value,):
                fields(item, found, depth + 1)


def repeated(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED


def of_fields(content, rng):
    model = onnx.load_from_string(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        found = []
        fields(model, found)
        message, field = rng.choice(found)
        changed(message, field, rng)
    return model.SerializeToString()


def changed(message, field, rng):
    if rng.random() < 0.2:
        message.ClearField(field.name)
        return
    if field.message_type is not None:
        if repeated(field):
            items = getattr(message, field.name)
            kind, at = rng.randrange(3), rng.randrange(len(items))
            if kind == 0:
                del items[at]
            elif kind == 1:
                items.add().CopyFrom(items[at])
            else:
                other = rng.randrange(len(items))
                kept = type(items[at])()
                kept.CopyFrom(items[at])
                items[at].CopyFrom(items[other])
                items[other].CopyFrom(kept)
        return
    value = {field.CPPTYPE_STRING: lambda: rng.choice(WORDS)}.get(field.cpp_type, lambda: rng.choice(NUMBERS))()
    if field.type == field.TYPE_BYTES:
        value = bytes(rng.randrange(256) for _ in range(rng.randrange(40)))
    elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        value = rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf"), 0.5))
    try:
        if repeated(field):
            items = getattr(message, field.name)
            if rng.random() < 0.5:
                items.append(value)
            else:
                items[rng.randrange(len(items))] = value
        else:
            setattr(message, field.name, value)
    except (ValueError, TypeError, IndexError):
        pass  # beyond the field's own range


def outcome(content, inputs, run):
    """What became of a mutant; an unexpected error is raised."""
    try:
        module = weft.onnx.load(content)
    except LOADING:
        return "refused"
    if not run:
        return "loaded"
    try:
        weft.onnx.backend.Prepared(module, "CPU").run(inputs)
    except RUNNING:
        return "failed"
    return "ran"


def too_slow(*_):
    raise TimeoutError("a mutant took more than 20 s")


def mutants(count, seed, sets=("node", "pytorch-operator", "simple")):
    """(a name to make it again by, content, inputs)."""
    rng = random.Random(seed)
    sources = [
        (name, model.SerializeToString(), data[0][0] if data else [])
        for _, name, model, data, _, _ in suite.cases(sets)
        if model.ByteSize() < 20000
    ]
    for i in range(count):
        name, content, inputs = rng.choice(sources)
        mutate = of_bytes if i % 3 == 0 else of_fields
        yield f"{i} {name}", mutate(content, rng), inputs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--megabytes", type=int, default=3000)
    parser.add_argument("--no-run", action="store_true")
    options = parser.parse_args()
    weft.set_num_threads(1)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (options.megabytes << 20),) * 2)
    signal.signal(signal.SIGALRM, too_slow)
    counts, bad = {}, 0
    for name, content, inputs in mutants(options.count, options.seed):
        signal.alarm(20)
        try:
            result = outcome(content, inputs, not options.no_run)
        except Exception:
            bad += 1
            result = "unexpected"
            print(f"--- {name}\n{traceback.format_exc()[-1500:]}", flush=True)
        finally:
            signal.alarm(0)
        counts[result] = counts.get(result, 0) + 1
    print(counts)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
