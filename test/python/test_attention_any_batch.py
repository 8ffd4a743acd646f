"""A query's attention has the same bits whatever else is computed beside it: other queries, keys that it does not see, a batch."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft.nn import functional

INFINITY = float("inf")
DTYPES = [weft.float32, weft.bfloat16, weft.float64]


def attend(*inputs, **options):
    return functional.scaled_dot_product_attention(*inputs, **options)


WAYS = {"eager": attend, "compiled": weft.compile(attend)}
CASES = [(70, 16, 1), (600, 33, 2)]  # tokens, elements, threads


@pytest.fixture(params=[f"{tokens}x{width}" for tokens, width, _ in CASES])
def tokens_and_width(request):
    tokens, width, threads = CASES[[f"{t}x{w}" for t, w, _ in CASES].index(request.param)]
    before = weft.get_num_threads()
    weft.set_num_threads(threads)
    yield tokens, width
    weft.set_num_threads(before)


def tensors(dtype, *shape, count=3):
    return [weft.from_numpy(numpy.random.randn(*shape)).to(dtype) for _ in range(count)]


def visible(queries, keys):
    """Of the last queries of so many keys."""
    return weft.arange(keys) <= weft.arange(keys - queries, keys).unsqueeze(1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_chunks(dtype, way, tokens_and_width):
    """The keys that are known when a query is computed are all that count, and it does not matter how they are hidden."""
    tokens, width = tokens_and_width
    attention = WAYS[way]
    query, key, value = tensors(dtype, 2, 2, tokens, width)
    whole = attention(query, key, value, is_causal=True)
    sizes, end = iter([17, 1, 1, 40, 2, 200, 130, 300]), 0
    while end < tokens:
        first, end = end, min(end + next(sizes), tokens)
        mask = visible(end - first, end)
        part, keys, values = query[:, :, first:end], key[:, :, :end], value[:, :, :end]
        assert_same_bits(attention(part, keys, values, mask), whole[:, :, first:end])
        added = weft.where(mask, 0.0, -INFINITY).to(dtype)
        assert_same_bits(attention(part, keys, values, added), whole[:, :, first:end])
    last = attention(query[:, :, -1:], key, value)
    assert_same_bits(last, whole[:, :, -1:])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_left_padding(dtype, way, tokens_and_width):
    """Keys that are hidden before those that are seen move these to other positions, and change nothing."""
    tokens, width = tokens_and_width
    attention = WAYS[way]
    inputs = tensors(dtype, 2, 2, tokens, width)
    whole = attention(*inputs, is_causal=True)
    for padding in (7, 257):
        padded = [weft.cat([noise, x], 2) for noise, x in zip(tensors(dtype, 2, 2, padding, width), inputs)]
        mask = visible(tokens + padding, tokens + padding) & (weft.arange(tokens + padding) >= padding)
        assert_same_bits(attention(*padded, mask)[:, :, padding:], whole)


@pytest.mark.parametrize("way", WAYS)
def test_batch_and_grouped_heads(way):
    query, key, value = tensors(weft.float32, 3, 4, 50, 16)
    key, value = key[:, :2], value[:, :2]
    attention = lambda *x: WAYS[way](*x, is_causal=True, enable_gqa=True)
    whole = attention(query, key, value)
    for i in range(3):
        assert_same_bits(attention(query[i : i + 1], key[i : i + 1], value[i : i + 1]), whole[i : i + 1])


def test_results_that_vanish():
    """-0, to which a negative product that vanishes is rounded, would become 0 where a zero is added behind it."""
    query, key, value = tensors(weft.float32, 1, 1, 20, 4)
    value = -weft.abs(value) * 1e-45
    whole = attend(query, key, value, is_causal=True)
    assert not numpy.signbit(whole.numpy()[whole.numpy() == 0]).any()
    padded = [weft.cat([x, -x], 2) for x in (key, value)]
    mask = weft.cat([visible(20, 20), weft.zeros(20, 20, dtype=weft.bool)], 1)
    assert_same_bits(attend(query, *padded, mask), whole)


def test_sum_of_fractions_is_accurate():
    """Against the softmax in long double, with one large score above very many small ones."""
    for drop in (0.0, 10.0, 17.0, 23.0):
        scores = numpy.random.randn(2, 20_000).astype("float32") - numpy.float32(drop)
        scores[:, 0] = 6
        exact = numpy.exp((scores - 6).astype(numpy.longdouble))
        exact /= exact.sum(1, keepdims=True)
        got = weft._ops.masked_softmax(weft.from_numpy(scores), 1).double().numpy()
        assert (numpy.abs(got - exact) <= 3e-7 * exact + 1e-44).all()


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("width", [256, 257, 512, 1000])
def test_wide_heads(width, is_causal):
    """The products of one kernel have two orders: scores in blocks over the width, values in one chain over the keys."""
    weft.manual_seed(0)
    query, key, value = weft.randn(40, width), weft.randn(64, width), weft.randn(64, 64)
    attention = lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=is_causal, scale=0.25)
    whole = attention(query, key, value)
    assert (weft.compile(attention)(query, key, value) == whole).all()
    last = functional.scaled_dot_product_attention(
        query[39:], key[: 40 if is_causal else 64], value[: 40 if is_causal else 64], scale=0.25
    )
    assert (whole[39:] == last).all()
