"""weft.load of safetensors: the header's JSON, its length and the bytes behind it are others."""

import io
import json

import weft

from . import mutate
from .pickles import tried  # noqa: F401, the same function reads both

content = b""


def prepare():
    global content
    file = io.BytesIO()
    tensors = {
        "a.weight": weft.arange(6.0).reshape(2, 3),
        "b": weft.ones(4, dtype=weft.bfloat16),
        "none": weft.zeros(0, 2),
        "one": weft.tensor(True),
    }
    weft.save(tensors, file, metadata={"made": "here"})
    content = file.getvalue()


def mutant(rng):
    if rng.random() < 0.3:
        return mutate.of_bytes(content, rng)
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(mutate.of_json(json.loads(content[8 : 8 + size]), rng)).encode()
    length = len(header) if rng.random() < 0.95 else rng.choice((0, 1, len(header) + 9, 2**40, 2**64 - 1))
    return length.to_bytes(8, "little") + header + content[8 + size :]
