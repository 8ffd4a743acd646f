"""DataLoader: what it loads, in which order and by whom; iterators.py does it."""

from __future__ import annotations

import functools

from ... import cuda
from ...random import check_generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset, length_of
from .fetch import Fetcher, IterableFetcher
from .iterators import ByWorkers, InThisProcess, Pinned
from .sampler import BatchSampler, RandomSampler, SequentialSampler


class _Endless:
    """Positions for a data set that has none."""

    def __iter__(self):
        while True:
            yield None


def _check(holds, what):
    if not holds:
        raise ValueError(f"[DataLoader] {what}")


def _context_of(context, num_workers):
    if context is None:
        return None
    import multiprocessing

    _check(num_workers, "multiprocessing_context is of no use without workers; leave it out, or pass num_workers")
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        _check(context in methods, f"multiprocessing_context must be one of {', '.join(methods)}; got {context!r}")
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            f"[DataLoader] multiprocessing_context must be a context or the name of a start method; got {type(context).__name__}"
        )
    return context


class DataLoader:
    """Batches of a data set; ``shuffle`` draws a new order at every pass, from ``generator`` or weft's own.

    ``sampler`` gives the positions in their order, ``batch_sampler`` lists of them, one a batch; with ``batch_size=None`` the items
    come one by one as they are. With ``num_workers`` processes (forked, or of ``multiprocessing_context``) each loads
    ``prefetch_factor`` batches ahead; tensors come by shared memory. Worker i draws from the pass's seed + i, and calls
    ``worker_init_fn(i)`` first. ``persistent_workers`` stay for the next pass; ``in_order=False`` gives batches as they come;
    ``timeout`` in seconds. With ``pin_memory``, and a GPU, tensors of batches are pinned.

    An error in a worker is raised here, with its traceback, by the batch that it is of. RuntimeError where a worker dies or none sends
    a batch in time. ValueError and TypeError for arguments that do not fit.
    """

    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")

    def __class_getitem__(cls, item):
        return cls

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        for name, function in (("collate_fn", collate_fn), ("worker_init_fn", worker_init_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"[DataLoader] {name} must be callable; got {type(function).__name__}")
        for name, iterable in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if iterable is not None and not hasattr(iterable, "__iter__") and not hasattr(iterable, "__getitem__"):
                raise TypeError(f"[DataLoader] {name} must be iterable; got {type(iterable).__name__}")
        for name, number in (("num_workers", num_workers), ("timeout", timeout)):
            if not isinstance(number, (int, float)):
                raise TypeError(f"[DataLoader] {name} must be a number; got {type(number).__name__}")
        _check(isinstance(drop_last, bool), f"drop_last must be a bool; got {drop_last!r}")
        _check(
            num_workers >= 0 and num_workers == int(num_workers) and timeout >= 0,
            f"num_workers and timeout must be at least 0; got {num_workers} and {timeout}",
        )
        _check(
            num_workers or (prefetch_factor is None and not persistent_workers),
            "prefetch_factor and persistent_workers need workers; pass num_workers",
        )
        _check(
            prefetch_factor is None or prefetch_factor > 0, f"prefetch_factor must be positive; got {prefetch_factor}"
        )
        check_generator("DataLoader", generator)
        is_iterable = isinstance(dataset, IterableDataset)
        if is_iterable:
            _check(
                not shuffle and sampler is None and batch_sampler is None,
                "an IterableDataset has its own order; leave shuffle, sampler and batch_sampler out",
            )
        _check(sampler is None or not shuffle, "sampler gives the order; leave shuffle out")
        if batch_sampler is not None:
            _check(
                batch_size == 1 and not shuffle and sampler is None and not drop_last,
                "batch_sampler makes the batches; leave batch_size, shuffle, sampler and drop_last out",
            )
            batch_size = None
        elif batch_size is None:
            _check(not drop_last, "without batches (batch_size=None) there is none to drop; leave drop_last out")
        else:
            _check(
                type(batch_size) is int and batch_size > 0,
                f"batch_size must be a positive int; got {batch_size!r}; pass at least 1",
            )
        if sampler is None and batch_sampler is None:
            if is_iterable:
                sampler = _Endless()
            elif shuffle:
                sampler = (
                    RandomSampler(dataset, generator=generator)
                    if length_of("DataLoader", dataset)
                    else SequentialSampler(dataset)
                )
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = int(num_workers)
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = _context_of(multiprocessing_context, num_workers)
        self.generator = generator
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self._kept = None

    def __setattr__(self, name, value):
        if name in self._fixed and "_kept" in vars(self):
            raise ValueError(f"[DataLoader] {name} cannot be changed; make another DataLoader")
        super().__setattr__(name, value)

    def __len__(self):
        if isinstance(self.dataset, IterableDataset):
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            full, rest = divmod(count, self.batch_size)
            return full + (1 if rest and not self.drop_last else 0)
        return len(self.positions())

    def __iter__(self):
        batches = self._batches()
        return Pinned(batches) if self.pin_memory and cuda.is_available() else batches

    def _batches(self):
        if not self.num_workers:
            return InThisProcess(self)
        if not self.persistent_workers:
            return ByWorkers(self)
        if self._kept is None or not self._kept.workers.close.alive:
            self._kept = ByWorkers(self)
        else:
            self._kept.restart()
        return self._kept

    def positions(self):
        """What iterates over the positions of batches, or of items."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    @property
    def fetcher(self):
        """A function of the data set that gives what fetches its batches."""
        batched = self.batch_sampler is not None
        if isinstance(self.dataset, IterableDataset):
            return functools.partial(
                IterableFetcher, batched=batched, collate=self.collate_fn, drop_last=self.drop_last
            )
        return functools.partial(Fetcher, batched=batched, collate=self.collate_fn)
