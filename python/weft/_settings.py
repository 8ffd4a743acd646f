"""Settings that PyTorch has and that change nothing here: results have the same bits whatever they say."""

from __future__ import annotations

import warnings

from . import _C

__all__ = [
    "get_num_interop_threads", "has_lapack", "has_mkl", "has_openmp", "has_spectral", "init_num_threads", "is_vulkan_available", "is_inference_mode_enabled", "set_num_interop_threads",
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode", "get_float32_matmul_precision",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip

# What there is: decompositions and Fourier transforms; products and threads are weft's own.
has_lapack, has_spectral, has_mkl, has_openmp = True, True, False, False

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "warn", "error")


class State:
    """What is kept. A compiled call that asks for it or changes it runs as Python."""

    def __init__(self, **values):
        self._values = values

    def __getitem__(self, name):
        _C.not_replayable("it asks for a setting")
        return self._values[name]

    def __setitem__(self, name, value):
        _C.not_replayable("it changes a setting")
        self._values[name] = value


_state = State(precision="highest", deterministic=0, warn_always=False, interop_threads=1)


def get_float32_matmul_precision():
    """What set_float32_matmul_precision() was given last: "highest" at first."""
    return _state["precision"]


def set_float32_matmul_precision(precision):
    """Keeps "highest", "high" or "medium"; others are a warning. Products of float32 numbers are computed in float32 in any case."""
    if precision in _PRECISIONS:
        _state["precision"] = precision
    else:
        warnings.warn(
            f"[set_float32_matmul_precision] {precision} is not one of {', '.join(_PRECISIONS)}", stacklevel=2
        )


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Keeps the mode. All algorithms are deterministic in any case. TypeError for a mode that is no bool."""
    if not isinstance(mode, bool):
        raise TypeError(
            f"[use_deterministic_algorithms] mode must be a bool; got {type(mode).__name__}; pass True or False"
        )
    _state["deterministic"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled():
    """What use_deterministic_algorithms() was given."""
    return _state["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether it was given warn_only."""
    return _state["deterministic"] == 1


def get_deterministic_debug_mode():
    """0, 1 with warn_only, 2."""
    return _state["deterministic"]


def set_deterministic_debug_mode(debug_mode):
    """use_deterministic_algorithms() by "default", "warn", "error" or their numbers."""
    if debug_mode not in (*_MODES, 0, 1, 2):
        raise RuntimeError(
            f"[set_deterministic_debug_mode] the mode must be one of {', '.join(_MODES)}; got {debug_mode}"
        )
    _state["deterministic"] = _MODES.index(debug_mode) if isinstance(debug_mode, str) else debug_mode


def is_warn_always_enabled():
    """What set_warn_always() was given."""
    return _state["warn_always"]


def set_warn_always(b):
    """Keeps the flag. Warnings follow Python's filters in any case."""
    _state["warn_always"] = b


def set_flush_denormal(mode):
    """False: denormal numbers are numbers, whatever is asked for."""
    return False


def get_num_interop_threads():
    """What set_num_interop_threads() was given: 1 at first."""
    return _state["interop_threads"]


def set_num_interop_threads(num):
    """Keeps the number. Kernels run one after the other, each on the threads of set_num_threads()."""
    if type(num) is not int or num <= 0:
        raise RuntimeError(f"[set_num_interop_threads] Expected positive number of threads; got {num!r}")
    _state["interop_threads"] = num


def init_num_threads():
    """Does nothing: threads start when they are first needed."""


def is_inference_mode_enabled():
    """False: inference_mode is no_grad, and its tensors may be used in training."""
    return False


def is_vulkan_available():
    """False: devices are CPUs and CUDA's GPUs."""
    return False
