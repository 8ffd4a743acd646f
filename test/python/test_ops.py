"""Every op of the table, from its record: the forward result against the record's NumPy expression for every dtype, gradients
against finite differences in float64, second order, layouts, and eager = compiled to the bit."""

import textwrap

import numpy
import pytest
import weft
from conftest import NUMPY_DTYPES, array_of, assert_same_bits, op_records

try:
    import scipy.special  # noqa: F401
except ImportError:
    scipy = None

RECORDS = {r["name"]: r for r in op_records()}
# Relative precision of a result, and how often roundings may add up in it.
EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}


class Examples:
    """Evaluates a record's examples: F, P, I and B make arrays of floats in the domain, of pairs of them, of indices, of bools."""

    def __init__(self, record, category="float", seed=0):
        self.random = numpy.random.RandomState(seed)
        self.low, self.high = eval(record["domain"]) if record["domain"] else (-2, 2)
        self.category = category

    def F(self, *shape):
        if self.category == "bool":
            return self.random.rand(*shape) < 0.5 if shape else numpy.bool_(True)
        values = self.random.uniform(self.low, self.high, shape)
        if self.category == "int":
            return numpy.asarray(numpy.maximum(numpy.round(values * 3), 0 if self.low >= 0 else -5)).astype("int64")
        return numpy.asarray(values)

    def I(self, *shape, high):  # noqa: E743
        return numpy.asarray(self.random.randint(0, high, shape))

    def B(self, *shape):
        return numpy.asarray(self.random.rand(*shape) < 0.5)

    def P(self, *shape):
        return self.F(*shape, 2)

    def __call__(self, text):
        return eval(text, {"F": self.F, "P": self.P, "I": self.I, "B": self.B, "dict": dict})


def split(record, values):
    """An example's operands (None where absent) and attributes, in the record's order."""
    operands = [values.get(name) for name in record["operands"]]
    attrs = [values[a["name"]] if a["name"] in values else eval(a["default"] or "None") for a in record["attrs"]]
    return operands, attrs


def reference(record, operands, attrs):
    names = [*record["operands"], *(a["name"] for a in record["attrs"])]
    scope = {"numpy": numpy, "scipy": scipy}
    exec(f"def f({', '.join(names)}):\n" + textwrap.indent(record["numpy"], "    "), scope)
    with numpy.errstate(all="ignore"):
        return scope["f"](*operands, *attrs)


def to_tensor(array, dtype):
    """Floats get the dtype under test; indices and masks keep theirs. float64 values rounded by weft itself."""
    if array is None:
        return None
    if isinstance(array, list):
        return [to_tensor(a, dtype) for a in array]
    array = numpy.asarray(array)
    tensor = weft.from_numpy(numpy.ascontiguousarray(array).reshape(array.shape).copy())
    return tensor.to(getattr(weft, dtype)) if dtype and array.dtype == numpy.float64 else tensor


def call(record, operands, attrs):
    attrs = [getattr(weft, a) if isinstance(a, str) else a for a in attrs]
    return getattr(weft._ops, record["name"])(*operands, *attrs)


def results_of(value):
    """Those of an op with several results, or the one."""
    return value if isinstance(value, tuple) else (value,)


def cases(want=lambda r: True):
    for record in RECORDS.values():
        if want(record) and record["examples"] and record["numpy"]:
            for i, example in enumerate(record["examples"]):
                yield pytest.param(record, example, id=f"{record['name']}-{i}")


def dtype_cases():
    for record in RECORDS.values():
        if not record["examples"] or not record["numpy"]:
            continue
        categories = record["dtypes"] if isinstance(record["dtypes"], list) else record["dtypes"].split()
        for category in categories or ["none"]:
            for dtype in NUMPY_DTYPES.get(category, [""]):
                yield pytest.param(record, category, dtype, id=f"{record['name']}-{dtype}")


