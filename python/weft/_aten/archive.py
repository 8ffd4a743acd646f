"""Reads what ``torch.export.save`` writes, a .pt2 archive: a zip with the graph as JSON and the weights' raw memory. Nothing is
unpickled, and no size that the file states is believed before it was compared with the bytes there are."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from typing import Any

import weft

# Schema of torch.export's serialized programs that this reads.
SCHEMA_MAJOR = 8

SCALAR_TYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 9: "complex32",
    10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16",
}  # fmt: skip


class ArchiveError(ValueError):
    """The file is no archive of torch.export's, is damaged, or is of a version that is not read."""


@dataclasses.dataclass
class Archive:
    """program: model.json's "graph_module"; weights, constants: name → (tensor, whether it is a parameter)."""

    program: dict[str, Any]
    weights: dict[str, tuple[weft.Tensor, bool]]
    constants: dict[str, tuple[weft.Tensor, bool]]


def dtype_of(number: int) -> weft.dtype:
    name = SCALAR_TYPES.get(number)
    dtype = getattr(weft, name, None) if name else None
    if not isinstance(dtype, weft.dtype):
        raise ArchiveError(f"[import_torch] weft has no dtype for PyTorch's scalar type {name or number}")
    return dtype


def read_archive(file) -> Archive:
    """file: a path or a binary file. Raises ArchiveError, OSError."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _read(archive)
    except (
        zipfile.BadZipFile,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        UnicodeDecodeError,
        RuntimeError,  # RecursionError is one, and what zipfile says of encrypted files
        EOFError,
    ) as error:
        raise ArchiveError(
            f"[import_torch] {file} is no intact .pt2 archive ({type(error).__name__}: {error}); write it with torch.export.save"
        ) from error


def _read(archive: zipfile.ZipFile) -> Archive:
    names = archive.namelist()
    models = [name for name in names if "/models/" in name and name.endswith(".json")]
    if len(models) != 1:
        raise ArchiveError(
            f"[import_torch] the archive has {len(models)} models; write it with torch.export.save, one model a file"
        )
    root, _, stem = models[0].partition("/models/")
    stem = stem.removesuffix(".json")
    model = _json(archive, models[0])
    if (major := model["schema_version"]["major"]) != SCHEMA_MAJOR:
        raise ArchiveError(f"[import_torch] the archive's schema is version {major}; version {SCHEMA_MAJOR} is read")
    if archive.read(f"{root}/byteorder").strip() != b"little":
        raise ArchiveError(
            "[import_torch] the archive's numbers are big-endian; export the model on a little-endian machine"
        )
    return Archive(
        model["graph_module"],
        _tensors(archive, f"{root}/data/weights/", f"{stem}_weights_config.json"),
        _tensors(archive, f"{root}/data/constants/", f"{stem}_constants_config.json"),
    )


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    try:
        return json.loads(_bytes(archive, name))
    except json.JSONDecodeError as error:
        raise ArchiveError(f"[import_torch] {name}: {error}") from error


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ArchiveError(f"[import_torch] {name} is compressed, which torch.export.save does not do")
    return archive.read(name)


def _tensors(archive: zipfile.ZipFile, folder: str, config: str) -> dict[str, tuple[weft.Tensor, bool]]:
    memory: dict[tuple[str, weft.dtype], weft.Tensor] = {}  # tensors that share it in PyTorch share it here
    found = {}
    for name, entry in _json(archive, folder + config)["config"].items():
        if entry["use_pickle"]:
            raise ArchiveError(f"[import_torch] {name} is pickled, which is not read; export plain tensors")
        meta = entry["tensor_meta"]
        dtype = dtype_of(meta["dtype"])
        key = entry["path_name"], dtype
        if key not in memory:
            raw = bytearray(_bytes(archive, folder + key[0]))
            memory[key] = weft.frombuffer(raw, dtype=dtype) if raw else weft.empty([0], dtype=dtype)
        found[name] = _view(name, memory[key], meta), bool(entry["is_param"])
    return found


def _view(name: str, memory: weft.Tensor, meta: dict[str, Any]) -> weft.Tensor:
    sizes, strides = ([int(n["as_int"]) for n in meta[key]] for key in ("sizes", "strides"))
    offset = int(meta["storage_offset"]["as_int"])
    if len(sizes) != len(strides) or min([offset, *sizes, *strides], default=0) < 0:
        raise ArchiveError(f"[import_torch] {name} has sizes {sizes}, strides {strides} and offset {offset}")
    if 0 in sizes:
        return weft.empty(sizes, dtype=memory.dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides))
    if last >= memory.numel():
        raise ArchiveError(
            f"[import_torch] {name} of sizes {sizes} and strides {strides} needs {last + 1} elements; the file has {memory.numel()}"
        )
    return memory.as_strided(sizes, strides, offset)
