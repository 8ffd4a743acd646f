"""PyTorch's zip archives, as PyTorch 2.13 reads them with weights_only=True."""

from __future__ import annotations

import codecs
import os
import pickle
import zipfile
from collections import Counter, OrderedDict

from .. import _C, _layouts
from .._C import Tensor
from ..nn.parameter import Parameter
from . import arrays
from .rebuild import DTYPES, STORAGES

_ALIGNMENT = 64  # of memories in the file, so that it can be mapped
_STORAGES = {dtype: f"{name}Storage" for name, dtype in STORAGES.items()}
_CALLED = (
    set,
    OrderedDict,
    Counter,
    bytes,
    bytearray,
    complex,
    codecs.encode,
    *arrays.CALLED,
)  # by which pickles make some of them


class _Name:
    """A global of PyTorch's, which need not be installed here."""

    def __init__(self, module, name):
        self.module = module
        self.name = name


_TENSOR = _Name("torch._utils", "_rebuild_tensor_v2")
_TENSOR_OF_BYTES = _Name("torch._utils", "_rebuild_tensor_v3")  # of a dtype that has no storage class
_BYTES = _Name("torch.storage", "UntypedStorage")
_SPARSE = _Name("torch._utils", "_rebuild_sparse_tensor")
_LAYOUT = _Name("torch.serialization", "_get_layout")
_PARAMETER = _Name("torch._utils", "_rebuild_parameter")
_SIZE = _Name("torch", "Size")
_DEVICE = _Name("torch", "device")
_DTYPES = {name: _Name("torch", name) for name in DTYPES}
_OF_STORAGES = {name: _Name("torch", of) for name, of in _STORAGES.items()}


class _Storage:
    def __init__(self, key, tensor):
        self.key = key
        self.dtype = tensor.dtype.name
        self.location = str(tensor.device)
        self.memory = _C.whole_storage(tensor.detach()).cpu()


class _Rebuilt:
    """A call within the arguments of another."""

    def __init__(self, function, arguments):
        self.function = function
        self.arguments = arguments


_NO_HOOKS = _Rebuilt(_Name("collections", "OrderedDict"), ())  # a dict of its own each time
_PLAIN = frozenset([
    type(None), bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, OrderedDict, Counter, _Storage,
])  # fmt: skip


