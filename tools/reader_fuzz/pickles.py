"""weft.load: .pt files of PyTorch's and of our own, in which bytes of the archive, of a pickle or of a tensor are others."""

import io
import pathlib
import pickle

import weft

from . import mutate

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test" / "data"
# MemoryError is not among them: sizes are compared with the file before memory is taken.
LOADING = (RuntimeError, pickle.UnpicklingError, NotImplementedError)
sources = []


def prepare():
    model = weft.nn.Sequential(weft.nn.Linear(2, 3), weft.nn.BatchNorm1d(3))
    file = io.BytesIO()
    weft.save({"model": model.state_dict(), "step": 7, "sparse": weft.eye(3).to_sparse()}, file)
    sources[:] = [file.getvalue(), *((FOLDER / name).read_bytes() for name in ("torch_zip.pt", "torch_older.pt"))]


def mutant(rng):
    content = rng.choice(sources)
    if not content.startswith(b"PK") or rng.random() < 0.2:
        return mutate.of_bytes(content, rng)
    return mutate.of_zip(content, rng, lambda name, data: mutate.of_bytes(data or b"\0", rng))


def tried(content, run):
    try:
        weft.load(io.BytesIO(content))
    except LOADING:
        return "refused"
    return "loaded"
