"""einsum, tensordot and products of vectors and matrices against NumPy, eagerly, compiled and in their gradients."""

import random

import numpy
import pytest
import weft
from conftest import array_of, assert_same_bits


def numbers(shape, dtype=weft.float64):
    return weft.from_numpy(numpy.random.randint(-3, 4, shape)).to(dtype)


def check(function, reference, *tensors):
    """Integers, so that any order of the sums gives the same; compiled bits are the eager ones."""
    result = function(*tensors)
    expected = reference(*map(array_of, tensors))
    assert tuple(result.shape) == numpy.shape(expected)
    assert numpy.array_equal(array_of(result), expected)
    assert_same_bits(weft.compile(function)(*tensors), result)
    return result


def check_gradient(function, *tensors):
    """A function that is linear in each operand: the gradient in a direction is the function of it."""
    for i, tensor in enumerate(tensors):
        leaf = tensor.clone().requires_grad_()
        direction = numbers(tensor.shape, tensor.dtype)
        result = function(*tensors[:i], leaf, *tensors[i + 1 :])
        cotangent = numbers(result.shape, result.dtype)
        (gradient,) = weft.autograd.grad((result * cotangent).sum(), leaf)
        along = function(*tensors[:i], direction, *tensors[i + 1 :])
        assert (gradient * direction).sum().item() == (along * cotangent).sum().item()


def random_equation(rng):
    sizes = {
        letter: rng.choice([0, 1, 2, 3, 4]) if rng.random() < 0.1 else rng.choice([1, 2, 3]) for letter in "abcdefG"
    }
    terms = [rng.choices("abcdefG", k=rng.randint(0, 4)) for _ in range(rng.randint(1, 4))]
    used = sorted({letter for term in terms for letter in term})
    output = rng.sample(used, rng.randint(0, len(used)))
    equation = ",".join(map("".join, terms)) + ("->" + "".join(output) if rng.random() < 0.8 else "")
    return equation, [[sizes[letter] for letter in term] for term in terms]


@pytest.mark.parametrize("seed", range(60))
def test_random_equations(seed):
    equation, shapes = random_equation(random.Random(seed))
    tensors = [numbers(shape) for shape in shapes]
    check(
        lambda *operands: weft.einsum(equation, *operands),
        lambda *operands: numpy.einsum(equation, *operands),
        *tensors,
    )
    check_gradient(lambda *operands: weft.einsum(equation, *operands), *tensors)


@pytest.mark.parametrize(
    "equation, shapes",
    [
        ("...ij,...jk->...ik", [(5, 2, 3), (4, 1, 3, 2)]),
        ("...ij,jk", [(5, 2, 3), (3, 2)]),
        ("i...,i->...", [(3, 2, 4), (3,)]),
        ("...,...->...", [(3, 1), (2, 1, 4)]),
        ("b...->b...", [(3,)]),
        (" i j , j k -> i k ", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),
        ("ii", [(3, 3)]),
        ("iij->ji", [(3, 3, 2)]),
        ("iii", [(3, 3, 3)]),
        ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]),
        ("", [()]),
        (",i->i", [(), (3,)]),
        ("ij,jk,kl,lm->im", [(2, 3), (3, 4), (4, 5), (5, 2)]),
    ],
)
@pytest.mark.parametrize("dtype", [weft.int32, weft.int64, weft.float16, weft.bfloat16, weft.float32])
def test_equations(equation, shapes, dtype):
    operands = [numbers(shape, dtype) % 2 for shape in shapes]
    check(lambda *x: weft.einsum(equation, *x), lambda *x: numpy.einsum(equation, *x), *operands)


def test_ellipsis_may_be_summed_and_axes_of_one_broadcast():
    x, y = numbers((5, 2, 3)), numbers((1, 3))
    assert_same_bits(weft.einsum("...ij->ij", x), x.sum(0))
    assert_same_bits(weft.einsum("bij,bi->ij", x, numbers((1, 2)) * 0 + 1), x.sum(0))
    assert_same_bits(weft.einsum("ij,ij->ij", x[0], y), x[0] * y)


