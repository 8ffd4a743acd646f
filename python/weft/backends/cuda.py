"""Flags of products and attention on GPUs, which change nothing."""

from types import SimpleNamespace

from .._settings import State

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    allow_fp16_accumulation=False,
)
_kernels = State(flash=True, math=True, mem_efficient=True, cudnn=True)


def is_built():
    """Whether programs can be made for GPUs: True."""
    return True


def flash_sdp_enabled():
    """What enable_flash_sdp() was given."""
    return _kernels["flash"]


def enable_flash_sdp(enabled):
    """Keeps the flag: there is one way to compute attention."""
    _kernels["flash"] = enabled


def mem_efficient_sdp_enabled():
    """What enable_mem_efficient_sdp() was given."""
    return _kernels["mem_efficient"]


def enable_mem_efficient_sdp(enabled):
    """Keeps the flag: there is one way to compute attention."""
    _kernels["mem_efficient"] = enabled


def math_sdp_enabled():
    """What enable_math_sdp() was given."""
    return _kernels["math"]


def enable_math_sdp(enabled):
    """Keeps the flag: there is one way to compute attention."""
    _kernels["math"] = enabled


def cudnn_sdp_enabled():
    """What enable_cudnn_sdp() was given."""
    return _kernels["cudnn"]


def enable_cudnn_sdp(enabled):
    """Keeps the flag: there is one way to compute attention."""
    _kernels["cudnn"] = enabled


class sdp_kernel:
    """A scope with other flags."""

    def __init__(self, enable_flash=True, enable_math=True, enable_mem_efficient=True, enable_cudnn=True):
        self._flags = {
            "flash": enable_flash, "math": enable_math, "mem_efficient": enable_mem_efficient, "cudnn": enable_cudnn,
        }  # fmt: skip

    def __enter__(self):
        self._before = {name: _kernels[name] for name in self._flags}
        self._set(self._flags)

    def __exit__(self, *exception):
        self._set(self._before)

    def _set(self, flags):
        for name, enabled in flags.items():
            _kernels[name] = enabled
