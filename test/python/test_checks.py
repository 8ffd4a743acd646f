"""Indices out of bounds and integers divided by 0 that a compiled program computes: the error is eager's, and nothing has changed."""

import pathlib
import shutil
import subprocess
import sys

import pytest
import weft
from conftest import assert_same_bits
from weft import nn

F = nn.functional

X = weft.arange(12).reshape(4, 3)
W = weft.randn(4, 3)
ONES, THREES = weft.ones(4, 3, dtype=weft.int64), weft.full((4, 3), 3, dtype=weft.int64)


# name: (function, arguments that are fine, arguments that are not)
FUNCTIONS = {
    "floor_divide": (lambda x, y: x // (y - 1), (X, THREES), (X, ONES)),
    "remainder": (lambda x, y: x % (y - 1) + 1, (X, THREES), (X, ONES)),
    "fmod": (lambda x, y: weft.fmod(x, y - 1), (X, THREES), (X, ONES)),
    "a number by a tensor": (lambda x: 7 // (x * 2), (THREES,), (X,)),
    "int8": (lambda x: x // (x - 1), (THREES.to(weft.int8),), (ONES.to(weft.int8),)),
    "uint8": (lambda x: x % (x - 1), (THREES.to(weft.uint8),), (ONES.to(weft.uint8),)),
    "bools": (lambda x: x // (x > 0).to(weft.int32), (ONES,), (X,)),
    "a row": (lambda x: x // (x[0] - 3), (X + 4,), (X + 2,)),
    "an input": (lambda x, y: x // y, (X, ONES), (X, X)),
    "a view of an input": (lambda x: x // x[1:2, 1:2], (X,), (X - 4,)),
    "nobody reads it": (lambda x, y: (x // (y - 1), x)[1], (X, THREES), (X, ONES)),
    "in place": (lambda x, y: (x + 1).remainder_(y - 1), (X, THREES), (X, ONES)),
    "index": (lambda w, i: w[i * 2], (W, weft.tensor([0, 1])), (W, weft.tensor([0, 2]))),
    "index from the end": (lambda w, i: w[i - 6], (W, weft.tensor([2, 9])), (W, weft.tensor([1, 9]))),
    "two indices": (lambda w, i: w[i * 2, i + 1], (W, weft.tensor([0, 1])), (W, weft.tensor([0, 2]))),
    "embedding": (lambda w, i: F.embedding(i * 2, w), (W, weft.tensor([0, 1])), (W, weft.tensor([1, 2]))),
    "index_select": (lambda w, i: w.index_select(1, i - 1), (W, weft.tensor([1, 3])), (W, weft.tensor([0, 3]))),
    "gather": (lambda w, i: w.gather(0, i + 1), (W, X[:1]), (W, X[1:2])),
    "scatter_add": (lambda w, i: w.scatter_add(0, i + 1, w), (W, X % 3), (W, X % 4)),
    "cross_entropy": (lambda w, i: F.cross_entropy(w, i - 100), (W, weft.tensor([0, 0, 102, 100])), (W, X[1] * 100)),
    "nll_loss": (lambda w, i: F.nll_loss(w, i - 1), (W, weft.tensor([1, 2, 3, 3])), (W, weft.tensor([1, 2, 3, 4]))),
    "one_hot": (lambda i: F.one_hot(i + 1, 13), (X,), (X - 2,)),
    "one_hot of an input": (lambda i: F.one_hot(i, 13), (X,), (X + 2,)),
}
# cross_entropy's targets have the size of the batch
FUNCTIONS["cross_entropy"] = (
    lambda w, i: F.cross_entropy(w, i - 100),
    (W, weft.tensor([0, 101, 102, 100])),
    (W, weft.tensor([0, 101, 103, 100])),
)


def error(function, *args):
    with pytest.raises((IndexError, RuntimeError)) as info:
        function(*args)
    return info.type, str(info.value)


@pytest.mark.parametrize("fuse", ["1", "0"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_eagers(name, fuse, monkeypatch):
    monkeypatch.setenv("WEFT_FUSE", fuse)
    function, good, bad = FUNCTIONS[name]
    compiled, expected = weft.compile(function), error(function, *bad)
    assert "out of bounds" in expected[1] or "ZeroDivisionError" in expected[1] or "classes" in expected[1]
    for _ in range(2):
        assert_same_bits(compiled(*good), function(*good))
        assert error(compiled, *bad) == expected
    fresh = weft.compile(function)
    assert error(fresh, *bad) == expected
    assert_same_bits(fresh(*good), function(*good))
    assert weft.explain(compiled, *good).mode == "replay"


def a_step(seed=0):
    weft.manual_seed(seed)
    table, layer = nn.Embedding(8, 16), nn.Linear(16, 8)
    optimizer = weft.optim.Adam([*table.parameters(), *layer.parameters()], lr=0.01)

    def step(tokens):
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(table(tokens * 2)), tokens + 1)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, [*table.parameters(), *layer.parameters()]


def test_a_training_step_that_fails_has_changed_nothing():
    good, bad, worse = weft.tensor([0, 1, 3]), weft.tensor([0, 4, 2]), weft.tensor([0, 7, -1])
    step, parameters = a_step()
    reference, others = a_step()
    compiled = weft.compile(step)
    # The first failure is in a trace (of a step that is not replayable yet, since it makes Adam's state), the others in replays.
    for tokens in (good, good, good, bad, good, worse, good):
        state = weft.get_rng_state() if hasattr(weft, "get_rng_state") else None
        if tokens is good:
            assert_same_bits(compiled(tokens), reference(tokens))
        else:
            before = [(p.detach().clone(), p._version) for p in parameters]
            assert error(compiled, tokens) == error(reference, tokens)
            for p, (value, version) in zip(parameters, before):
                assert_same_bits(p, value)
                assert p._version == version and p.grad is None
        for p, q in zip(parameters, others):
            assert_same_bits(p, q)
            assert (p.grad is None) == (q.grad is None)
        del state
    assert weft.explain(compiled, good).mode == "replay"


def test_a_first_call_that_fails_has_changed_nothing():
    w = weft.randn(4, requires_grad=True)
    w.grad = weft.ones(4)
    counter = weft.zeros(1, dtype=weft.int64)

    def step(i):
        counter.add_(1)
        w.grad = None
        w[i * 2].sum().backward()
        with weft.no_grad():
            w.sub_(w.grad)

    def state():
        return [counter.item(), w.tolist(), w._version, None if w.grad is None else w.grad.tolist()]

    before = state()
    twin = [weft.zeros(1, dtype=weft.int64)]
    assert error(weft.compile(step), weft.tensor([5]))[0] is IndexError
    # As eagerly: what comes before the failure has been done, once.
    assert state() == [1, before[1], before[2], None] and twin
    compiled = weft.compile(step)
    for i in (0, 1):
        compiled(weft.tensor([i]))
    assert counter.item() == 3
    assert error(compiled, weft.tensor([2]))[0] is IndexError
    assert counter.item() == 4


def test_python_may_catch_it():
    def function(x, i):
        try:
            return x[i * 2]
        except IndexError:
            return x * 0
        finally:
            x.add_(1)

    for order in ((1, 9, 1, 9), (9, 1, 9, 1)):
        compiled, x, y = weft.compile(function), X.clone(), X.clone()
        for i in order:
            assert_same_bits(compiled(x, weft.tensor([i])), function(y, weft.tensor([i])))
            assert_same_bits(x, y)

    def of_an_input(x, i):
        try:
            return x[i]
        except IndexError:
            return x * 0

    compiled = weft.compile(of_an_input)
    for i in (9, 1, 9, 1):
        assert_same_bits(compiled(X, weft.tensor([i])), of_an_input(X, weft.tensor([i])))


def test_random_numbers_are_not_drawn():
    def function(i):
        x = weft.randn(4)
        return x[i * 2], weft.rand(3)

    compiled = weft.compile(function)
    results = []
    for run in (compiled, function):
        weft.manual_seed(3)
        results.append([])
        for i in (0, 1, 3, 1):
            if i < 2:
                results[-1] += [t.tolist() for t in run(weft.tensor([i]))]
            else:
                error(run, weft.tensor([i]))
    assert results[0] == results[1]


def test_code_that_runs_as_python_fails_at_its_line(capsys):
    def function(x, y):
        z = x // (y - 1)
        print("divided")
        return z

    compiled = weft.compile(function)
    for _ in range(2):
        assert_same_bits(compiled(X, THREES), function(X, THREES))
        assert error(compiled, X, ONES) == error(function, X, ONES)
    assert capsys.readouterr().out == "divided\n" * 4


def test_backward_outside():
    def function(w, i):
        return (w[i * 2] * w[i]).sum()

    compiled = weft.compile(function)
    for i in ([1, 0], [1, 1], [0, 1]):
        grads = []
        for run in (compiled, function):
            w = W.clone().requires_grad_()
            run(w, weft.tensor(i)).backward()
            grads.append(w.grad)
        assert_same_bits(*grads)
    assert error(compiled, W.clone().requires_grad_(), weft.tensor([2]))[0] is IndexError


AOT = shutil.which("weft-aot", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("weft-aot")
COMPILER = shutil.which("clang-22") or shutil.which("cc")


def exported(function, args, path):
    return pathlib.Path(weft.export(function, args, path / "model.mlir")).read_text()


def test_no_check_where_the_values_are_known(tmp_path):
    def function(x):
        positions = weft.arange(3)
        best = weft.argmax(x, 1)
        return F.embedding(positions, x), x[best], x[best % 2], X[:, positions + 1 - 1], X // (positions + 1)

    assert "weft.checks" not in exported(function, (weft.randn(4, 3),), tmp_path)
    assert "weft.checks" in exported(lambda x: x[weft.argmax(x, 1) + 2], (weft.randn(4, 3),), tmp_path)
    assert "weft.checks" in exported(lambda i: W[i], (X[0],), tmp_path)


PROGRAM = r"""
#include "model.h"
#include <stdio.h>
int main(void) {
  static int64_t index[][2] = {{0, 1}, {1, 2}, {-1, 0}, {0, 1}};
  float y[6];
  for (int k = 0; k < 4; ++k) {
    int failed = model_run(index[k], y);
    printf("%d %s\n", failed, model_error());
  }
  return 0;
}
"""


@pytest.mark.skipif(AOT is None or COMPILER is None, reason="weft-aot or a C compiler is not installed")
def test_an_ahead_of_time_model_says_it_too(tmp_path):
    exported(lambda i: W[i * 2] + F.embedding(i, W), (weft.tensor([0, 1]),), tmp_path)
    run = [AOT, "model.mlir", "-o", "model.so", "--header", "model.h"]
    subprocess.run(run, cwd=tmp_path, check=True, timeout=120)
    (tmp_path / "main.c").write_text(PROGRAM)
    build = [COMPILER, "main.c", "./model.so", "-o", "main", "-Wl,-rpath,."]
    subprocess.run(build, cwd=tmp_path, check=True, timeout=60)
    lines = subprocess.run(
        ["./main"], cwd=tmp_path, check=True, timeout=60, capture_output=True, text=True
    ).stdout.splitlines()
    assert lines[0] == lines[3] == "0 "
    assert lines[1].startswith("1 [index] an index is out of bounds for dimension with size 4; got float32[4, 3]")
    assert "test_checks.py:" in lines[1]
    assert lines[2].startswith("1 [embedding] an index is out of bounds for dimension with size 4")


@pytest.mark.parametrize("place", [0, 1, 1023, 1024, 2500, 4999])
@pytest.mark.parametrize("wrong", [10, -11, 2**62, -(2**63)])
def test_one_wrong_index_among_many(place, wrong):
    x, index = weft.arange(10), weft.arange(5000) % 20 - 10
    assert x[index].tolist() == [i % 10 for i in range(5000)]
    index[place] = wrong
    with pytest.raises(IndexError, match=rf"^\[index\] index {wrong} is out of bounds for dimension with size 10"):
        x[index]


def test_ignored_labels_are_no_errors_and_others_are():
    scores, labels = weft.zeros(3000, 4), weft.arange(3000) % 4
    labels[::7] = -100
    F.cross_entropy(scores, labels)
    labels[2999] = -99
    with pytest.raises(IndexError, match="-99"):
        F.cross_entropy(scores, labels)


def test_nothing_has_no_index():
    with pytest.raises(IndexError, match="index 0 is out of bounds for dimension with size 0"):
        weft.ones(0)[weft.zeros(2, dtype=weft.int64)]
