"""Messages between a loader and a worker process: one packet of a socket each. Tensors, and what is long, lie in shared memory.

The memory belongs to the sender, which uses it again once the receiver says that it has copied what was there; it has no name, so
that nothing is left of it when the processes end, however they do. The socket says so when the other end is gone.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import socket
import struct

from ... import _C

_LONGEST = 4096  # bytes in a packet itself
_ALIGNMENT = 64
_HEADER = struct.Struct("<qqq")  # the memory's number (-1: none), its size, the length of the pickle


class _Pickler(pickle.Pickler):
    """Collects the memory of tensors, of which the pickle holds positions."""

    def __init__(self, file, buffers):
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.buffers = buffers
        self.size = 0

    def persistent_id(self, value):
        if type(value) is not _C.Tensor:
            return None
        held = value.detach().cpu().contiguous()
        count = held.numel() * held.dtype.itemsize
        position = self.size
        if count:
            whole = _C.view_of_storage(
                _C.whole_storage(held), (count,), (1,), held.storage_offset() * held.dtype.itemsize, _C.uint8
            )
            self.buffers.append((position, whole))
            self.size += -(-count // _ALIGNMENT) * _ALIGNMENT
        return position, count, tuple(held.shape), held.dtype.name, value.requires_grad


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, memory):
        super().__init__(file)
        self.memory = memory

    def persistent_load(self, pid):
        position, count, shape, name, requires_grad = pid
        with self.memory[position : position + count] if count else memoryview(b"") as data:
            tensor = _C.from_bytes(data, shape, _C.dtype_by_name(name))
        return tensor.requires_grad_() if requires_grad else tensor


class _Memory:
    """Memory that two processes share, by a file descriptor."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.mapped = None

    def at_least(self, size):
        """The memory, of which so many bytes may be used."""
        if self.mapped is None or len(self.mapped) < size:
            self.close(keep=True)
            self.mapped = mmap.mmap(self.descriptor, 0)
        return self.mapped

    def close(self, keep=False):
        if self.mapped is not None:
            self.mapped.close()
            self.mapped = None
        if not keep:
            os.close(self.descriptor)


class Channel:
    """One end. ``send`` and ``receive`` follow the socket's timeout."""

    def __init__(self, end):
        self.end = end
        self.own: dict[int, _Memory] = {}  # to send by
        self.unused: list[int] = []
        self.theirs: dict[int, _Memory] = {}
        self.freed: list[int] = []  # of theirs, which they do not know yet

    def fileno(self):
        return self.end.fileno()

    def pack(self, message):
        """The packet of a message, and the file descriptors that go with it."""
        file, buffers = io.BytesIO(), []
        pickler = _Pickler(file, buffers)
        pickler.dump((self.freed, message))
        self.freed = []
        text = file.getbuffer()
        if not buffers and len(text) <= _LONGEST:
            return _HEADER.pack(-1, 0, len(text)) + text, []
        needed = pickler.size + len(text)
        number, descriptors = self._memory_of(needed)
        memory = self.own[number]
        mapped = memory.at_least(needed)
        for position, data in buffers:
            mapped[position : position + len(data)] = data
        mapped[pickler.size : needed] = text
        return _HEADER.pack(number, pickler.size, len(text)), descriptors

    def _memory_of(self, size):
        """Unused memory, which is grown to the size; its descriptor where the other end does not know it yet."""
        if self.unused:
            number = self.unused.pop()
            memory = self.own[number]
            if os.fstat(memory.descriptor).st_size < size:
                os.ftruncate(memory.descriptor, size + size // 2)
            return number, []
        descriptor = os.memfd_create("weft-data", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, size + size // 2)
        number = len(self.own)
        self.own[number] = _Memory(descriptor)
        return number, [descriptor]

    def send_packet(self, packet, descriptors):
        socket.send_fds(self.end, [packet], descriptors)

    def send(self, message):
        self.send_packet(*self.pack(message))

    def receive(self):
        """The next message. EOFError where the other end is gone."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self.end, _HEADER.size + _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            packet = b""
        if not packet:
            raise EOFError
        number, size, length = _HEADER.unpack_from(packet)
        if number < 0:
            freed, message = pickle.loads(memoryview(packet)[_HEADER.size :])
        else:
            if descriptors:
                self.theirs[number] = _Memory(descriptors[0])
            mapped = self.theirs[number].at_least(size + length)
            with memoryview(mapped) as memory:
                freed, message = _Unpickler(io.BytesIO(memory[size : size + length]), memory).load()
            self.freed.append(number)
        self.unused += freed
        return message

    def close(self):
        with contextlib.suppress(OSError):
            self.end.shutdown(socket.SHUT_RDWR)  # forked children may have copies of it
        self.end.close()
        for memory in (*self.own.values(), *self.theirs.values()):
            memory.close()
        self.own, self.theirs = {}, {}


def pair():
    """Two sockets for the two ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
