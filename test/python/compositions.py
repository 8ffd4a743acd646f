"""What every function that is made of operations must hold: first and second gradients, and compiled bits."""

import numpy
import weft

STEP = 1e-5


def as_list(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def total(function, tensors, cotangents=None):
    results = as_list(function(*tensors))
    return sum(((r * c).sum() for r, c in zip(results, cotangents)), start=weft.tensor(0.0, dtype=weft.float64))


def numeric(function, tensors):
    """Finite differences of a function to a number, one array a tensor."""
    found = []
    for i, tensor in enumerate(tensors):
        array = tensor.detach().numpy().copy()
        slopes = numpy.zeros_like(array)
        for at in numpy.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                moved = array.copy()
                moved[at] += sign * STEP
                ends.append(float(function([*tensors[:i], weft.tensor(moved), *tensors[i + 1 :]])))
            slopes[at] = (ends[0] - ends[1]) / (2 * STEP)
        found.append(slopes)
    return found


def check_gradients(function, arrays, second=True):
    """Gradients by all arguments, and those of a fixed combination of these, against finite differences in float64."""
    rng = numpy.random.default_rng(1)
    tensors = [weft.tensor(a.astype(numpy.float64)) for a in arrays]
    cotangents = [weft.tensor(rng.standard_normal(r.shape)) for r in as_list(function(*tensors))]
    directions = [weft.tensor(rng.standard_normal(t.shape)) for t in tensors]

    def first(values, create_graph=False):
        leaves = [v if v.requires_grad else v.detach().requires_grad_() for v in values]
        return weft.autograd.grad(
            total(function, leaves, cotangents), leaves, create_graph=create_graph, allow_unused=True
        )

    def combined(values, create_graph=False):
        terms = [(g * d).sum() for g, d in zip(first(values, create_graph), directions) if g is not None]
        return sum(terms, start=weft.tensor(0.0, dtype=weft.float64))

    for got, want in zip(first(tensors), numeric(lambda values: total(function, values, cotangents), tensors)):
        numpy.testing.assert_allclose(0.0 if got is None else got.numpy(), want, rtol=1e-5, atol=1e-6)
    if second:
        leaves = [t.detach().requires_grad_() for t in tensors]
        value = combined(leaves, create_graph=True)
        wanted = numeric(combined, tensors)
        if value.requires_grad:
            for got, want in zip(weft.autograd.grad(value, leaves, allow_unused=True), wanted):
                numpy.testing.assert_allclose(0.0 if got is None else got.numpy(), want, rtol=1e-4, atol=1e-5)
        else:
            assert all(abs(want).max(initial=0) < 1e-5 for want in wanted)


def check_compiled(function, arrays, dtype=weft.float32):
    """Values and gradients have the same bits eagerly and compiled."""

    def step(*tensors):
        results = as_list(function(*tensors))
        leaves = [t for t in tensors if t.requires_grad]
        gradients = weft.autograd.grad(sum(r.float().sum() for r in results), leaves, allow_unused=True)
        return [r.detach() for r in results], [g for g in gradients if g is not None]

    def inputs():
        return [weft.tensor(a, dtype=dtype).requires_grad_() for a in arrays]

    compiled = weft.compile(step)
    for _ in range(3):
        weft.manual_seed(3)
        eager = step(*inputs())
        weft.manual_seed(3)
        replayed = compiled(*inputs())
        for a, b in zip(eager[0] + eager[1], replayed[0] + replayed[1]):
            assert a.dtype is b.dtype and a.shape == b.shape
            assert a.float().numpy().tobytes() == b.float().numpy().tobytes()
