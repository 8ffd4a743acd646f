"""weft.multiprocessing: Python's multiprocessing, and ``spawn``, which runs a function in several processes.

A tensor that is sent to a process, as an argument or through a queue, arrives as a copy: memory is a process's own.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

__all__ = [
    "ProcessContext", "ProcessException", "ProcessExitedException", "ProcessRaisedException", "SpawnContext",
    "get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes",
]  # fmt: skip

_STRATEGIES = {"file_descriptor", "file_system"}
_strategy = "file_descriptor"


def __getattr__(name: str) -> Any:
    """Process, Queue, set_start_method and the others."""
    return getattr(multiprocessing, name)


def __dir__() -> list[str]:
    return [*__all__, *multiprocessing.__all__]


def get_all_sharing_strategies() -> set[str]:
    """PyTorch's names of them."""
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """What was set."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Kept, without effect: tensors are copied. ValueError for a name that is not one of ``get_all_sharing_strategies()``."""
    global _strategy
    if new_strategy not in _STRATEGIES:
        raise ValueError(
            f"[set_sharing_strategy] new_strategy must be one of {sorted(_STRATEGIES)}; got {new_strategy!r}"
        )
    _strategy = new_strategy


class ProcessException(Exception):
    """A process of ``spawn`` failed: the one of number ``error_index``, with process id ``pid``."""

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """Its function raised; the message holds the traceback."""


class ProcessExitedException(ProcessException):
    """It ended by itself, with ``exit_code`` or by the signal ``signal_name``."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name

    def __reduce__(self) -> Any:
        return type(self), (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)


def _run(function: Callable[..., Any], number: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        function(number, *args)
    except KeyboardInterrupt:
        pass  # the parent gets it, too
    except Exception:
        errors.send(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes that ``spawn`` started."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self._errors = errors
        self.sentinels = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits until one ends, or for ``timeout`` seconds; True if all have ended. When one fails the others are ended, and
        ProcessRaisedException or ProcessExitedException says what happened to it."""
        if not self.sentinels:
            return True
        ready = connection.wait(list(self.sentinels), timeout)
        ended = [self.sentinels.pop(sentinel) for sentinel in ready]  # type: ignore[call-overload]
        failed = None
        for number in ended:
            self.processes[number].join()
            if self.processes[number].exitcode != 0:
                failed = number
                break
        if failed is None:
            return not self.sentinels
        for end in ("terminate", "kill"):
            for process in self.processes:
                if process.is_alive():
                    getattr(process, end)()
            for process in self.processes:
                process.join(grace_period if grace_period is not None else 30)
        raise self._exception(failed)

    def _exception(self, number: int) -> ProcessException:
        process, what = self.processes[number], f"[spawn] process {number}"
        try:
            return ProcessRaisedException(f"{what} raised:\n\n{self._errors[number].recv()}", number, process.pid)
        except EOFError:  # it had nothing to say
            pass
        if process.exitcode < 0:
            name = signal.Signals(-process.exitcode).name
            return ProcessExitedException(f"{what} was ended by {name}", number, process.pid, process.exitcode, name)
        text = f"{what} ended with exit code {process.exitcode}"
        return ProcessExitedException(text, number, process.pid, process.exitcode)


SpawnContext = ProcessContext


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Runs ``fn(i, *args)`` in process i of ``nprocs``. With ``join`` it returns when all have ended, and raises what
    ``ProcessContext.join`` raises; without, it gives the ProcessContext."""
    context = multiprocessing.get_context(start_method)
    processes: list[Any] = []
    errors: list[Any] = []
    for i in range(nprocs):
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, sending), daemon=daemon)  # type: ignore[attr-defined]
        try:
            process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            for started in processes:
                started.terminate()
            raise TypeError(
                f"[spawn] fn and args must be picklable, fn at the top of a module; got {fn!r}: {error}"
            ) from error
        sending.close()
        processes.append(process)
        errors.append(receiving)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """``start_processes`` by a fresh interpreter for each; another ``start_method`` is a ValueError."""
    if start_method != "spawn":
        raise ValueError(f"[spawn] start_method must be 'spawn'; got {start_method!r}; use start_processes")
    return start_processes(fn, args, nprocs, join, daemon, start_method)
