"""Tensors on memory that something else made: arrays, buffers, files."""

from __future__ import annotations

from . import _C, _factories
from ._C import Tensor, device, dtype
from ._public import Any, public


@public
def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the data: on its memory where that is possible, a ValueError with ``copy=False`` where not; a copy with ``copy=True``."""
    held = True
    if (column := _factories._column_of("asarray", obj)) is not None:
        obj, held = column
    elif not isinstance(obj, Tensor) and hasattr(obj, "__dlpack__") and not hasattr(obj, "__array_interface__"):
        obj = _C.from_dlpack(obj)
    shared = held and (isinstance(obj, Tensor) or hasattr(obj, "__array_interface__"))
    result = _factories.as_tensor(obj, dtype, device)
    same = (
        shared
        and (dtype is None or result.dtype is _factories.as_tensor(obj).dtype)
        and (device is None or result.device.type == "cpu")
    )
    if copy is False and not same:
        raise ValueError("[asarray] the data cannot be shared as asked for, which copy=False demands; leave copy out")
    result = result.detach()
    return _factories._finish(result.clone() if copy and same else result, requires_grad)


@public
def frombuffer(buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A vector on the memory of a buffer from a byte offset on: ``count`` elements, or all that fit."""
    import numpy

    try:
        name = "int16" if dtype is _C.bfloat16 else dtype.name  # which NumPy has not
        elements = numpy.frombuffer(buffer, name, count, offset)
    except (ValueError, TypeError, BufferError) as error:
        raise type(error)(f"[frombuffer] {error}; got dtype {dtype}, count {count}, offset {offset}") from None
    return _factories._finish(_factories.from_numpy(elements).view(dtype), requires_grad)


@public
def from_file(
    filename: str,
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: dtype | None = None,
    device: device | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The first ``size`` elements of a file, mapped into memory: with ``shared`` writes go to the file, which is made as large as it must
    be, else they stay here. RuntimeError for a file that is too short, OSError for one that cannot be opened."""
    import mmap
    import os

    wanted = dtype or _C.default_dtype()
    count = size * wanted.itemsize
    flags = os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY
    descriptor = os.open(filename, flags, 0o666)
    try:
        length = os.fstat(descriptor).st_size
        if length < count:
            if not shared:
                raise RuntimeError(
                    f"[from_file] {filename} has {length} bytes; got size={size} of {wanted}: {count} bytes"
                )
            os.ftruncate(descriptor, count)
        if not count:
            return _factories._finish(_C.empty((0,), wanted, device), requires_grad)
        kind = mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE
        mapping = mmap.mmap(descriptor, count, kind, mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(descriptor)
    return _factories._finish(frombuffer(mapping, dtype=wanted), requires_grad)
