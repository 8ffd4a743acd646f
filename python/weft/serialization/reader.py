"""PyTorch's files: zip archives of a pickle and memories, and their predecessors, pickles with memories behind them."""

from __future__ import annotations

import struct
import zipfile
import zlib

from .. import _C
from .rebuild import Damaged, Known, Storage
from .unpickler import Unpickler

_MAGIC = 0x1950A86A20F9469CFC6C  # of the older format
_PROTOCOL = 1001


def is_zip(start):
    return start[:4] == b"PK\x03\x04"


def is_pickle(start):
    return start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


class Placed:
    """Where memories go: map_location as PyTorch takes it."""

    def __init__(self, map_location):
        self.map = map_location

    def place(self, memory, location):
        where = location
        if callable(self.map):
            moved = self.map(memory, location)
            if moved is not None:
                return moved
        elif isinstance(self.map, dict):
            where = self.map.get(location, location)
        elif self.map is not None:
            where = self.map
        if str(where) == "cpu":
            return memory
        try:
            return memory.to(where)
        except RuntimeError as error:
            raise RuntimeError(
                f"[load] the file holds tensors for {where} ({error}); pass map_location='cpu' or another device"
            ) from None


def _parts_of(pid):
    """(dtype, key, location, number of elements) of a persistent id."""
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or type(pid[1]) is not Known:
        raise Damaged("its pickle names a memory in an unknown way")
    _, kind, key, location, count, *view = pid
    if (
        kind.make is not None
        or type(key) is not str
        or type(location) is not str
        or type(count) is not int
        or count < 0
    ):
        raise Damaged("its pickle names a memory in an unknown way")
    if any(part is not None for part in view):
        raise Damaged("it is of a PyTorch older than 0.4; save it again with a newer one")
    return kind.dtype, key, location, count


class _Memories:
    """A Storage a key. ``memory_of(key, bytes)`` gives it as uint8."""

    def __init__(self, memory_of, map_location):
        self.memory_of = memory_of
        self.placed = Placed(map_location)
        self.known = {}

    def __call__(self, pid):
        dtype, key, location, count = _parts_of(pid)
        size = count * (dtype.itemsize if dtype else 1)
        if key not in self.known:
            self.known[key] = Storage(self.placed.place(self.memory_of(key, size), location), dtype)
        found = self.known[key]
        if found.dtype is not dtype or found.memory.numel() < size:
            raise Damaged(f"its memory {key} has two sizes or dtypes")
        return found


# ---------------------------------------------------------------- zip archives


def read_zip(file, map_location, mapped):
    """``file``: open and seekable. ``mapped``: its bytes, writable, which tensors then share."""
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # of whatever class
        raise Damaged(f"it is no whole zip archive: {error}") from None
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1 or pickles[0].replace("data.pkl", "version") not in entries:
        raise Damaged("it is a zip archive, but holds no tensors of PyTorch's (no data.pkl)")
    folder = pickles[0][: -len("data.pkl")]
    if folder + "constants.pkl" in entries:
        raise Damaged("it is a TorchScript program; save the model's state_dict() instead")

    def span(name):
        entry = entries.get(folder + name)
        if entry is None:
            raise Damaged(f"it lacks {folder}{name}")
        return _span_of(file, entry)

    def read(name):
        start, size = span(name)
        file.seek(start)
        data = file.read(size)
        crc = entries[folder + name].CRC
        if crc and zlib.crc32(data) != crc:  # PyTorch writes 0 where it is told to leave the sums out
            raise Damaged(f"{folder}{name} is not what was written: its checksum differs")
        return data

    def memory_of(key, size):
        start, available = span(f"data/{key}")
        if available < size:
            raise Damaged(f"{folder}data/{key} has {available} bytes, where its tensors need {size}")
        if mapped is not None and size:
            return _C.from_numpy(mapped[start : start + size])
        return _C.from_bytes(memoryview(read(f"data/{key}"))[:size], (size,), _C.uint8)

    if folder + "byteorder" in entries and read("byteorder") != b"little":
        raise Damaged("its numbers are big-endian; save it again on a little-endian machine")
    return Unpickler(read("data.pkl"), 0, _Memories(memory_of, map_location)).load()


def _span_of(file, entry):
    """Where the bytes of an entry begin, and how many they are; they lie there as they are."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise Damaged(f"{entry.filename} is compressed or encrypted")
    if entry.file_size != entry.compress_size:
        raise Damaged(f"{entry.filename} has two sizes")
    end = file.seek(0, 2)
    if not 0 <= entry.header_offset < end:
        raise Damaged(f"{entry.filename} is not where the archive says")
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise Damaged(f"{entry.filename} is not where the archive says")
    start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
    if start + entry.file_size > end:
        raise Damaged(f"{entry.filename} is cut off")
    return start, entry.file_size


# ---------------------------------------------------------------- before PyTorch 1.6


def _nothing(pid):
    raise Damaged("its header names a memory")


def _pickles(data, position, count):
    """So many pickles one behind the other that name no memories, and where they end."""
    found = []
    for _ in range(count):
        unpickler = Unpickler(data, position, _nothing)
        found.append(unpickler.load())
        position = unpickler.position
    return found, position


def read_pickles(data, map_location):
    """``data``: a memoryview of the whole file. Its memories come behind the pickle that names them, which is therefore read twice."""
    (magic, protocol, system), body = _pickles(data, 0, 3)
    if magic != _MAGIC or protocol != _PROTOCOL or not isinstance(system, dict):
        raise Damaged("it is a pickle, but none of PyTorch's")
    if system.get("little_endian") is not True:
        raise Damaged("its numbers are big-endian; save it again on a little-endian machine")
    sizes = {}

    def size_alone(key, size):
        sizes[key] = size
        if sum(sizes.values()) > len(data):
            raise Damaged("it is cut off")
        return _C.full((size,), 0, _C.uint8, None)

    names = _Memories(size_alone, "cpu")
    first = Unpickler(data, body, names)
    first.load()
    (keys,), position = _pickles(data, first.position, 1)
    if not isinstance(keys, list) or not all(type(key) is str for key in keys) or set(keys) != set(sizes):
        raise Damaged("the memories behind its pickles are not those that it names")
    pieces = {}
    for key in keys:
        dtype, size = names.known[key].dtype, sizes[key]
        start = position + 8
        position = start + size
        if position > len(data):
            raise Damaged("it is cut off")
        if struct.unpack("<q", data[start - 8 : start])[0] * (dtype.itemsize if dtype else 1) != size:
            raise Damaged(f"its memory {key} has two sizes")
        pieces[key] = data[start:position]
    memories = _Memories(lambda key, size: _C.from_bytes(pieces[key], (size,), _C.uint8), map_location)
    return Unpickler(data, body, memories).load()
