"""The GPU, if there is one."""

import glob
import os
import sysconfig

from . import _C

# The compiler library looks for NVRTC here; PyPI's nvidia-cuda-nvrtc puts it among this Python's packages.
if "WEFT_NVRTC" not in os.environ:
    _found = sorted(glob.glob(os.path.join(sysconfig.get_path("purelib"), "nvidia", "cu*", "lib", "libnvrtc.so.*")))
    if _found:
        os.environ["WEFT_NVRTC"] = _found[-1]


def is_available():
    """Whether a CUDA driver and at least one GPU are there."""
    return device_count() > 0


def device_count():
    return _C.cuda_device_count()


def synchronize():
    """Waits for all work on the GPU."""
    _C.cuda_synchronize()
