"""One pass over a DataLoader: in this process, or by worker processes."""

from __future__ import annotations

import collections
import multiprocessing
import os
import selectors
import signal
import time
import weakref

from ... import _C
from . import worker
from .channel import Channel, pair
from .collate import pinned
from .fetch import Exhausted

_PATIENCE = 5.0  # seconds that a worker has to finish its batch at the end


class Pass:
    """The batches of a loader, once."""

    def __init__(self, loader):
        self.loader = loader
        self.positions = iter(loader.positions())
        self.base_seed = int(_C.randint(0, 2**62, (), _C.int64, None, loader.generator).item())

    def __iter__(self):
        return self

    def __len__(self):
        return len(self.loader)


class InThisProcess(Pass):
    def __init__(self, loader):
        super().__init__(loader)
        self.fetcher = loader.fetcher(loader.dataset)

    def __next__(self):
        positions = next(self.positions)
        try:
            return self.fetcher.fetch(positions)
        except Exhausted:
            self.positions = iter(())
            raise StopIteration from None
        except StopIteration as error:  # which would end the loop as if all had been read
            raise RuntimeError("[DataLoader] the data set raised StopIteration; let it raise another error") from error


class Pinned:
    """The batches of a pass, their tensors in memory that GPUs copy by themselves."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return self

    def __len__(self):
        return len(self.batches)

    def __next__(self):
        return pinned(next(self.batches))


class Workers:
    """Processes with a channel each. They end when the object is gone, when the interpreter ends, or by ``close``."""

    def __init__(self, loader, base_seed):
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self.processes, self.channels = [], []
        # Not by a method of this object, which it would keep alive.
        self.close = weakref.finalize(self, _end, self.processes, self.channels, os.getpid())
        self.selector = selectors.DefaultSelector()
        for i in range(loader.num_workers):
            mine, theirs = pair()
            mine.setblocking(False)
            self.channels.append(Channel(mine))
            process = context.Process(
                target=worker.run,
                args=(theirs, os.getpid(), loader.fetcher, loader.dataset, loader.worker_init_fn, i, loader.num_workers, base_seed),
                daemon=True,
                name=f"weft DataLoader worker {i}",
            )  # fmt: skip
            process.start()
            theirs.close()
            self.processes.append(process)
            self.selector.register(mine, selectors.EVENT_READ, i)

    def died(self, i):
        process = self.processes[i]
        process.join(_PATIENCE)
        code = process.exitcode
        if code is not None and code < 0:
            how = f"was killed by signal {-code} ({signal.strsignal(-code)})"
            if -code == signal.SIGKILL:
                how += ", maybe for want of memory"
        else:
            how = f"ended with exit code {code}"
        self.close()
        return RuntimeError(f"[DataLoader] worker {i} (process {process.pid}) {how}; its batches are lost; start again")


def _end(processes, channels, owner):
    if os.getpid() != owner:  # a forked child has a copy of the object, and no say in it
        return
    for channel in channels:
        channel.close()
    until = time.monotonic() + _PATIENCE
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
    for stop in ("terminate", "kill"):
        left = [process for process in processes if process.is_alive()]
        for process in left:
            getattr(process, stop)()
        for process in left:
            process.join(1)


class ByWorkers(Pass):
    """Batch i is asked of worker i modulo their number, ``prefetch_factor`` batches ahead of each; with ``in_order=False`` of the
    one with the least to do, and given in the order in which batches come."""

    def __init__(self, loader):
        super().__init__(loader)
        self.workers = Workers(loader, self.base_seed)
        self.epoch = -1
        self._begin()

    def restart(self):
        """Another pass, by the same processes."""
        super().__init__(self.loader)
        self._begin()

    def _begin(self):
        count = self.loader.num_workers
        self.epoch += 1
        self.asked = 0  # batches
        self.given = 0
        self.ready: dict[int, object] = {}  # batches by their number
        self.waiting = [collections.deque() for _ in range(count)]  # packets that the socket has no room for
        self.open = [0] * count  # batches asked of a worker and not come
        self.exhausted = [False] * count
        self.next_worker = 0
        for i in range(count):
            self._send(i, (self.epoch, None, None))
        for _ in range(count * self.loader.prefetch_factor):
            self._ask()

    def _send(self, i, message):
        self.waiting[i].append(self.workers.channels[i].pack(message))
        self._flush(i)

    def _flush(self, i):
        waiting = self.waiting[i]
        while waiting:
            try:
                self.workers.channels[i].send_packet(*waiting[0])
            except BlockingIOError:
                return
            except OSError:
                raise self.workers.died(i) from None
            waiting.popleft()

    def _next_worker(self):
        count = self.loader.num_workers
        if self.loader.in_order:
            order = [(self.next_worker + k) % count for k in range(count)]
        else:
            order = sorted(range(count), key=self.open.__getitem__)
        return next((i for i in order if not self.exhausted[i]), None)

    def _ask(self):
        i = self._next_worker()
        if i is None:
            return
        try:
            positions = next(self.positions)
        except StopIteration:
            return
        self.next_worker = (i + 1) % self.loader.num_workers
        number = self.asked
        self.asked += 1
        self.open[i] += 1
        self._send(i, (self.epoch, number, positions))

    def __next__(self):
        while self.given < self.asked:
            if self.loader.in_order:
                number = self.given
                while number not in self.ready:
                    self._receive()
            else:
                while not self.ready:
                    self._receive()
                number = next(iter(self.ready))
            batch = self.ready.pop(number)
            self.given += 1
            self._ask()
            if isinstance(batch, Exhausted):
                continue
            if isinstance(batch, worker.Raised):
                raise batch.error()
            return batch
        if not self.loader.persistent_workers:
            self.workers.close()
        raise StopIteration

    def _receive(self):
        """Waits for what the workers send."""
        if not self.workers.close.alive:
            raise RuntimeError("[DataLoader] the workers have ended after an error; start another pass")
        events = self.workers.selector.select(self.loader.timeout or None)
        if not events:
            self.workers.close()
            raise RuntimeError(
                f"[DataLoader] no worker sent a batch within {self.loader.timeout} seconds; pass a longer timeout, or 0 for none"
            )
        for key, _ in events:
            i = key.data
            try:
                epoch, number, batch = self.workers.channels[i].receive()
            except EOFError:
                raise self.workers.died(i) from None
            self._flush(i)
            if epoch != self.epoch:  # of a pass that was broken off
                continue
            self.open[i] -= 1
            self.ready[number] = batch
            if isinstance(batch, Exhausted):
                self.exhausted[i] = True
