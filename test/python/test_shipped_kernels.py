"""Kernels that come with the package: found beside the compiler's library, with the bits of those compiled here."""

import os
import pathlib
import subprocess
import sys

import weft

STEP = """
weft.manual_seed(0)
x = weft.randn(70, 90, requires_grad=True)
y = weft.nn.functional.layer_norm(x @ x.t() * 0.1, (70,)).relu()
y.backward(weft.ones(70, 70))
print(y.detach().numpy().tobytes().hex(), x.grad.numpy().tobytes().hex())
"""


def run(code, folder, cache):
    compiler = pathlib.Path(weft.__file__).resolve().parent / "libweft_compiler.so"
    if not compiler.exists():  # a checkout's package is made of links
        compiler = pathlib.Path(weft._C.__file__).parent / "libweft_compiler.so"
    link = folder / "libweft_compiler.so"
    if not link.exists():
        link.symlink_to(compiler.resolve())
    environment = {**os.environ, "WEFT_COMPILER_LIBRARY": str(link), "WEFT_CACHE_DIR": str(cache)}
    for name in ("WEFT_CPU", "WEFT_CACHE", "WEFT_DEBUG"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", "import weft\n" + code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def kernels_in(cache):
    return len(list(cache.glob("*.so")))


def test_shipped_kernels_are_used_and_have_the_same_bits(tmp_path):
    made = f"weft._C.collect_kernels(){STEP}weft._C.write_kernels({str(tmp_path)!r}, 'x86-64-v3')"
    expected = run(made, tmp_path, tmp_path / "first")
    assert kernels_in(tmp_path / "first") > 5
    assert run(STEP, tmp_path, tmp_path / "second") == expected
    assert kernels_in(tmp_path / "second") == 0


def test_a_library_that_is_damaged_or_of_another_compiler_is_not_used(tmp_path):
    library = tmp_path / "libweft_kernels.x86-64-v3.so"
    library.write_bytes(b"no library")
    expected = run(STEP, tmp_path, tmp_path / "damaged")
    assert kernels_in(tmp_path / "damaged") > 5
    run(
        f"weft._C.collect_kernels(){STEP}weft._C.write_kernels({str(tmp_path)!r}, 'x86-64-v3')",
        tmp_path,
        tmp_path / "x",
    )
    data = library.read_bytes()
    build = run("import weft._C; print(weft._C.compiler_build())", tmp_path, tmp_path / "x").strip().encode()
    assert data.count(build) == 1
    library.write_bytes(data.replace(build, b"0" * len(build)))
    assert run(STEP, tmp_path, tmp_path / "other") == expected
    assert kernels_in(tmp_path / "other") > 5


def test_kernels_of_bfloat16_are_not_shipped(tmp_path):
    """Processors with AMX sum products of bfloat16 in an order of their own."""
    step = """
weft.manual_seed(0)
x = weft.randn(70, 90).bfloat16()
y = weft.nn.functional.linear(x, weft.randn(80, 90).bfloat16()) @ weft.randn(80, 60).bfloat16()
print(y.float().numpy().tobytes().hex())
"""
    made = f"weft._C.collect_kernels(){step}weft._C.write_kernels({str(tmp_path)!r}, 'x86-64-v3')"
    expected = run(made, tmp_path, tmp_path / "first")
    assert run(step, tmp_path, tmp_path / "second") == expected
    assert kernels_in(tmp_path / "second") >= 3  # both products and the rounding
