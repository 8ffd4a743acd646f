"""PyTorch's choice between ways to compute attention, of which there is one."""

import enum


class SDPBackend(enum.IntEnum):
    """Names of PyTorch's kernels."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


class sdpa_kernel:
    """A scope that says which kernels ``scaled_dot_product_attention`` may use; it has no effect."""

    def __init__(self, backends, set_priority=False):
        for backend in (backends,) if isinstance(backends, SDPBackend) else backends:
            if not isinstance(backend, SDPBackend):
                raise TypeError(f"[sdpa_kernel] backends must be of SDPBackend; got {type(backend).__name__}")

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        pass
