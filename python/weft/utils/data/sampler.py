"""The orders in which a DataLoader asks for items."""

from __future__ import annotations

from ... import _factories as factories
from ... import _functions
from .dataset import length_of


class Sampler:
    """Iterating gives positions in a data set, or lists of them; ``len()`` says how many."""

    def __class_getitem__(cls, item):
        return cls

    def __iter__(self):
        raise NotImplementedError(f"[{type(self).__name__}] has no __iter__(); define it in the class")


def _check_count(op, num_samples):
    if isinstance(num_samples, bool) or not isinstance(num_samples, int) or num_samples <= 0:
        raise ValueError(f"[{op}] num_samples must be a positive int; got {num_samples!r}; pass at least 1")


class SequentialSampler(Sampler):
    """0, 1, ... len(data_source) - 1."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


_DRAWN_AT_ONCE = 1000


class RandomSampler(Sampler):
    """A new random order each time; ``replacement``: each position is drawn anew. More samples than items are several orders one
    after the other. TypeError for a replacement that is no bool, ValueError for no samples."""

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        if not isinstance(replacement, bool):
            raise TypeError(f"[RandomSampler] replacement must be a bool; got {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        _check_count("RandomSampler", self.num_samples)

    @property
    def num_samples(self):
        return length_of("RandomSampler", self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        count, left = len(self.data_source), self.num_samples
        while self.replacement and left > 0:  # some at a time: there may be billions
            some = min(left, _DRAWN_AT_ONCE)
            yield from factories.randint(count, (some,), generator=self.generator).tolist()
            left -= some
        while left > 0:
            order = factories.randperm(count, generator=self.generator).tolist()
            yield from order[:left]
            left -= count

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given positions, in a new random order each time."""

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for i in factories.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Position i with a probability proportional to ``weights[i]``. ValueError for weights that are no sequence of numbers, a
    replacement that is no bool, and no samples."""

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        _check_count("WeightedRandomSampler", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"[WeightedRandomSampler] replacement must be a bool; got {replacement!r}")
        weights = factories.as_tensor(weights).double()
        if weights.ndim != 1:
            raise ValueError(
                f"[WeightedRandomSampler] weights must be a sequence of numbers; got shape {list(weights.shape)}; pass one an item"
            )
        self.weights = weights
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        drawn = _functions.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.tolist())

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of ``batch_size`` positions of another sampler; the last one may be shorter, or is left out with ``drop_last``."""

    def __init__(self, sampler, batch_size, drop_last):
        if type(batch_size) is not int or batch_size <= 0:
            raise ValueError(f"[BatchSampler] batch_size must be a positive int; got {batch_size!r}; pass at least 1")
        if not isinstance(drop_last, bool):
            raise ValueError(f"[BatchSampler] drop_last must be a bool; got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        batch = []
        for i in self.sampler:
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self):
        full, rest = divmod(len(self.sampler), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)
