"""compile(check=True) finds the op, the line and the pass of a planted fault, and leaves a file that reproduces it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    return folder, run(folder, BUILD / "test/planted/libweft_planted_compiler.so", {})


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
    assert found[1] == (f"the pass {step}" if step else "code generation")
    assert ", ".join(op.split(" at ")[0] for op in found[2].split(", ")) == ops
    lines = (folder / "program.py").read_text().splitlines()
    for place in re.findall(r" at ([^,;]*):(\d+)", found[2]):
        assert place[0].endswith("program.py") and lines[int(place[1]) - 1].startswith("    a = ")
    text = (folder / found[3]).read_text()
    assert text.count("weft.value") >= 1
    # The ops alone, which weft-opt takes through the passes that the program was made by.
    assert len(re.findall(r'= "?weft\.', text)) == len(ops.split(", "))
    for command in re.findall(r"weft-opt [^,\n]*", text):
        subprocess.run(
            [BUILD / "bin/weft-opt", *command.split()[1:]], cwd=folder, check=True, timeout=60, capture_output=True
        )


def test_right_programs_pass(tmp_path):
    said = run(tmp_path, BUILD / "codegen/libweft_compiler.so", {})
    assert said == dict.fromkeys(PROGRAMS)
