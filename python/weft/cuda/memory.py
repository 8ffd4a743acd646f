"""What tensors on a GPU hold, and what is kept for later ones."""

from .. import _C
from ._device import require

_KEYS = ("current", "peak", "allocated", "freed")
_BYTES = ("allocated_bytes", "reserved_bytes", "requested_bytes")


def _statistics(function, device=None):
    """By name; empty where there is no GPU."""
    return _C.cuda_memory_statistics(require(function, device)) if _C.cuda_device_count() else {}


def memory_allocated(device=None):
    """Bytes that tensors hold; 0 where there is no GPU."""
    return _statistics("memory_allocated", device).get("allocated_bytes", (0,))[0]


def max_memory_allocated(device=None):
    """The most bytes that tensors held at a time, since ``reset_peak_memory_stats``; 0 where there is no GPU."""
    return _statistics("max_memory_allocated", device).get("allocated_bytes", (0, 0))[1]


def memory_reserved(device=None):
    """Bytes that the process has of the GPU for tensors, those kept for later ones included; 0 where there is no GPU."""
    return _statistics("memory_reserved", device).get("reserved_bytes", (0,))[0]


def max_memory_reserved(device=None):
    """The most bytes that the process had at a time, since ``reset_peak_memory_stats``; 0 where there is no GPU."""
    return _statistics("max_memory_reserved", device).get("reserved_bytes", (0, 0))[1]


memory_cached, max_memory_cached = memory_reserved, max_memory_reserved


def memory_stats(device=None):
    """Numbers by name: of ``allocated_bytes``, ``reserved_bytes``, ``requested_bytes``, ``allocation`` and ``segment`` the ones that end in
    ``.all.current``, ``.all.peak``, ``.all.allocated`` and ``.all.freed``; ``num_alloc_retries`` and ``num_ooms``."""
    result = {}
    for name, value in _statistics("memory_stats", device).items():
        if isinstance(value, tuple):
            result.update((f"{name}.all.{key}", number) for key, number in zip(_KEYS, value))
        else:
            result[name] = value
    return result


def _human(count, name):
    if name not in _BYTES:
        return str(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024


def memory_summary(device=None, abbreviated=False):
    """``memory_stats`` as a table to read; ``abbreviated`` leaves out what was asked for."""
    statistics = _statistics("memory_summary", device)
    if not statistics:
        return "there is no GPU"
    index = require("memory_summary", device)
    lines = [
        f"memory of cuda:{index}: {statistics['num_ooms']} times out of it, {statistics['num_alloc_retries']} retries"
    ]
    lines.append(f"{'':16}" + "".join(f"{key:>12}" for key in _KEYS))
    for name, value in statistics.items():
        if isinstance(value, tuple) and not (abbreviated and name == "requested_bytes"):
            lines.append(f"{name:16}" + "".join(f"{_human(number, name):>12}" for number in value))
    return "\n".join(lines)


def mem_get_info(device=None):
    """(free, total) bytes of the GPU, as the driver has it."""
    return _C.cuda_memory_info(require("mem_get_info", device))


def empty_cache():
    """Gives memory that no tensor holds back to the driver."""
    if _C.cuda_device_count():
        _C.cuda_empty_cache()


def reset_peak_memory_stats(device=None):
    """The most bytes at a time are counted from now on."""
    if _C.cuda_device_count():
        _C.cuda_reset_peak_memory(require("reset_peak_memory_stats", device))


reset_max_memory_allocated = reset_max_memory_cached = reset_peak_memory_stats
