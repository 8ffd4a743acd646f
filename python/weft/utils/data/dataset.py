"""Data sets: items by position, or one after the other, and those made of others."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings

from ... import _factories as factories


def length_of(op, data, name="dataset"):
    """TypeError where there is none."""
    try:
        return len(data)
    except TypeError:
        raise TypeError(f"[{op}] {name} must have a length; got {type(data).__name__}; define __len__()") from None


def list_of(op, values, name):
    """TypeError for what cannot be iterated over."""
    try:
        return list(values)
    except TypeError:
        raise TypeError(f"[{op}] {name} must be iterable; got {type(values).__name__}; pass a list") from None


class Dataset:
    """Anything with ``__getitem__`` and, as a rule, ``__len__``. Where it has ``__getitems__(positions)`` a batch is fetched by it."""

    def __class_getitem__(cls, item):
        return cls

    def __getitem__(self, index):
        raise NotImplementedError(f"[{type(self).__name__}] has no __getitem__(); define it in the class")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Anything with ``__iter__``. Each worker process has a copy of the whole: ``get_worker_info()`` says which part is its own."""

    def __iter__(self):
        raise NotImplementedError(f"[{type(self).__name__}] has no __iter__(); define it in the class")

    def __add__(self, other):
        return ChainDataset([self, other])


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


class StackDataset(Dataset):
    """Item i is the tuple of item i of each data set, or the dict of them where they are given by name. All have one length."""

    def __init__(self, *args, **kwargs):
        if bool(args) == bool(kwargs):
            raise ValueError(
                f"[StackDataset] takes data sets by position or by name; got {len(args)} and {len(kwargs)}; pass one kind of them"
            )
        self.datasets = args or kwargs
        lengths = [length_of("StackDataset", d, "a data set") for d in self._all()]
        if len(set(lengths)) != 1:
            raise ValueError(f"[StackDataset] all data sets must have one length; got {lengths}; cut the longer ones")
        self._length = lengths[0]

    def _all(self):
        return list(self.datasets.values()) if isinstance(self.datasets, dict) else list(self.datasets)

    def _item(self, parts):
        return dict(zip(self.datasets, parts)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index):
        return self._item([d[index] for d in self._all()])

    def __getitems__(self, indices):
        return [self._item(parts) for parts in zip(*(items_of(d, indices) for d in self._all()))]

    def __len__(self):
        return self._length


class ConcatDataset(Dataset):
    """The items of several data sets one after the other. ``cumulative_sizes``: where each of them ends."""

    def __init__(self, datasets):
        self.datasets = list_of("ConcatDataset", datasets, "datasets")
        if not self.datasets:
            raise AssertionError("[ConcatDataset] needs at least one data set; got none; pass a list of them")
        for d in self.datasets:
            if isinstance(d, IterableDataset):
                raise AssertionError(
                    f"[ConcatDataset] needs items by position; got the IterableDataset {type(d).__name__}; use ChainDataset"
                )
        self.cumulative_sizes = list(
            itertools.accumulate(length_of("ConcatDataset", d, "a data set") for d in self.datasets)
        )

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        position = idx + len(self) if idx < 0 else idx
        if position < 0:
            raise ValueError(f"[ConcatDataset] position {idx} is out of range for {len(self)} items")
        if position >= len(self):
            raise IndexError(f"[ConcatDataset] position {idx} is out of range for {len(self)} items")
        which = bisect.bisect_right(self.cumulative_sizes, position)
        return self.datasets[which][position - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """The items of several IterableDatasets one after the other."""

    def __init__(self, datasets):
        self.datasets = datasets

    def _checked(self):
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise AssertionError(
                    f"[ChainDataset] needs IterableDatasets; got {type(d).__name__}; use ConcatDataset"
                )
            yield d

    def __iter__(self):
        for d in self._checked():
            yield from d

    def __len__(self):
        return sum(len(d) for d in self._checked())


class Subset(Dataset):
    """The items of a data set at ``indices``, in their order."""

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        return items_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self):
        return len(self.indices)


def items_of(dataset, indices):
    """The items at the positions, as the data set gives several best."""
    several = getattr(dataset, "__getitems__", None)
    if not callable(several):
        return [dataset[i] for i in indices]
    items = several(indices)
    if not isinstance(items, list) or len(items) != len(indices):
        got = f"{len(items)} of them" if isinstance(items, list) else type(items).__name__
        raise ValueError(
            f"[{type(dataset).__name__}] __getitems__() must give a list of {len(indices)} items; got {got}"
        )
    return items


def _lengths_of(fractions, count):
    """Rounded down; what is left goes to the parts in turn."""
    for i, f in enumerate(fractions):
        if not 0 <= f <= 1:
            raise ValueError(f"[random_split] fraction {i} must be between 0 and 1; got {f}")
    lengths = [math.floor(count * f) for f in fractions]
    for i in range(count - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"[random_split] part {i} has no items", stacklevel=3)
    return lengths


def random_split(dataset, lengths, generator=None):
    """The items in a random order as Subsets of these lengths, which are ints that sum to ``len(dataset)``, or fractions that sum to 1.
    ValueError for others."""
    lengths = list_of("random_split", lengths, "lengths")
    if not all(isinstance(length, (int, float)) for length in lengths):
        raise TypeError(f"[random_split] lengths must be ints or fractions; got {lengths}")
    count = length_of("random_split", dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of(lengths, count)
    if sum(lengths) != count or not all(isinstance(length, int) and length >= 0 for length in lengths):
        raise ValueError(
            f"[random_split] the lengths must sum to the {count} items of the data set, or fractions to 1; got {lengths}"
        )
    order = factories.randperm(count, generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, order[end - length : end]) for end, length in zip(ends, lengths)]
