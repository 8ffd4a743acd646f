"""weft.Generator, and the default stream: its seed and its state."""

from __future__ import annotations

import contextlib
import os
import struct

from . import _C
from ._C import Tensor, initial_seed

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
]  # fmt: skip

_LARGEST = 2**63


def signed(op, seed):
    """A seed as PyTorch takes it, as int64. TypeError for what is no number, ValueError for one that does not fit."""
    try:
        seed = int(seed)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"[{op}] a seed must be an int; got {seed!r}") from None
    if not -_LARGEST <= seed < 2 * _LARGEST:
        raise ValueError(f"[{op}] a seed must fit into 64 bits; got {seed}; pass one of [-2**63, 2**64)")
    return seed if seed < _LARGEST else seed - 2 * _LARGEST


def _packed(state):
    return _C.from_bytes(struct.pack("<qq", *state), (16,), _C.uint8)


def _unpacked(op, state):
    if not isinstance(state, Tensor) or state.dtype is not _C.uint8 or state.numel() != 16:
        got = f"{state.dtype} of shape {list(state.shape)}" if isinstance(state, Tensor) else type(state).__name__
        raise TypeError(f"[{op}] a state is what get_state() gives, 16 numbers of uint8; got {got}")
    return struct.unpack("<qq", _C.raw_bytes(state))


def check_generator(op, generator):
    """TypeError for what is neither None nor a Generator."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"[{op}] generator must be a weft.Generator; got {type(generator).__name__}")


class Generator:
    """A random stream of its own, for the ``generator`` argument of what draws numbers: a seed, and how many were drawn since.

    The same seed gives the numbers that ``weft.manual_seed`` gives, on every device. A compiled function that draws from one runs as
    Python each time.
    """

    def __init__(self, device="cpu"):
        self._stream = _C.random_stream(False)
        self.device = _C.device(device)

    def manual_seed(self, seed):
        """Restarts the stream; gives the generator. ValueError for a seed of more than 64 bits."""
        _C.not_replayable("it calls manual_seed()")
        self._stream.seed_and_offset = signed("manual_seed", seed), 0
        return self

    def seed(self):
        """Restarts the stream with a seed that nobody knows, which it gives."""
        seed = int.from_bytes(os.urandom(8), "little") >> 1
        self.manual_seed(seed)
        return seed

    def initial_seed(self):
        """The seed with which the stream began."""
        _C.not_replayable("it reads a weft.Generator")
        return self._stream.seed_and_offset[0]

    def get_state(self):
        """uint8 (16): for ``set_state`` of this or another generator."""
        _C.not_replayable("it reads a weft.Generator")
        return _packed(self._stream.seed_and_offset)

    def set_state(self, new_state):
        """Goes on from what ``get_state`` gave; gives the generator. TypeError for other tensors."""
        _C.not_replayable("it seeds a weft.Generator")
        self._stream.seed_and_offset = _unpacked("set_state", new_state)
        return self

    def clone_state(self):
        """Another generator that will give the same numbers."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self):
        return _restored, (str(self.device), self._stream.seed_and_offset)


def _restored(device, state):
    generator = Generator(device)
    generator._stream.seed_and_offset = state
    return generator


def get_rng_state():
    """uint8 (16): the state of the default stream, for ``set_rng_state``."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Sets the default stream to what ``get_rng_state`` gave. TypeError for other tensors."""
    default_generator.set_state(new_state)


def manual_seed(seed):
    """Restarts the default stream, and gives its generator; the same seed gives the same numbers, eager and compiled. ValueError for a
    seed of more than 64 bits."""
    return default_generator.manual_seed(seed)


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type=None):
    """``with fork_rng():`` after the block the default stream is where it was before. It is one on all devices, so that ``devices`` has
    nothing to say."""
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


def seed():
    """Restarts the default stream with a seed that nobody knows, which it gives."""
    return default_generator.seed()


default_generator = Generator()
default_generator._stream = _C.random_stream(True)
