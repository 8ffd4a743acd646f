"""Every differentiable op of the table by forward mode, from its record: against its vjp, and under vmap."""

import pytest
import weft
from conftest import assert_same_bits
from test_vmap_ops import differentiable, examples_of
from weft.func import jvp, vjp, vmap


def directions(tensors):
    """Tangents of the floats among the tensors."""
    return tuple([weft.randn(t.shape, dtype=t.dtype) for t in tensors if t.dtype.is_floating_point])


def of_floats(function, tensors):
    """The function of the floats alone, and its float results alone."""
    at = [i for i, t in enumerate(tensors) if t.dtype.is_floating_point]

    def of(*floats):
        given = list(tensors)
        for i, value in zip(at, floats):
            given[i] = value
        return tuple([r for r in function(*given) if r.dtype.is_floating_point])

    return of, tuple([tensors[i] for i in at])


@pytest.mark.parametrize("record, example", list(differentiable()))
def test_against_the_vjp(record, example):
    lists, function = examples_of(record, example, "float", dtype="float64")
    of, primals = of_floats(function, lists[0])
    if not of(*primals):
        pytest.skip("the result has no gradient")
    if record["name"] == "cross_entropy":
        of, primals = (lambda a, of=of, rest=primals[1:]: of(a, *rest)), primals[:1]  # the weights have no derivative
    tangents = directions(primals)
    results, pushed = jvp(of, primals, tangents)
    _, pull = vjp(of, *primals)
    cotangents = directions(results)
    pulled = pull(cotangents)
    forward = sum([(c * t).sum() for c, t in zip(cotangents, pushed)])
    backward = sum([(c * t).sum() for c, t in zip(pulled, tangents)])
    size = sum([(c * t).abs().sum() for c, t in zip(pulled, tangents)])
    assert (forward - backward).abs() <= 1e-9 * (1 + size)


@pytest.mark.parametrize("record, example", list(differentiable()))
def test_under_vmap(record, example):
    lists, function = examples_of(record, example, "float")
    if not any(r.dtype.is_floating_point for r in function(*lists[0])):
        pytest.skip("the result has no gradient")
    tangents = [directions(tensors) for tensors in lists]

    def pushed(tensors, tangents):
        of, primals = of_floats(function, tensors)
        return jvp(of, primals, tangents)[1]

    stacked = [weft.stack(column) for column in zip(*lists)], tuple([weft.stack(column) for column in zip(*tangents)])
    loop = [pushed(*one) for one in zip(lists, tangents)]
    for result, column in zip(vmap(pushed)(*stacked), zip(*loop)):
        assert_same_bits(result, weft.stack(column))
