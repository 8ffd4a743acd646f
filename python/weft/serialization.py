"""save and load through safetensors: files of named tensors that hold data and no code."""

import os

from . import _C
from ._C import Tensor

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip


def save(tensors, path, metadata=None):
    """Writes a dict of name → tensor (as of ``state_dict()``) to a file, which is complete or not there, or to an object with
    ``write``."""
    _C.not_replayable("it calls save()")
    if not isinstance(tensors, dict):
        got = type(tensors).__name__
    else:
        got = next(
            (f"a dict in which {n!r} is {type(t).__name__}" for n, t in tensors.items() if not isinstance(t, Tensor)),
            "",
        )
    if got:
        raise TypeError(
            f"[save] needs a dict of tensors; got {got}; pass model.state_dict() (numbers of an optimizer's state go into metadata)"
        )
    wrong = [name for name in tensors if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"[save] the names of tensors must be strings; got {wrong[0]!r}; use str()")
    _check_path("save", path, "write")
    write_tensors(tensors, path, "save", metadata)


def _check_path(op, path, method):
    if not isinstance(path, (str, bytes, os.PathLike)) and not hasattr(path, method):
        raise TypeError(
            f"[{op}] path must name a file, or be an object with {method}(); got {type(path).__name__}; pass a str or a Path"
        )


def write_tensors(tensors, path, op, metadata=None):
    from safetensors import SafetensorError, TensorSpec, serialize, serialize_file

    from ._files import written_whole

    entries = {}
    kept = []  # the specifications are addresses
    for name, tensor in tensors.items():
        host = tensor.detach().cpu().contiguous()
        kept.append(host)
        entries[name] = TensorSpec(
            dtype=host.dtype.name,
            shape=list(host.shape),
            data_ptr=_C.address_of(host),
            data_len=host.numel() * host.dtype.itemsize,
        )
    notes = {k: str(v) for k, v in (metadata or {}).items()} or None
    if hasattr(path, "write"):
        path.write(serialize(entries, metadata=notes))
        return
    with written_whole(path, op) as temporary:
        try:
            serialize_file(entries, temporary, metadata=notes)
        except SafetensorError as error:
            raise RuntimeError(f"[{op}] cannot write {os.fspath(path)}: {error}") from None


def load(path, device=None):
    """The dict of name → tensor of a safetensors file, whoever wrote it, or of what an object with ``read`` has."""
    from safetensors import SafetensorError, deserialize

    _C.not_replayable("it calls load()")
    _check_path("load", path, "read")
    if hasattr(path, "read"):
        data, path = path.read(), f"what the {type(path).__name__} holds"
    else:
        with open(path, "rb") as file:
            data = file.read()
    try:
        entries = deserialize(data)
    except SafetensorError as error:
        raise RuntimeError(
            f"[load] {os.fspath(path)} is damaged or not a safetensors file ({error}); save it again with weft.save"
        ) from None
    dtypes = {short: _C.dtype_by_name(name) for name, short in _NAMES.items()}
    result = {}
    for name, entry in entries:
        if entry["dtype"] not in dtypes:
            raise RuntimeError(f"[load] {name} has dtype {entry['dtype']}, which weft does not have; convert the file")
        tensor = _C.from_bytes(bytes(entry["data"]), entry["shape"], dtypes[entry["dtype"]])
        result[name] = tensor if device is None else tensor.to(device)
    return result


__all__ = ["load", "save"]
