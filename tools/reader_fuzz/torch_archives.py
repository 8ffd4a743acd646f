"""weft.import_torch: .pt2 archives of test/data, in which bytes, or values of their JSON, are others."""

import io
import json
import pathlib

import weft

from . import RUNNING, mutate

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "test" / "data" / "exported.pt2"
LOADING = (ValueError, NotImplementedError, OSError)
content = b""


def prepare():
    global content
    content = SOURCE.read_bytes()


def mutant(rng):
    if rng.random() < 0.25:
        return mutate.of_bytes(content, rng)

    def change(name, data):
        if not name.endswith(".json"):
            return mutate.of_bytes(data or b"\0", rng)
        return json.dumps(mutate.of_json(json.loads(data), rng)).encode()

    return mutate.of_zip(content, rng, change)


def tried(content, run):
    try:
        model = weft.import_torch(io.BytesIO(content))
    except LOADING:
        return "refused"
    if not run:
        return "loaded"
    try:
        model(*model.example_inputs)
    except RUNNING:
        return "failed"
    return "ran"
