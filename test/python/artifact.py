"""A function through export and weft-aot, called as C calls it."""

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import weft

AOT = shutil.which(
    "weft-aot", path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
)
PARAMETER = re.compile(r"^ \*   (\w+): (\w+)\[(.*?)\](.*)$", re.M)


def build(folder, *options, output="model.so"):
    """weft-aot of model.mlir in the folder."""
    command = [AOT, "model.mlir", "-o", output, "--header", "model.h", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


class Artifact:
    """The model of a function and an instance of it, if it has state. Calls take and give tensors."""

    def __init__(self, function, args, folder, *options, output="model.so"):
        weft.export(function, args, folder / "model.mlir")
        self._load(folder, options, output)

    @classmethod
    def of(cls, folder, *options, output="model.so"):
        """The one of the folder's model.mlir."""
        artifact = cls.__new__(cls)
        artifact._load(folder, options, output)
        return artifact

    def _load(self, folder, options, output):
        if weft.get_default_device().type != "cpu":
            pytest.skip("weft-aot makes programs of CPUs")
        made = build(folder, *options, "--name=model", output=output)
        assert made.returncode == 0, made.stderr
        self.header = (folder / "model.h").read_text()
        arguments = re.search(r"model_run\((.*?)\)", self.header, re.S)[1].split(",")
        self.names = [a.split("*")[-1].strip() for a in arguments]
        self.library = ctypes.CDLL(str(folder / output))
        self.library.model_error.restype = ctypes.c_char_p
        if "model_load" in self.header:
            assert self.library.model_load(str(folder / "model.safetensors").encode()) == 0
        self.instance = self.create() if self.names[0] == "instance" else None

    def create(self):
        self.library.model_create.restype = ctypes.c_void_p
        instance = ctypes.c_void_p(self.library.model_create())
        assert instance, self.error()
        return instance

    def error(self):
        return self.library.model_error().decode()

    def seed(self, seed, instance=None):
        self.library.model_seed(self.instance if instance is None else instance, ctypes.c_int64(seed))

    def state(self, name, example, instance=None):
        self.library.model_state.restype = ctypes.c_void_p
        memory = self.library.model_state(instance or self.instance, name.encode())
        return memory and _tensor(ctypes.string_at(memory, _size(example)), example.shape, example.dtype)

    def __call__(self, *tensors, instance=None):
        """The outputs. Arguments that the model writes are written."""
        values, inputs = {}, iter(tensors)
        for name, dtype, shape, note in PARAMETER.findall(self.header):
            if name not in self.names:
                continue
            t = weft.empty([int(n) for n in shape.split(",") if n], dtype=getattr(weft, dtype))
            if note != ", written":
                given = next(inputs).detach()
                t = given if given.is_contiguous() else t.copy_(given)
            values[name] = t, note
        pointers = [ctypes.c_void_p(values[n][0].data_ptr()) for n in self.names if n != "instance"]
        first = [instance or self.instance] if self.instance else []
        if self.library.model_run(*first, *pointers):
            raise RuntimeError(self.error())
        return [t for t, note in values.values() if note == ", written"]


def _size(t):
    return t.numel() * t.dtype.itemsize


def _tensor(data, shape, dtype):
    return weft._C.from_bytes(data, list(shape), dtype)
