"""Attention as one kernel has the bits of the ops it is made of, which eager runs one by one, forward and backward."""

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import _ops as ops
from weft.nn import functional

INFINITY = float("inf")


def spelt_out(query, key, value, mask=None, is_causal=False, scale=0.125):
    """What the record of scaled_dot_product_attention says, op by op."""
    dtype, last, batch = query.dtype, query.ndim - 1, list(range(query.ndim - 2))
    scores = ops.wide_dot_general(query, key, batch, batch, [last], [last]) * scale
    if dtype in (weft.float16, weft.bfloat16):
        value = value.float()
        mask = mask if mask is None or mask.dtype == weft.bool else mask.float()
    if mask is not None:
        scores = weft.where(mask, scores, -INFINITY) if mask.dtype == weft.bool else scores + mask
    visible = weft.arange(scores.shape[-1]) <= weft.arange(scores.shape[-2]).unsqueeze(1)
    last, batch = scores.ndim - 1, list(range(scores.ndim - 2))
    probabilities = ops.masked_softmax(weft.where(visible, scores, -INFINITY) if is_causal else scores, last)
    if is_causal:
        probabilities = weft.where(visible, probabilities, 0.0)
    return ops.dot_chain(probabilities, value, batch, batch, [last], [last - 1]).to(dtype)


def with_gradients(attention):
    def run(*inputs):
        inputs = [x.detach().requires_grad_() for x in inputs]
        result = attention(*inputs)
        (result * result * 0.5).sum().backward()
        return [result.detach(), *(x.grad for x in inputs)]

    return run


def tensors(seed, dtype, *shapes):
    random = numpy.random.RandomState(seed)
    return [weft.tensor(random.randn(*shape)).to(dtype) for shape in shapes]


# Leading axes, queries, keys, elements of a key, elements of a value.
SIZES = [
    ((), 5, 5, 3, 2),
    ((2, 3), 64, 64, 16, 16),
    ((3,), 130, 70, 33, 40),
    ((2,), 7, 513, 5, 3),
    ((1, 2), 300, 300, 8, 8),
    ((1,), 600, 520, 4, 6),
    ((), 2200, 2100, 3, 2),
    ((2,), 1, 40, 8, 8),
    ((2,), 3, 300, 70, 16),
    ((2,), 40, 1, 8, 8),
    ((2,), 40, 40, 1, 1),
]


CASES = [
    *((size, weft.float32, threads) for size in SIZES for threads in (1, 3)),
    *((size, dtype, 3) for size in SIZES[1:4] for dtype in (weft.float64, weft.bfloat16)),
]


@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("size, dtype, threads", CASES, ids=str)
def test_is_its_ops(size, dtype, is_causal, threads):
    batch, queries, keys, depth, width = size
    inputs = tensors(queries, dtype, (*batch, queries, depth), (*batch, keys, depth), (*batch, keys, width))
    attention = lambda *x: functional.scaled_dot_product_attention(*x, is_causal=is_causal, scale=0.125)
    before = weft.get_num_threads()
    weft.set_num_threads(threads)
    try:
        expected = spelt_out(*inputs, is_causal=is_causal)
        assert_same_bits(attention(*inputs), expected)
        assert_same_bits(weft.compile(attention)(*inputs), expected)
        run = with_gradients(attention)
        for a, b in zip(run(*inputs), weft.compile(run)(*inputs)):
            assert_same_bits(a, b)
    finally:
        weft.set_num_threads(before)