def test_lists_of_labels_and_operands():
    x, y = numbers((2, 3)), numbers((3, 4))
    assert_same_bits(weft.einsum(x, [0, 1], y, [1, 2], [2, 0]), (x @ y).t())
    assert_same_bits(weft.einsum(x, [0, 1], y, [1, 2]), x @ y)
    assert_same_bits(weft.einsum(x, [..., 1], y, [1, 2], [..., 2]), x @ y)
    assert_same_bits(weft.einsum("ij,jk", [x, y]), x @ y)


def test_a_view_where_nothing_is_summed():
    x = numbers((2, 3))
    weft.einsum("ij->ji", x)[0, 1] = 9
    assert x[1, 0].item() == 9


x = weft.ones(2, 3)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: weft.einsum("ij"), ValueError, r"\[einsum\] needs an equation"),
        (lambda: weft.einsum("i", 3), TypeError, r"\[einsum\] operands must be tensors"),
        (lambda: weft.einsum("ij,jk", x), RuntimeError, r"for 2 operands; got 1"),
        (lambda: weft.einsum("i", x), RuntimeError, "a label for each axis"),
        (lambda: weft.einsum("ij->k", x), RuntimeError, "must be of an operand"),
        (lambda: weft.einsum("ij->ii", x), RuntimeError, "once in the result"),
        (lambda: weft.einsum("i.", x), RuntimeError, "labels are letters"),
        (lambda: weft.einsum("i1", x), RuntimeError, "labels are letters"),
        (lambda: weft.einsum("ii", x), RuntimeError, "axes with one label must have one size"),
        (lambda: weft.einsum("ij,ij", x, x.t()), RuntimeError, "one size, or 1"),
        (lambda: weft.einsum(x, [0, 99]), RuntimeError, "labels in lists"),
        (lambda: weft.einsum("ij,ij", x, x.double()), RuntimeError, r"\[einsum\] .*one dtype"),
        (lambda: weft.tensordot(x, x, 3), RuntimeError, r"\[tensordot\] dims must be at least 0"),
        (lambda: weft.tensordot(x, x, ([0], [1])), RuntimeError, r"\[tensordot\] axes in pairs"),
        (lambda: weft.tensordot(x, x, ([0], [])), RuntimeError, "equally long"),
        (lambda: weft.tensordot(x, x, ([7], [1])), IndexError, r"\[tensordot\] dim 7"),
        (lambda: weft.inner(x, x.t()), RuntimeError, r"\[inner\] the last axes"),
        (lambda: weft.dot(x, x), RuntimeError, r"\[dot\] needs two vectors"),
        (lambda: weft.vdot(x[0], x[:, 0]), RuntimeError, r"\[vdot\] needs two vectors"),
        (lambda: x.mv(x[:, 0]), RuntimeError, r"\[mv\] needs a matrix"),
        (lambda: weft.addmv(x, x, x), RuntimeError, r"\[addmv\] needs a matrix"),
        (lambda: weft.addr(x.int(), x[0].int(), x[0].int(), alpha=0.5), RuntimeError, r"\[addr\] "),
        (lambda: weft.addmv(x[0].int(), x.t(), x[:, 0]), RuntimeError, r"\[addmv\] all must have one dtype"),
        (lambda: weft.baddbmm(x, x, x), RuntimeError, r"\[baddbmm\] needs two batches"),
        (lambda: weft.chain_matmul(), RuntimeError, r"\[chain_matmul\] needs at least one"),
        (lambda: weft.linalg.multi_dot([x]), RuntimeError, r"\[multi_dot\] needs at least two"),
        (lambda: weft.linalg.multi_dot([x, x]), RuntimeError, r"\[.*got shapes"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "a, b, dims",
    [
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (4,), 0),
        ((2, 3), (3, 2), ([0, 1], [1, 0])),
        ((2, 3, 4), (4, 3), ([-1], [0])),
        ((0, 3), (3, 2), 1),
        ((2, 0), (0, 3), 1),
    ],
)
def test_tensordot(a, b, dims):
    tensors = numbers(a), numbers(b)
    check(lambda x, y: weft.tensordot(x, y, dims), lambda x, y: numpy.tensordot(x, y, dims), *tensors)
    check_gradient(lambda x, y: weft.tensordot(x, y, dims), *tensors)