@pytest.mark.parametrize("record, category, dtype", list(dtype_cases()))
def test_forward(record, category, dtype):
    if "scipy" in record["numpy"] and scipy is None:
        pytest.skip("the reference needs SciPy")
    for example in record["examples"][: 1 if dtype in ("int8", "int16", "uint8", "uint16", "uint32") else None]:
        operands, attrs = split(record, Examples(record, category)(example))
        if dtype and category == "int":
            operands = [
                a.astype(dtype) if isinstance(a, numpy.ndarray) and not is_index(record, n) else a
                for n, a in zip(record["operands"], operands)
            ]
        tensors = [to_tensor(a, dtype if category == "float" else None) for a in operands]
        results = results_of(call(record, tensors, attrs))
        # The reference sees the values as the dtype holds them, in float64.
        exact = [
            None if t is None else [array_of(x) for x in t] if isinstance(t, list) else array_of(t) for t in tensors
        ]
        if record["name"] in ("sum", "prod", "cumsum", "cumprod") and category == "int":
            exact = [a.astype("int64") for a in exact]  # integers are added in int64
        wanted = results_of(reference(record, exact, attrs))
        assert len(results) == len(wanted) == len(record["results"])
        for result, expected in zip(results, map(numpy.asarray, wanted)):
            assert tuple(result.shape) == expected.shape
            got = array_of(result)
            if result.dtype.is_floating_point:
                epsilon = EPSILON[result.dtype.name]
                slack = 40 if record["family"] in ("Elementwise", "Shape", "Indexing", "Creation") else 400
                numpy.testing.assert_allclose(
                    got, expected, rtol=slack * epsilon, atol=slack * epsilon * (1 + numpy.abs(expected).max(initial=0))
                )
            else:
                numpy.testing.assert_array_equal(got, expected)


def is_index(record, name):
    return name in ("index", "target") and record["family"] in ("Indexing", "Composite") or name == "condition"


def differentiable(record):
    return record["differentiable"]


@pytest.mark.parametrize("record, example", list(cases(differentiable)))
def test_gradient(record, example):
    """Derivatives along random directions against central differences."""
    operands, attrs = split(record, Examples(record)(example))
    attrs = ["float64" if a == "float32" else a for a in attrs]
    if record["name"] in ("amax", "amin", "cummax", "cummin") and operands[0].size > 1000:
        pytest.skip("two elements are closer than the step")
    random = numpy.random.RandomState(1)
    flat = operands[0] if record["variadic"] else operands
    float_positions = [i for i, a in enumerate(flat) if a is not None and numpy.asarray(a).dtype == numpy.float64]
    if not float_positions:
        pytest.skip("no operand to differentiate by")

    def forward(values):
        """The results that have a gradient."""
        tensors = [t if isinstance(t, weft.Tensor) or t is None else to_tensor(t, "float64") for t in values]
        results = results_of(call(record, [tensors] if record["variadic"] else tensors, attrs))
        return [y.double() for y in results if y.dtype.is_floating_point]

    if not forward(flat):
        pytest.skip("the result has no gradient")
    weights = [weft.from_numpy(random.uniform(0.5, 1.5, tuple(y.shape))) for y in forward(flat)]

    def loss(values):
        return sum((y * w).sum() for y, w in zip(forward(values), weights))

    inputs = [to_tensor(a, "float64") if a is not None else None for a in flat]
    for i in float_positions:
        inputs[i].requires_grad_()
    gradients = weft.autograd.grad(
        loss(inputs), [inputs[i] for i in float_positions], create_graph=True, allow_unused=True
    )
    step = 1e-5
    for position, gradient in zip(float_positions, gradients):
        if (record["name"], position) in (("cross_entropy", 2), ("zeta", 0)):
            continue  # the weights of the classes and zeta's exponents have no derivative, as in PyTorch
        direction = random.uniform(-1, 1, numpy.shape(flat[position]))
        ahead = [*flat[:position], flat[position] + step * direction, *flat[position + 1 :]]
        behind = [*flat[:position], flat[position] - step * direction, *flat[position + 1 :]]
        numeric = (loss(ahead).item() - loss(behind).item()) / (2 * step)
        exact = 0.0 if gradient is None else float((array_of(gradient) * direction).sum())
        assert exact == pytest.approx(numeric, rel=2e-5, abs=2e-6), (
            f"by {record['operands'][0 if record['variadic'] else position]}"
        )


