"""check.py WHEEL: prints what a wheel weighs, and fails unless it runs with nothing but what every Linux has.

1. No file of it needs a library besides those of C and C++, or names a folder to look for libraries in.
2. Installed alone, it computes, compiles, exports, and makes a model with weft-aot that gives the same bits.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

PRESENT = re.compile(r"(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so\.\d+")

PROGRAM = """
import ctypes, pathlib, subprocess, sys
import numpy, weft
folder = pathlib.Path(sys.argv[1])
assert pathlib.Path(weft.__file__).is_relative_to(folder), weft.__file__
model = weft.nn.Sequential(weft.nn.Linear(8, 4), weft.nn.GELU())
x = weft.randn(3, 8)
y = model(x).detach()
assert (weft.compile(model)(x) == y).all()
model(x).sum().backward()
path = weft.export(model, (x,), str(folder / "model.mlir"))
aot = [sys.executable, "-c", "from weft._tools import aot; aot()"]
subprocess.run([*aot, path, "-o", str(folder / "model.so")], check=True)
run = ctypes.CDLL(str(folder / "model.so")).model_run
given, out = numpy.ascontiguousarray(x.numpy()), numpy.empty((3, 4), "float32")
assert run(given.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p)) == 0
assert out.tobytes() == y.numpy().tobytes()
"""


def dynamic_entries(path):
    text = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"\((NEEDED|RPATH|RUNPATH)\).*\[(.*)\]", text)


def main():
    wheel = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "files")
        problems = []
        for path in sorted((folder / "files").rglob("*")):
            if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
                print(f"{path.stat().st_size / 1e6:6.1f} MB  {path.relative_to(folder / 'files')}")
                for kind, value in dynamic_entries(path):
                    if not (PRESENT.fullmatch(value) if kind == "NEEDED" else value.startswith("$ORIGIN")):
                        problems.append(f"{path.name}: {kind} {value}")
        print(f"{wheel.stat().st_size / 1e6:6.1f} MB  {wheel}")
        if problems:
            sys.exit("not on every machine: " + "; ".join(problems))
        installed = folder / "installed"
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(installed), str(wheel)]
        subprocess.run(pip, check=True)
        environment = {"PYTHONPATH": str(installed), "WEFT_CACHE_DIR": str(folder / "cache"), "PATH": "/usr/bin:/bin"}
        subprocess.run([sys.executable, "-c", PROGRAM, str(installed)], env=environment, check=True)
    print("wheel: 1 passed, 0 failed")


if __name__ == "__main__":
    main()
