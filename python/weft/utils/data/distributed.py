"""The part of a data set that one of several processes reads."""

from __future__ import annotations

import itertools

from ... import _factories as factories
from ...random import Generator
from .dataset import length_of
from .sampler import Sampler


class DistributedSampler(Sampler):
    """Every ``num_replicas``-th position from ``rank`` on, in an order that depends on ``seed`` and ``set_epoch()`` alone. All
    replicas get as many: the first positions are repeated, or with ``drop_last`` the last ones left out.

    ValueError where num_replicas or rank is missing, or rank is not of [0, num_replicas)."""

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        if num_replicas is None or rank is None:
            raise ValueError("[DistributedSampler] there is no process group to ask; pass num_replicas and rank")
        if not isinstance(rank, int) or not isinstance(num_replicas, int):
            raise TypeError(
                f"[DistributedSampler] num_replicas and rank must be ints; got {type(num_replicas).__name__} and {type(rank).__name__}"
            )
        if not 0 <= rank < num_replicas:
            raise ValueError(f"[DistributedSampler] rank must be of [0, {num_replicas}); got {rank}")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.seed = seed
        count = length_of("DistributedSampler", dataset)
        self.num_samples = count // num_replicas if drop_last else -(-count // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self):
        count = len(self.dataset)
        order = range(count)
        if self.shuffle:
            order = factories.randperm(count, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        whole = itertools.islice(itertools.cycle(order), self.total_size)
        return itertools.islice(whole, self.rank, None, self.num_replicas)

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """The next order is that of this epoch; to be called before each, with the same number in all replicas."""
        self.epoch = epoch
