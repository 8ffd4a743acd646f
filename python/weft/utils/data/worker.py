"""What runs in a worker process: it fetches batches until its channel closes."""

from __future__ import annotations

import functools
import os
import pickle
import random
import signal
import traceback
from dataclasses import dataclass
from typing import Any

from ... import _C
from ...random import manual_seed
from .channel import Channel
from .fetch import Exhausted, Fetcher

_PATIENCE = (
    2.0  # seconds between looks whether the parent still lives: another of its children may hold the socket open
)


@dataclass
class WorkerInfo:
    """In a worker process: its number, how many there are, the seed of its random numbers, and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info():
    """The WorkerInfo of this process, None where it is no worker of a DataLoader."""
    return _info


class Raised:
    """An error of a worker, as the parent raises it: of the same class where that takes a text."""

    def __init__(self, error, worker, doing):
        self.kind = type(error)
        self.worker = worker
        self.doing = doing
        self.text = "".join(traceback.format_exception(error))
        try:
            pickle.loads(pickle.dumps(self.kind))
        except Exception:  # a class that the parent does not have
            self.kind = RuntimeError

    def error(self):
        message = f"[DataLoader] worker {self.worker} raised {self.kind.__name__} {self.doing}:\n{self.text}"
        # KeyError shows its text quoted; a StopIteration would end the loop as if all had been read.
        if self.kind is KeyError:
            return _KeyError(message)
        if issubclass(self.kind, StopIteration):
            return RuntimeError(message)
        try:
            return self.kind(message)
        except Exception:
            return RuntimeError(message)


class _KeyError(KeyError):
    def __str__(self):
        return self.args[0]


def _seed(base_seed, worker):
    seed = (base_seed + worker) % 2**63
    random.seed(seed)
    manual_seed(seed)
    import numpy

    numpy.random.seed(numpy.random.SeedSequence([base_seed, worker]).generate_state(4))
    return seed


def run(end, parent, fetcher_of, dataset, init_fn, worker, count, base_seed):
    """The process: answers (epoch, number, positions) with (epoch, number, batch), where the batch may be Raised or Exhausted; None
    for positions starts an epoch."""
    global _info
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's Ctrl-C closes the channel
    _C.set_num_threads(1)
    _info = WorkerInfo(worker, count, _seed(base_seed, worker), dataset)
    end.settimeout(_PATIENCE)
    channel = Channel(end)
    fetcher: Fetcher | None = None
    broken = None
    try:
        if init_fn is not None:
            init_fn(worker)
    except Exception as error:
        broken = Raised(error, worker, "in worker_init_fn")
    while True:
        try:
            epoch, number, positions = _patiently(channel.receive, parent)
        except (EOFError, OSError):
            return
        if number is None:
            fetcher = None
            continue
        result = broken
        try:
            if broken is None:
                fetcher = fetcher or fetcher_of(dataset)
                result = fetcher.fetch(positions)
        except Exhausted as end_of_data:
            result = end_of_data
        except Exception as error:
            result = Raised(error, worker, "loading data")
        try:
            packet = channel.pack((epoch, number, result))
        except Exception as error:
            packet = channel.pack((epoch, number, Raised(error, worker, "sending a batch")))
        del result
        try:
            _patiently(functools.partial(channel.send_packet, *packet), parent)
        except OSError:
            return


def _patiently(act, parent):
    while True:
        try:
            return act()
        except TimeoutError:
            if os.getppid() != parent:
                raise EOFError from None
