"""python run.py PROGRAM [torch]: what a program's results() give, as JSON, over weft or over PyTorch itself."""

import importlib
import json
import sys
import warnings

import numpy

if "torch" not in sys.argv[2:]:
    import alias_torch  # noqa: F401
warnings.simplefilter("ignore")


def numbers(value):
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    return [float(f"{x:.7g}") for x in numpy.asarray(value, "float64").reshape(-1)]


program = importlib.import_module(sys.argv[1])
print(json.dumps({name: numbers(value) for name, value in program.results(numpy.random.RandomState(0))}))
