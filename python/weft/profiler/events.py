"""What a profile recorded, one by one and added up, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .._page import line_and_operations


class FunctionEvent(NamedTuple):
    """A kernel that ran, or a range. Times are in microseconds: ``start`` since the profile's, ``cpu_time_total`` from start to end, and
    ``self_cpu_time_total`` without what lies within. ``location`` is "model.py:12 add, relu", ``bytes`` those of the buffers a kernel worked on,
    ``flops`` the floating-point operations it was for: two a multiply-add of a product or convolution, one an element of others."""

    name: str
    start: float
    cpu_time_total: float
    self_cpu_time_total: float
    thread: int
    is_user_annotation: bool
    kernel: str = ""
    location: str = ""
    bytes: int = 0
    flops: int = 0
    identity: int = 0

    @property
    def key(self) -> str:
        return "ProfilerStep*" if self.name.startswith("ProfilerStep#") else self.name

    @property
    def line(self) -> str:
        """ "model.py:12", or nothing: eager operations and ranges have none."""
        return line_and_operations(self.location)[0]

    @property
    def count(self) -> int:  # type: ignore[override]  # a tuple's count is of no use here
        return 1

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total


class FunctionEventAvg:
    """All events of one key. Times as FunctionEvent's, added up; ``cpu_time`` is their mean."""

    def __init__(self, key: str, line: str = "") -> None:
        self.key, self.line = key, line
        self.count, self.bytes, self.flops = 0, 0, 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.is_user_annotation = False

    def add(self, event: FunctionEvent) -> None:
        self.count += 1
        self.bytes += event.bytes
        self.flops += event.flops
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.is_user_annotation |= event.is_user_annotation

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return 1e6 * self.bytes / self.cpu_time_total if self.cpu_time_total else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} count={self.count} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)}>"
        )


_ORDERS = ("count", "cpu_time", "cpu_time_total", "self_cpu_time_total", "bytes", "flops")


class EventList(list):
    """FunctionEvents, or FunctionEventAvgs."""

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all events."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_stack_n: int = 0) -> EventList:
        """FunctionEventAvgs by key, and by Python line where ``group_by_stack_n`` is not 0; in the order in which they first ran."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            line = event.line if group_by_stack_n else ""
            found.setdefault((event.key, line), FunctionEventAvg(event.key, line)).add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """All in one, of key "Total"."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.count += event.count
            total.bytes += event.bytes
            total.flops += event.flops
            total.self_cpu_time_total += event.self_cpu_time_total
        total.cpu_time_total = total.self_cpu_time_total
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_name_column_width: int | None = 55,
        header: str | None = None,
    ) -> str:
        """As text: names, times, their parts of the whole, bytes, and floating-point operations. ``sort_by`` is one of "count", "cpu_time", "cpu_time_total",
        "self_cpu_time_total", "bytes", "flops", the greatest first (ValueError for others)."""
        if sort_by is not None and sort_by not in _ORDERS:
            raise ValueError(f"[table] sort_by must be one of {', '.join(_ORDERS)}; got {sort_by!r}")
        events = list(self)
        if sort_by:
            events.sort(key=lambda event: -getattr(event, sort_by))
        whole = self.self_cpu_time_total or 1e-9
        titles = (
            "Self CPU %",
            "Self CPU",
            "CPU total %",
            "CPU total",
            "CPU time avg",
            "# of Calls",
            "MB",
            "GB/s",
            "MFLOPs",
            "GFLOP/s",
        )
        rows = [["Name", *titles]]
        lines = any(event.line for event in events) and isinstance(events[0], FunctionEventAvg)
        for event in events[: row_limit if row_limit >= 0 else None]:
            name = event.key
            if max_name_column_width and len(name) > max_name_column_width:
                name = name[: max_name_column_width - 3] + "..."
            rows.append(
                [
                    name,
                    f"{100 * event.self_cpu_time_total / whole:.2f}%",
                    _time(event.self_cpu_time_total),
                    f"{100 * event.cpu_time_total / whole:.2f}%",
                    _time(event.cpu_time_total),
                    _time(event.cpu_time),
                    str(event.count),
                    f"{event.bytes / 1e6:.3f}" if event.bytes else "--",
                    f"{event.bytes / event.cpu_time_total / 1e3:.1f}" if event.bytes and event.cpu_time_total else "--",
                    f"{event.flops / 1e6:.3f}" if event.flops else "--",
                    f"{event.flops / event.cpu_time_total / 1e3:.1f}" if event.flops and event.cpu_time_total else "--",
                ]
            )
        if lines:
            for row, line in zip(rows, ["Source Location", *(event.line for event in events)]):
                row.append(line)
        return _ruled(rows, header) + f"\nSelf CPU time total: {_time(self.self_cpu_time_total)}\n"

    def __str__(self) -> str:
        return self.table()


def nested(events: Iterable[FunctionEvent]) -> EventList:
    """The events by start, each with the time that is its own: without that of the events within it, on its thread."""
    ordered = sorted(events, key=lambda event: (event.thread, event.start, -event.cpu_time_total))
    own = [event.cpu_time_total for event in ordered]
    open_at: list[int] = []
    for i, event in enumerate(ordered):
        while open_at and (
            ordered[open_at[-1]].thread != event.thread
            or ordered[open_at[-1]].start + ordered[open_at[-1]].cpu_time_total <= event.start
        ):
            open_at.pop()
        if open_at:
            own[open_at[-1]] -= event.cpu_time_total
        open_at.append(i)
    result = [event._replace(self_cpu_time_total=max(0.0, time)) for event, time in zip(ordered, own)]
    return EventList(sorted(result, key=lambda event: (event.start, -event.cpu_time_total)))


def _time(microseconds: float) -> str:
    for limit, unit in ((1e6, "s"), (1e3, "ms")):
        if microseconds >= limit:
            return f"{microseconds / limit:.3f}{unit}"
    return f"{microseconds:.3f}us"


def _ruled(rows: list[list[str]], header: str | None) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    line = "  ".join("-" * width for width in widths)
    texts = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join([*([header] if header else []), line, texts[0], line, *texts[1:], line])
