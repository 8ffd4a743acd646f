"""The GPU, if there is one."""

from . import _C


def is_available():
    """Whether a CUDA driver and at least one GPU are there."""
    return device_count() > 0


def device_count():
    return _C.cuda_device_count()


def synchronize():
    """Waits for all work on the GPU."""
    _C.cuda_synchronize()
