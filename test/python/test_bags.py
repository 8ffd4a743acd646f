"""embedding_bag against loops over the bags."""

import numpy
import pytest
import weft
from compositions import check_gradients

F = weft.nn.functional
rng = numpy.random.default_rng(11)
WEIGHT = rng.standard_normal((6, 3))
INDEX, OFFSETS = [0, 1, 1, 5, 2, 0, 4], [0, 3, 3, 5]
BAGS = [INDEX[0:3], [], INDEX[3:5], INDEX[5:7]]
REDUCED = {"sum": numpy.sum, "mean": numpy.mean, "max": numpy.max}


def wanted(bags, mode, padding=None):
    bags = [[i for i in bag if i != padding] for bag in bags]
    return numpy.stack([REDUCED[mode](WEIGHT[bag], 0) if bag else numpy.zeros(3) for bag in bags])


@pytest.mark.parametrize("mode", REDUCED)
@pytest.mark.parametrize("padding", [None, 0])
def test_bags(mode, padding):
    index, offsets, weight = weft.tensor(INDEX), weft.tensor(OFFSETS), weft.tensor(WEIGHT)
    got = F.embedding_bag(index, weight, offsets, mode=mode, padding_idx=padding)
    numpy.testing.assert_allclose(got.numpy(), wanted(BAGS, mode, padding), rtol=1e-12)
    ends = weft.tensor([*OFFSETS, len(INDEX)])
    same = F.embedding_bag(index, weight, ends, mode=mode, padding_idx=padding, include_last_offset=True)
    numpy.testing.assert_array_equal(same.numpy(), got.numpy())
    rows = [[0, 1], [1, 5], [2, 0]]
    got = F.embedding_bag(weft.tensor(rows), weight, mode=mode, padding_idx=padding)
    numpy.testing.assert_allclose(got.numpy(), wanted(rows, mode, padding), rtol=1e-12)
    check_gradients(lambda w: F.embedding_bag(index, w, offsets, mode=mode), [WEIGHT], second=False)


def test_weights_of_samples():
    factors = rng.standard_normal(len(INDEX))
    got = F.embedding_bag(
        weft.tensor(INDEX),
        weft.tensor(WEIGHT),
        weft.tensor(OFFSETS),
        mode="sum",
        per_sample_weights=weft.tensor(factors),
    )
    scaled = WEIGHT[INDEX] * factors[:, None]
    ends = [*OFFSETS, len(INDEX)]
    numpy.testing.assert_allclose(got.numpy(), [scaled[a:b].sum(0) for a, b in zip(ends, ends[1:])], rtol=1e-12)
    check_gradients(
        lambda w, f: F.embedding_bag(weft.tensor(INDEX), w, weft.tensor(OFFSETS), mode="sum", per_sample_weights=f),
        [WEIGHT, factors],
    )


def test_module():
    bag = weft.nn.EmbeddingBag(6, 3, mode="sum", padding_idx=2)
    assert bag.weight[2].tolist() == [0, 0, 0] and repr(bag) == "EmbeddingBag(6, 3, mode='sum', padding_idx=2)"
    fixed = weft.nn.EmbeddingBag.from_pretrained(weft.tensor(WEIGHT))
    assert not fixed.weight.requires_grad
    numpy.testing.assert_allclose(fixed(weft.tensor([[0, 1]])).numpy(), wanted([[0, 1]], "mean"), rtol=1e-12)
    bag(weft.tensor(INDEX), weft.tensor(OFFSETS)).sum().backward()
    assert bag.weight.grad[2].tolist() == [0, 0, 0] and bag.weight.grad[1].tolist() == [2, 2, 2]


def test_max_norm_scales_rows_in_place():
    weight = weft.tensor(WEIGHT)
    F.embedding_bag(weft.tensor([0, 1]), weight, weft.tensor([0]), max_norm=0.1)
    assert weight[0].norm().item() == pytest.approx(0.1, rel=1e-4) and weight[2].tolist() == WEIGHT[2].tolist()


ERRORS = [
    (dict(offsets=weft.tensor([1])), RuntimeError, "must begin at 0"),
    (dict(offsets=weft.tensor([0, 9])), RuntimeError, "at most the number of indices"),
    (dict(), ValueError, "needs offsets"),
    (dict(input=weft.tensor([[0]]), offsets=weft.tensor([0])), ValueError, "leave them out"),
    (dict(offsets=weft.tensor([0]), per_sample_weights=weft.ones(2)), NotImplementedError, "mode 'sum'"),
    (dict(offsets=weft.tensor([0]), mode="min"), ValueError, "mode must be"),
    (dict(input=weft.tensor([0, 6]), offsets=weft.tensor([0])), IndexError, "out of bounds"),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case):
    given, kind, message = ERRORS[case]
    with pytest.raises(kind, match=message):
        F.embedding_bag(**{"input": weft.tensor([0, 1]), "weight": weft.tensor(WEIGHT), **given})
