"""Data sets and batches, in this process."""

import warnings
from collections.abc import Mapping, Sequence

from .. import _C
from .. import _factories as factories


class Dataset:
    """Anything with ``__getitem__`` and ``__len__``."""

    def __getitem__(self, index):
        raise NotImplementedError(f"[{type(self).__name__}] has no __getitem__(); define it in the class")


class TensorDataset(Dataset):
    """Item i is the tuple of row i of each tensor; all have the same first dimension."""

    def __init__(self, *tensors):
        for t in tensors:
            if not isinstance(t, factories.Tensor):
                raise TypeError(
                    f"[TensorDataset] needs tensors; got {type(t).__name__}; pass one row an example in each"
                )
        if not tensors or any(t.ndim == 0 or len(t) != len(tensors[0]) for t in tensors):
            raise AssertionError(
                "[TensorDataset] all tensors must have the same first dimension; "
                f"got shapes {[list(t.shape) for t in tensors]}; pass one row an example in each"
            )
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(t[index] for t in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


def default_collate(batch):
    """A batch of items: tensors and arrays are stacked, numbers become a tensor (of float64 for floats), tuples and dicts go by
    element, strings stay."""
    if not isinstance(batch, Sequence) or not batch:
        raise TypeError(f"[default_collate] batch must be a list of items; got {batch!r}; pass one item or more")
    first = batch[0]
    if isinstance(first, factories.Tensor):
        return factories.stack(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (bool, int)):
        return factories.tensor(batch)
    if hasattr(first, "__array_interface__") and first.dtype.kind in "biuf":
        import numpy

        return factories.from_numpy(numpy.stack(batch))
    if isinstance(first, float):
        return factories.tensor(batch, dtype=_C.float64)
    if isinstance(first, Mapping):
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(column) for column in zip(*batch)))
    if isinstance(first, (tuple, list)):
        if any(len(item) != len(first) for item in batch):
            raise RuntimeError(
                f"[default_collate] the items must have one length; got {sorted({len(item) for item in batch})}; pass collate_fn"
            )
        return [default_collate(column) for column in zip(*batch)]
    raise TypeError(
        f"[default_collate] items are tensors, arrays, numbers, strings, dicts, tuples or lists; got {type(first).__name__}; "
        "pass collate_fn"
    )


def default_convert(data):
    """One item as default_collate would have it in a batch: arrays become tensors."""
    is_array = hasattr(data, "__array_interface__") and not isinstance(data, (factories.Tensor, type))
    if is_array and data.dtype.kind in "biuf":
        return factories.as_tensor(data)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    return [default_convert(value) for value in data] if isinstance(data, (tuple, list)) else data


class DataLoader:
    """Batches of a data set; ``shuffle`` draws a new order from weft's generator at every pass.

    ``sampler`` gives the positions in their order, ``batch_sampler`` lists of them, one a batch; with ``batch_size=None`` the items
    come one by one as they are. Everything is loaded in this process, so that what concerns workers has no effect.
    """

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
        def check(holds, what):
            if not holds:
                raise ValueError(f"[DataLoader] {what}")

        for name, function in (("collate_fn", collate_fn), ("worker_init_fn", worker_init_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"[DataLoader] {name} must be callable; got {type(function).__name__}")
        for name, iterable in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if iterable is not None and not hasattr(iterable, "__iter__") and not hasattr(iterable, "__getitem__"):
                raise TypeError(f"[DataLoader] {name} must be iterable; got {type(iterable).__name__}")
        for name, number in (("num_workers", num_workers), ("timeout", timeout)):
            if not isinstance(number, (int, float)):
                raise TypeError(f"[DataLoader] {name} must be a number; got {type(number).__name__}")
        check(isinstance(drop_last, bool), f"drop_last must be a bool; got {drop_last!r}")
        for name, number in (("num_workers", num_workers), ("timeout", timeout)):
            if not isinstance(number, (int, float)):
                raise TypeError(f"[DataLoader] {name} must be a number; got {type(number).__name__}")
        check(
            num_workers >= 0 and timeout >= 0,
            f"num_workers and timeout must be at least 0; got {num_workers} and {timeout}",
        )
        check(
            num_workers or (prefetch_factor is None and not persistent_workers),
            "prefetch_factor and persistent_workers need workers",
        )
        check(sampler is None or not shuffle, "sampler gives the order; leave shuffle out")
        if batch_sampler is not None:
            check(
                batch_size == 1 and not shuffle and sampler is None and not drop_last,
                "batch_sampler makes the batches; leave batch_size, shuffle, sampler and drop_last out",
            )
        elif batch_size is None:
            check(not drop_last, "without batches (batch_size=None) there is none to drop; leave drop_last out")
        else:
            check(
                type(batch_size) is int and batch_size > 0,
                f"batch_size must be a positive int; got {batch_size!r}; pass at least 1",
            )
        if generator is not None:
            raise NotImplementedError(
                "[DataLoader] draws from weft's own generator; leave generator out and use weft.manual_seed"
            )
        if num_workers:
            warnings.warn("[DataLoader] loads in this process; num_workers has no effect", stacklevel=2)
        self.dataset = dataset
        self.batch_size = None if batch_sampler is not None else batch_size
        self.shuffle = bool(shuffle)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.drop_last = drop_last
        self.collate_fn = collate_fn

    def __len__(self):
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        count = len(self.dataset if self.sampler is None else self.sampler)
        if self.batch_size is None:
            return count
        full, rest = divmod(count, self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def __iter__(self):
        if self.batch_size is None and self.batch_sampler is None:
            convert = self.collate_fn or default_convert
            for i in self._order():
                yield convert(self.dataset[i])
        elif (
            isinstance(self.dataset, TensorDataset)
            and self.collate_fn is None
            and self.sampler is self.batch_sampler is None
        ):
            yield from self._slices()
        else:
            collate = self.collate_fn or default_collate
            for batch in self._batches():
                yield collate([self.dataset[i] for i in batch])

    def _order(self):
        if self.sampler is not None:
            return self.sampler
        count = len(self.dataset)
        return factories.randperm(count).tolist() if self.shuffle else range(count)

    def _batches(self):
        if self.batch_sampler is not None:
            yield from self.batch_sampler
            return
        batch = []
        for i in self._order():
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def _slices(self):
        """The batches of a TensorDataset by one gather or slice a tensor instead of a stack of rows."""
        tensors, count = self.dataset.tensors, len(self.dataset)
        order = factories.randperm(count) if self.shuffle else None
        for batch in range(len(self)):
            start, stop = batch * self.batch_size, min(count, (batch + 1) * self.batch_size)
            yield [t[start:stop] if order is None else t.index_select(0, order[start:stop]) for t in tensors]
