"""Batches of PNG files that worker processes decode: weft's DataLoader beside PyTorch's, in turns, each in a process of its own."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILES, SIZE, BATCH, WORKERS = 10_000, 64, 64, 4
LIBRARIES = {"weft": "weft", "torch": "torch"}  # and the package


class Pictures:
    """uint8 (64, 64, 3) and a label, of each file."""

    def __init__(self, library: Any, folder: Path) -> None:
        self.library = library
        self.files = sorted(folder.iterdir())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> Any:
        import numpy
        from PIL import Image

        with Image.open(self.files[i]) as picture:
            return self.library.from_numpy(numpy.array(picture)), i % 10


def draw(folder: Path) -> None:
    """The files: noise over a gradient, so that there is something to decode."""
    import numpy
    from PIL import Image

    generator = numpy.random.default_rng(0)
    ramp = numpy.linspace(0, 200, SIZE)[:, None, None]
    for i in range(FILES):
        pixels = ramp + generator.integers(0, 50, (SIZE, SIZE, 3))
        Image.fromarray(pixels.astype("uint8")).save(folder / f"{i:05d}.png")


def load(package: str, folder: str) -> None:
    """A pass over the files in this process: prints the seconds that it took, and the sum of all pixels."""
    library = importlib.import_module(package)
    data = importlib.import_module(f"{package}.utils.data")
    loader = data.DataLoader(Pictures(library, Path(folder)), BATCH, shuffle=True, num_workers=WORKERS)
    start = time.perf_counter()
    total = 0
    for pictures, _ in loader:
        total += int(pictures.sum())
    print(time.perf_counter() - start, total)


def measure(pythons: dict[str, str], rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in LIBRARIES}
    totals = set()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder))
        for _ in range(rounds):
            for name, package in LIBRARIES.items():
                command = [pythons.get(name, sys.executable), __file__, package, folder]
                seconds, total = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
                times[name].append(float(seconds))
                totals.add(total)
    print(f"{FILES} PNG files of {SIZE} x {SIZE} in batches of {BATCH}, {WORKERS} workers, medians of {rounds} passes")
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"  {name:8s}{median:8.3f} s {median / medians['weft']:6.2f} x weft")
    if len(totals) != 1:
        print("  the pictures DIFFER")


if __name__ == "__main__":
    load(*sys.argv[1:])
