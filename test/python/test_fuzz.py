"""Random programs of tensor operations: eager = compiled to the bit, gradients too."""

import numpy
import pytest
import weft
from conftest import assert_same_bits

UNARY = ["tanh", "sigmoid", "exp", "neg", "abs", "relu", "sin", "square", "gelu_", "silu", "floor", "sqrt_"]
BINARY = ["add", "sub", "mul", "maximum", "minimum", "div_"]
SHAPES = [(6,), (5, 6), (4, 5, 6), (5, 1), (1, 6), ()]


def random_program(seed):
    """A function of a list of tensors, as a list of steps chosen by the seed."""
    random = numpy.random.RandomState(seed)
    plan = [(random.randint(9), random.rand(), random.rand(), random.rand()) for _ in range(random.randint(4, 14))]

    def run(inputs):
        values = list(inputs)
        for kind, a, b, c in plan:
            x, y = values[int(a * len(values))], values[int(b * len(values))]
            if kind <= 2:
                name = UNARY[int(c * len(UNARY))]
                if name == "gelu_":
                    z = weft.nn.functional.gelu(x)
                elif name == "sqrt_":
                    z = (x * x + 1).sqrt()
                else:
                    z = getattr(weft, name)(x if name != "exp" else x.clamp(max=3.0))
            elif kind <= 5:
                name = BINARY[int(c * len(BINARY))]
                try:
                    numpy.broadcast_shapes(tuple(x.shape), tuple(y.shape))
                except ValueError:
                    y = x
                z = x / (y * y + 1) if name == "div_" else getattr(weft, name)(x, y)
            elif kind == 6 and x.ndim:
                dim = int(c * x.ndim)
                z = [x.sum, x.mean, x.amax][int(b * 3)](dim, b > 0.5)
            elif kind == 7 and x.ndim:
                z = weft.softmax(x, int(c * x.ndim))
            elif x.ndim >= 2:
                z = [
                    x.transpose(0, -1),
                    x.reshape(-1),
                    x[..., : max(1, x.shape[-1] // 2)],
                    x.flip(0),
                    weft.where(x > 0, x, x * 0.1),
                ][int(c * 5)]
            else:
                z = x + 1
            values.append(z)
        return values[len(inputs) :]

    return run


@pytest.mark.parametrize("seed", range(40))
def test_forward(seed):
    random = numpy.random.RandomState(1000 + seed)
    inputs = [weft.from_numpy(numpy.asarray(random.randn(*s), "float32")) for s in SHAPES]
    program = random_program(seed)
    compiled = weft.compile(program)
    eager = program(inputs)
    for _ in range(2):
        for i, (a, b) in enumerate(zip(compiled(inputs), eager)):
            try:
                assert_same_bits(a, b)
            except AssertionError as error:
                raise AssertionError(f"value {i} of program {seed}: {error}") from None


@pytest.mark.parametrize("seed", range(100, 115))
def test_gradients(seed):
    random = numpy.random.RandomState(1000 + seed)
    inputs = [weft.from_numpy(numpy.asarray(random.randn(*s), "float32")).requires_grad_() for s in SHAPES]
    program = random_program(seed)

    def step(tensors):
        values = program(tensors)
        total = sum((v.sum() for v in values[1:]), values[0].sum())
        return weft.autograd.grad(total, tensors, allow_unused=True)

    compiled = weft.compile(step)
    eager = step(inputs)
    for _ in range(2):
        for i, (a, b) in enumerate(zip(compiled(inputs), eager)):
            assert (a is None) == (b is None), f"gradient {i} of program {seed}"
            if a is not None:
                assert_same_bits(a, b)
