"""The GPU, if there is one."""

import os
import sys

from .. import _C


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


def is_available():
    """Whether a CUDA driver and at least one GPU are there."""
    return device_count() > 0


def device_count():
    return _C.cuda_device_count()


def synchronize():
    """Waits for all work on the GPU."""
    _C.cuda_synchronize()


def __getattr__(name):
    if name == "amp":  # when it is asked for
        from importlib import import_module

        return import_module(f"{__name__}.amp")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
