"""weft.onnx.load: the onnx package's node tests and its stored models, in which bytes, or fields of the parsed file, are others."""

import onnx
import onnx_backend_tests as suite
import weft
import weft.onnx

from . import RUNNING, mutate

MOST_BYTES = 20000  # of a model
sources = []  # (name, bytes, inputs)
inputs_of = {}  # of a mutant, for its run
LOADING = (RuntimeError, NotImplementedError)
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


def prepare():
    if not sources:
        take(("node", "pytorch-operator", "simple"))


def take(sets):
    """The models of the sets that mutants are made of."""
    for name, model, data in [(name, model, data) for _, name, model, data, _, _ in suite.cases(sets)]:
        if model.ByteSize() < MOST_BYTES:
            sources.append((name, model.SerializeToString(), data[0][0] if data else []))


def mutant(rng):
    name, content, inputs = rng.choice(sources)
    content = mutate.of_bytes(content, rng) if rng.random() < 0.33 else of_fields(content, rng)
    inputs_of[content] = inputs
    return content


def tried(content, run):
    inputs = inputs_of.pop(content, ())
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