@pytest.mark.parametrize("is_causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("mask", ["bool", "float", "rows", "keys"])
def test_masks(mask, is_causal):
    query, key, value, added = tensors(1, weft.float32, (2, 3, 70, 9), (2, 3, 70, 9), (2, 3, 70, 9), (70, 70))
    masks = {"bool": added > -1.0, "float": added, "rows": (added > -9.0)[:, :1], "keys": (added > -0.5)[0]}
    attention = lambda *x: weft._ops.scaled_dot_product_attention(*x, masks[mask], is_causal, 0.125)
    written = lambda *x: spelt_out(*x, masks[mask], is_causal)
    for run in (attention, written, with_gradients(attention), with_gradients(written)):
        expected, compiled = run(query, key, value), weft.compile(run)(query, key, value)
        for a, b in zip(expected, compiled) if isinstance(expected, list) else [(expected, compiled)]:
            assert_same_bits(a, b)
    assert_same_bits(attention(query, key, value), written(query, key, value))


def hidden_by_triangle(query, key, value):
    scores = query @ key.transpose(-1, -2)
    hidden = weft.triu(weft.ones(*scores.shape[-2:]), 1).bool()
    return weft.softmax(scores.masked_fill(hidden, -INFINITY), -1) @ value


def hidden_by_numbers(query, key, value):
    scores = query @ key.transpose(-1, -2)
    hidden = weft.arange(scores.shape[-2]).unsqueeze(1) < weft.arange(scores.shape[-1])
    return weft.softmax(scores.masked_fill(hidden, -INFINITY), -1) @ value


def transposed(query, key, value):
    return value.transpose(-1, -2) @ weft.softmax(query @ key.transpose(-1, -2), -1).transpose(-1, -2)


def shares_keys_and_values(query, key, value):
    return weft.softmax(query @ value.transpose(-1, -2) * 0.3, -1) @ value


def returns_probabilities(query, key, value):
    return weft.softmax(query @ key.transpose(-1, -2), -1)


def two_layers(query, key, value):
    return spelt_out(spelt_out(query, key, value, is_causal=True), key, value, is_causal=True)


def dropped(query, key, value):
    return functional.dropout(weft.softmax(query @ key.transpose(-1, -2), -1), 0.2) @ value


@pytest.mark.parametrize(
    "attention",
    [
        hidden_by_triangle,
        hidden_by_numbers,
        transposed,
        shares_keys_and_values,
        returns_probabilities,
        two_layers,
        dropped,
    ],
)
def test_hand_written(attention):
    inputs = tensors(2, weft.float32, (2, 2, 150, 10), (2, 2, 150, 10), (2, 2, 150, 10))
    run = with_gradients(attention)
    results = []
    for f in (run, weft.compile(run)):
        weft.manual_seed(5)
        results.append(f(*inputs))
    for a, b in zip(*results):
        assert_same_bits(*(x if x is not None else weft.zeros(1) for x in (a, b)))


@pytest.mark.parametrize("queries, keys", [(40, 40), (300, 300), (517, 517), (129, 300), (300, 129)])
@pytest.mark.parametrize("case", ["infinite", "tiny", "nan rows"])
def test_what_is_hidden_still_counts_as_zeros(case, queries, keys):
    """A hidden key adds 0 times its value, which is NaN for infinite ones, and turns -0 into 0."""
    random = numpy.random.RandomState(queries)
    query, key, value = (random.randn(2, n, 8).astype("float32") for n in (queries, keys, keys))
    if case == "infinite":
        value[:, random.randint(keys)] = numpy.inf
        value[:, random.randint(keys), 3] = numpy.nan
        query[0, queries // 3, 2] = numpy.inf
    elif case == "tiny":
        value = -numpy.abs(value) * numpy.float32(1e-44)
        value[:, ::7] = 0
    else:
        query[:, random.randint(queries)] = numpy.nan
    inputs = [weft.from_numpy(x) for x in (query, key, value)]
    run = with_gradients(lambda *x: functional.scaled_dot_product_attention(*x, is_causal=True, scale=0.125))
    for a, b in zip(run(*inputs), weft.compile(run)(*inputs)):
        a, b = a.numpy(), b.numpy()
        assert numpy.array_equal(numpy.isnan(a), numpy.isnan(b))
        known = ~numpy.isnan(a)
        assert numpy.array_equal(a[known].view("int32"), b[known].view("int32"))
    written = spelt_out(*inputs, is_causal=True).numpy()
    result = functional.scaled_dot_product_attention(*inputs, is_causal=True, scale=0.125).numpy()
    assert numpy.array_equal(written, result, equal_nan=True) and numpy.array_equal(
        numpy.signbit(written[~numpy.isnan(written)]), numpy.signbit(result[~numpy.isnan(result)])
    )


def test_second_derivatives():
    query, key, value = tensors(3, weft.float64, (2, 20, 4), (2, 20, 4), (2, 20, 4))

    def run(query, key, value):
        query = query.detach().requires_grad_()
        result = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        (slope,) = weft.autograd.grad((result * result).sum(), [query], create_graph=True)
        (slope * slope).sum().backward()
        return query.grad

    assert_same_bits(run(query, key, value), weft.compile(run)(query, key, value))


@pytest.mark.parametrize("queries", [3, 5])
def test_few_queries_of_large_heads(queries):
    """Some of the products are in the order of few rows, so that the others are no attention either."""
    query, key, value = tensors(0, weft.float16, (2, queries, 257), (2, 33, 257), (2, 33, 16))

    def gradients(query, key, value):
        loss = (weft.nn.functional.scaled_dot_product_attention(query, key, value) * 0.5).sum()
        return weft.autograd.grad(loss, [key, value])

    key, value = key.requires_grad_(), value.requires_grad_()
    for compiled, eager in zip(weft.compile(gradients)(query, key, value), gradients(query, key, value), strict=True):
        assert numpy.array_equal(compiled.float().numpy(), eager.float().numpy())


@pytest.mark.parametrize("kdim, bias_kv, need", [(None, False, True), (5, True, True), (None, True, False)])
def test_the_function_of_weights(kdim, bias_kv, need):
    layer = weft.nn.MultiheadAttention(8, 2, kdim=kdim, vdim=kdim, add_bias_kv=bias_kv, add_zero_attn=bias_kv)
    q, k = weft.randn(4, 3, 8), weft.randn(5, 3, kdim or 8)
    mask = weft.zeros(4, 5, dtype=weft.bool)
    mask[0, 1] = True

    def function(q, k):
        return weft.nn.functional.multi_head_attention_forward(
            q, k, k, 8, 2, layer.in_proj_weight, layer.in_proj_bias, layer.bias_k, layer.bias_v, bias_kv, 0.0,
            layer.out_proj.weight, layer.out_proj.bias, need_weights=need, attn_mask=mask,
            use_separate_proj_weight=kdim is not None, q_proj_weight=layer.q_proj_weight, k_proj_weight=layer.k_proj_weight,
            v_proj_weight=layer.v_proj_weight,
        )  # fmt: skip

    expected, weights = layer(q, k, k, need_weights=need, attn_mask=mask)
    compiled = weft.compile(function)
    for found in (function(q, k), compiled(q, k), compiled(q, k)):
        assert_same_bits(found[0].detach(), expected.detach())
        assert (found[1] is None) == (weights is None)
    with pytest.raises(NotImplementedError, match="static_k"):
        weft.nn.functional.multi_head_attention_forward(
            q, k, k, 8, 2, None, None, None, None, False, 0.0, layer.out_proj.weight, None, static_k=k
        )
