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


from ._device import require as _require  # noqa: E402  NVRTC is found before
from .graphs import (  # noqa: E402
    CUDAGraph,
    graph,
    graph_pool_handle,
    is_current_stream_capturing,
    make_graphed_callables,
)
from .memory import (  # noqa: E402
    empty_cache,
    max_memory_allocated,
    max_memory_cached,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_cached,
    memory_reserved,
    memory_stats,
    memory_summary,
    reset_max_memory_allocated,
    reset_max_memory_cached,
    reset_peak_memory_stats,
)
from .streams import Event, ExternalStream, Stream, StreamContext, current_stream, default_stream, set_stream, stream  # noqa: E402

OutOfMemoryError = _C.OutOfMemoryError
globals().update(_legacy.types("cuda"))  # FloatTensor and its like

_DeviceProperties = namedtuple("_DeviceProperties", "name major minor multi_processor_count total_memory")


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
    """The number of the GPU that "cuda" names on this thread; at first 0."""
    _require("current_device")
    return _C.cuda_current_device()


def set_device(device):
    """Makes another GPU the one that "cuda" names on this thread; a negative number leaves things as they are."""
    if isinstance(device, int) and device < 0:
        return
    _C.cuda_set_device(_require("set_device", device))


class device:
    """A scope in which "cuda" names a GPU; None or a negative number leaves things as they are."""

    def __init__(self, device):
        self.idx = device

    def __enter__(self):
        self._before = _C.cuda_current_device() if device_count() else None
        if self.idx is not None:
            set_device(self.idx)

    def __exit__(self, *exception):
        if self._before is not None:
            _C.cuda_set_device(self._before)


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
    """Waits for all work on the GPU, of all its streams."""
    _C.cuda_synchronize(_require("synchronize", device))


def ipc_collect():
    """Has no effect: memory is not shared between processes."""
    _require("ipc_collect")


def can_device_access_peer(device, peer_device):
    """Whether a GPU reaches another one's memory without the host."""
    index, peer = (_require("can_device_access_peer", d) for d in (device, peer_device))
    return index != peer and _C.cuda_reaches_peer(index, peer)


def manual_seed(seed):
    """Has no effect: random numbers on a GPU are those of ``weft.manual_seed``."""


manual_seed_all = manual_seed


def __getattr__(name):
    if name == "amp":  # when it is asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
