"""Time against size, over three decades of work, drawn as one picture with a panel a case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers import Race

# By case: the sizes, what a size means, and the work of a call as a function of it.
GROWTH: dict[str, tuple[list[int], str, str]] = {
    "matmul": ([16, 32, 64, 128, 256, 512, 1024, 2048], "n, of n x n matrices", "GFLOP/s"),
    "softmax": ([32, 64, 128, 256, 512, 1024, 2048, 4096], "n, of an n x n matrix", "GB/s"),
    "gpt_train": ([16, 32, 64, 128, 256, 512], "width of a transformer of 4 blocks", "ms"),
}
WORK = {"matmul": lambda n: 2e-9 * n**3, "softmax": lambda n: 8e-9 * n**2}


def measure(race: Race) -> list[dict[str, Any]]:
    rows = []
    for case, (sizes, _, _) in GROWTH.items():
        for size in sizes:
            rows.append(race.run(case, size))
            times = "  ".join(f"{name} {seconds * 1e6:.1f} µs" for name, seconds in rows[-1]["median_s"].items())
            print(f"{case} {size}: {times}", flush=True)
    return rows


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Above the time of a call, below what it makes of the machine. Needs matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.5), layout="constrained")
    panels = figure.subplots(2, len(GROWTH))
    for column, (case, (_, meaning, unit)) in enumerate(GROWTH.items()):
        of_case = [row for row in rows if row["case"] == case]
        for library in {name: None for row in of_case for name in row["median_s"]}:
            points = [(row["size"], row["median_s"][library]) for row in of_case if library in row["median_s"]]
            sizes, seconds = zip(*points, strict=True)
            style = {"marker": "o", "markersize": 4, "label": library, "linewidth": 2.2 if library == "weft" else 1.2}
            panels[0][column].plot(sizes, [s * 1e6 for s in seconds], **style)
            if work := WORK.get(case):
                panels[1][column].plot(sizes, [work(n) / s for n, s in points], **style)
            else:
                ours = dict((row["size"], row["median_s"]["weft"]) for row in of_case)
                panels[1][column].plot(sizes, [s / ours[n] for n, s in points], **style)
        for panel in panels[:, column]:
            panel.set_xscale("log", base=2)
            panel.set_xlabel(meaning)
            panel.grid(True, which="both", alpha=0.25)
        panels[0][column].set_title(case)
        panels[0][column].set_yscale("log")
        panels[0][column].set_ylabel("time of a call, µs")
        panels[1][column].set_ylabel(unit if case in WORK else "time, as a multiple of weft's")
        panels[1][column].set_ylim(bottom=0)
    panels[0][0].legend()
    figure.savefig(path)