class _Pickler(pickle._Pickler):  # type: ignore[name-defined]  # the one in Python, which asks for each object
    def __init__(self, file):
        super().__init__(file, protocol=2)
        self.storages = {}

    def persistent_id(self, value):
        if not isinstance(value, _Storage):
            return None
        kind = _OF_STORAGES.get(value.dtype, _BYTES)
        count = value.memory.numel() // (1 if kind is _BYTES else _C.dtype_by_name(value.dtype).itemsize)
        return "storage", kind, value.key, value.location, count

    def save(self, value, save_persistent_id=True):
        kind = type(value)
        if kind in _PLAIN or any(value is f for f in _CALLED) or arrays.is_plain(value):
            super().save(value, save_persistent_id)
        elif isinstance(value, _Name):
            self._save_name(value)
        elif isinstance(value, Tensor):
            self._save_tensor(value)
        elif isinstance(value, _C.dtype):
            self._save_name(_DTYPES[value.name])
        elif isinstance(value, (_C.Size, _C.device)) and id(value) in self.memo:
            self.write(self.get(self.memo[id(value)][0]))
        elif isinstance(value, _C.Size):
            self._save_call(_SIZE, (tuple(value),), value)
        elif isinstance(value, _C.device):
            self._save_call(_DEVICE, (value.type,) if value.index is None else (value.type, value.index), value)
        else:
            raise TypeError(
                f"[save] a .pt file holds tensors, NumPy arrays, containers, numbers and strings; got {kind.__module__}.{kind.__qualname__}; "
                "convert it to one of those, or save a state_dict()"
            )

    def _save_call(self, name, arguments, value=None):
        """``value``: what the call makes, which may come again."""
        self._save_name(name)
        self._save_once(arguments)
        self.write(pickle.REDUCE)
        if value is not None:
            self.memoize(value)

    def _save_once(self, value):
        """Without asking the memo for tuples and ints."""
        kind = type(value)
        if kind is tuple:
            self.write(pickle.MARK if value else pickle.EMPTY_TUPLE)
            for item in value:
                self._save_once(item)
            self.write(pickle.TUPLE if value else b"")
        elif kind is int and 0 <= value < 2**31:
            self.write(pickle.BININT + value.to_bytes(4, "little"))
        elif kind is _Rebuilt:
            self._save_call(value.function, value.arguments)
        else:
            self.save(value)

    def save_pers(self, pid):
        self._save_once(pid)
        self.write(pickle.BINPERSID)

    def _save_name(self, name):
        known = self.memo.get(id(name))
        if known is not None:
            self.write(self.get(known[0]))
        else:
            self.write(pickle.GLOBAL + f"{name.module}\n{name.name}\n".encode())
            self.memoize(name)

    def _save_tensor(self, tensor):
        known = self.memo.get(id(tensor))
        if known is not None:
            self.write(self.get(known[0]))
            return
        if tensor.layout is not _layouts.strided:
            self._save_sparse(tensor)
            return
        storage = self._storage_of(tensor)
        arguments = (storage, tensor.storage_offset(), tuple(tensor.shape), tuple(tensor.stride()))
        parameter = isinstance(tensor, Parameter)
        arguments = (*arguments, tensor.requires_grad and not parameter, _NO_HOOKS)
        plain = (
            (_TENSOR, arguments)
            if tensor.dtype.name in _OF_STORAGES
            else (_TENSOR_OF_BYTES, (*arguments, tensor.dtype))
        )
        if parameter:
            self._save_call(_PARAMETER, (_Rebuilt(*plain), tensor.requires_grad, _NO_HOOKS), tensor)
        else:
            self._save_call(*plain, tensor)

    def _save_sparse(self, tensor):
        _, coalesced, parts = _C.sparse_parts(tensor)
        layout = str(tensor.layout).replace("weft", "torch")
        data = (*[part.detach() for part in parts], tensor.shape, *([coalesced] if tensor.is_sparse else []))
        self._save_call(_SPARSE, (_Rebuilt(_LAYOUT, (layout,)), data), tensor)

    def _storage_of(self, tensor):
        memory = _C.whole_storage(tensor.detach())
        key = str(tensor.device), _C.address_of(memory), memory.numel()
        if not memory.numel():
            key = None, None, len(self.storages)
        if key not in self.storages:
            self.storages[key] = _Storage(str(len(self.storages)), tensor)
        storage = self.storages[key]
        if storage.dtype != tensor.dtype.name:
            raise RuntimeError(
                f"[save] tensors of {storage.dtype} and {tensor.dtype.name} share memory, which a .pt file cannot say; clone() one"
            )
        return storage


def _aligned(name, position, size):
    """The entry of an archive at that position whose bytes begin at a multiple of the alignment."""
    entry = zipfile.ZipInfo(name)  # of 1980
    before = position + 30 + len(name) + 4 + (20 if size >= zipfile.ZIP64_LIMIT else 0)
    padding = -before % _ALIGNMENT
    entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    return entry


def write_zip(value, file):
    """Writes the archive to a file that can tell and seek. TypeError for objects that it cannot hold."""
    import io

    text = io.BytesIO()
    pickler = _Pickler(text)
    try:
        pickler.dump(value)
    except RecursionError:
        raise RuntimeError("[save] the containers are nested too deeply; flatten them") from None
    entries = {
        "data.pkl": text.getvalue(),
        ".format_version": b"1",
        ".storage_alignment": str(_ALIGNMENT).encode(),
        "byteorder": b"little",
        **{f"data/{storage.key}": memoryview(storage.memory) for storage in pickler.storages.values()},
        "version": b"3\n",
        ".data/serialization_id": str(int.from_bytes(os.urandom(16), "little")).zfill(40).encode(),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            entry = _aligned("archive/" + name, file.tell(), len(data))
            entry.file_size = len(data)
            with archive.open(entry, "w") as part:
                part.write(data)
