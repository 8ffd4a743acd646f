"""Data sets and batches, in this process."""

from .. import _factories as factories


class Dataset:
    """Anything with ``__getitem__`` and ``__len__``."""

    def __getitem__(self, index):
        raise NotImplementedError(f"[{type(self).__name__}] has no __getitem__(); define it in the class")


class TensorDataset(Dataset):
    """Item i is the tuple of row i of each tensor; all have the same first dimension."""

    def __init__(self, *tensors):
        if not tensors or any(len(t) != len(tensors[0]) for t in tensors):
            raise ValueError(
                "[TensorDataset] all tensors must have the same first dimension; "
                f"got shapes {[list(t.shape) for t in tensors]}; pass one row an example in each"
            )
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(t[index] for t in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


def default_collate(items):
    """A batch of items: tensors are stacked, numbers become a tensor, tuples and dicts go by element."""
    first = items[0]
    if isinstance(first, factories.Tensor):
        return factories.stack(items)
    if isinstance(first, (bool, int, float)):
        return factories.tensor(items)
    if isinstance(first, dict):
        return {key: default_collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        return [default_collate(list(column)) for column in zip(*items)]
    if hasattr(first, "__array_interface__"):
        import numpy

        return factories.from_numpy(numpy.stack(items))
    return items


class DataLoader:
    """Batches of a data set; ``shuffle`` draws a new order from weft's generator at every pass."""

    def __init__(self, dataset, batch_size=1, shuffle=False, drop_last=False, collate_fn=None):
        if batch_size < 1:
            raise ValueError(f"[DataLoader] batch_size must be positive; got {batch_size}; pass at least 1")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate_fn = collate_fn

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (1 if rest and not self.drop_last else 0)

    def __iter__(self):
        count = len(self.dataset)
        order = factories.randperm(count) if self.shuffle else factories.arange(count)
        positions = None
        for batch in range(len(self)):
            start, stop = batch * self.batch_size, min(count, (batch + 1) * self.batch_size)
            if isinstance(self.dataset, TensorDataset) and self.collate_fn is None:
                # One gather a tensor instead of a stack of rows.
                if self.shuffle:
                    chosen = order[start:stop]
                    yield [t.index_select(0, chosen) for t in self.dataset.tensors]
                else:
                    yield [t[start:stop] for t in self.dataset.tensors]
                continue
            if positions is None:
                positions = order.tolist()
            yield (self.collate_fn or default_collate)([self.dataset[i] for i in positions[start:stop]])
