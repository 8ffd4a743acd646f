"""compile(check=True) finds the op, the line and the pass of a planted fault, and leaves a file that reproduces it, which
weft-opt --replay runs again and weft-reduce makes smaller."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import weft

BUILD = Path(__file__).resolve().parents[2] / "build"

# Each: what is planted, the pass that it is a part of, the ops that it needs, and a program, whose last op but two is wrong.
PROGRAMS = {
    "subtraction commutes": ("simplify", "mul, sub", "x * y - y"),
    "sums associate": ("simplify after decompose", "add, add", "(x + y) + z"),
    "casts back and forth cancel": ("simplify", "cast, cast", "(x.bfloat16()).float()"),
    "exp undoes log": ("simplify after decompose", "log, exp", "weft.exp(weft.log(x))"),
    "quotients by equal divisors cancel": ("simplify", "mul, div", "x * y / y"),
    "a sum's axis moves": ("fusion", "tanh, sum", "weft.tanh(x).sum(1)"),
    "a slice begins later": ("fusion", "abs, slice", "weft.abs(x)[:3]"),
    "a transposition is lost": ("rematerialise", "sqrt, permute", "weft.sqrt(x).t()"),
    "branches of where are exchanged": (None, "neg, where", "weft.where(y > 1, -x, z)"),
    "the greater is the lesser": (None, "sigmoid, maximum", "weft.maximum(weft.sigmoid(x), y)"),
}
DIFFER = r"the bits differ in \d+ of \d+ elements, first number \d+: \S+, eagerly \S+; (.*)\n"
PLANTED = BUILD / "test/planted/libweft_planted_compiler.so"
RIGHT = BUILD / "codegen/libweft_compiler.so"

SHARED = """
import weft

def f(x, number):
    a = weft.cos(x) + number
    return -a

f(weft.rand(4, 5), 0.5)
g = weft.compile(f, check=True)
for size in range(16, 30):
    g(weft.rand(size, 7), size * 0.25)
"""

SCRIPT = """
import json, os, sys
import weft

weft.manual_seed(1)
x, y, z = weft.rand(16, 16) + 0.5, weft.rand(16, 16) + 0.5, weft.rand(16, 16)
said = {{}}
{functions}
for name, function in functions.items():
    os.environ["WEFT_PLANTED"] = name
    target = weft.ones(4)
    function(x, y, z, target.clone())
    try:
        weft.compile(function, check=True)(x, y, z, target)
        said[name] = None
    except RuntimeError as error:
        said[name] = str(error)
    assert (target == (1 if said[name] else 2)).all(), f"what was written to is not as it was: {{said[name]}}"
print(json.dumps(said))
"""

FUNCTION = """
def f(x, y, z, target):
    x = weft.cos(x) * 0.5 + 1.25
    a = {expression}
    target.mul_(2.0)
    return -a, target
