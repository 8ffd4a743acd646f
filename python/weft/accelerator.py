"""The machine's GPUs by PyTorch's name for whatever accelerates."""

from . import _C, cuda

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "device_index",
    "is_available",
    "set_device_index",
    "synchronize",
]


def is_available():
    """Whether there is a GPU."""
    return cuda.is_available()


def device_count():
    """The number of GPUs."""
    return cuda.device_count()


def current_accelerator(check_available=False):
    """``device("cuda")`` where there is one, else None."""
    return _C.device("cuda") if cuda.is_available() else None


def _require(function):
    if not cuda.is_available():
        raise RuntimeError(f"[{function}] cannot access an accelerator device when none is available; use the CPU")


def current_device_index():
    """The number of the GPU that "cuda" names on this thread."""
    _require("current_device_index")
    return cuda.current_device()


def set_device_index(device):
    """Makes another GPU the one that "cuda" names on this thread."""
    _require("set_device_index")
    cuda.set_device(device)


def synchronize(device=None):
    """Waits for all work on the GPU."""
    _require("synchronize")
    cuda.synchronize(device)


class device_index(cuda.device):
    """A scope in which "cuda" names a GPU by its number; None leaves things as they are."""
