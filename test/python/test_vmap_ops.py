"""Every op of the table under vmap, from its record: the bits of a loop over the examples, whichever operands are batched and along
whichever axis; nested; and gradients through it."""

import itertools

import pytest
import weft
from conftest import assert_same_bits
from test_ops import RECORDS, Examples, call, results_of, split, to_tensor
from weft.func import vmap

SIZE = 3


def operands_of(record, example, category, seed, dtype="float32"):
    operands, attrs = split(record, Examples(record, category, seed)(example))
    tensors = [to_tensor(a, dtype if category == "float" else None) for a in operands]
    return tensors, attrs


def cases():
    for record in RECORDS.values():
        if record["operands"] and record["examples"] and record["family"] != "Creation":
            for category in record["dtypes"] or ["float"]:
                for i, example in enumerate(record["examples"]):
                    yield pytest.param(record, example, category, id=f"{record['name']}-{category}-{i}")


def flattened(record, tensors):
    return tensors[0] if record["variadic"] else tensors


def function_of(record, attrs):
    """Of the present operands, in order; the results as a tuple."""

    def function(*tensors):
        absent = [None] * (len(record["operands"]) - len(tensors))
        return tuple(results_of(call(record, [list(tensors)] if record["variadic"] else [*tensors, *absent], attrs)))

    return function


def examples_of(record, example, category, dtype="float32"):
    """SIZE lists of present operands, and the op as a function of them."""
    lists = []
    for seed in range(SIZE):
        tensors, attrs = operands_of(record, example, category, seed, dtype)
        lists.append([t for t in flattened(record, tensors) if t is not None])
    return lists, function_of(record, attrs)


def subsets(count):
    """Of the operands: all, each one, and all but one."""
    found = {tuple([True] * count)}
    for i in range(count):
        found.add(tuple(k == i for k in range(count)))
        found.add(tuple(k != i for k in range(count)))
    return sorted(s for s in found if any(s))


def moved(tensor, dim):
    order = list(range(1, tensor.ndim))
    order.insert(dim, 0)
    return tensor.permute(order)


@pytest.mark.parametrize("record, example, category", list(cases()))
def test_bits_of_a_loop(record, example, category):
    lists, function = examples_of(record, example, category)
    count = len(lists[0])
    for batched in subsets(count):
        operands = [weft.stack([l[i] for l in lists]) if b else lists[0][i] for i, b in enumerate(batched)]
        loop = [function(*[l[i] if b else lists[0][i] for i, b in enumerate(batched)]) for l in lists]
        wanted = [weft.stack(list(column)) for column in zip(*loop)]
        for place in (0, -1):
            dims = [None if not b else 0 if place == 0 else o.ndim - 1 for o, b in zip(operands, batched)]
            given = [moved(o, d) if d else o for o, d in zip(operands, dims)]
            results = vmap(function, tuple(dims), place)(*given)
            for result, expected in zip(results, wanted):
                assert_same_bits(result, expected if place == 0 else moved(expected, expected.ndim - 1))


@pytest.mark.parametrize("record, example, category", list(cases()))
def test_nested(record, example, category):
    """The last operand differs along the inner axis alone, the others along the outer, and the first along both."""
    lists, function = examples_of(record, example, category)
    count = len(lists[0])
    pairs = list(itertools.product(range(SIZE), range(SIZE - 1)))

    def at(i, outer, inner):
        return lists[(outer + inner) % SIZE if i == 0 else inner if i == count - 1 else outer][i]

    grid = weft.stack([weft.stack([at(0, o, i) for i in range(SIZE - 1)]) for o in range(SIZE)])
    rest = [weft.stack([l[i] for l in (lists[: SIZE - 1] if i == count - 1 else lists)]) for i in range(1, count)]
    outer = tuple([0, *(None if i == count - 1 else 0 for i in range(1, count))])
    inner = tuple([0, *(0 if i == count - 1 else None for i in range(1, count))])
    results = vmap(vmap(function, inner), outer)(grid, *rest)
    for k, result in enumerate(results):
        loop = weft.stack([function(*[at(i, o, n) for i in range(count)])[k] for o, n in pairs])
        assert_same_bits(result.reshape(loop.shape), loop)


# Gradients that go through the expansion of the whole batch, where those of one example have a rule: the same but for rounding.
THROUGH_EXPANSION = {
    "cross_entropy",
    "mse_loss",
    "linear",
    "layer_norm",
    "matmul",
    "embedding",
    "addmm",
    "conv",
    "conv_transpose",
}


def differentiable():
    for case in cases():
        record, _, category = case.values
        if record["differentiable"] and category == "float":
            yield pytest.param(*case.values[:2], id=case.id)


@pytest.mark.parametrize("record, example", list(differentiable()))
def test_gradient_through(record, example):
    lists, function = examples_of(record, example, "float")
    stacked = [weft.stack(column) for column in zip(*lists)]
    wrt = [i for i, t in enumerate(stacked) if t.dtype.is_floating_point]
    if record["name"] == "cross_entropy":
        wrt = [0]  # the weights of the classes have no derivative

    def loss(results):
        return sum((r * r).sum() for r in results if r.dtype.is_floating_point)

    for t in [stacked[i] for i in wrt] + [l[i] for l in lists for i in wrt]:
        t.requires_grad_()
    outputs = vmap(function)(*stacked)
    if not any(o.requires_grad for o in outputs):
        pytest.skip("the result has no gradient")
    found = weft.autograd.grad(loss(outputs), [stacked[i] for i in wrt], allow_unused=True)
    for k, i in enumerate(wrt):
        parts = [weft.autograd.grad(loss(function(*l)), l[i], allow_unused=True)[0] for l in lists]
        if parts[0] is None:
            assert found[k] is None or not found[k].any()
            continue
        wanted = weft.stack(parts)
        if record["name"] in THROUGH_EXPANSION:
            assert weft.allclose(found[k], wanted, rtol=1e-4, atol=1e-5)
        else:
            assert_same_bits(found[k], wanted)
