"""The GPU, if there is one."""

import os
import sys
from collections import namedtuple

from .. import _C, _legacy


def _find_nvrtc():
    """The newest libnvrtc that PyPI's nvidia-cuda-nvrtc put among this Python's packages, or None. Without the modules glob and
    sysconfig, which take longer to import than the rest of weft."""
    found = []
    for packages in sys.path:
        root = os.path.join(packages, "nvidia")
        for version in os.listdir(root) if os.path.isdir(root) else ():
            folder = os.path.join(root, version, "lib")
            if version.startswith("cu") and os.path.isdir(folder):
                found += [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("libnvrtc.so.")]
    return max(found, default=None)


# The compiler library looks for NVRTC here.
if "WEFT_NVRTC" not in os.environ and (_nvrtc := _find_nvrtc()):
    os.environ["WEFT_NVRTC"] = _nvrtc


OutOfMemoryError = _C.OutOfMemoryError
globals().update(_legacy.types("cuda"))  # FloatTensor and its like

_DeviceProperties = namedtuple("_DeviceProperties", "name major minor multi_processor_count total_memory")


def _require(function, device=None):
    """The number of a GPU, which must be there."""
    count = device_count()
    if not count:
        raise AssertionError(f"[cuda.{function}] no CUDA device is available; ask weft.cuda.is_available() first")
    index = (
        device.index if isinstance(device, _C.device) else _C.device(device).index if type(device) is str else device
    )
    index = 0 if index is None else int(index)
    if not 0 <= index < count:
        raise AssertionError(f"[cuda.{function}] invalid device id {index}; there are {count}")
    return index


def is_available():
    """Whether a CUDA driver and at least one GPU are there."""
    return device_count() > 0


def device_count():
    """The number of GPUs."""
    return _C.cuda_device_count()


def is_initialized():
    """Whether there is a GPU, which needs no preparation."""
    return is_available()


def init():
    """Raises AssertionError where there is no GPU."""
    _require("init")


def current_device():
    """The number of the GPU that "cuda" names: 0."""
    return _require("current_device")


def set_device(device):
    """Raises NotImplementedError for another GPU than the first, which "cuda" names; a negative number leaves things as they are."""
    if isinstance(device, int) and device < 0:
        return
    if _require("set_device", device):
        raise NotImplementedError('[cuda.set_device] "cuda" names the first GPU; name another one as "cuda:1"')


class device:
    """A scope in which "cuda" names a GPU: the first; None or a negative number leaves things as they are."""

    def __init__(self, device):
        self.idx = device

    def __enter__(self):
        if self.idx is not None:
            set_device(self.idx)

    def __exit__(self, *exception):
        pass


class device_of(device):
    """``device`` of the GPU where a tensor is."""

    def __init__(self, obj):
        super().__init__(obj.device.index if obj.is_cuda else None)


def get_device_properties(device=None):
    """Name, compute capability (major, minor), multi_processor_count and total_memory in bytes."""
    return _DeviceProperties(*_C.cuda_device_info(_require("get_device_properties", device)))


def get_device_name(device=None):
    """The GPU's name."""
    return _C.cuda_device_info(_require("get_device_name", device))[0]


def get_device_capability(device=None):
    """(major, minor) of the GPU's compute capability."""
    return _C.cuda_device_info(_require("get_device_capability", device))[1:3]


def get_arch_list():
    """Empty: programs are made for the GPU that is there."""
    return []


def is_bf16_supported(including_emulation=True):
    """Whether there is a GPU: bfloat16 is computed in float32 on all."""
    return is_available()


def synchronize(device=None):
    """Waits for all work on the GPU."""
    _C.cuda_synchronize(_require("synchronize", device))


def empty_cache():
    """Has no effect: memory is kept for later tensors."""


def ipc_collect():
    """Has no effect: memory is not shared between processes."""
    _require("ipc_collect")


def _not_counted(name):
    def figure(device=None):
        if is_available():
            raise NotImplementedError(f"[cuda.{name}] memory is not counted; ask nvidia-smi")
        return 0

    figure.__name__, figure.__doc__ = (
        name,
        "0 where there is no GPU; else a NotImplementedError: memory is not counted.",
    )
    return figure


memory_allocated = _not_counted("memory_allocated")
max_memory_allocated = _not_counted("max_memory_allocated")
memory_reserved = _not_counted("memory_reserved")
max_memory_reserved = _not_counted("max_memory_reserved")
memory_cached = _not_counted("memory_cached")
max_memory_cached = _not_counted("max_memory_cached")


def memory_stats(device=None):
    """Empty: memory is not counted."""
    return {}


def memory_summary(device=None, abbreviated=False):
    """A line that says so: memory is not counted."""
    return "memory is not counted"


def reset_peak_memory_stats(device=None):
    """Has no effect: memory is not counted."""


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats


def manual_seed(seed):
    """Has no effect: random numbers on a GPU are those of ``weft.manual_seed``."""


manual_seed_all = manual_seed


class Stream:
    """The GPU's one stream, in which all work is done in order."""

    def __init__(self, device=None, priority=0):
        self.device = _C.device("cuda", _require("Stream", device))

    def synchronize(self):
        """Waits for its work."""
        synchronize(self.device)

    def wait_stream(self, stream):
        """Has no effect: there is one stream."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


def current_stream(device=None):
    """The GPU's stream."""
    return Stream(device)


default_stream = current_stream


class stream:
    """A scope in which work goes to a stream: the only one. None leaves things as they are."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self.stream

    def __exit__(self, *exception):
        pass


def __getattr__(name):
    if name == "amp":  # when it is asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
