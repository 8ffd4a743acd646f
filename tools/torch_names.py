"""Writes the public names of PyTorch's modules, which those of weft are compared with (test/python/test_public_names.py).

    python tools/torch_names.py test/data/torch_names.txt     # where PyTorch is installed

One name a line, without "torch.": what a module lists in __all__, or all names that do not begin with an underscore and are no modules.
"""

import argparse
import importlib
import inspect
import pathlib

import torch

MODULES = (
    "", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "linalg", "fft", "special", "autograd", "amp", "func",
    "random", "distributions", "utils.data", "Tensor",
)  # fmt: skip


def names(path):
    if path == "Tensor":
        return [name for name in dir(torch.Tensor) if not name.startswith("_")]
    module = importlib.import_module(f"torch.{path}".rstrip("."))
    listed = getattr(module, "__all__", None) or [n for n in dir(module) if not inspect.ismodule(getattr(module, n))]
    return [name for name in listed if not name.startswith("_") and hasattr(module, name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    found = {f"{path}.{name}".lstrip(".") for path in MODULES for name in names(path)}
    parser.parse_args().output.write_text("".join(f"{name}\n" for name in sorted(found)))


main()
