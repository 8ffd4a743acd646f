"""Reads and writes by index tensors, beside slices, None, Ellipsis, ints and masks: NumPy's results, eager and compiled. An int is
a select(), as in PyTorch: whether index tensors are adjacent is asked of what it leaves."""

import random

import numpy
import pytest
import weft
from conftest import assert_same_bits

SHAPE = (3, 4, 2, 5)


def arrays(shape, dtype="float32"):
    return numpy.arange(numpy.prod(shape), dtype=dtype).reshape(shape)


def both(function, *args):
    """The function's result, eager and compiled, which must agree."""
    eager = function(*args)
    assert_same_bits(weft.compile(function)(*args), eager)
    return eager


def random_key(rng, shape):
    """An index with at least one array: as NumPy takes it, in which ints are slices of one, and as weft does, and the axes that
    are to be squeezed afterwards."""
    size = tuple(rng.choice([1, 3]) for _ in range(rng.randint(0, 2)))
    forms, axis = [], 0
    while axis < len(shape):
        form = rng.choice(["array", "array", "slice", "int", "mask", "list", "all"])
        n = shape[axis]
        if form == "mask" and axis + 1 < len(shape) and rng.random() < 0.3:
            mask = numpy.zeros(shape[axis : axis + 2], bool)
            mask.reshape(-1)[: 3 if 3 in size else 1] = True
            forms.append(("array", mask))
            axis += 1
        elif form == "mask":
            mask = numpy.zeros(n, bool)
            mask[[0, n - 1, n // 2][: 3 if 3 in size and n > 2 else 1]] = True
            forms.append(("array", mask))
        elif form in ("array", "list"):
            index = numpy.array([rng.randrange(-n, n) for _ in range(int(numpy.prod(size)))], "int64").reshape(size)
            forms.append((form if index.ndim else "int", index if index.ndim else int(index)))
        elif form == "int":
            forms.append(("int", rng.randrange(-n, n)))
        elif form == "slice":
            forms.append(("slice", slice(rng.randrange(n), None, rng.choice([None, 1, 2]))))
        else:
            forms.append(("slice", slice(None)))
        axis += 1
    if not any(form in ("array", "list") for form, _ in forms):
        return None
    if rng.random() < 0.3:
        forms.insert(rng.randrange(len(forms) + 1), ("none", None))
    while forms[-1] == ("slice", slice(None)):
        forms.pop()
    return forms


def numpys(array, forms):
    """(a view of the array without the axes of ints, the key for it)."""
    axis, key = 0, []
    for form, value in forms:
        if form == "int":
            array = array[(slice(None),) * axis + (value,)]
            continue
        key.append(value)
        axis += 0 if form == "none" else value.ndim if getattr(value, "dtype", None) == numpy.bool_ else 1
    return array, tuple(key)


def wefts(forms):
    made = {"array": weft.from_numpy, "list": lambda v: v.tolist()}
    return tuple(made.get(form, lambda v: v)(value) for form, value in forms)


@pytest.mark.parametrize("seed", range(60))
def test_any_form_reads_and_writes_as_in_numpy(seed):
    rng = random.Random(seed)
    forms = None
    while forms is None:
        forms = random_key(rng, SHAPE)
    key, array = wefts(forms), arrays(SHAPE)
    view, numpy_key = numpys(array, forms)
    try:
        expected = view[numpy_key]
    except IndexError:  # masks of other counts
        with pytest.raises(IndexError):
            weft.from_numpy(array)[key]
        with pytest.raises(IndexError):
            weft.from_numpy(array)[key] = 0.0
        return
    x = weft.from_numpy(array.copy())
    numpy.testing.assert_array_equal(both(lambda x: x[key], x).numpy(), expected)
    transposed = weft.from_numpy(array.transpose().copy()).permute(3, 2, 1, 0)
    numpy.testing.assert_array_equal(transposed[key].numpy(), expected)

    value = -1 - numpy.arange(max(expected.size, 1), dtype="float32")[: expected.size].reshape(expected.shape)
    for given in (value, value[..., :1] if value.ndim else value, -7.0):
        written = array.copy()
        view, numpy_key = numpys(written, forms)
        view[numpy_key] = given
        operand = given if isinstance(given, float) else weft.from_numpy(given.copy())

        def put(x, operand=operand):
            y = x.clone()
            y[key] = operand
            return y

        numpy.testing.assert_array_equal(both(put, x).numpy(), written)
        y = weft.from_numpy(array.transpose().copy()).permute(3, 2, 1, 0)
        y[key] = operand
        numpy.testing.assert_array_equal(y.numpy(), written)


def test_gradients_of_reads_and_writes():
    i, j = weft.tensor([0, 2, 0]), weft.tensor([1, -1, 1])
    for key in [(i, j), (slice(None), j), (Ellipsis, j), (i, slice(1, 3)), (i, None, j), (weft.arange(3) > 0,)]:
        x = weft.randn(3, 4, dtype=weft.float64, requires_grad=True)
        value = weft.randn(x[key].shape, dtype=weft.float64, requires_grad=True)
        weights = weft.randn(3, 4, dtype=weft.float64)

        def written(x, value, key=key, weights=weights):
            y = x * 1
            y[key] = value
            return (y * weights).sum() + (y[key] * y[key]).sum()

        gradients = weft.autograd.grad(written(x, value), (x, value))
        step = 1e-6
        for tensor, gradient in zip((x, value), gradients):
            for at in numpy.ndindex(*tensor.shape):
                low, high = [tensor.detach().clone().numpy() for _ in range(2)]
                low[at] -= step
                high[at] += step
                ends = [weft.from_numpy(v) for v in (low, high)]
                args = [(end, value) if tensor is x else (x, end) for end in ends]
                slope = (written(*args[1]).item() - written(*args[0]).item()) / (2 * step)
                assert abs(slope - gradient[at].item()) < 1e-6, (key, at)

        @weft.compile
        def compiled(x, value, key=key, written=written):
            return weft.autograd.grad(written(x, value), (x, value))

        for a, b in zip(compiled(x, value), gradients):
            assert_same_bits(a, b)


def test_the_last_of_equal_positions_stays():
    for n in (3, 40, 5000):
        i = weft.tensor([k * 7 % 3 for k in range(n)])
        v = weft.arange(n).float()

        def put(i, v):
            x = weft.zeros(3, 2)
            x[i, 1] = v
            return x

        expected = [max(k for k in range(n) if k * 7 % 3 == row) for row in range(3)]
        assert both(put, i, v)[:, 1].tolist() == expected
        rows = v.unsqueeze(1).expand(n, 70)
        wide = both(lambda i, rows: weft.zeros(3, 70).index_put((i,), rows), i, rows)
        assert wide.tolist() == [[e] * 70 for e in expected]


def test_only_what_stays_gets_the_gradient():
    x, v = weft.zeros(2, requires_grad=True), weft.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x.index_put((weft.tensor([0, 0, 1]),), v)
    (y * weft.tensor([5.0, 7.0])).sum().backward()
    assert v.grad.tolist() == [0.0, 5.0, 7.0] and x.grad.tolist() == [0.0, 0.0]


def test_index_put_adds_in_order():
    i, j = weft.tensor([0, 0, 1, 0]), weft.tensor([1, 1, 0, 1])
    v = weft.tensor([1e8, 1.0, 5.0, -1e8])
    x = weft.ones(2, 2)
    expected = numpy.ones((2, 2), "float32")
    for a, b, value in zip(i.tolist(), j.tolist(), v.numpy()):
        expected[a, b] += value
    result = both(lambda x, v: x.index_put((i, j), v, accumulate=True), x, v)
    numpy.testing.assert_array_equal(result.numpy(), expected)
    assert x.index_put_((i, j), v, True) is x
    numpy.testing.assert_array_equal(x.numpy(), expected)
    mask = weft.tensor([True, False])
    assert x.zero_().index_put_((mask,), weft.tensor([1.0, 2.0])).tolist() == [[1.0, 2.0], [0.0, 0.0]]
    for wrong in ([0, j], (None, j), 3, ()):
        with pytest.raises((TypeError, IndexError), match=r"\[index_put_\]"):
            x.index_put_(wrong, v)


def test_writes_that_do_not_fit():
    x = weft.zeros(3, 4)
    i, j = weft.tensor([0, 2]), weft.tensor([0, 1, 2])
    with pytest.raises(IndexError, match="could not be broadcast together"):
        x[i, j] = 1.0
    with pytest.raises(RuntimeError, match="cannot be broadcast to indexing result of shape"):
        x[i, i] = weft.ones(3)
    with pytest.raises(RuntimeError, match="dtypes match"):
        x[i] = weft.tensor([1, 2, 3, 4])
    with pytest.raises(IndexError, match="out of bounds"):
        x[i, weft.tensor([0, 4])] = 1.0
    with pytest.raises(IndexError, match="too many indices"):
        x[i, i, i] = 1.0
    assert x.abs().max().item() == 0
    x[i, i] = [1, 2]  # Python's and NumPy's numbers take the dtype
    x[numpy.array([1]), numpy.array([1])] = numpy.array([7.0])
    x[i, 3] = True
    assert x.tolist() == [[1, 0, 0, 1], [0, 7, 0, 0], [0, 0, 2, 1]]


def test_an_assignment_that_reads_what_it_writes():
    x = weft.arange(6).float()
    x[weft.tensor([1, 2, 3])] = x[:3]
    assert x.tolist() == [0, 0, 1, 2, 4, 5]


def test_the_position_may_be_computed():
    """A cache of keys, as generation writes it: no value is needed, so that the call is replayed, and exported."""

    class Cache(weft.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("keys", weft.zeros(2, 5, 3))

        def forward(self, x, at):
            self.keys[:, at] = x
            return self.keys * 2

    x = weft.randn(2, 3)
    eager, traced = Cache(), Cache()
    compiled = weft.compile(traced)
    for at in (0, 3, 4, -1):
        assert_same_bits(compiled(x, weft.tensor(at)), eager(x, weft.tensor(at)))
        assert_same_bits(traced.keys, eager.keys)
    assert "replay" in str(weft.explain(traced, x, weft.tensor(1)))
