"""Files of the package safetensors: named tensors, and texts."""

import os

from .. import _C
from .._C import Tensor

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16",
    "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL", "complex64": "C64",
}  # fmt: skip


def check_tensors(tensors):
    """TypeError for what is no dict of strings and tensors."""
    if not isinstance(tensors, dict):
        got = type(tensors).__name__
    else:
        got = next(
            (f"a dict in which {n!r} is {type(t).__name__}" for n, t in tensors.items() if not isinstance(t, Tensor)),
            "",
        )
    if got:
        raise TypeError(
            f"[save] a safetensors file needs a dict of tensors; got {got}; pass model.state_dict(), put numbers into metadata, or save "
            "to a .pt file"
        )
    wrong = [name for name in tensors if not isinstance(name, str)]
    if wrong:
        raise TypeError(f"[save] the names of tensors must be strings; got {wrong[0]!r}; use str()")


def write_tensors(tensors, path, op, metadata=None):
    from safetensors import SafetensorError, TensorSpec, serialize, serialize_file

    from .._files import written_whole

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


def read_tensors(data, place):
    """The dict of name → tensor that the bytes hold. ``place(tensor)`` puts each where it belongs. SafetensorError for others."""
    from safetensors import deserialize

    dtypes = {short: _C.dtype_by_name(name) for name, short in _NAMES.items()}
    result = {}
    for name, entry in deserialize(data):
        if entry["dtype"] not in dtypes:
            raise RuntimeError(f"[load] {name} has dtype {entry['dtype']}, which weft does not have; convert the file")
        tensor = _C.from_bytes(entry["data"], entry["shape"], dtypes[entry["dtype"]])
        result[name] = place(tensor)
    return result
