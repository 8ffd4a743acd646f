"""Writes test/data/exported.pt2, a program as torch.export.save writes it, without the stack traces. Run where PyTorch is installed."""

import io
import json
import pathlib
import zipfile

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.linear = nn.Linear(8, 4)
        self.embedding = nn.Embedding(5, 4)
        self.register_buffer("scale", torch.full((4,), 2.0), persistent=False)
        self.shift = torch.tensor([1.0, 2.0, 3.0, 4.0])

    def forward(self, image, kind):
        y = self.norm(self.conv(image)).relu().mean((2, 3))
        n = image.shape[0]
        scores = self.linear(y) * self.scale + self.shift + self.embedding(kind)
        return {
            "scores": scores.softmax(-1),
            "rest": (y.view(n, -1), torch.arange(n) * 2, scores.masked_fill(scores > 2, float("-inf"))),
        }


def main():
    torch.manual_seed(0)
    batch = torch.export.Dim("batch", min=2, max=64)
    args = torch.randn(3, 3, 6, 6), torch.tensor([1, 2, 3])
    program = torch.export.export(Model().eval(), args, dynamic_shapes={"image": {0: batch}, "kind": {0: batch}})
    whole = io.BytesIO()
    torch.export.save(program, whole)
    path = pathlib.Path(__file__).resolve().parents[1] / "test/data/exported.pt2"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("models/model.json"):
                model = json.loads(data)
                for node in model["graph_module"]["graph"]["nodes"]:
                    node["metadata"] = {}
                model["guards_code"] = []
                data = json.dumps(model).encode()
            if not name.endswith("sample_inputs/model.pt"):  # a pickle, which nobody reads
                target.writestr(name, data)


if __name__ == "__main__":
    main()
