"""Random programs of tools/weft_fuzz in every way that must agree, and programs that failed once."""

import os
import pathlib

import pytest
import weft
from conftest import assert_same_bits

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
GRAPHS = 500
needs_tools = pytest.mark.skipif(not TOOLS.exists(), reason="needs the checkout's tools")


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))


@needs_tools
@pytest.mark.parametrize("half", [1, 2])
def test_random_programs(tools, tmp_path, half, new_seed):
    """New ones for each commit. Every op of the table is in one of them."""
    from weft_fuzz.fuzzer import Fuzzer
    from weft_fuzz.reference import records

    fuzzer = Fuzzer(tmp_path / "cache", os.environ.get("WEFT_FUZZ_OUT", tmp_path), new_seed + half, batch=25)

    def missing():  # but what linear and attention of 16 bits are made of
        return set(records()) - set(fuzzer.ops) - {"wide_dot_general"}

    # An op whose statement was refused, for its operands' values, gets others.
    goes_on = lambda: fuzzer.graphs < GRAPHS // 2 or (missing() and fuzzer.graphs < 2 * GRAPHS)  # noqa: E731
    fuzzer.run(lambda: goes_on() and not fuzzer.failures)
    assert not fuzzer.failures, fuzzer.failures
    assert fuzzer.graphs >= GRAPHS // 2
    assert not missing(), f"tools/weft_fuzz has no statement for {missing()}"


@needs_tools
def test_a_failing_program_is_reduced_to_mlir(tools, tmp_path):
    """A worker that says that every tanh is wrong; else it is the real one, within this process."""
    from weft_fuzz import worker
    from weft_fuzz.fuzzer import Fuzzer
    from weft_fuzz.program import Program, Statement

    class Worker:
        def ask(self, request):
            if request["do"] != "run":
                return worker.answer(request)
            for i, fields in enumerate(request["programs"]):
                program = Program.of(fields)
                if any("tanh" in s.expression for s in program.statements):
                    return [[request["ways"][0], 3, i, "v differs"]]
            return []

    def program(first, *expressions):
        inputs = [Statement(f"x{first}", "make(1, (8, 9), 'float32', 'normal', 'transposed')")]
        statements = [Statement(f"v{first + i}", e) for i, e in enumerate(expressions)]
        return Program(inputs, statements, [statements[-1].target])

    import dataclasses

    good = program(0, "ops.exp(x0)", "ops.sum(v0, (0,), False)")
    bad = program(1000, "ops.exp(x1000)", "ops.tanh(v1000)", "ops.neg(v1001)", "ops.sum(v1002, (1,), False)")
    fuzzer = Fuzzer(tmp_path, tmp_path, 5, say=lambda text: None)
    programs = [dataclasses.asdict(p) for p in (good, bad)]
    fuzzer.disagree(Worker(), [5, 6], programs, [["unfused", 3, 1, "v1003 differs"]])
    assert [text.split(":")[0] for text in fuzzer.failures] == ["seed 6 of 5-6"]
    text = (tmp_path / "fuzz-6.mlir").read_text()
    ops = [line.split(" = ")[1].split(" ")[0] for line in text.splitlines() if " = weft." in line]
    assert ops == ["weft.tanh"], text


@needs_tools
def test_a_program_that_fails_fails_the_same_in_each_way(tools):
    """One writes to its input before; the other is also traced and exported with integers that are fine."""
    from weft_fuzz.program import Program, Statement
    from weft_fuzz.ways import disagreements

    def program(first, expression, *written):
        inputs = [Statement(f"x{first}", "make(1, (30, 3), 'int32', 'normal', 'transposed')")]
        inputs.append(Statement(f"x{first + 1}", "make(2, (9,), 'int64', 'index:31', 'plain')"))
        statements = [*(Statement(None, e) for e in written), Statement(f"v{first}", expression)]
        return Program(inputs, statements, [f"v{first}"], fails=True)

    divided = program(0, "7 % x0", "x0.add_(1)")
    indexed = program(10, "x10[x11]")
    every = ["contiguous", "compiled", "unfused", "aot"]
    assert disagreements([divided, indexed], every) == []
    # Another index in each run, and the error is another.
    indexed.inputs[1].expression = "weft.from_numpy(numpy.random.randint(30, 10**9, 9))"
    assert {found[2] for found in disagreements([divided, indexed], every)} == {1}


def check(function, *shapes):
    """Two calls of the compiled function against eager, on arguments that it may write to."""
    weft.manual_seed(0)
    arguments = [weft.randn(*shape) for shape in shapes]
    compiled = weft.compile(function)
    for _ in range(2):
        mine, theirs = ([t.clone() for t in arguments] for _ in range(2))
        for a, b in zip((*compiled(*mine), *mine), (*function(*theirs), *theirs)):
            assert_same_bits(a, b)


def test_an_input_is_overwritten_while_another_result_reads_it_elsewhere():
    def reversed_and_doubled(x):
        y = x.flip((0, 1)).reshape(1, 1, 9001, 1)
        x.mul_(2.0)
        return (y,)

    check(reversed_and_doubled, (1, 9001))


def test_rows_of_bfloat16_end_where_they_end():
    """The last lane of a row of 65 is alone in its vector: nothing beside it may be written."""
    x, y = weft.randn(16, 65), weft.randn(8, 1).to(weft.bfloat16).expand(8, 65)

    def add_to_every_second_row(x, y):
        v = x.to(weft.bfloat16)
        v[::2].add_(y)
        return v

    os.environ["WEFT_FUSE"] = "0"
    try:
        assert_same_bits(weft.compile(add_to_every_second_row)(x, y), add_to_every_second_row(x, y))
    finally:
        del os.environ["WEFT_FUSE"]


@pytest.mark.parametrize("cpu", ["x86-64-v3", "x86-64-v4"])
def test_a_sign_of_float16(monkeypatch, cpu):
    """LLVM's X86 code generator would round the sign's operand by a function that is not there."""
    x, y = weft.tensor(-2.0, dtype=weft.float16), weft.tensor(0.75, dtype=weft.float16)
    eager = weft.fmod(weft.erfc(x), y)
    if cpu == "x86-64-v4" and "avx512vl" not in pathlib.Path("/proc/cpuinfo").read_text():
        pytest.skip("the processor has no AVX-512")
    monkeypatch.setenv("WEFT_CPU", cpu)
    assert_same_bits(weft.compile(lambda x, y: weft.fmod(weft.erfc(x), y))(x, y), eager)


def test_a_row_kernel_writes_where_an_input_lies_only_after_reading_it():
    """The relu, which the kernel stores first, must not take the memory of a product, which it reads last."""

    def gradients(x, w, c):
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        v = weft.relu(x)
        loss = 0.5 * (v @ w).sum() + 0.75 * weft.where(c > 0, w, v).sum()
        return weft.autograd.grad(loss, [x, w])

    check(gradients, (2, 7, 1), (1, 3), (1, 3))


def test_operands_begin_within_a_vector_of_a_concatenation_of_strided_rows():
    """Of the first vector of the second operand, the first lanes belong to the first: their index there is negative."""

    def thrice(x):
        rows = x[:, 1::2].flatten(0)
        return (weft.cat([rows, rows, rows], 0),)

    check(thrice, (13, 35))
