"""The kernels of a set of graphs by their machine code, which needs NVRTC and a disassembler but no GPU.

Graphs are exported, weft-translate makes cubins of them, machine_code.py reads these, gpu_model.py says what time they should take.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gpu_model
import machine_code
from cases import transformer
from gpu_model import Launch, Prediction
from machine_code import KernelCode

TRANSLATE = Path(__file__).parents[2] / "build" / "bin" / "weft-translate"
SHOWN = 3  # kernels of a graph, the slowest first


def graphs() -> dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]]:
    """What to compile, by name: a function and its arguments."""
    import weft
    from libraries import Library
    from weft import nn

    f, r = nn.functional, weft.randn

    def step(model: Any, x: Any, y: Any) -> tuple[Any, tuple[Any, ...]]:
        return Library("weft_eager").training_step(model), (x, y)

    def half(*shape: int) -> Any:
        return r(*shape).to(weft.bfloat16)

    def attention() -> tuple[Any, tuple[Any, ...]]:
        return lambda q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True), (
            *(r(8, 16, 1024, 64) for _ in "qkv"),
        )

    def adamw() -> tuple[Any, tuple[Any, ...]]:
        parameters = [r(1024, 1024).requires_grad_(), r(1024).requires_grad_()]
        optimizer = weft.optim.AdamW(parameters, lr=1e-3)

        def update(*gradients: Any) -> Any:
            for parameter, gradient in zip(parameters, gradients):
                parameter.grad = gradient
            optimizer.step()
            return gradients[0]

        return update, (r(1024, 1024), r(1024))

    def mlp() -> tuple[Any, tuple[Any, ...]]:
        layers = (nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
        return step(nn.Sequential(*layers), r(64, 784), weft.randint(0, 10, (64,)))

    def gpt() -> tuple[Any, tuple[Any, ...]]:
        return step(transformer(weft, 256), weft.randint(0, 256, (8, 128)), weft.randint(0, 256, (8, 128)))

    return {
        "add": lambda: (lambda x, y: x + y, (r(1 << 24), r(1 << 24))),
        "gelu_bf16": lambda: (lambda x, y: f.gelu(x * y + x) * y, (half(4096, 4096), half(4096, 4096))),
        "column_sum": lambda: (lambda x: x.sum(0), (r(8192, 4096),)),
        "softmax": lambda: (lambda x: weft.softmax(x, -1), (r(8192, 4096),)),
        "layer_norm": lambda: (lambda x, w, b: f.layer_norm(x, (1024,), w, b), (r(16384, 1024), r(1024), r(1024))),
        "long_rows": lambda: (lambda x: weft.softmax(x, -1), (r(4, 1 << 22),)),
        "matmul_1024": lambda: (lambda x, y: x @ y, (r(1024, 1024), r(1024, 1024))),
        "matmul_4096": lambda: (lambda x, y: x @ y, (r(4096, 4096), r(4096, 4096))),
        "matmul_bf16": lambda: (lambda x, y: x @ y, (half(4096, 4096), half(4096, 4096))),
        "attention": attention,
        "adamw": adamw,
        "mlp_step": mlp,
        "gpt_step": gpt,
    }


@dataclass
class Row:
    """A kernel of a graph, of which a run may launch several."""

    code: KernelCode
    launches: list[Launch]
    predictions: list[Prediction]

    @property
    def seconds(self) -> float:
        return sum(p.seconds for p in self.predictions)

    @property
    def limit(self) -> float:
        return sum(p.limit for p in self.predictions)


@dataclass
class Report:
    name: str
    rows: list[Row]  # the slowest first
    launches: int
    nvrtc_seconds: float


def _translate(*arguments: str) -> str:
    environment = dict(os.environ, VIRTUAL_ENV=sys.prefix)  # where NVRTC is
    done = subprocess.run([str(TRANSLATE), *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stderr


def inspect(name: str, arch: str = "sm_90") -> Report:
    """Compiles a graph of graphs() and reads its machine code."""
    import weft

    function, arguments = graphs()[name]()
    with tempfile.TemporaryDirectory() as folder:
        graph, source, cubin = (str(Path(folder) / f"graph.{kind}") for kind in ("mlir", "cu", "cubin"))
        weft.export(function, arguments, graph)
        _translate("--emit=cuda", f"--arch={arch}", graph, "-o", source)
        times = _translate("--emit=cubin", "--time", f"--arch={arch}", graph, "-o", cubin)
        text, kernels = Path(source).read_text(), machine_code.read(Path(cubin))
    sources, steps = gpu_model.kernel_sources(text), gpu_model.launches(text)
    rows = []
    for kernel in Counter(launch.kernel for launch in steps):
        own = [launch for launch in steps if launch.kernel == kernel]
        code = kernels[kernel]
        rows.append(Row(code, own, [gpu_model.predict(code, launch, sources[kernel]) for launch in own]))
    nvrtc = re.search(r"nvrtc (\S+) ms", times)
    rows.sort(key=lambda row: -row.seconds)
    return Report(name, rows, len(steps), float(nvrtc[1]) / 1e3 if nvrtc else 0.0)


GRAPHS = ("graph", "launches", "kernels", "NVRTC, s", "predicted, µs", "to launch, µs")
KERNELS = (
    "graph", "kernel", "launches", "instructions an element", "loads, bytes", "stores, bytes", "shared loads a multiply-add",
    "multiply-adds, %", "registers", "stack", "shared, bytes", "warps", "barriers", "tensor core", "µs", "of the limit",
)  # fmt: skip


def _graph_cells(report: Report) -> tuple[str, ...]:
    seconds = sum(row.seconds for row in report.rows)
    waiting = report.launches * gpu_model.LAUNCH_SECONDS
    return (
        report.name,
        str(report.launches),
        str(len(report.rows)),
        f"{report.nvrtc_seconds:.2f}",
        f"{seconds * 1e6:.0f}",
        f"{waiting * 1e6:.0f}",
    )


def _kernel_cells(name: str, row: Row) -> tuple[str, ...]:
    code, first = row.code, row.predictions[0]
    hot = code.hot
    fmas = hot.counts["DFMA"] or hot.counts["FFMA"]
    is_product = first.multiply_s > 0
    return (
        name,
        code.name,
        str(len(row.launches)),
        f"{first.each:.1f}",
        hot.width("LDG"),
        hot.width("STG"),
        f"{hot.counts['LDS'] / fmas:.3f}" if is_product and fmas else "-",
        f"{100 * first.share:.0f}" if is_product else "-",
        str(code.registers),
        str(code.stack),
        str(code.shared + row.launches[0].shared),
        str(first.warps),
        str(code.barriers),
        str(code.tensor_core),
        f"{row.seconds * 1e6:.1f}",
        f"{row.seconds / max(row.limit, 1e-12):.1f} x",
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for cells in (columns, ("---",) * len(columns), *rows):
        print("| " + " | ".join(cells) + " |")


def measure(names: list[str], arch: str, every: bool) -> None:
    """Two tables in Markdown: of graphs, and of the kernels of each that take longest, or of all."""
    if missing := machine_code.missing_tools():
        raise SystemExit(f"bench --sass reads cubins by {' and '.join(missing)}: tools/dev sass installs them")
    reports = [inspect(name, arch) for name in names or list(graphs())]
    _table(GRAPHS, [_graph_cells(report) for report in reports])
    print()
    shown = None if every else SHOWN
    _table(KERNELS, [_kernel_cells(report.name, row) for report in reports for row in report.rows[:shown]])
