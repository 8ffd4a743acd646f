"""An exported function does what the function does, call after call, or export refuses it; and export changes nothing."""

import ctypes
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import time

import numpy
import pytest
import weft
from artifact import AOT, Artifact, build
from conftest import assert_same_bits, bits
from weft import nn
from weft.nn import functional as F

needs_aot = pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")


class Stateful(nn.Module):
    """Buffers written as a whole, by parts, replaced, counted; another is only read."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("mean", weft.zeros(3))
        self.register_buffer("history", weft.zeros(5, 3))
        self.register_buffer("at", weft.tensor([0]))
        self.register_buffer("scale", weft.ones(3))
        self.hidden = weft.zeros(2, 3)

    def forward(self, x):
        y = self.linear(x)
        with weft.no_grad():
            self.mean.mul_(0.9).add_(y.mean(0) * 0.1)
            self.history.copy_(weft.where(weft.arange(5)[:, None] == self.at % 5, y[:1], self.history))
            self.history[1:, 0].add_(1)
            self.at += 1
        self.hidden = F.tanh(self.hidden + y.detach())
        return y - self.mean, self.hidden * self.scale, self.history.sum(0)


def dropout_and_noise():
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3), nn.Dropout(0.25))


def training_step():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-2)

    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step


def accumulate():
    weight = weft.ones(4, requires_grad=True)
    weight.grad = weft.zeros(4)

    def function(x):
        (weight * x).sum().backward()
        return weight.grad * 1

    return function


def detached(x):
    return x.detach() * 2 + x.data + x.t().detach().t()


def unused(x, register, y):
    return x - y


def writes(x, y):
    parts = y[:, 1::3]
    x.mul_(2)
    y[:, ::2].mul_(-1.0)
    y[0] += x[0].sum()
    return parts, x.t()


def swaps(x, y):
    kept = x.clone()
    x.copy_(y)
    y.copy_(kept)
    return x + y


def nested(pair, options):
    first, (second,) = pair
    return {"sum": first + second * options["scale"], "both": [first, second]}


def random_numbers(x):
    return weft.rand(3), x + weft.randn(2, 3), F.dropout(x, 0.5)


def closure():
    total = weft.zeros(3)
    last = weft.zeros(3)

    def function(x):
        nonlocal last
        total.add_(x)
        before, last = last, x * 2
        return total, before

    return function


def parts_of_outside():
    """Views of one memory, and one that no strides of a graph express; the memory is written or not."""
    table, still = weft.randn(6, 7), weft.randn(6, 7)
    rows, odd, column = table[1:3], table.reshape(42)[5:40:3], still.t()[2]

    def function(x):
        table[2] = x
        return rows * 2, odd + 1, column * 1, still[0] + x[0]

    return function


class Cache(nn.Module):
    """Written where tensors say, as a cache of keys is; and a buffer with the name of what holds the random stream."""

    def __init__(self):
        super().__init__()
        self.register_buffer("keys", weft.zeros(2, 5, 3))
        self.register_buffer("counts", weft.zeros(4, 4))
        self.register_buffer("generator", weft.ones(3))

    def forward(self, x, at, i):
        self.keys[:, at[0]] = x
        self.counts[i, i.flip(0)] = x[0].mul(2)
        self.counts.index_put_((i,), weft.ones(4), accumulate=True)
        self.generator.add_(weft.rand(3))
        return self.keys * self.generator, self.counts[i, 1:]


def draw(*shape):
    return lambda: weft.randn(*shape)


CASES = {
    "stateful": (Stateful, draw(2, 4)),
    "eval": (lambda: Stateful().eval(), draw(2, 4)),
    "dropout": (dropout_and_noise, draw(6, 4)),
    "training": (training_step, draw(5, 4), lambda: weft.randint(0, 3, (5,))),
    "accumulate": (accumulate, draw(4)),
    "detached": (lambda: detached, draw(3, 3)),
    "unused": (lambda: unused, draw(2), draw(3), draw(2)),
    "writes": (lambda: writes, draw(3, 2), draw(4, 17)),
    "swaps": (lambda: swaps, draw(3), draw(3)),
    "random": (lambda: random_numbers, draw(2, 3)),
    "closure": (closure, draw(3)),
    "parts": (parts_of_outside, draw(7)),
    "cache": (Cache, draw(2, 3), lambda: weft.tensor([3]), lambda: weft.tensor([0, 2, 0])),
    "nothing returned": (lambda: lambda x: [x.add_(1), None][1], draw(3)),
}


def leaves(value):
    if isinstance(value, weft.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value or ()
    return [t for item in values for t in leaves(item)]


@needs_aot
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weights", ["embedded", "external"])
def test_three_calls_give_the_bits_of_three_eager_calls(tmp_path, name, weights):
    make, *draws = CASES[name]
    weft.manual_seed(1)
    function = make()
    first = [make() for make in draws]
    before = state_of(function)
    artifact = Artifact(function, tuple(t.clone() for t in first), tmp_path, f"--weights={weights}")
    assert state_of(function) == before
    weft.manual_seed(11)
    if "model_seed" in artifact.header:
        artifact.seed(11)
    mine, theirs = ([t.clone() for t in first] for _ in range(2))
    for _ in range(3):
        expected = leaves(function(*theirs))
        for got, want in zip([*artifact(*mine), *mine], [*expected, *theirs], strict=True):
            assert_same_bits(got, want)
    if isinstance(function, nn.Module):
        for name, buffer in function.named_buffers():
            if name in artifact.header:
                assert_same_bits(artifact.state(name, buffer), buffer)


def state_of(function):
    """What export must leave alone."""
    found = [weft.get_rng_state() if hasattr(weft, "get_rng_state") else weft._C.generator_state()]
    if isinstance(function, nn.Module):
        for module in function.modules():
            found.append(sorted((k, id(v)) for k, v in vars(module).items()))
            found += [sorted((k, id(v)) for k, v in table.items()) for table in (module._buffers, module._parameters)]
        found += [(n, bits(t), t._version, t.requires_grad, t.grad is None) for n, t in
                  [*function.named_parameters(), *function.named_buffers()]]  # fmt: skip
    return repr(found)


@needs_aot
def test_instances_are_independent_and_begin_as_exported(tmp_path):
    model, x = Stateful(), weft.randn(2, 4)
    artifact = Artifact(model, (x,), tmp_path)
    other = artifact.create()
    expected = [bits(t) for t in artifact(x)]
    assert [bits(t) for t in artifact(x)] != expected
    assert [bits(t) for t in artifact(x, instance=other)] == expected
    assert bits(artifact.state("mean", model.mean)) != bits(artifact.state("mean", model.mean, other))
    assert artifact.state("nothing", model.mean) is None
    artifact.library.model_destroy(other)


@needs_aot
def test_state_survives_weft_opt(tmp_path):
    """The text says all of it: read and printed again, it is the same model."""
    model, x = Stateful(), weft.randn(2, 4)
    expected = [bits(t) for t in Artifact(model, (x,), tmp_path)(x)]
    opt = pathlib.Path(AOT).with_name("weft-opt")
    printed = subprocess.run([opt, "model.mlir"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    (tmp_path / "model.mlir").write_text(printed.stdout)
    assert [bits(t) for t in Artifact.of(tmp_path, output="printed.so")(x)] == expected


@needs_aot
def test_without_a_seed_the_numbers_are_those_of_a_new_process(tmp_path):
    artifact = Artifact(lambda: weft.rand(5), (), tmp_path)
    program = "import weft; print(weft._C.raw_bytes(weft.rand(5)).hex())"
    eager = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert weft._C.raw_bytes(artifact()[0]).hex() == eager.stdout.strip()


@needs_aot
def test_a_check_fails_before_anything_is_written(tmp_path):
    """Also of an index that is state: it is in bounds when exported, and is not later."""
    table, position = weft.randn(3, 2), weft.tensor([0])

    def function(x):
        row = table[position]
        position.add_(1)
        x.add_(1)
        return row

    artifact = Artifact(function, (weft.zeros(2),), tmp_path)
    x = weft.zeros(2)
    for i in range(3):
        assert_same_bits(artifact(x)[0], table[i : i + 1])
    with pytest.raises(RuntimeError, match=r"out of bounds for dimension with size 3.*test_export.py"):
        artifact(x)
    assert x.tolist() == [3, 3] and artifact.state(f"state{1}", position).tolist() == [3]


@needs_aot
def test_one_tensor_given_for_two_arguments(tmp_path):
    x = weft.randn(3)
    artifact = Artifact(lambda a, b: a - 2 * b, (x, x), tmp_path)
    a, b = weft.randn(3), weft.randn(3)
    assert_same_bits(artifact(a, b)[0], a - 2 * b)


@needs_aot
def test_the_c_interface(tmp_path):
    """Without state it is a function of arrays; names that C does not allow are changed."""

    def function(int, é, s0, *rest):
        return int + s0, rest[0] * 2

    artifact = Artifact(function, tuple(weft.zeros(2) for _ in range(5)), tmp_path)
    assert re.search(
        r"int model_run\(const float \*int_, const float \*__, const float \*s0, const float \*rest_0, const float \*rest_1, "
        r"float \*output0, float \*output1\);",
        artifact.header,
    )
    assert "instance" not in artifact.header


@needs_aot
def test_null_is_an_error(tmp_path):
    artifact = Artifact(lambda x, y: x.add_(y), (weft.zeros(2), weft.zeros(2)), tmp_path)
    array = (ctypes.c_float * 2)(1, 2)
    for given, name in (((None, array, array), "x"), ((array, None, array), "y"), ((array, array, None), "output0")):
        assert artifact.library.model_run(*given) == 1 and artifact.error() == f"the array {name} is null"
    stateful = Artifact(dropout_and_noise(), (weft.zeros(1, 4),), tmp_path, output="stateful.so")
    assert stateful.library.model_run(None, array, array) == 1 and "the instance is null" in stateful.error()
    assert stateful.library.model_state(None, b"generator") == 0
    stateful.seed(1, ctypes.c_void_p(None))
    stateful.library.model_destroy(None)


@needs_aot
def test_a_weight_of_a_dtype_that_weft_has_not(tmp_path):
    """It is refused where the model reads it."""
    weft.export(nn.Linear(2, 2), (weft.zeros(1, 2),), tmp_path / "model.mlir")
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])

    def write(**entries):
        text = json.dumps({**header, **entries}).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + size :])
        return build(tmp_path)

    assert write(other={"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}).returncode == 0
    refused = write(bias={"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]})
    assert "the weight bias is F8_E4M3[1] in model.safetensors, which weft has not" in refused.stderr


# ---------------------------------------------------------------- What is refused


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.seen = []
        self.cache = None
        self.steps = itertools.count()
        self.weight = nn.Parameter(weft.ones(3))
        self.twice = self.again = weft.zeros(3)
        self.table = weft.zeros(3)
        self.row = self.table[:2]

    def forward(self, x):
        return x

    def counts(self, x):
        self.calls += 1
        return x * self.calls

    def caches(self, x):
        if self.cache is None:
            self.cache = x * 2
        return x + self.cache

    def grows(self, x):
        self.seen.append(x * 2)
        return x

    def adds(self, x):
        self.extra = 3
        return x

    def casts(self, x):
        self.calls = x * 2
        return x

    def accumulates(self, x):
        (self.weight * x).sum().backward()
        return self.weight.grad * 2

    def replaces(self, x):
        self.twice = x * 2
        return x

    def replaces_shared(self, x):
        self.table = self.row.sum() + x
        return x

    def freezes(self, x):
        self.weight.requires_grad_(False)
        return x * self.weight

    def data(self, x):
        self.cache.data = x
        return x


def branches(x):
    return x * 2 if x.sum() > 0 else x


def swallows(x):
    try:
        return x * x.sum().item()
    except Exception:
        return x


REFUSED = [  # function, what the error says
    (branches, "test_export.py:LINE: the value of a tensor was read"),
    (swallows, "the value of a tensor was read"),
    (lambda x: x * x.sum().item(), r"\[export\] test_export.py:LINE: the value of a tensor was read"),
    (lambda x: x * float(x[0]), "the value of a tensor was read"),
    (lambda x: weft.from_numpy(x.numpy() * 2), r"\[export\] test_export.py:LINE: the value of a tensor was read"),
    (lambda x: [print(x), x][1], "the value of a tensor was read"),
    (lambda x: x * time.time(), "calls time.time"),
    (lambda x: x * random.random(), r"calls .*random\(\)"),
    (lambda x: x * float(numpy.random.rand()), r"test_export.py:LINE: it can draw from numpy.random"),
    (lambda x: [weft.manual_seed(3), weft.rand(3)][1], "calls manual_seed"),
    (lambda x: weft.from_numpy(numpy.zeros(3, "float32")).add_(x), "an array of NumPy"),
    (lambda x: [1, x._version][1] + x, "reads how often"),
    (Counting().counts, "test_export.py:LINE: it changes .*calls"),
    (Counting().caches, "test_export.py:LINE: it changes .*cache.*call the function once before"),
    (Counting().adds, "test_export.py:LINE: it changes .*extra"),
    (Counting().casts, "test_export.py:LINE: it changes .*calls"),
    (Counting().grows, r"test_export.py:LINE: it changes len\(.*seen"),
    (Counting().accumulates, "test_export.py:LINE: it adds to the gradient"),
    (Counting().replaces, "test_export.py:LINE: it replaces .*twice.*but .* are one tensor"),
    (
        Counting().replaces_shared,
        "test_export.py:LINE: the function replaces .*table, whose memory another tensor shares",
    ),
    (Counting().freezes, "test_export.py:LINE: it changes whether a tensor requires grad"),
    (lambda x: object(), "must return tensors"),
    (lambda x: 3, "must return tensors"),
]


def test_what_raises_leaves_everything_as_it_was(tmp_path):
    model, x = Stateful(), weft.randn(2, 4)
    before = state_of(model)

    def function(x):
        model.hidden = model(x)[1] * 2
        model.added = 3
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        weft.export(function, (x,), tmp_path / "model.mlir")
    assert state_of(model) == before


@pytest.mark.parametrize("function, message", REFUSED, ids=lambda v: getattr(v, "__name__", None))
def test_refused(tmp_path, function, message):
    x = weft.randn(3)
    before = bits(x), state_of(getattr(function, "__self__", None))
    line = r"\d+" if "LINE" in message else ""
    for _ in range(2):  # what the first one changed is as it was
        with pytest.raises((NotImplementedError, TypeError), match=message.replace("LINE", line)) as refused:
            weft.export(function, (x,), tmp_path / "model.mlir")
        assert "export" in str(refused.value)
    assert (bits(x), state_of(getattr(function, "__self__", None))) == before
    assert not (tmp_path / "model.mlir").exists()
