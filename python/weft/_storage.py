"""A tensor's memory as an object: where it is, how large, and whether two tensors share it."""

from __future__ import annotations

from . import _C
from ._C import Tensor


class UntypedStorage:
    """The bytes of a tensor's memory, which all its views share. Made by ``Tensor.untyped_storage()``."""

    def __init__(self, tensor: Tensor):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"[storage] is of a tensor; got {type(tensor).__name__}; use Tensor.untyped_storage()")
        self._bytes = _C.whole_storage(tensor)
        self.device = tensor.device

    def data_ptr(self):
        """The address of the first byte."""
        return self._bytes.data_ptr()

    def nbytes(self):
        """The number of bytes."""
        return self._bytes.numel()

    size = __len__ = nbytes

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and _C.same_storage(self._bytes, other._bytes)

    def __hash__(self):
        return hash(self.data_ptr())

    def __getitem__(self, index):
        return self._bytes[index].item() if isinstance(index, int) else self._bytes[index].tolist()

    def tolist(self):
        """The bytes as numbers."""
        return self._bytes.tolist()

    def __repr__(self):
        return f"UntypedStorage({self.nbytes()} bytes on {self.device})"


class TypedStorage:
    """The same, counted in elements of a dtype. Made by ``Tensor.storage()``."""

    def __init__(self, tensor: Tensor):
        self._untyped, self.dtype, self.device = UntypedStorage(tensor), tensor.dtype, tensor.device

    def untyped(self):
        """The bytes."""
        return self._untyped

    def data_ptr(self):
        """The address of the first element."""
        return self._untyped.data_ptr()

    def nbytes(self):
        """The number of bytes."""
        return self._untyped.nbytes()

    def size(self):
        """The number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def element_size(self):
        """Bytes of an element."""
        return self.dtype.itemsize

    def __eq__(self, other):
        return isinstance(other, TypedStorage) and self.dtype is other.dtype and self._untyped == other._untyped

    def __hash__(self):
        return hash((self._untyped, self.dtype))


def is_storage(obj):
    """Whether an object is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))
