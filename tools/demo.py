"""Trains the classic classifier on scikit-learn's handwritten digits, eagerly and compiled, and compares the bits.

    tools/dev demo [--epochs N] [--device cpu|cuda] [--json]

Both runs start from the same seed and see the same batches. The compiled run wraps the whole training step (forward,
backward(), AdamW) in `weft.compile`; every loss and every final weight must be bit-identical to eager's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import weft
import weft.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm
from weft import nn
from weft.utils.data import DataLoader, TensorDataset

BATCH = 64


@dataclass
class Run:
    losses: np.ndarray
    weights: list[np.ndarray]
    accuracy: float
    step_us: float
    first_call_ms: float


def digits(device: str) -> tuple[Any, Any, Any, Any]:
    """Train and test images [n, 8, 8] in 0..1 and labels [n], split 80 : 20 with a fixed seed."""
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)
    split = train_test_split(images, data.target.astype(np.int64), test_size=0.2, random_state=0, stratify=data.target)
    return tuple(weft.from_numpy(np.ascontiguousarray(a)).to(device) for a in split)  # type: ignore[return-value]


def classifier() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def train(compiled: bool, epochs: int, device: str, quiet: bool) -> Run:
    weft.manual_seed(0)
    train_x, test_x, train_y, test_y = digits(device)
    model = classifier().to(device)
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(train_x, train_y), batch_size=BATCH, shuffle=True, drop_last=True)

    def step(x: Any, y: Any) -> Any:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    run_step = weft.compile(step) if compiled else step
    name = "compiled" if compiled else "eager"
    losses: list[Any] = []
    times: list[float] = []
    with tqdm(total=epochs * len(loader), desc=f"{name:8s}", unit="step", disable=quiet) as bar:
        for _ in range(epochs):
            for x, y in loader:
                start = time.perf_counter()
                loss = run_step(x, y).item()
                times.append(time.perf_counter() - start)
                losses.append(loss)
                bar.update()
            bar.set_postfix(loss=f"{losses[-1]:.4f}")
    with weft.no_grad():
        model.eval()
        accuracy = (model(test_x).argmax(dim=1) == test_y).to(weft.float32).mean().item()
    weights = [p.detach().to("cpu").numpy().copy() for p in model.parameters()]
    return Run(np.array(losses, np.float32), weights, accuracy, float(np.median(times)) * 1e6, times[0] * 1e3)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/dev demo", description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--json", action="store_true", help="print one JSON line and nothing else on stdout")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs must be at least 1")

    eager = train(False, options.epochs, options.device, options.json)
    compiled = train(True, options.epochs, options.device, options.json)
    losses_equal = bool(np.array_equal(eager.losses.view(np.uint32), compiled.losses.view(np.uint32)))
    weights_equal = all(
        np.array_equal(a.view(np.uint32), b.view(np.uint32)) for a, b in zip(eager.weights, compiled.weights)
    )
    result = {
        "accuracy_eager": round(eager.accuracy, 4),
        "accuracy_compiled": round(compiled.accuracy, 4),
        "losses_bit_equal": losses_equal,
        "weights_bit_equal": weights_equal,
        "eager_step_us": round(eager.step_us, 1),
        "compiled_step_us": round(compiled.step_us, 1),
        "compile_ms": round(compiled.first_call_ms, 1),
        "epochs": options.epochs,
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(f"\nFlatten → Linear(64, 512) → ReLU → Linear(512, 512) → ReLU → Linear(512, 10), batch {BATCH}, AdamW")
        print(f"{'':10s}{'last loss':>12s}{'test accuracy':>16s}{'time a step':>14s}{'first call':>13s}")
        for name, run in (("eager", eager), ("compiled", compiled)):
            print(
                f"{name:10s}{run.losses[-1]:12.6f}{run.accuracy:16.4f}{run.step_us:11.0f} µs{run.first_call_ms:10.1f} ms"
            )
        print(f"compiled is {eager.step_us / compiled.step_us:.2f} times as fast as eager")
        print(f"losses bit-identical:  {'yes' if losses_equal else 'NO'} ({len(eager.losses)} steps)")
        print(
            f"weights bit-identical: {'yes' if weights_equal else 'NO'} ({sum(w.size for w in eager.weights)} values)"
        )
    return 0 if losses_equal and weights_equal and min(eager.accuracy, compiled.accuracy) >= 0.96 else 1


if __name__ == "__main__":
    sys.exit(main())
