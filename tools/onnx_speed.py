#!/usr/bin/env python3
"""Times ONNX files that weft.onnx.export writes: by ONNX Runtime, loaded and compiled by weft, and the model itself compiled.

    tools/onnx_speed.py [--threads N] [--rounds N] [NAME ...]

The models are BERT, ResNet-18 and a UNet, and those of examples/. Prints the least of the rounds, in milliseconds; the three take turns.
"""

import argparse
import importlib.util
import pathlib
import sys
import tempfile
import time

import onnxruntime
import weft
import weft.onnx
from weft import nn

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "python"))
from vision_models import ResNet18  # noqa: E402


class Bert(nn.Module):
    def __init__(self, layers=2, width=128, heads=2):
        super().__init__()
        self.tokens, self.positions, self.norm = (
            nn.Embedding(1000, width),
            nn.Embedding(512, width),
            nn.LayerNorm(width),
        )
        self.layers = nn.ModuleList(
            [
                nn.TransformerEncoderLayer(width, heads, 4 * width, batch_first=True, activation="gelu")
                for _ in range(layers)
            ]
        )

    def forward(self, tokens):
        x = self.norm(self.tokens(tokens) + self.positions(weft.arange(tokens.shape[1])))
        for layer in self.layers:
            x = layer(x)
        return x


def block(channels, results):
    layers = []
    for before in (channels, results):
        layers += [nn.Conv2d(before, results, 3, padding=1), nn.BatchNorm2d(results), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.down = nn.ModuleList([block(3, width), block(width, 2 * width), block(2 * width, 4 * width)])
        self.wider = nn.ModuleList(
            [nn.ConvTranspose2d(4 * width, 2 * width, 2, 2), nn.ConvTranspose2d(2 * width, width, 2, 2)]
        )
        self.up = nn.ModuleList([block(4 * width, 2 * width), block(2 * width, width)])
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        kept = []
        for i, down in enumerate(self.down):
            x = down(nn.functional.max_pool2d(x, 2) if i else x)
            kept.append(x)
        for wider, up, beside in zip(self.wider, self.up, kept[-2::-1]):
            x = up(weft.cat([wider(x), beside], 1))
        return self.last(x)


def example(name, make):
    """``make`` of a program in examples/ as a module."""

    def made():
        spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return make(module)

    return made


# name: (the model, its arguments)
MODELS = {
    "bert": (Bert, lambda: [weft.randint(0, 1000, (1, 128))]),
    "bert8": (Bert, lambda: [weft.randint(0, 1000, (8, 128))]),
    "resnet18": (ResNet18, lambda: [weft.randn(1, 3, 224, 224)]),
    "unet": (UNet, lambda: [weft.randn(1, 3, 128, 128)]),
    "char_gpt": (example("char_gpt", lambda m: m.GPT(96)), lambda: [weft.randint(0, 96, (1, 128))]),
    "digits_diffusion": (
        example("digits_diffusion", lambda m: m.UNet()),
        lambda: [weft.randn(16, 1, 8, 8), weft.rand(16), weft.randint(0, 10, (16,))],
    ),
    "digits_gan": (
        example("digits_gan", lambda m: m.Generator()),
        lambda: [weft.randn(16, 32), weft.randint(0, 10, (16,))],
    ),
    "digits_resnet": (example("digits_resnet", lambda m: m.resnet()), lambda: [weft.randn(16, 1, 8, 8)]),
    "digits_vae": (example("digits_vae", lambda m: m.VAE().decoder), lambda: [weft.randn(16, 8)]),
    "dqn_cartpole": (example("dqn_cartpole", lambda m: m.network()), lambda: [weft.randn(16, 4)]),
    "lstm_pole": (example("lstm_pole", lambda m: m.Forecast()), lambda: [weft.randn(16, 110, 2)]),
}


def timed(function, count):
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count


def compare(name, threads, rounds):
    make, arguments = MODELS[name]
    model, args = make().eval(), arguments()
    with tempfile.TemporaryDirectory() as folder, weft.no_grad():
        path = weft.onnx.export(model, tuple(args), f"{folder}/model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        loaded, own = weft.compile(weft.onnx.load(path)), weft.compile(model)
        feed = {taken.name: x.numpy() for taken, x in zip(session.get_inputs(), args)}
        runs = {
            "onnxruntime": lambda: session.run(None, feed),
            "loaded": lambda: loaded(*args),
            "own": lambda: own(*args),
        }
        for run in runs.values():
            timed(run, 5)
        count = max(1, int(0.1 / timed(runs["onnxruntime"], 3)))
        best = dict.fromkeys(runs, float("inf"))
        for _ in range(rounds):
            for key, run in runs.items():
                timed(run, count // 4 + 1)  # threads of the one before may still be waiting for work, by turning
                best[key] = min(best[key], timed(run, count))
    times = " ".join(f"{key} {1e3 * best[key]:.3f} ms" for key in runs)
    print(f"{name}: {times}; onnxruntime / loaded {best['onnxruntime'] / best['loaded']:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("names", nargs="*", choices=[*MODELS, []])
    options = parser.parse_args()
    weft.set_num_threads(options.threads)
    weft.manual_seed(0)
    for name in options.names or MODELS:
        compare(name, options.threads, options.rounds)


if __name__ == "__main__":
    main()
