"""Writes how PyTorch trains the files of test/models, which weft is compared with (test/python/test_model_files.py).

    python tools/torch_models.py test/data/torch_models.json     # where PyTorch is installed

A JSON object, file → {"losses": of three steps, "state": name → [length, product with cosines]}. The files run as they are: what they import
as weft is torch here.
"""

import argparse
import json
import pathlib
import sys

import torch
import torch.distributions
import torch.nn.utils.rnn

for name in [name for name in sys.modules if name.split(".")[0] == "torch"]:
    sys.modules["weft" + name[5:]] = sys.modules[name]
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "test" / "python"))
import model_files  # noqa: E402  the files import weft


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output, table = parser.parse_args().output, {}
    for name in model_files.NAMES:
        losses, model = model_files.train(torch, name)
        table[name] = {"losses": [float(f"{x:.8g}") for x in losses], "state": model_files.digest(model)}
    output.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}\n")


main()