functions[{name!r}] = f
"""


def run(folder, compiler, environment):
    functions = "functions = {}" + "".join(
        FUNCTION.format(name=name, expression=expression) for name, (_, _, expression) in PROGRAMS.items()
    )
    (folder / "program.py").write_text(SCRIPT.format(functions=functions))
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env={
            **os.environ,
            "WEFT_CACHE_DIR": str(folder / "cache"),
            "WEFT_COMPILER_LIBRARY": str(compiler),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    return folder, run(folder, PLANTED, {})


@pytest.mark.parametrize("name", PROGRAMS)
def test_planted_fault_is_found(planted, name):
    folder, said = planted
    step, ops, _ = PROGRAMS[name]
    assert said[name], "no difference was seen"
    found = re.fullmatch(
        r"\[compile\] check=True: a result differs from eager's in \d+ of \d+ elements, first number \d+: \S+, eagerly \S+; "
        r"by (.*), of (.*); this is a fault of weft's; please report it with the file (\S+), which reproduces it",
        said[name],
    )
    assert found, said[name]
    assert found[1] == pass_of(step)
    assert ", ".join(op.split(" at ")[0] for op in found[2].split(", ")) == ops
    lines = (folder / "program.py").read_text().splitlines()
    for place in re.findall(r" at ([^,;]*):(\d+)", found[2]):
        assert place[0].endswith("program.py") and lines[int(place[1]) - 1].startswith("    a = ")
    text = (folder / found[3]).read_text()
    assert text.count("weft.value") >= 1
    assert len(re.findall(r'= "?weft\.', text)) == len(ops.split(", "))  # the ops alone
    for command in re.findall(r"weft-opt --weft-pipeline[^,\n]*", text):
        tool(*command.split(), folder=folder)
    # The file says the same once more, and makes the very code that was run.
    again = replay(found[3], folder, name)
    assert re.fullmatch(DIFFER, again)[1] == f"by {found[1]}, of {found[2]}"
    assert replay(found[3], folder, name, RIGHT) == "the bits agree\n"
    tool("weft-opt", "--replay", found[3], "-o", "program.so", folder=folder, planted=name)
    code = (folder / "program.so").read_bytes()
    assert any(path.read_bytes().startswith(code) for path in (folder / "cache").rglob("*.so"))


def tool(*command, folder, planted="", compiler=PLANTED, status=0):
    """What a tool says that compiles with a planted fault."""
    done = subprocess.run(
        [BUILD / "bin" / command[0], *command[1:]],
        cwd=folder,
        env={**os.environ, "WEFT_COMPILER_LIBRARY": str(compiler), "WEFT_PLANTED": planted},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status, (command, done.returncode, done.stdout, done.stderr)
    return done.stdout if status < 2 else done.stderr


def replay(file, folder, planted, compiler=PLANTED):
    status = int(compiler == PLANTED)
    return tool("weft-opt", "--replay", file, folder=folder, planted=planted, compiler=compiler, status=status)


def whole(name, folder):
    """The program of a planted fault, and more around it, with values for its arguments."""
    scope = {"weft": weft, "functions": {}}
    exec(FUNCTION.format(name=name, expression=PROGRAMS[name][2]), scope)
    weft.manual_seed(1)
    inputs = weft.rand(16, 16) + 0.5, weft.rand(16, 16) + 0.5, weft.rand(16, 16)
    weft.export(lambda x, y, z: functions(scope, name, x, y, z), inputs, folder / "whole.mlir")
    text = (folder / "whole.mlir").read_text()
    for letter, value in zip("xyz", inputs, strict=True):
        text = text.replace(f'weft.name = "{letter}"', f'weft.value = "{value.numpy().tobytes().hex()}"')
    (folder / "whole.mlir").write_text(text)


def functions(scope, name, x, y, z):
    return scope["functions"][name](x, y, z, weft.ones(4))


def test_a_fault_of_a_program_of_many_sizes(tmp_path):
    (tmp_path / "program.py").write_text(SHARED)
    name = "a sum of many sizes is a difference"
    environment = {
        **os.environ,
        "WEFT_CACHE_DIR": str(tmp_path / "cache"),
        "WEFT_COMPILER_LIBRARY": str(PLANTED),
        "WEFT_PLANTED": name,
    }
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    fault = "by the pass simplify-scans{}, of cos at program.py:5, add at program.py:5"
    shared = " of the program that calls of other sizes and numbers share"
    assert fault.format(shared) in done.stderr.replace(str(tmp_path) + "/", "")
    (file,) = tmp_path.glob("weft-check-*.mlir")
    assert "weft.symbol_values = array<i64: " in file.read_text()
    assert re.fullmatch(DIFFER, replay(file.name, tmp_path, name))[1] == fault.format("")
    assert replay(file.name, tmp_path, name, RIGHT) == "the bits agree\n"


MALFORMED = {
    "no value": ("", "argument 0, float32[4], has no weft.value: give it one"),
    "half a byte": ('{weft.value = "0"}', "bad.mlir: weft.value of argument 0 is not hexadecimal digits"),
    "too short": ('{weft.value = "00000000"}', "takes a weft.value of 16 bytes; got 4"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_programs(what, tmp_path):
    value, said = MALFORMED[what]
    (tmp_path / "bad.mlir").write_text(
        f"func.func @main(%x: tensor<4xf32> {value}) -> tensor<4xf32> {{\n"
        '  %y = "weft.exp"(%x) : (tensor<4xf32>) -> tensor<4xf32>\n  return %y : tensor<4xf32>\n}\n'
    )
    assert said in tool("weft-opt", "--replay", "bad.mlir", folder=tmp_path, compiler=RIGHT, status=2)


def test_files_that_are_no_programs(tmp_path):
    (tmp_path / "text.mlir").write_text("func.func @main() {\n  nonsense\n}\n")
    said = tool("weft-opt", "--replay", "text.mlir", folder=tmp_path, compiler=RIGHT, status=2)
    assert said.startswith("weft-opt: text.mlir: line 2: ")
    assert "cannot read" in tool("weft-opt", "--replay", "none.mlir", folder=tmp_path, compiler=RIGHT, status=2)


def test_nothing_to_reduce(tmp_path):
    whole("sums associate", tmp_path)
    done = subprocess.run([BUILD / "bin/weft-reduce", "whole.mlir"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "there is nothing to look for" in done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_written_by_hand_is_reduced(name, tmp_path):
    step, ops, _ = PROGRAMS[name]
    whole(name, tmp_path)
    said = replay("whole.mlir", tmp_path, name)
    fault = re.fullmatch(DIFFER, said)[1]
    assert re.sub(r" at whole.mlir:\d+", "", fault) == f"by {pass_of(step)}, of {ops}"
    tool("weft-reduce", "whole.mlir", "-o", "smaller.mlir", folder=tmp_path, planted=name)
    text = (tmp_path / "smaller.mlir").read_text()
    assert re.findall(r'= "?weft\.(\w+)', text) == ops.split(", ")
    assert re.fullmatch(DIFFER, replay("smaller.mlir", tmp_path, name))[1] == fault
    assert replay("smaller.mlir", tmp_path, name, RIGHT) == "the bits agree\n"


def pass_of(step):
    return f"the pass {step}" if step else "code generation"


def test_right_programs_pass(tmp_path):
    said = run(tmp_path, RIGHT, {})
    assert said == dict.fromkeys(PROGRAMS)