SECOND_ORDER = [
    "cumsum",
    "cumprod",
    "linear_scan",
    "logcumsumexp",
    "lgamma",
    "polygamma",
    "erfinv",
    "i0",
    "sinc",
    "tanh",
    "exp",
    "log",
    "mul",
    "div",
    "sigmoid",
    "softmax",
    "layer_norm",
    "gelu",
    "matmul",
    "sum",
    "sqrt",
    "linear",
]


@pytest.mark.parametrize("name", [n for n in SECOND_ORDER if n in RECORDS])
def test_second_order(name):
    record = RECORDS[name]
    operands, attrs = split(record, Examples(record)(record["examples"][0]))
    inputs = [to_tensor(a, "float64") for a in operands]
    for t in inputs:
        t.requires_grad_()
    random = numpy.random.RandomState(2)
    direction = [weft.from_numpy(numpy.asarray(random.uniform(-1, 1, a.shape))) for a in operands]

    def slope(values):
        """The derivative along the direction, as a function of the point."""
        y = (call(record, values, attrs) ** 2).sum()
        gradients = weft.autograd.grad(y, values, create_graph=True)
        total = (gradients[0] * direction[0]).sum()
        for g, d in zip(gradients[1:], direction[1:]):
            total = total + (g * d).sum()
        return total

    second = weft.autograd.grad(slope(inputs), inputs, allow_unused=True)
    step = 1e-5
    for i, gradient in enumerate(second):
        shift = random.uniform(-1, 1, operands[i].shape)

        def at(sign, i=i, shift=shift):
            moved = [
                to_tensor(a + sign * step * shift if j == i else a, "float64").requires_grad_()
                for j, a in enumerate(operands)
            ]
            return slope(moved).item()

        numeric = (at(1) - at(-1)) / (2 * step)
        exact = 0.0 if gradient is None else float((array_of(gradient) * shift).sum())
        assert exact == pytest.approx(numeric, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("record, example", list(cases()))
def test_compiled_has_the_same_bits(record, example):
    operands, attrs = split(record, Examples(record)(example))
    dtype = None if record["family"] == "Creation" else "float32"
    if not (set(record["dtypes"]) & {"float"}) and record["family"] not in ("Creation",):
        operands, attrs = split(record, Examples(record, record["dtypes"][0])(example))
    tensors = [to_tensor(a, dtype) for a in operands]
    function = weft.compile(lambda *values: call(record, values, attrs))
    eager = call(record, tensors, attrs)
    assert_same_bits(function(*tensors), eager)
    assert_same_bits(function(*tensors), eager)  # the replay
    assert weft.explain(function, *tensors).mode == "replay"


def layouts(tensor):
    """The same values in other memory: transposed, with gaps, at an offset."""
    if tensor.ndim >= 2:
        yield tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if tensor.ndim >= 1 and tensor.shape[-1] > 0:
        wide = weft.stack([tensor, tensor], tensor.ndim)
        yield wide.select(wide.ndim - 1, 1)
    shifted = weft.cat([tensor.reshape(-1)[:1], tensor.reshape(-1)])
    yield shifted[1:].view(tensor.shape)


@pytest.mark.parametrize("record, example", list(cases(lambda r: "float" in r["dtypes"] and not r["variadic"])))
def test_layouts(record, example):
    operands, attrs = split(record, Examples(record)(example))
    tensors = [to_tensor(a, "float32") for a in operands]
    plain = call(record, tensors, attrs)
    for i, tensor in enumerate(tensors):
        if tensor is None or tensor.numel() == 0:
            continue
        for other in layouts(tensor):
            assert_same_bits(call(record, [*tensors[:i], other, *tensors[i + 1 :]], attrs), plain)
