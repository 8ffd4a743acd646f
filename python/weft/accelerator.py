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
    """The number of the GPU that "cuda" names: 0."""
    _require("current_device_index")
    return 0


def set_device_index(device):
    """Raises RuntimeError for a GPU other than the first: "cuda" names that one."""
    _require("set_device_index")
    cuda.set_device(device)


def synchronize(device=None):
    """Waits for all work on the GPU."""
    _require("synchronize")
    cuda.synchronize(device)


class device_index:
    """A scope in which "cuda" names a GPU by its number. There is one number, 0; None leaves things as they are."""

    def __init__(self, device):
        self._device = device

    def __enter__(self):
        if self._device is not None:
            set_device_index(self._device)

    def __exit__(self, *exception):
        pass
