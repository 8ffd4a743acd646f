"""save and load through safetensors."""

import json
import os

import numpy
import pytest
import weft
from conftest import assert_same_bits

DTYPES = [
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]


def test_save_and_load(tmp_path):
    tensors = {d: weft.arange(6).reshape(2, 3).to(getattr(weft, d)) for d in DTYPES}
    tensors["empty"], tensors["strided"], tensors["scalar"] = weft.zeros(0, 2), weft.randn(3, 4).T, weft.tensor(2.5)
    path = tmp_path / "model.safetensors"
    weft.save(tensors, path, metadata={"note": "x"})
    loaded = weft.load(path)
    assert set(loaded) == set(tensors)
    for name, tensor in tensors.items():
        assert_same_bits(loaded[name], tensor)
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_files_are_those_of_safetensors(tmp_path):
    from safetensors.numpy import load_file, save_file

    a = numpy.random.randn(3, 2).astype("float32")
    save_file({"a": a}, str(tmp_path / "theirs.safetensors"))
    assert numpy.array_equal(weft.load(tmp_path / "theirs.safetensors")["a"].numpy(), a)
    weft.save({"a": weft.from_numpy(a)}, tmp_path / "ours.safetensors")
    assert numpy.array_equal(load_file(str(tmp_path / "ours.safetensors"))["a"], a)


def test_damaged_files(tmp_path):
    path = tmp_path / "x.safetensors"
    weft.save({"a": weft.ones(100)}, path)
    whole = path.read_bytes()
    entry = {"dtype": "F32", "shape": [100], "data_offsets": [0, 400]}
    headers = [
        [],
        None,
        {"a": None},
        {"a": {}},
        {"a": {**entry, "data_offsets": [-8, 392]}},
        {"a": {**entry, "shape": ["b"]}},
    ]
    texts = [*(json.dumps(h).encode() for h in headers), b"[" * 100_000]
    headed = [len(text).to_bytes(8, "little") + text + bytes(400) for text in texts]
    for broken in (b"", whole[:4], whole[:40], whole[:-10], b"\xff" * 64, *headed):
        path.write_bytes(broken)
        with pytest.raises(RuntimeError, match="x.safetensors"):
            weft.load(path)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    weft.save({"a": weft.ones(1)}, path)
    with pytest.raises(TypeError):
        weft.save({"a": 3}, path)
    assert weft.load(path)["a"].item() == 1
