"""Which GPU is meant."""

from .. import _C


def require(function, device=None):
    """The number of a GPU, which must be there."""
    count = _C.cuda_device_count()
    if not count:
        raise AssertionError(f"[cuda.{function}] no CUDA device is available; ask weft.cuda.is_available() first")
    index = (
        device.index if isinstance(device, _C.device) else _C.device(device).index if type(device) is str else device
    )
    index = _C.cuda_current_device() if index is None else int(index)
    if not 0 <= index < count:
        raise AssertionError(f"[cuda.{function}] invalid device id {index}; there are {count}")
    return index
