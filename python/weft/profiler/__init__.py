"""weft.profiler: what ran, for how long, and from which Python line; with PyTorch's names.

with weft.profiler.profile() as prof:
    with weft.profiler.record_function("forward"):
        model(x)
print(prof.key_averages().table(sort_by="self_cpu_time_total"))
prof.export_chrome_trace("trace.json")  # for ui.perfetto.dev
prof.save("profile.html")  # a page that needs nothing else
"""

from enum import Enum

from .events import EventList, FunctionEvent, FunctionEventAvg
from .profiler import profile, tensorboard_trace_handler
from .ranges import record_function
from .schedules import ProfilerAction, schedule

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(Enum):
    """What may be recorded; weft records all kernels, wherever they run."""

    CPU = 0
    CUDA = 2


def supported_activities() -> set[ProfilerActivity]:
    from ..cuda import is_available

    return {ProfilerActivity.CPU, ProfilerActivity.CUDA} if is_available() else {ProfilerActivity.CPU}
