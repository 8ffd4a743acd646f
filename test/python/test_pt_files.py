"""PyTorch's files: those that PyTorch 2.13 wrote (tools/torch_files.py), our own, and damaged and hostile ones."""

import collections
import io
import os
import pathlib
import pickle
import random
import struct
import zipfile

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn, serialization

DATA = pathlib.Path(__file__).parent.parent / "data"
FILES = [DATA / "torch_zip.pt", DATA / "torch_older.pt"]
DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def saved(value):
    file = io.BytesIO()
    weft.save(value, file)
    return file.getvalue()


def again(value):
    return weft.load(io.BytesIO(saved(value)))


def check(found):
    """That it is what tools/torch_files.py says."""
    for name in DTYPES:
        assert_same_bits(found["dtypes"][name], weft.arange(5).to(getattr(weft, name)))
    base = weft.arange(12.0).reshape(3, 4)
    assert found["base"].equal(base) and found["view"].equal(base[1:, ::2].T)
    assert found["view"].stride() == (2, 4) and found["view"].storage_offset() == 4
    assert weft._C.same_storage(found["base"], found["view"])
    assert found["expanded"].tolist() == [[0, 0], [1, 1], [2, 2]] and found["expanded"].stride() == (1, 0)
    assert type(found["parameter"]) is nn.Parameter and found["parameter"].requires_grad
    assert found["parameter"].tolist() == [2.5, 2.5] and not found["frozen"].requires_grad
    assert found["leaf"].requires_grad and type(found["leaf"]) is weft.Tensor
    assert found["scalar"].item() == 7 and found["scalar"].shape == () and found["empty"].shape == (0, 3)
    assert found["plain"] == [
        1, -2.5, None, True, "text", b"\x00\xff", bytearray(b"ab"), (1, (2,)), 2**70, 1 + 2j, {1, 2}
    ]  # fmt: skip
    assert found["kinds"] == [weft.Size((2, 3)), weft.bfloat16, weft.device("cuda:1")]
    assert found["counts"] == collections.Counter("aab") and found[(1, "key")] == collections.OrderedDict(a=1)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model.load_state_dict(found["model"])
    assert [p.flatten()[0].item() for p in model.parameters()] == [0, 1, 2, 3]
    optimizer = weft.optim.AdamW(model.parameters())
    optimizer.load_state_dict(found["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.125


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_files_of_pytorch(path, tmp_path):
    found = weft.load(path)
    check(found)
    check(weft.load(io.BytesIO(path.read_bytes()), map_location="cpu"))
    check(weft.load(open(path, "rb"), weights_only=False))
    check(again(found))
    weft.save(found, tmp_path / "again.pt")
    check(weft.load(tmp_path / "again.pt"))
    assert os.listdir(tmp_path) == ["again.pt"]


def test_mapped_files(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(FILES[0].read_bytes())
    found = weft.load(path, mmap=True)
    check(found)
    found["base"].fill_(-1)
    assert found["view"].tolist() == [[-1, -1], [-1, -1]]
    check(weft.load(path, mmap=True))


def test_where_memories_go():
    def keep(memory, location):
        asked.append((memory.numel(), location))
        return memory if len(asked) % 2 else None

    asked = []
    data = saved([weft.ones(3), weft.zeros(2, dtype=weft.int8)])
    assert weft.load(io.BytesIO(data), map_location=keep)[0].tolist() == [1, 1, 1]
    assert asked == [(12, "cpu"), (2, "cpu")]
    for where in (weft.device("cpu"), {"cpu": "cpu"}, {}):
        assert weft.load(io.BytesIO(data), map_location=where)[0].tolist() == [1, 1, 1]
    elsewhere = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x03\x00\x00\x00xyz")
    elsewhere = with_pickle(
        elsewhere, zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl").replace(b"cpu", b"xyz")
    )
    with pytest.raises(RuntimeError, match="tensors for xyz.*map_location"):
        weft.load(io.BytesIO(elsewhere))
    assert weft.load(io.BytesIO(elsewhere), map_location="cpu")[0].tolist() == [1, 1, 1]


def test_what_is_shared_stays_shared():
    base = weft.arange(10.0)
    items = [1]
    items.append(items)
    weights = nn.Parameter(weft.ones(3))
    found = again([base, base[2:6], base, base.view(2, 5).T, items, weights, weights])
    assert found[0] is found[2] and found[4][1] is found[4] and found[5] is found[6]
    found[0][3] = -1
    assert found[1].tolist() == [2, -1, 4, 5] and found[3][3, 0].item() == -1
    assert len(saved(base[:1].clone())) + 36 < len(saved(base[:1])) + 128


def test_memories_are_aligned():
    data = saved([weft.ones(n + 1) for n in range(5)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            name, extra = struct.unpack("<HH", data[entry.header_offset + 26 : entry.header_offset + 30])
            assert (entry.header_offset + 30 + name + extra) % 64 == 0


@pytest.mark.parametrize(
    "value, error, text",
    [
        ([object()], TypeError, "builtins.object"),
        ({"f": len}, TypeError, "builtin_function_or_method|save"),
        ({1: nn.Linear(1, 1)}, TypeError, "state_dict"),
        ([weft.ones(2), weft.ones(2)], None, ""),
    ],
)
def test_what_can_be_saved(value, error, text):
    if error is None:
        again(value)
        return
    with pytest.raises(error, match=text):
        saved(value)


ARRAYS = {
    "matrix": numpy.arange(6.0).reshape(2, 3),
    "by columns": numpy.asfortranarray(numpy.arange(6, dtype="i2").reshape(2, 3)),
    "other byte order": numpy.arange(3, dtype=">f4"),
    "text": numpy.array(["ab", "c"]),
    "bytes": numpy.array([b"abc"]),
    "empty": numpy.zeros((0, 3)),
    "scalar": numpy.float32(2.5),
    "complex": numpy.array(3 + 1j),
    "flags": numpy.array([True, False]),
}


def test_arrays_of_numpy(tmp_path):
    found = again({**ARRAYS, "dtype": numpy.dtype("f2"), "same": ARRAYS["matrix"]})
    for name, array in ARRAYS.items():
        assert type(found[name]) is type(array) and found[name].dtype == array.dtype.newbyteorder("=")
        assert numpy.array_equal(found[name], array)
    assert found["dtype"] == numpy.float16 and found["same"] is found["matrix"]


@pytest.mark.parametrize(
    "value", [numpy.array([object()]), numpy.zeros(2, [("a", "i4")]), numpy.datetime64("2020-01-01"), numpy.ma.ones(2)]
)
def test_other_arrays_of_numpy_are_refused(value):
    with pytest.raises(TypeError, match=r"\[save\] a .pt file holds tensors, NumPy arrays.*got numpy"):
        saved(value)


@pytest.mark.parametrize("dtype", [weft.uint16, weft.uint32, weft.uint64])
def test_dtypes_without_a_storage_class(dtype):
    x = weft.arange(6).to(dtype).reshape(2, 3).T
    found, parameter = again([x, nn.Parameter(x, requires_grad=False)])
    assert_same_bits(found, x)
    assert type(parameter) is nn.Parameter and found.stride() == x.stride()


def test_empty_bytes():
    assert again([b"", bytearray()]) == [b"", bytearray()]


def test_dtypes_that_share_memory():
    x = numpy.ones(4, "float32")
    with pytest.raises(RuntimeError, match=r"float32 and int32 share memory.*clone"):
        saved([weft.from_numpy(x), weft.from_numpy(x.view("int32"))])
    assert [t.tolist() for t in again([weft.from_numpy(x), weft.from_numpy(x[:2])])] == [[1] * 4, [1] * 2]


def test_deep_containers():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RuntimeError, match="nested too deeply"):
        saved(deep)


# ---------------------------------------------------------------- files that hold other things


def with_pickle(data, text):
    """The archive with another data.pkl."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            new.writestr(name, text if name.endswith("data.pkl") else old.read(name))
    return result.getvalue()


RAN = []


class Runs:
    """Its pickle calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def ran(*arguments):
    RAN.append(arguments)
    return {"made": arguments}


class Point:
    def __init__(self):
        self.x = 3


FORBIDDEN = {
    "a function": Runs(ran, 1),
    "os.system": Runs(os.system, "false"),
    "eval": Runs(eval, "1"),
    "getattr": Runs(getattr, "", "join"),
    "open": Runs(open, "/nonexistent"),
    "a class": Point(),
    "a function as a value": {"x": ran},
    "a class as a value": [Point],
    "a model": collections.deque([1]),
}


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize("protocol", [2, 4])
def test_forbidden(name, protocol):
    text = pickle.dumps({"weights": FORBIDDEN[name]}, protocol=protocol)
    older = b"".join(pickle.dumps(part, protocol=2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    for data in (with_pickle(saved(1), text), older + text + pickle.dumps([], protocol=2), text):
        with pytest.raises((pickle.UnpicklingError, RuntimeError), match=r"\[load\]"):
            weft.load(io.BytesIO(data), weights_only=False)
    assert not RAN


def test_the_class_is_named():
    with pytest.raises(pickle.UnpicklingError, match=r"function test_pt_files.Point; .*add_safe_globals"):
        weft.load(io.BytesIO(with_pickle(saved(1), pickle.dumps(Point(), protocol=2))))


def test_allowed_by_the_program():
    point = with_pickle(saved(1), pickle.dumps([Point(), Runs(ran, 2)], protocol=2))
    with serialization.safe_globals([Point, (ran, f"{__name__}.ran")]):
        found, made = weft.load(io.BytesIO(point))
        assert type(found) is Point and found.x == 3 and made == {"made": (2,)}
        assert set(serialization.get_safe_globals()) == {Point, ran}
    RAN.clear()
    with pytest.raises(pickle.UnpicklingError):
        weft.load(io.BytesIO(point))
    serialization.add_safe_globals([Point])
    assert serialization.get_safe_globals() == [Point]
    serialization.clear_safe_globals()
    assert not serialization.get_safe_globals()
    with pytest.raises(ValueError, match="add_safe_globals"):
        serialization.add_safe_globals([(Point,)])


def calls(name, *arguments):
    """A pickle that calls a known name with constants."""
    module, _, function = name.rpartition(".")
    return b"\x80\x02c" + f"{module}\n{function}\n".encode() + pickle.dumps(arguments, protocol=2)[2:-1] + b"R."


def tensor_of(offset, size, stride, count=4, key="0", kind="FloatStorage"):
    """A pickle of a tensor on memory "0"."""

    def plain(value):
        return pickle.dumps(value, protocol=2)[2:-1]

    pid = b"(" + plain("storage") + f"ctorch\n{kind}\n".encode() + plain(key) + plain("cpu") + plain(count) + b"tQ"
    rest = plain(offset) + plain(size) + plain(stride) + plain(False) + plain(None)
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + pid + rest + b"tR."


def array_of(dtype, state, dtype_state=(3, "<", None, None, None, -1, -1, 0)):
    """A pickle of a NumPy array."""

    def plain(value):
        return pickle.dumps(value, protocol=2)[2:-1]

    made = b"cnumpy._core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + plain((0,)) + plain(b"b") + b"tR("
    kind = b"cnumpy\ndtype\n" + plain((dtype, False, True)) + b"R" + plain(dtype_state) + b"b"
    version, shape, by_columns, data = state
    return b"\x80\x02" + made + plain(version) + plain(shape) + kind + plain(by_columns) + plain(data) + b"tb."


HUGE = 2**62
HOSTILE = {
    "offset": tensor_of(1, (4,), (1,)),
    "negative offset": tensor_of(-1, (1,), (1,)),
    "size": tensor_of(0, (5,), (1,)),
    "huge size": tensor_of(0, (HUGE, HUGE), (0, 0)),
    "larger than int64": tensor_of(0, (2**80,), (1,)),
    "negative size": tensor_of(0, (-1,), (1,)),
    "stride": tensor_of(0, (2, 2), (3, 1)),
    "huge stride": tensor_of(0, (3, 3), (HUGE, HUGE)),
    "negative stride": tensor_of(3, (4,), (-1,)),
    "ranks": tensor_of(0, (2, 2), (1,)),
    "many dimensions": tensor_of(0, (1,) * 5000, (1,) * 5000),
    "no ints": tensor_of(0, ("a",), (1.5,)),
    "no tuple": tensor_of(0, 4, None),
    "huge memory": tensor_of(0, (1,), (1,), count=2**60),
    "negative memory": tensor_of(0, (1,), (1,), count=-1),
    "no such memory": tensor_of(0, (1,), (1,), key="../0"),
    "no such kind": tensor_of(0, (1,), (1,), kind="Tensor"),
    "dtype that we lack": tensor_of(0, (1,), (1,), kind="ComplexFloatStorage"),
    "tensor of nothing": calls("torch._utils._rebuild_tensor_v2", None, 0, (1,), (1,), False, None),
    "too few arguments": calls("torch._utils._rebuild_tensor_v2", 1),
    "parameter of a number": calls("torch._utils._rebuild_parameter", 1, True, None),
    "set of a number": calls("builtins.set", 3),
    "set of lists": calls("builtins.set", [[1]]),
    "device": calls("torch.device", "mars"),
    "encode to a file": calls("_codecs.encode", "x", "zip"),
    "bytearray of a number": calls("builtins.bytearray", 2**40),
    "size of a number": calls("torch.Size", 2**40),
    "list as a key": b"\x80\x02}(]K\x01u.",
    "key without value": b"\x80\x02}(K\x01u.",
    "append to a tuple": b"\x80\x02)K\x01a.",
    "state for a list": b"\x80\x02]}b.",
    "empty stack": b"\x80\x02.",
    "no mark": b"\x80\x02K\x01t.",
    "mark in a tuple": b"\x80\x02(K\x01\x86.",
    "memo": b"\x80\x02h\x05.",
    "long text": b"\x80\x02X\xff\xff\xff\xffabc.",
    "negative text": b"\x80\x02T\xff\xff\xff\xffabc.",
    "not utf-8": b"\x80\x02X\x01\x00\x00\x00\xff.",
    "no end": b"\x80\x02K\x01",
    "name without end": b"\x80\x02c" + b"a" * 2000,
    "hash of nested tuples": b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.",
    "hash of doubled tuples": b"\x80\x02})" + b"q\x00h\x00\x86" * 60 + b"K\x01s.",
    "call of a number": b"\x80\x02K\x01)R.",
    "call of a dtype": b"\x80\x02ctorch\nfloat32\n)R.",
    "new object of a function": b"\x80\x02cbuiltins\nset\nK\x01\x81.",
    "array of objects": array_of("O8", (1, (1,), False, b"\0" * 8)),
    "array of records": array_of("V8", (1, (1,), False, b"\0" * 8)),
    "array with too few bytes": array_of("f8", (1, (3,), False, b"\0" * 8)),
    "huge array": array_of("f8", (1, (HUGE, 4), False, b"\0" * 8)),
    "negative array": array_of("f8", (1, (-1,), False, b"\0" * 8)),
    "array of a list": array_of("f8", (1, (1,), False, [0.0])),
    "array with fields": array_of("f8", (1, (1,), False, b"\0" * 8), (3, "<", None, ("a",), {}, -1, -1, 0)),
    "array of another size": array_of("S3", (1, (1,), False, b"abc"), (3, "|", None, None, None, 2**30, 1, 0)),
    "array of objects by flags": array_of("f8", (1, (1,), False, b"\0" * 8), (3, "<", None, None, None, -1, -1, 63)),
    "scalar without bytes": calls("numpy.core.multiarray.scalar", 3, b""),
    "array of nothing": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.",
    "unknown opcode": b"\x80\x02(i__main__\nPoint\n.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name):
    data = with_pickle(saved(weft.ones(4)), HOSTILE[name])
    with pytest.raises((RuntimeError, pickle.UnpicklingError), match=r"\[load\]"):
        weft.load(io.BytesIO(data))


def test_a_tensor_within_its_memory():
    data = with_pickle(saved(weft.arange(4.0)), tensor_of(1, (3,), (1,)))
    assert weft.load(io.BytesIO(data)).tolist() == [1, 2, 3]


def test_archives():
    good = saved({"a": weft.ones(4)})

    def rewritten(change, **options):
        result = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(result, "w", **options) as new:
            for name in old.namelist():
                for other, data in change(name, old.read(name)):
                    new.writestr(other, data)
        return result.getvalue()

    cases = {
        "no data.pkl": rewritten(lambda n, d: [] if n.endswith(".pkl") else [(n, d)]),
        "two data.pkl": rewritten(lambda n, d: [(n, d), (n.replace("archive", "other"), d)]),
        "lacks archive/data/0": rewritten(lambda n, d: [] if n.endswith("data/0") else [(n, d)]),
        "0 has 8 bytes": rewritten(lambda n, d: [(n, d[:8] if n.endswith("data/0") else d)]),
        "TorchScript": rewritten(lambda n, d: [(n, d), (n.replace("data.pkl", "constants.pkl"), d)]),
        "big-endian": rewritten(lambda n, d: [(n, b"big" if n.endswith("byteorder") else d)]),
        "compressed": rewritten(lambda n, d: [(n, d)], compression=zipfile.ZIP_DEFLATED),
        "checksum": good.replace(struct.pack("<f", 1.0) * 4, struct.pack("<f", 2.0) * 4),
        "whole zip archive": good[:-30],
    }
    for text, data in cases.items():
        if text == "two data.pkl":
            text = "no data.pkl"
        with pytest.raises(RuntimeError, match=rf"\[load\] what the BytesIO holds cannot be read.*{text}"):
            weft.load(io.BytesIO(data))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_an_error_or_another_value(path, seed, tmp_path):
    draw = random.Random(seed)
    whole = path.read_bytes()
    if path is FILES[0]:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("torch_zip/data.pkl")
    for _ in range(40):
        data = bytearray(whole)
        kind = draw.randrange(5)
        if kind == 0:
            data = data[: draw.randrange(len(data))]
        elif kind == 1:
            start = draw.randrange(len(data))
            del data[start : start + draw.randrange(1, 200)]
        elif kind == 2 and path is FILES[0]:  # a whole archive of a damaged pickle
            damaged = bytearray(text)
            for _ in range(draw.randrange(1, 4)):
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            data = with_pickle(whole, bytes(damaged))
        else:
            for _ in range(draw.randrange(1, 5)):
                data[draw.randrange(len(data))] = draw.randrange(256)
        target = tmp_path / "x.pt"
        target.write_bytes(data)
        try:
            found = weft.load(target, mmap=kind == 4 and path is FILES[0])
            repr(found)
        except (RuntimeError, pickle.UnpicklingError) as error:
            assert str(error).startswith("[load]")
