"""When a profile records: a function from the number of a step to what is done in it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class ProfilerAction(Enum):
    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3

    @property
    def records(self) -> bool:
        return self in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """Cycles of ``wait`` steps of nothing, ``warmup`` steps whose record is dropped and ``active`` ones of which it is kept; ``repeat`` of them, or
    without end where that is 0; after the first ``skip_first`` steps, and without the first cycle's wait if ``skip_first_wait``. ValueError for
    negative numbers and for ``active=0``."""
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise ValueError(
            "[schedule] wait, warmup, repeat and skip_first must be at least 0 and active at least 1; got "
            f"{wait=}, {warmup=}, {active=}, {repeat=}, {skip_first=}"
        )

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            step += wait
        cycle, place = divmod(step, wait + warmup + active)
        if (repeat and cycle >= repeat) or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < wait + warmup + active - 1 else ProfilerAction.RECORD_AND_SAVE

    return action
