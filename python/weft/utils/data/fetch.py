"""Batches by their positions, in whichever process."""

from __future__ import annotations

from ... import _C
from ... import _factories as factories
from .collate import default_collate
from .dataset import TensorDataset, items_of


class Exhausted(Exception):
    """An iterable data set has no more items."""


class Fetcher:
    """The batch at a list of positions; where ``batched`` is False the item at one."""

    def __init__(self, dataset, batched, collate):
        self.dataset = dataset
        self.batched = batched
        self.collate = collate

    def fetch(self, positions):
        if not self.batched:
            return self.collate(self.dataset[positions])
        if type(self.dataset) is TensorDataset and self.collate is default_collate:
            rows = factories.tensor(positions, dtype=_C.int64, device="cpu")
            return [t[rows] for t in self.dataset.tensors]  # one gather a tensor, not a stack of rows
        return self.collate(items_of(self.dataset, positions))


class IterableFetcher:
    """So many next items, whatever their positions."""

    def __init__(self, dataset, batched, collate, drop_last):
        self.items = iter(dataset)
        self.batched = batched
        self.collate = collate
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, positions):
        if not self.batched:
            try:
                item = next(self.items)
            except StopIteration:
                raise Exhausted from None
            return self.collate(item)
        batch = []
        while not self.ended and len(batch) < len(positions):
            try:
                batch.append(next(self.items))
            except StopIteration:
                self.ended = True
        if not batch or (self.drop_last and len(batch) < len(positions)):
            raise Exhausted
        return self.collate(batch)
