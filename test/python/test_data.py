"""Data sets, their orders, and batches in this process."""

import numpy
import pytest
import weft
from weft.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


class Counting(IterableDataset):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))


class Stopping(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return next(iter([]))


def test_batches_in_order():
    x, y = weft.arange(10).float(), weft.arange(10) * 2
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    assert [a.tolist() for a, _ in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and len(loader) == 3
    assert len(list(DataLoader(TensorDataset(x), batch_size=4, drop_last=True))) == 2


def test_shuffle_is_reproducible_and_new_each_time():
    loader = DataLoader(TensorDataset(weft.arange(20)), batch_size=5, shuffle=True)

    def order():
        return [i for (batch,) in loader for i in batch.tolist()]

    weft.manual_seed(1)
    first, second = order(), order()
    weft.manual_seed(1)
    assert order() == first != second and sorted(first) == list(range(20))


def test_any_dataset():
    class Squares(Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return {"x": weft.full((2,), float(i)), "y": i * i, "z": (i, numpy.float32(i))}

    batch = next(iter(DataLoader(Squares(), batch_size=3)))
    assert batch["x"].shape == (3, 2) and batch["y"].tolist() == [0, 1, 4] and batch["z"][0].tolist() == [0, 1, 2]


def test_samplers():
    x = weft.arange(5.0)
    data = TensorDataset(x)
    assert [b.tolist() for (b,) in DataLoader(data, 2, sampler=[3, 1, 4])] == [[3, 1], [4]]
    loader = DataLoader(data, batch_sampler=[[0], [2, 1]])
    assert [b.tolist() for (b,) in loader] == [[0], [2, 1]] and len(loader) == 2
    single = DataLoader(data, batch_size=None)
    assert [b.item() for (b,) in single] == [0, 1, 2, 3, 4] and len(single) == 5
    assert [b.tolist() for (b,) in DataLoader(data, 2, sampler=[0, 1, 2], drop_last=True)] == [[0, 1]]


def test_collate():
    assert default_collate([1.5, 2.5]).dtype is weft.float64 and default_collate([1, 2]).dtype is weft.int64
    assert default_collate(["a", "b"]) == ["a", "b"] and default_collate([True, False]).dtype is weft.bool
    assert default_collate([numpy.float32(1)]).dtype is weft.float32
    assert default_collate([{"a": (1, 2.0)}])["a"][1].tolist() == [2.0]


def test_containers_keep_their_class():
    from collections import OrderedDict, defaultdict, namedtuple

    Point = namedtuple("Point", "x y")
    assert type(default_collate([OrderedDict(a=1)])) is OrderedDict
    assert default_collate([defaultdict(list, a=1)]).default_factory is list
    point = default_collate([Point(1, 2.0), Point(3, 4.0)])
    assert type(point) is Point and point.x.tolist() == [1, 3]
    assert default_convert([numpy.ones(2), "a"])[0].tolist() == [1, 1] and default_convert((1,)) == [1]


def test_data_sets_of_others():
    joined = Dataset.__add__(range(3), range(10, 12))
    assert isinstance(joined, ConcatDataset) and [joined[i] for i in range(-5, 5)] == [0, 1, 2, 10, 11] * 2
    assert joined.cumulative_sizes == [3, 5]
    assert list(Counting(2) + Counting(1)) == [0, 1, 0]
    both, named = StackDataset([1, 2], [3, 4]), StackDataset(a=[1, 2], b=[3, 4])
    assert both[1] == (2, 4) and both.__getitems__([1, 0]) == [(2, 4), (1, 3)] and named[0] == {"a": 1, "b": 3}
    part = Subset(joined, [4, 0])
    assert [part[0], part[1]] == [11, 0] and part.__getitems__([1, 0]) == [0, 11] and len(part) == 2


def test_random_split():
    parts = random_split(range(10), [3, 7], weft.Generator().manual_seed(1))
    assert [len(p) for p in parts] == [3, 7] and sorted(i for p in parts for i in p.indices) == list(range(10))
    again = random_split(range(10), [3, 7], weft.Generator().manual_seed(1))
    assert [p.indices for p in again] == [p.indices for p in parts]
    assert [len(p) for p in random_split(range(5), [0.5, 0.5])] == [3, 2]
    with pytest.warns(UserWarning, match="part 3 has no items"):
        assert [len(p) for p in random_split(range(3), [0.25] * 4)] == [1, 1, 1, 0]


def test_orders():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert sorted(RandomSampler(range(9))) == list(range(9)) and len(RandomSampler(range(9))) == 9
    many = iter(RandomSampler(range(9), replacement=True, num_samples=10**10))  # drawn some at a time
    assert {next(many) for _ in range(500)} == set(range(9))
    several = list(RandomSampler(range(3), num_samples=7))
    assert len(several) == 7 and sorted(several[:3]) == sorted(several[3:6]) == [0, 1, 2]
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=300))
    assert len(drawn) == 300 and set(drawn) == {0, 1, 2}
    assert sorted(SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    assert set(WeightedRandomSampler([0.0, 1.0, 3.0], 50)) == {1, 2}
    assert list(BatchSampler(SequentialSampler(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    assert len(BatchSampler(range(5), 2, True)) == 2


def test_an_order_of_a_generator_of_its_own():
    def order(seed):
        return list(RandomSampler(range(50), generator=weft.Generator().manual_seed(seed)))

    first = order(1)
    weft.rand(3)
    assert order(1) == first != order(2)


def test_replicas_share_a_data_set():
    parts = [list(DistributedSampler(range(5), 2, r, shuffle=False)) for r in range(2)]
    assert parts == [[0, 2, 4], [1, 3, 0]]
    assert [list(DistributedSampler(range(5), 2, r, False, drop_last=True)) for r in range(2)] == [[0, 2], [1, 3]]
    mixed = [DistributedSampler(range(8), 2, r) for r in range(2)]
    first = [list(s) for s in mixed]
    assert sorted(first[0] + first[1]) == list(range(8)) and first == [list(s) for s in mixed]
    for s in mixed:
        s.set_epoch(1)
    assert [list(s) for s in mixed] != first


def test_iterable_data_sets():
    assert [b.tolist() for b in DataLoader(Counting(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Counting(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]


def test_a_batch_is_not_the_data_sets_memory():
    data = TensorDataset(weft.zeros(4))
    for (batch,) in DataLoader(data, 2):
        batch += 1
    assert not data.tensors[0].any()


data5 = TensorDataset(weft.arange(5.0))
REFUSED = {
    "sizes": (lambda: TensorDataset(weft.ones(2), weft.ones(3)), AssertionError, "[2]"),
    "no tensor": (lambda: TensorDataset([1]), TypeError, "list"),
    "batch size": (lambda: DataLoader(data5, 0), ValueError, "batch_size"),
    "batch size 1.5": (lambda: DataLoader(data5, 1.5), ValueError, "1.5"),
    "sampler and shuffle": (lambda: DataLoader(data5, sampler=[1], shuffle=True), ValueError, "shuffle"),
    "batch sampler and size": (lambda: DataLoader(data5, 2, batch_sampler=[[1]]), ValueError, "batch_sampler"),
    "nothing to drop": (lambda: DataLoader(data5, None, drop_last=True), ValueError, "drop_last"),
    "workers": (lambda: DataLoader(data5, num_workers=-1), ValueError, "num_workers"),
    "workers by name": (lambda: DataLoader(data5, num_workers="a"), TypeError, "num_workers"),
    "prefetch": (lambda: DataLoader(data5, prefetch_factor=2), ValueError, "prefetch"),
    "drop_last": (lambda: DataLoader(data5, drop_last=3), ValueError, "drop_last"),
    "collate_fn": (lambda: DataLoader(data5, collate_fn=3), TypeError, "collate_fn"),
    "sampler": (lambda: DataLoader(data5, sampler=3), TypeError, "sampler"),
    "generator": (lambda: DataLoader(data5, generator=3), TypeError, "weft.Generator"),
    "order of an iterable": (lambda: DataLoader(Counting(3), shuffle=True), ValueError, "IterableDataset"),
    "context": (lambda: DataLoader(data5, multiprocessing_context="fork"), ValueError, "num_workers"),
    "context's name": (
        lambda: DataLoader(data5, num_workers=1, multiprocessing_context="foo"),
        ValueError,
        "spawn",
    ),
    "prefetch of none": (lambda: DataLoader(data5, num_workers=1, prefetch_factor=0), ValueError, "positive"),
    "fixed": (lambda: setattr(DataLoader(data5), "batch_size", 3), ValueError, "batch_size"),
    "replacement": (lambda: RandomSampler(data5, replacement=1), TypeError, "replacement"),
    "samples": (lambda: RandomSampler([]), ValueError, "num_samples"),
    "weights": (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, "[1, 1]"),
    "batches of 0": (lambda: BatchSampler(range(4), 0, False), ValueError, "batch_size"),
    "drop_last of a sampler": (lambda: BatchSampler(range(4), 2, 0), ValueError, "drop_last"),
    "split": (lambda: random_split(range(5), [2, 2]), ValueError, "5 items"),
    "fraction": (lambda: random_split(range(5), [1.5, -0.5]), ValueError, "fraction 0"),
    "nothing to join": (lambda: ConcatDataset([]), AssertionError, "[ConcatDataset]"),
    "joined iterables": (lambda: ConcatDataset([Counting(2)]), AssertionError, "ChainDataset"),
    "before the first": (lambda: ConcatDataset([range(3)])[-4], ValueError, "-4"),
    "behind the last": (lambda: ConcatDataset([range(3)])[3], IndexError, "3 items"),
    "chain of lists": (lambda: list(ChainDataset([[1]])), AssertionError, "list"),
    "stack of nothing": (lambda: StackDataset(), ValueError, "0 and 0"),
    "stack of lengths": (lambda: StackDataset([1], [1, 2]), ValueError, "[1, 2]"),
    "rank": (lambda: DistributedSampler(range(5), 2, 2), ValueError, "[0, 2)"),
    "no group": (lambda: DistributedSampler(range(5)), ValueError, "num_replicas"),
    "no item": (lambda: Dataset()[0], NotImplementedError, "__getitem__"),
    "no iterator": (lambda: iter(IterableDataset()), NotImplementedError, "__iter__"),
    "StopIteration": (lambda: list(DataLoader(Stopping())), RuntimeError, "StopIteration"),
    "objects": (lambda: default_collate([object()]), TypeError, "object"),
    "lengths": (lambda: default_collate([[1], [1, 2]]), RuntimeError, "[1, 2]"),
    "nothing": (lambda: default_collate([]), TypeError, "[default_collate]"),
    "array of strings": (lambda: default_collate([numpy.array(["a"])]), TypeError, "ndarray"),
}


@pytest.mark.parametrize("act, kind, text", REFUSED.values(), ids=REFUSED)
def test_refused(act, kind, text):
    with pytest.raises(kind) as caught:
        act()
    assert text in str(caught.value)