PRODUCTS = {
    "dot": (weft.dot, numpy.dot, [(5,), (5,)]),
    "dot of nothing": (weft.dot, numpy.dot, [(0,), (0,)]),
    "vdot": (weft.vdot, numpy.vdot, [(5,), (5,)]),
    "mv": (weft.mv, numpy.dot, [(4, 5), (5,)]),
    "inner": (weft.inner, numpy.inner, [(2, 3, 4), (5, 4)]),
    "inner of a number": (weft.inner, numpy.inner, [(2, 3), ()]),
    "kron": (weft.kron, numpy.kron, [(2, 3), (4, 1, 2)]),
    "kron of numbers": (weft.kron, numpy.kron, [(), (3,)]),
    "multi_dot": (
        lambda *x: weft.linalg.multi_dot(x),
        lambda *x: numpy.linalg.multi_dot(x),
        [(3,), (3, 4), (4, 2), (2,)],
    ),
    "chain_matmul": (weft.chain_matmul, lambda *x: numpy.linalg.multi_dot(x), [(9, 3), (3, 4), (4, 2)]),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("dtype", [weft.float64, weft.float32, weft.int64])
def test_products(name, dtype):
    function, reference, shapes = PRODUCTS[name]
    tensors = [numbers(shape, dtype) for shape in shapes]
    assert check(function, reference, *tensors).dtype is dtype
    if dtype is weft.float64:
        check_gradient(function, *tensors)


SUMS = {
    "addmv": (lambda c, a, b: a @ b, [(4,), (4, 5), (5,)]),
    "addr": (lambda c, a, b: numpy.outer(a, b), [(1, 5), (4,), (5,)]),
    "baddbmm": (lambda c, a, b: a @ b, [(3,), (2, 4, 5), (2, 5, 3)]),
    "addbmm": (lambda c, a, b: (a @ b).sum(0), [(4, 3), (2, 4, 5), (2, 5, 3)]),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", [weft.float64, weft.int64])
def test_sums_with_products(name, dtype):
    product, shapes = SUMS[name]
    function = getattr(weft, name)
    tensors = [numbers(shape, dtype) for shape in shapes]
    for beta, alpha in [(1, 1), (2, 3), (0, 2)]:
        result = check(
            lambda *x, beta=beta, alpha=alpha: function(*x, beta=beta, alpha=alpha),
            lambda *x, beta=beta, alpha=alpha: beta * x[0] + alpha * product(*x),
            *tensors,
        )
        assert result.dtype is dtype
        assert_same_bits(getattr(tensors[0], name)(*tensors[1:], beta=beta, alpha=alpha), result)
    if dtype is weft.float64:
        unknown = weft.full(shapes[0], weft.nan, dtype=dtype)
        assert weft.isfinite(function(unknown, *tensors[1:], beta=0)).all()


def test_autocast():
    x, batch = weft.ones(2, 2), weft.ones(3, 2, 2)
    with weft.autocast("cpu", dtype=weft.bfloat16):
        assert weft.einsum("ij,jk->ik", x, x).dtype is weft.bfloat16
        assert weft.baddbmm(x, batch, batch).dtype is weft.bfloat16
        assert weft.addmv(x[0], x, x[0]).dtype is weft.bfloat16


def test_an_examples_bits_do_not_depend_on_its_batch():
    x, w, v = weft.randn(300, 20), weft.randn(20, 30), weft.randn(30, 5)
    whole = weft.einsum("bi,ij,jk->bk", x, w, v)
    for first, end in ((0, 1), (7, 9), (250, 300)):
        assert_same_bits(weft.einsum("bi,ij,jk->bk", x[first:end], w, v), whole[first:end])
