"""Joining, cutting and moving elements against NumPy, eagerly, compiled and in their gradients."""

import itertools

import numpy
import pytest
import weft
from conftest import array_of, assert_same_bits

DTYPES = [weft.bool, weft.uint8, weft.int64, weft.float16, weft.bfloat16, weft.float32, weft.float64]


def numbers(shape, dtype=weft.float64):
    count = int(numpy.prod(shape))
    return weft.from_numpy(numpy.arange(count).reshape(shape) % 100).to(dtype)


def as_tuple(result):
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def layouts(x):
    """The same elements contiguous, transposed and with gaps."""
    yield x
    if x.ndim > 1:
        yield x.transpose(0, -1).clone().transpose(0, -1)
        wide = weft.stack([x, x], -1)
        yield wide[..., 0]


CASES = {
    "roll": (lambda x: x.roll(2), lambda x: numpy.roll(x, 2), [(), (0,), (5,), (3, 4)]),
    "roll axes": (lambda x: x.roll((1, -5), (0, -1)), lambda x: numpy.roll(x, (1, -5), (0, -1)), [(3, 4), (2, 0, 3)]),
    "roll one axis": (lambda x: weft.roll(x, 1, 0), lambda x: numpy.roll(x, 1, 0), [(3,), (4, 2)]),
    "tile": (lambda x: x.tile(2, 3), lambda x: numpy.tile(x, (2, 3)), [(), (2,), (2, 3), (2, 1, 3), (0, 2)]),
    "tile by a tuple": (lambda x: weft.tile(x, (0, 2)), lambda x: numpy.tile(x, (0, 2)), [(2,), (2, 3)]),
    "repeat_interleave": (lambda x: x.repeat_interleave(3), lambda x: numpy.repeat(x, 3), [(), (0,), (2,), (2, 3)]),
    "repeat_interleave dim": (
        lambda x: x.repeat_interleave(2, dim=-1),
        lambda x: numpy.repeat(x, 2, -1),
        [(2,), (2, 3), (2, 3, 4)],
    ),
    "repeat_interleave tensor": (
        lambda x: weft.repeat_interleave(x, weft.tensor([1, 0, 2]), dim=0, output_size=3),
        lambda x: numpy.repeat(x, [1, 0, 2], 0),
        [(3,), (3, 2)],
    ),
    "diag": (lambda x: weft.diag(x, 1), lambda x: numpy.diag(x, 1), [(0,), (3,), (3, 4), (4, 2), (0, 2)]),
    "diag below": (lambda x: x.diag(-2), lambda x: numpy.diag(x, -2), [(3,), (3, 4), (4, 3)]),
    "diagonal": (lambda x: x.diagonal(), lambda x: numpy.diagonal(x), [(3, 4), (4, 3), (2, 3, 4), (0, 3)]),
    "diagonal of axes": (
        lambda x: x.diagonal(-1, 2, 0),
        lambda x: numpy.diagonal(x, -1, 2, 0),
        [(2, 3, 4), (4, 3, 2), (3, 0, 3)],
    ),
    "diagonal outside": (lambda x: x.diagonal(9), lambda x: numpy.diagonal(x, 9), [(3, 4), (2, 3, 4)]),
    "diag_embed": (
        lambda x: weft.diag_embed(x, 1),
        lambda x: numpy.stack([numpy.diag(row, 1) for row in x.reshape(-1, x.shape[-1])]).reshape(
            *x.shape[:-1], x.shape[-1] + 1, x.shape[-1] + 1
        ),
        [(3,), (2, 3), (2, 3, 4)],
    ),
    "diag_embed at axes": (
        lambda x: x.diag_embed(0, 2, 0),
        lambda x: numpy.stack([numpy.diag(row) for row in x]).transpose(2, 0, 1),
        [(2, 3)],
    ),
    "broadcast_to": (lambda x: x.broadcast_to((2, 3)), lambda x: numpy.broadcast_to(x, (2, 3)), [(), (3,), (2, 1)]),
    "movedim": (lambda x: x.movedim(0, -1), lambda x: numpy.moveaxis(x, 0, -1), [(3,), (2, 3), (2, 3, 4)]),
    "moveaxis": (
        lambda x: weft.moveaxis(x, (0, -1), (1, 0)),
        lambda x: numpy.moveaxis(x, (0, -1), (1, 0)),
        [(2, 3), (2, 3, 4), (2, 3, 4, 0)],
    ),
    "swapaxes": (lambda x: x.swapaxes(0, -1), lambda x: numpy.swapaxes(x, 0, -1), [(3,), (2, 3), (2, 3, 4)]),
    "swapdims": (lambda x: weft.swapdims(x, 0, 1), lambda x: numpy.swapaxes(x, 0, 1), [(2, 3), (2, 3, 4)]),
    "unflatten": (
        lambda x: x.unflatten(-1, (2, -1)),
        lambda x: x.reshape(*x.shape[:-1], 2, x.shape[-1] // 2),
        [(4,), (3, 6), (3, 0)],
    ),
    **{
        f"rot90 {k}": (lambda x, k=k: x.rot90(k), lambda x, k=k: numpy.rot90(x, k), [(2, 3), (2, 3, 4)])
        for k in range(-1, 5)
    },
    "fliplr": (weft.fliplr, numpy.fliplr, [(2, 3), (2, 0)]),
    "flipud": (weft.flipud, numpy.flipud, [(3,), (2, 3)]),
    "ravel": (weft.ravel, numpy.ravel, [(), (3,), (2, 3), (0, 3)]),
    "atleast_1d": (weft.atleast_1d, numpy.atleast_1d, [(), (3,), (2, 3)]),
    "atleast_2d": (weft.atleast_2d, numpy.atleast_2d, [(), (3,), (2, 3)]),
    "atleast_3d": (weft.atleast_3d, numpy.atleast_3d, [(), (3,), (2, 3), (2, 3, 4)]),
    "hstack": (lambda x: weft.hstack((x, x + x)), lambda x: numpy.hstack((x, x + x)), [(), (3,), (2, 3), (2, 0)]),
    "vstack": (lambda x: weft.vstack((x, x + x)), lambda x: numpy.vstack((x, x + x)), [(), (3,), (2, 3)]),
    "row_stack": (lambda x: weft.row_stack((x, x)), lambda x: numpy.vstack((x, x)), [(3,)]),
    "dstack": (lambda x: weft.dstack((x, x)), lambda x: numpy.dstack((x, x)), [(), (3,), (2, 3), (2, 3, 4)]),
    "column_stack": (
        lambda x: weft.column_stack((x, x)),
        lambda x: numpy.column_stack((x, x)),
        [(), (3,), (2, 3)],
    ),
    "tensor_split": (
        lambda x: x.tensor_split(3),
        lambda x: numpy.array_split(x, 3),
        [(5,), (6, 2), (2,), (0, 2)],
    ),
    "tensor_split at": (
        lambda x: weft.tensor_split(x, (1, 9, -1), -1),
        lambda x: numpy.array_split(x, (1, 9, -1), -1),
        [(5,), (2, 5)],
    ),
    "hsplit": (lambda x: x.hsplit(2), lambda x: numpy.hsplit(x, 2), [(4,), (3, 4)]),
    "hsplit at": (lambda x: x.hsplit(1, 2), lambda x: numpy.hsplit(x, (1, 2)), [(4,), (3, 4)]),
    "vsplit": (lambda x: weft.vsplit(x, 2), lambda x: numpy.vsplit(x, 2), [(4, 3)]),
    "dsplit": (lambda x: weft.dsplit(x, [1]), lambda x: numpy.dsplit(x, [1]), [(1, 2, 3)]),
    "block_diag": (
        lambda x: weft.block_diag(x, x),
        lambda x: numpy.kron(numpy.eye(2, dtype=x.dtype), numpy.atleast_2d(x)),
        [(), (3,), (2, 3)],
    ),
    "meshgrid": (lambda x: weft.meshgrid(x, x[1:]), lambda x: numpy.meshgrid(x, x[1:], indexing="ij"), [(4,), (1,)]),
    "meshgrid xy": (
        lambda x: weft.meshgrid([x, x[1:], x[2:]], indexing="xy"),
        lambda x: numpy.meshgrid(x, x[1:], x[2:]),
        [(5,)],
    ),
    "cartesian_prod": (
        lambda x: weft.cartesian_prod(x, x[1:]),
        lambda x: numpy.array(list(itertools.product(x, x[1:])), x.dtype).reshape(-1, 2),
        [(4,), (1,)],
    ),
    "combinations": (
        lambda x: weft.combinations(x, 3),
        lambda x: numpy.array(list(itertools.combinations(x, 3)), x.dtype).reshape(-1, 3),
        [(5,), (2,)],
    ),
    "combinations with replacement": (
        lambda x: weft.combinations(x, with_replacement=True),
        lambda x: numpy.array(list(itertools.combinations_with_replacement(x, 2)), x.dtype).reshape(-1, 2),
        [(4,), (0,)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    function, reference, shapes = CASES[name]
    for shape, dtype in itertools.product(shapes, DTYPES):
        for x in layouts(numbers(shape, dtype)):
            results, expected = as_tuple(function(x)), as_tuple(reference(array_of(x)))
            assert len(results) == len(expected)
            for result, array in zip(results, expected):
                assert result.dtype is dtype and tuple(result.shape) == numpy.shape(array), (shape, dtype)
                assert numpy.array_equal(array_of(result), array), (shape, dtype)


@pytest.mark.parametrize("name", CASES)
def test_compiled_and_gradient(name):
    """A gradient of the sum of elements times weights is the sum of the weights of where each element came to."""
    function, _, shapes = CASES[name]
    x = numbers(shapes[-1])
    compiled = weft.compile(function)
    assert_same_bits(as_tuple(compiled(x)), as_tuple(function(x)))
    leaf = x.clone().requires_grad_()
    results = as_tuple(function(leaf))
    weights = [numbers(result.shape) + 1 for result in results]
    total = sum((result * weight).sum() for result, weight in zip(results, weights))
    (gradient,) = weft.autograd.grad(total, leaf)
    assert (gradient * x).sum().item() == total.item()  # all are linear


VIEWS = {
    "diagonal": lambda x: x.diagonal(),
    "diagonal of a transposed one": lambda x: x.t().diagonal(-1),
    "broadcast_to": lambda x: x.broadcast_to(2, 3, 4),
    "movedim": lambda x: x.movedim(0, 1),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "ravel": lambda x: x.ravel(),
    "atleast_3d": weft.atleast_3d,
    "tensor_split": lambda x: x.tensor_split(3, 1)[0],
    "hsplit": lambda x: x.hsplit(2)[0],
    "vsplit": lambda x: x.vsplit(3)[0],
    "meshgrid": lambda x: weft.meshgrid(x[0], x[1])[0],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name):
    x = weft.zeros(3, 4)
    view = VIEWS[name](x)
    x.fill_(7)
    assert (view == 7).all()


@pytest.mark.parametrize("name", ["tile", "repeat_interleave", "roll", "rot90 0", "diag"])
def test_copies(name):
    x = weft.zeros(3, 4)
    copy = {
        "tile": x.tile(1),
        "repeat_interleave": x.repeat_interleave(1),
        "roll": x.roll(0),
        "rot90 0": x.rot90(0),
    }.get(name, x.diag())
    x.fill_(7)
    assert (copy == 0).all()


def test_numbers_of_numpy():
    x, one = weft.arange(6).reshape(2, 3), numpy.int64(1)
    assert_same_bits(x.roll(one, one), x.roll(1, 1))
    assert_same_bits(x.movedim(one, 0), x.t())
    assert_same_bits(x.tensor_split(numpy.int64(2)), x.tensor_split(2))
    assert_same_bits(x.logsumexp(one), x.logsumexp(1))


def test_writes_to_a_diagonal():
    x = weft.ones(3, 4)
    x.diagonal(1).fill_(5)
    assert numpy.array_equal(x.numpy(), numpy.ones((3, 4)) + 4 * numpy.eye(3, 4, 1))


def test_repeats_that_are_read():
    assert weft.repeat_interleave(weft.tensor([2, 0, 1])).tolist() == [0, 0, 2]
    x = weft.arange(6).reshape(3, 2)
    assert x.repeat_interleave(weft.tensor([2, 0, 1]), 0).tolist() == [[0, 1], [0, 1], [4, 5]]
    assert x.repeat_interleave(weft.tensor([2]), 1).tolist() == [[0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5]]


@pytest.mark.parametrize("rows, columns, offset", [(3, 4, 0), (4, 3, 1), (2, 2, -1), (0, 3, 0), (3, 3, -9)])
def test_triangles(rows, columns, offset):
    for name in ("tril_indices", "triu_indices"):
        expected = numpy.stack(getattr(numpy, name)(rows, offset, columns))
        found = getattr(weft, name)(rows, columns, offset)
        assert found.dtype is weft.int64 and numpy.array_equal(found.numpy(), expected)
        assert getattr(weft, name)(rows, columns, offset, dtype=weft.int32).dtype is weft.int32


def test_several_tensors():
    one, two = weft.atleast_2d(weft.tensor(1), weft.ones(3))
    assert (one.shape, two.shape) == ((1, 1), (1, 3))
    assert weft.block_diag().shape == (1, 0)
    assert weft.block_diag(weft.ones(2), weft.tensor(3)).tolist() == [[1, 1, 0], [0, 0, 3]]


x = weft.ones(2, 3)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: x.roll((1, 2)), RuntimeError, r"\[roll\] needs a shift"),
        (lambda: x.roll(numpy.ones(1), 0), TypeError, r"\[roll\] axes and shifts must be ints"),
        (lambda: x.roll(1, 2), IndexError, r"\[roll\] dim 2"),
        (lambda: weft.tensor(1).roll(1, 0), IndexError, r"\[roll\] a 0-d"),
        (lambda: x.tile(-1), RuntimeError, r"\[tile\] dims must not"),
        (lambda: x.tile("a"), TypeError, r"\[tile\] dims must be ints"),
        (lambda: x.tensor_split(weft.ones(2)), RuntimeError, r"\[tensor_split\] indices must be int64"),
        (lambda: weft.block_diag(1), TypeError, r"\[block_diag\] needs tensors"),
        (lambda: x.repeat_interleave(-1), RuntimeError, r"\[repeat_interleave\] repeats must not"),
        (lambda: x.repeat_interleave(weft.tensor([1, 2]), 1), RuntimeError, "as many as the axis"),
        (lambda: x.repeat_interleave(weft.tensor([1.0, 2]), 0), NotImplementedError, "int32 or int64"),
        (lambda: x.repeat_interleave(weft.tensor([1, -2]), 0), RuntimeError, "must not be negative"),
        (lambda: x.repeat_interleave(2, output_size=5), RuntimeError, "output_size must be 12"),
        (lambda: weft.diag(weft.ones(2, 2, 2)), RuntimeError, r"\[diag\] needs a vector"),
        (lambda: x.diagonal(0, 1, 1), RuntimeError, r"\[diagonal\] dim1 and dim2"),
        (lambda: weft.ones(2).diagonal(), IndexError, r"\[diagonal\] needs at least two"),
        (lambda: weft.ones(2).diag_embed(0, 0, 0), RuntimeError, r"\[diag_embed\] "),
        (lambda: weft.trace(weft.ones(2)), RuntimeError, r"\[trace\] needs a matrix"),
        (lambda: x.movedim((0, 1), (1,)), RuntimeError, r"\[movedim\] source and"),
        (lambda: x.moveaxis((0, 0), (1, 0)), RuntimeError, r"\[moveaxis\] .*twice"),
        (lambda: x.movedim(0, 5), IndexError, r"\[movedim\] dim 5"),
        (lambda: x.swapaxes(0, 5), IndexError, r"\[swapaxes\]"),
        (lambda: x.unflatten(1, (2, 2)), RuntimeError, r"\[unflatten\] sizes must"),
        (lambda: x.unflatten(1, ()), RuntimeError, r"\[unflatten\] needs"),
        (lambda: x.rot90(1, (0, 0)), RuntimeError, r"\[rot90\] .*twice"),
        (lambda: x.rot90(1, (0,)), RuntimeError, r"\[rot90\] needs two"),
        (lambda: weft.fliplr(x[0]), RuntimeError, r"\[fliplr\]"),
        (lambda: weft.flipud(weft.tensor(1)), RuntimeError, r"\[flipud\]"),
        (lambda: x.broadcast_to(3, 3), RuntimeError, r"\[broadcast_to\]"),
        (lambda: weft.hstack([]), RuntimeError, r"\[hstack\] needs at least one"),
        (lambda: weft.hstack(numpy.ones(2)), TypeError, r"\[hstack\] tensors must be a list or tuple"),
        (lambda: weft.vstack([x, weft.ones(2)]), RuntimeError, r"\[vstack\]"),
        (lambda: x.tensor_split(0), RuntimeError, r"\[tensor_split\] needs at least one section"),
        (lambda: weft.tensor(1).tensor_split(1), RuntimeError, r"\[tensor_split\] needs at least one axis"),
        (lambda: x.hsplit(2), RuntimeError, r"\[hsplit\] the axis must divide"),
        (lambda: x[0].vsplit(2), RuntimeError, r"\[vsplit\] needs at least 2"),
        (lambda: weft.meshgrid(), RuntimeError, r"\[meshgrid\] needs at least one"),
        (lambda: weft.meshgrid(x), RuntimeError, r"\[meshgrid\] needs vectors"),
        (lambda: weft.meshgrid(x[0], x[0].int()), RuntimeError, r"\[meshgrid\] all must"),
        (lambda: weft.meshgrid(x[0], indexing="q"), RuntimeError, r"\[meshgrid\] indexing"),
        (lambda: weft.atleast_1d(3), TypeError, r"\[atleast_1d\] needs tensors"),
        (lambda: weft.cartesian_prod(x), RuntimeError, r"\[cartesian_prod\] needs vectors"),
        (lambda: weft.combinations(x[0], -1), RuntimeError, r"\[combinations\]"),
        (lambda: weft.block_diag(weft.ones(1, 1, 1)), RuntimeError, r"\[block_diag\] needs matrices"),
        (lambda: weft.tril_indices(-1, 2), RuntimeError, r"\[tril_indices\]"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
