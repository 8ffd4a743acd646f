"""export and weft-aot: a C program gets eager's bits."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys

import numpy
import pytest
import weft
from conftest import assert_same_bits
from weft import nn

AOT = shutil.which(
    "weft-aot", path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
)
COMPILER = shutil.which("clang-22") or shutil.which("cc")

PROGRAM = r"""
#include "model.h"
#include <stdio.h>
int main(int argc, char **argv) {
  static float x[N_IN], y[N_OUT];
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (fread(x, sizeof(float), N_IN, in) != N_IN) return 2;
#ifdef EXTERNAL
  if (model_load(argv[3])) { fprintf(stderr, "%s\n", model_error()); return 3; }
#endif
  if (model_run(x, y)) { fprintf(stderr, "%s\n", model_error()); return 4; }
  fwrite(y, sizeof(float), N_OUT, out);
  return fclose(out);
}
"""


def digits_model():
    weft.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10))


def test_export_is_readable(tmp_path):
    m = digits_model()
    path = weft.export(m, (weft.randn(5, 8, 8),), tmp_path / "model.mlir")
    text = pathlib.Path(path).read_text()
    assert "weft.linear" in text and "5x8x8xf32" in text
    weights = weft.load(tmp_path / "model.safetensors")
    for name, parameter in m.named_parameters():
        assert_same_bits(weights[name], parameter)


def test_export_compiles_nothing(tmp_path):
    program = (
        "import numpy, weft; x = weft.from_numpy(numpy.ones((3, 3)))\n"
        "weft.export(lambda a: weft.tanh(a @ a) * 2, (x,), 'model.mlir')"
    )
    environment = {**os.environ, "WEFT_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=120)
    assert (tmp_path / "model.mlir").exists() and not list(tmp_path.glob("cache/*.so"))


def test_a_tensor_returned_twice_is_two_outputs(tmp_path):
    path = weft.export(lambda a: (2 * (y := a + 1), y, y), (weft.ones(3),), tmp_path / "model.mlir")
    assert "-> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>)" in pathlib.Path(path).read_text()


def test_how_the_arguments_lie_in_memory_does_not_matter(tmp_path):
    texts = []
    for x in (weft.ones(3, 4), weft.ones(4, 3).t()):
        texts.append(pathlib.Path(weft.export(lambda a: a * 2, (x,), tmp_path / "model.mlir")).read_text())
    assert texts[0] == texts[1]


@pytest.mark.skipif(AOT is None or COMPILER is None, reason="weft-aot or a C compiler is not installed")
@pytest.mark.parametrize("external", [False, True])
def test_a_c_program_gets_eagers_bits(tmp_path, external):
    m, x = digits_model(), weft.randn(5, 8, 8)
    weft.export(m, (x,), tmp_path / "model.mlir")
    options = ["--weights", "external"] if external else []
    subprocess.run(
        [AOT, "model.mlir", "-o", "model.so", "--header", "model.h", *options], cwd=tmp_path, check=True, timeout=120
    )
    (tmp_path / "main.c").write_text(PROGRAM)
    define = ["-DN_IN=320", "-DN_OUT=50", *(["-DEXTERNAL"] if external else [])]
    subprocess.run(
        [COMPILER, "main.c", "./model.so", "-o", "main", "-Wl,-rpath,.", *define], cwd=tmp_path, check=True, timeout=60
    )
    x.numpy().tofile(tmp_path / "x")
    subprocess.run(["./main", "x", "y", "model.safetensors"], cwd=tmp_path, check=True, timeout=60)
    with weft.no_grad():
        expected = m(x)
    assert_same_bits(weft.from_numpy(numpy.fromfile(tmp_path / "y", "float32").reshape(5, 10)), expected)
    needed = subprocess.run(["ldd", "model.so"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert "LLVM" not in needed and "python" not in needed and "MLIR" not in needed


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
def test_the_function_of_the_package_does_what_the_program_does(tmp_path):
    weft.export(digits_model(), (weft.randn(5, 8, 8),), tmp_path / "model.mlir")
    function = [sys.executable, "-c", "from weft._tools import aot; aot()"]
    for command, folder in ((function, "function"), ([AOT], "program")):
        (tmp_path / folder).mkdir()
        arguments = ["model.mlir", "-o", f"{folder}/model.so", "--header", f"{folder}/model.h"]
        subprocess.run([*command, *arguments], cwd=tmp_path, check=True, timeout=120)
    for name in ("model.so", "model.h"):
        assert (tmp_path / "function" / name).read_bytes() == (tmp_path / "program" / name).read_bytes()
    missing = [
        subprocess.run([*command, "no.mlir", "-o", "m.so"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        for command in (function, [AOT])
    ]
    assert missing[0].returncode == missing[1].returncode == 1
    assert missing[0].stderr == missing[1].stderr and "no.mlir" in missing[0].stderr


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
def test_weights_that_nest_too_deeply_are_an_error(tmp_path):
    """They would end weft-aot by a stack overflow."""
    weft.export(nn.Linear(2, 2), (weft.zeros(1, 2),), tmp_path / "model.mlir")
    (tmp_path / "model.safetensors").write_bytes((100_000).to_bytes(8, "little") + b"[" * 100_000)
    run = subprocess.run([AOT, "model.mlir", "-o", "m.so"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1 and "not a safetensors file: its header nests" in run.stderr, run.stderr


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
@pytest.mark.skipif("amx_fp16" in pathlib.Path("/proc/cpuinfo").read_text(), reason="runs code for diamondrapids")
def test_a_processor_that_lacks_what_the_model_needs_is_an_error(tmp_path):
    weft.export(lambda x: x + 1, (weft.zeros(4),), tmp_path / "model.mlir")
    subprocess.run([AOT, "model.mlir", "-o", "model.so", "--cpu=diamondrapids"], cwd=tmp_path, check=True, timeout=120)
    model = ctypes.CDLL(str(tmp_path / "model.so"))
    model.model_error.restype = ctypes.c_char_p
    assert model.model_run(ctypes.create_string_buffer(16), ctypes.create_string_buffer(16)) == 1
    message = model.model_error().decode()
    assert "cannot run code for x86-64 diamondrapids: it lacks " in message and "avx10.2" in message
    assert "weft-aot --cpu=x86-64-v3" in message
