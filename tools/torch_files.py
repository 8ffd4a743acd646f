"""Writes the files of PyTorch's that test/python/test_pt_files.py reads: python tools/torch_files.py test/data (PyTorch 2.13)."""

import collections
import pathlib
import sys

import torch

DTYPES = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def contents():
    torch.manual_seed(0)
    base = torch.arange(12.0).reshape(3, 4)
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.125)
    model(torch.ones(4, 2)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.fill_(i)
    return {
        "dtypes": {name: torch.arange(5).to(getattr(torch, name)) for name in DTYPES},
        "base": base,
        "view": base[1:, ::2].T,
        "expanded": torch.arange(3).unsqueeze(1).expand(3, 2),
        "parameter": torch.nn.Parameter(torch.full((2,), 2.5)),
        "frozen": torch.nn.Parameter(torch.full((2,), 3.5), requires_grad=False),
        "leaf": torch.ones(2, requires_grad=True),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "plain": [1, -2.5, None, True, "text", b"\x00\xff", bytearray(b"ab"), (1, (2,)), 2**70, 1 + 2j, {1, 2}],
        "kinds": [torch.Size([2, 3]), torch.bfloat16, torch.device("cuda", 1)],
        "counts": collections.Counter("aab"),
        (1, "key"): collections.OrderedDict(a=1),
    }


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    torch.save(contents(), folder / "torch_zip.pt")
    torch.save(contents(), folder / "torch_older.pt", _use_new_zipfile_serialization=False)
