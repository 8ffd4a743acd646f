"""Trains a small ResNet on scikit-learn's handwritten digits and writes a picture of what its first filters look for.

    tools/dev python examples/digits_resnet.py [--epochs N] [--eager] [--filters FILE.svg]

The whole step (forward, backward(), AdamW) is one compiled program. 1437 images of 8 x 8 train it, 360 test it.
"""

from __future__ import annotations

import argparse
import pathlib
import time

import numpy as np
import weft
import weft.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm
from weft import nn

BATCH = 64


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: weft.Tensor) -> weft.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


def resnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        Block(32, 32, 1),
        Block(32, 64, 2),
        Block(64, 128, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, 10),
    )


def shifted(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """The images moved by at most a pixel."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    top, left = random.randint(0, 3, 2)
    return np.ascontiguousarray(padded[:, :, top : top + 8, left : left + 8])


def picture(filters: np.ndarray) -> str:
    """SVG of [n, k, k] filters in rows of eight: blue where they take away, red where they add."""
    n, k, _ = filters.shape
    cell, gap, across = 12, 6, 8
    step, parts = k * cell + gap, []
    for i, one in enumerate(filters / np.abs(filters).max()):
        for (y, x), value in np.ndenumerate(one):
            light = int(255 * (1 - abs(value)))
            colour = (255, light, light) if value > 0 else (light, light, 255)
            left, top = i % across * step + x * cell, i // across * step + y * cell
            parts.append(f'<rect x="{left}" y="{top}" width="{cell}" height="{cell}" fill="rgb{colour}"/>')
    width, height = across * step, -(-n // across) * step
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">' + "".join(parts) + "</svg>\n"


def train(epochs: int, compiled: bool = True) -> tuple[float, nn.Sequential]:
    """Trains so many epochs. Gives the share of the test images that is read right, and the model."""
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[:, None]
    labels = data.target.astype(np.int64)
    x, x_test, y, y_test = train_test_split(images, labels, test_size=0.2, random_state=0, stratify=labels)

    weft.manual_seed(0)
    model = resnet()
    optimizer = weft.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)

    def step(images: weft.Tensor, labels: weft.Tensor) -> weft.Tensor:
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    if compiled:
        step = weft.compile(step)
    random = np.random.RandomState(0)
    progress = tqdm(range(epochs), desc="training", unit="epoch", disable=epochs < 4)
    for epoch in progress:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - epoch / epochs)
        order = random.permutation(len(x))
        for first in range(0, len(x) - BATCH + 1, BATCH):
            chosen = order[first : first + BATCH]
            loss = step(weft.from_numpy(shifted(x[chosen], random)), weft.from_numpy(y[chosen]))
        progress.set_postfix(loss=f"{loss.item():.4f}")

    model.eval()
    with weft.no_grad():
        guesses = (weft.compile(model) if compiled else model)(weft.from_numpy(x_test)).argmax(1).numpy()
    return float(np.mean(guesses == y_test)), model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--eager", action="store_true", help="do not compile the step")
    parser.add_argument("--filters", type=pathlib.Path, default=pathlib.Path("filters.svg"))
    options = parser.parse_args()
    start = time.perf_counter()
    accuracy, model = train(options.epochs, not options.eager)
    print(f"accuracy {accuracy:.4f} on 360 images after {time.perf_counter() - start:.1f} s of training")
    options.filters.write_text(picture(model[0].weight.detach().numpy()[:, 0]))
    print(f"filters of the first layer: {options.filters}")


if __name__ == "__main__":
    main()
