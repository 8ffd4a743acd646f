"""Makes `import torch` give weft, and `import torch.nn` weft.nn: for packages that are written for PyTorch and installed as they are.

A package that asks for a part of PyTorch that weft does not have gets ModuleNotFoundError or AttributeError, as from a PyTorch without it.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys

import weft


class Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] != "torch":
            return None
        try:
            importlib.import_module("weft" + name[5:])
        except ModuleNotFoundError:
            return None
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        sys.modules[module.__name__] = importlib.import_module("weft" + module.__name__[5:])


sys.meta_path.insert(0, Alias())

# What packages ask for that weft does not have under its own name (docs/packages.md).
weft._C._log_api_usage_once = lambda name: None  # torchmetrics calls this private function of PyTorch's
weft.__version__ = "1.8.0"  # skorch wants 1.1; from 1.9 on ignite wants torch.distributed.optim
