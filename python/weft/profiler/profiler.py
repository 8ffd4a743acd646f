"""profile: a context manager that records the kernels that run, and what can be made of its record."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from .. import _C
from .._page import line_and_operations
from . import ranges
from .events import EventList, FunctionEvent, nested
from .schedules import ProfilerAction


class profile:
    """Records every kernel that runs while it is entered, with its time, its bytes and the Python line it comes from, and the ranges
    of ``record_function``. Kernels run one after the other meanwhile.

    activities: accepted; kernels are recorded wherever they run. schedule: from the number of a step (``step()`` ends one) to a
    ProfilerAction, as weft.profiler.schedule makes; without one all is recorded. on_trace_ready: called with this object at the end of each
    record. acc_events: events of earlier cycles stay. record_shapes, profile_memory, with_stack, with_flops, with_modules: accepted;
    lines, bytes and flops are always recorded, shapes and modules are not.
    """

    def __init__(
        self,
        *,
        activities: Iterable[Any] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        acc_events: bool = False,
    ) -> None:
        self.on_trace_ready = on_trace_ready
        self.step_num = 0
        self._schedule = schedule
        self._keeps = acc_events
        self._action = ProfilerAction.NONE
        self._recording: int | None = None
        self._ranges: list[tuple[str, int, int, int]] = []
        self._events: EventList | None = None
        self._metadata: dict[str, Any] = {}
        self._began = self._step_began = 0

    def start(self) -> None:
        """Begins as the schedule says. RuntimeError if it has begun."""
        if self._recording is not None:
            raise RuntimeError("[profile] records already; stop() it first")
        _C.not_replayable("it is profiled")
        self._go_on(self._schedule(self.step_num) if self._schedule else ProfilerAction.RECORD)

    def step(self) -> None:
        """Ends a step of the program, and begins the next one as the schedule says."""
        if self._schedule is None:
            self.step_num += 1
            return
        if self._recording is not None:
            ranges.tell(f"ProfilerStep#{self.step_num}", self._step_began)
        saves = self._action is ProfilerAction.RECORD_AND_SAVE
        self.step_num += 1
        action = self._schedule(self.step_num)
        if saves or (self._recording is not None and self._action is ProfilerAction.WARMUP and action.records):
            self._end(drop=not saves)
        self._go_on(action)

    def stop(self) -> None:
        """Ends the record."""
        if self._recording is not None:
            self._end(drop=not self._action.records)
        self._action = ProfilerAction.NONE

    def _go_on(self, action: ProfilerAction) -> None:
        self._action = action
        self._step_began = time.perf_counter_ns()
        if action is not ProfilerAction.NONE and self._recording is None:
            self._ranges = []
            ranges.listeners.append(self._ranges)
            self._began = self._step_began
            self._recording = _C.begin_profile()

    def _end(self, drop: bool) -> None:
        assert self._recording is not None
        steps, self._recording = _C.end_profile(self._recording), None
        ranges.listeners[:] = [one for one in ranges.listeners if one is not self._ranges]
        if drop:
            return
        microseconds = lambda time: (time - self._began) / 1e3
        events = [
            FunctionEvent(
                line_and_operations(location)[1] or name,
                microseconds(start),
                seconds * 1e6,
                0.0,
                thread,
                False,
                name,
                location,
                size,
                flops,
                identity,
            )
            for identity, name, location, seconds, size, flops, start, thread in steps
        ] + [
            FunctionEvent(name, microseconds(start), (end - start) / 1e3, 0.0, thread, True)
            for name, start, end, thread in self._ranges
        ]
        kept = list(self._events) if self._keeps and self._events is not None else []
        self._events = EventList(kept + nested(events))
        if self.on_trace_ready:
            self.on_trace_ready(self)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.stop()

    def events(self) -> EventList:
        """FunctionEvents of the last record, by their start. RuntimeError if there is none."""
        if self._events is None:
            raise RuntimeError(
                "[profile] nothing has been recorded; use `with profile() as p:`, and a schedule that records"
            )
        return self._events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The events added up by what ran, ``group_by_stack_n`` not 0: and by Python line. Its ``table()`` is a text."""
        return self.events().key_averages(group_by_stack_n)

    def add_metadata(self, key: str, value: str) -> None:
        """A text that the trace holds."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """The same, of JSON."""
        self._metadata[key] = json.loads(value)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes a trace that Perfetto (ui.perfetto.dev) and chrome://tracing show, compressed if the name ends in ".gz"."""
        process, threads = os.getpid(), {}
        trace: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": {"name": "weft"}}
        ]
        for event in self.events():
            if event.thread not in threads:
                main = event.thread == threading.main_thread().native_id
                threads[event.thread] = "main" if main else f"thread {event.thread}"
                named = {"name": threads[event.thread]}
                trace.append({"ph": "M", "name": "thread_name", "pid": process, "tid": event.thread, "args": named})
            line = {
                "ph": "X",
                "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
                "name": event.name,
                "pid": process,
                "tid": event.thread,
                "ts": event.start,
                "dur": event.cpu_time_total,
            }
            if not event.is_user_annotation:
                line["args"] = {
                    "kernel": event.kernel,
                    "location": event.location,
                    "bytes": event.bytes,
                    "flops": event.flops,
                }
            trace.append(line)
        document = {"schemaVersion": 1, "displayTimeUnit": "ms", **self._metadata, "traceEvents": trace}
        opened = gzip.open if os.fspath(path).endswith(".gz") else open
        with opened(path, "wt", encoding="utf-8") as file:
            json.dump(document, file)

    def export_tensorboard(self, log_dir: str | os.PathLike[str]) -> None:
        """Writes an event file of TensorBoard, by its package: the table as a text, and how long each kernel took as a histogram."""
        from ..utils.tensorboard import SummaryWriter

        kernels = [event for event in self.events() if not event.is_user_annotation]
        with SummaryWriter(log_dir) as writer:
            table = self.key_averages().table(sort_by="self_cpu_time_total")
            writer.add_text("profile", "\n".join("    " + line for line in table.splitlines()), self.step_num)
            if kernels:
                times = [event.cpu_time_total for event in kernels]
                writer.add_histogram("profile/microseconds of a kernel", times, self.step_num)
                writer.add_scalar("profile/kernels", len(kernels), self.step_num)
                writer.add_scalar("profile/milliseconds in kernels", sum(times) / 1e3, self.step_num)
                flops = sum(event.flops for event in kernels)
                writer.add_scalar("profile/GFLOP/s", flops / sum(times) / 1e3, self.step_num)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a page as one HTML file that needs nothing else: what ran when, kernels with their Python lines, bytes, floating-point
        operations and rates, beside those at which this machine copies memory and multiplies (measured: 0.1 s)."""
        from .page import page

        with open(path, "w", encoding="utf-8") as file:
            file.write(page(self.events()))


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """For ``on_trace_ready``: writes each trace to a file of its own in the folder, named as TensorBoard's profile plugin looks for them."""

    def handler(record: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        record.export_chrome_trace(os.path.join(dir_name, name))

    return handler
