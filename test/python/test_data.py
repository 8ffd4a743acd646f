"""TensorDataset, DataLoader, save and load."""

import json
import os

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft.utils.data import DataLoader, Dataset, TensorDataset, default_collate


def test_batches_in_order():
    x, y = weft.arange(10).float(), weft.arange(10) * 2
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    assert [a.tolist() for a, _ in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and len(loader) == 3
    assert len(list(DataLoader(TensorDataset(x), batch_size=4, drop_last=True))) == 2


def test_shuffle_is_reproducible_and_new_each_time():
    loader = DataLoader(TensorDataset(weft.arange(20)), batch_size=5, shuffle=True)

    def order():
        return [i for (batch,) in loader for i in batch.tolist()]

    weft.manual_seed(1)
    first, second = order(), order()
    weft.manual_seed(1)
    assert order() == first != second and sorted(first) == list(range(20))


def test_any_dataset():
    class Squares(Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return {"x": weft.full((2,), float(i)), "y": i * i, "z": (i, numpy.float32(i))}

    batch = next(iter(DataLoader(Squares(), batch_size=3)))
    assert batch["x"].shape == (3, 2) and batch["y"].tolist() == [0, 1, 4] and batch["z"][0].tolist() == [0, 1, 2]


def test_samplers():
    x = weft.arange(5.0)
    data = TensorDataset(x)
    assert [b.tolist() for (b,) in DataLoader(data, 2, sampler=[3, 1, 4])] == [[3, 1], [4]]
    loader = DataLoader(data, batch_sampler=[[0], [2, 1]])
    assert [b.tolist() for (b,) in loader] == [[0], [2, 1]] and len(loader) == 2
    single = DataLoader(data, batch_size=None)
    assert [b.item() for (b,) in single] == [0, 1, 2, 3, 4] and len(single) == 5
    assert [b.tolist() for (b,) in DataLoader(data, 2, sampler=[0, 1, 2], drop_last=True)] == [[0, 1]]


def test_collate():
    assert default_collate([1.5, 2.5]).dtype is weft.float64 and default_collate([1, 2]).dtype is weft.int64
    assert default_collate(["a", "b"]) == ["a", "b"] and default_collate([True, False]).dtype is weft.bool
    assert default_collate([numpy.float32(1)]).dtype is weft.float32
    assert default_collate([{"a": (1, 2.0)}])["a"][1].tolist() == [2.0]


data5 = TensorDataset(weft.arange(5.0))
REFUSED = {
    "sizes": (lambda: TensorDataset(weft.ones(2), weft.ones(3)), AssertionError, "[2]"),
    "no tensor": (lambda: TensorDataset([1]), TypeError, "list"),
    "batch size": (lambda: DataLoader(data5, 0), ValueError, "batch_size"),
    "batch size 1.5": (lambda: DataLoader(data5, 1.5), ValueError, "1.5"),
    "sampler and shuffle": (lambda: DataLoader(data5, sampler=[1], shuffle=True), ValueError, "shuffle"),
    "batch sampler and size": (lambda: DataLoader(data5, 2, batch_sampler=[[1]]), ValueError, "batch_sampler"),
    "nothing to drop": (lambda: DataLoader(data5, None, drop_last=True), ValueError, "drop_last"),
    "workers": (lambda: DataLoader(data5, num_workers=-1), ValueError, "num_workers"),
    "workers by name": (lambda: DataLoader(data5, num_workers="a"), TypeError, "num_workers"),
    "prefetch": (lambda: DataLoader(data5, prefetch_factor=2), ValueError, "prefetch"),
    "drop_last": (lambda: DataLoader(data5, drop_last=3), ValueError, "drop_last"),
    "collate_fn": (lambda: DataLoader(data5, collate_fn=3), TypeError, "collate_fn"),
    "sampler": (lambda: DataLoader(data5, sampler=3), TypeError, "sampler"),
    "generator": (lambda: DataLoader(data5, generator=3), NotImplementedError, "manual_seed"),
    "objects": (lambda: default_collate([object()]), TypeError, "object"),
    "lengths": (lambda: default_collate([[1], [1, 2]]), RuntimeError, "[1, 2]"),
    "nothing": (lambda: default_collate([]), TypeError, "[default_collate]"),
    "array of strings": (lambda: default_collate([numpy.array(["a"])]), TypeError, "ndarray"),
}


@pytest.mark.parametrize("act, kind, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, kind, text):
    with pytest.raises(kind) as caught:
        act()
    assert text in str(caught.value)


DTYPES = ["float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool"]


def test_save_and_load(tmp_path):
    tensors = {d: weft.arange(6).reshape(2, 3).to(getattr(weft, d)) for d in DTYPES}
    tensors["empty"], tensors["strided"], tensors["scalar"] = weft.zeros(0, 2), weft.randn(3, 4).T, weft.tensor(2.5)
    path = tmp_path / "model.safetensors"
    weft.save(tensors, path, {"note": "x"})
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
