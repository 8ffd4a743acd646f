"""The parts of the pages that weft.explain and weft.profiler draw: one HTML file each, which needs nothing else."""

import html
import time
from collections import namedtuple

from . import _C

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2430; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
.mode { padding: .1rem .6rem; border-radius: .3rem; background: #dfe7f3; }
.replay { background: #cfeed6; } .lazy { background: #fdebc1; } .eager { background: #f6d5d0; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
td, th { padding: .2rem .6rem; border-bottom: 1px solid #e3e8ef; vertical-align: top; } .number { text-align: right; white-space: nowrap; }
code, pre { font: 13px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; background: #f5f7fa; padding: .8rem; }
.share { display: inline-block; height: .7rem; background: #5b8def; vertical-align: middle; }
svg rect:hover { opacity: .6; } summary { cursor: pointer; }
"""
COLOURS = ("#5b8def", "#e8875b", "#59b384", "#b07cd8", "#d9a93f", "#4fb0c6", "#d66a8f", "#8a97a8")


def text(value):
    return html.escape(str(value))


def line_and_operations(location):
    """The Python line ("" if none is known, as of kernels that run alone) and the operations of "model.py:12 add, relu"."""
    line, _, operations = location.partition(" ")
    return (line, operations) if line.rpartition(":")[2].isdigit() else ("", location)


def document(title, body):
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style></head>"
        f"<body>{body}</body></html>"
    )


class Machine(namedtuple("Machine", "bytes flops")):
    """What a second is good for here: bytes read and written when 64 MB are copied, and float32 operations of a product of 1024 x 1024."""

    __slots__ = ()

    @classmethod
    def measured(cls):
        """The best of some rounds: 0.1 s."""
        from ._factories import ones, zeros

        with _C.GradMode(False):
            memory, other = zeros(16 << 20), zeros(16 << 20)
            matrix = ones(1024, 1024)
            return cls(
                2 * (64 << 20) / _quickest(lambda: other.copy_(memory)),
                2 * 1024**3 / _quickest(lambda: matrix @ matrix),
            )

    def share(self, kernel):
        """Of what the machine can do in the kernel's time, by bytes or by operations, whichever is more."""
        return max(kernel.rate / self.bytes, kernel.flop_rate / self.flops)

    def __str__(self):
        return f"copying {self.bytes / 1e9:.0f} GB/s, or products {self.flops / 1e9:.0f} GFLOP/s"


def _quickest(call):
    taken = []
    for _ in range(4):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def bar(shares):
    """A bar of (share of 1, colour, what it says) from left to right."""
    rects, at = [], 0.0
    for share, colour, title in shares:
        rects.append(
            f"<rect x='{at:.2f}' y='0' width='{1000 * share:.2f}' height='36' fill='{colour}'><title>{text(title)}</title></rect>"
        )
        at += 1000 * share
    return f"<svg viewBox='0 0 1000 36' width='100%' height='36' preserveAspectRatio='none'>{''.join(rects)}</svg>"


def kernels(runs):
    """A bar and a table of kernels (name, location, seconds, bytes, flops, runs and rates), compared with the rates at which this machine copies
    memory and multiplies, which are measured (0.1 s)."""
    total = sum(kernel.seconds for kernel in runs) or 1e-9
    machine, rows, shares = Machine.measured(), [], []
    for i, kernel in enumerate(runs):
        colour = COLOURS[i % len(COLOURS)]
        shares.append((kernel.seconds / total, colour, kernel))
        rows.append(
            f"<tr><td><code>{text(kernel.name)}</code>{f' &times; {kernel.runs}' if kernel.runs > 1 else ''}</td><td>{text(kernel.location)}</td>"
            f"<td class='number'>{kernel.seconds * 1e6:.1f}</td>"
            f"<td><span class='share' style='width:{12 * kernel.seconds / total:.2f}rem;background:{colour}'></span></td>"
            f"<td class='number'>{kernel.bytes / 1e6:.3f}</td><td class='number'>{kernel.rate / 1e9:.1f}</td>"
            f"<td class='number'>{kernel.flops / 1e6:.3f}</td><td class='number'>{kernel.flop_rate / 1e9:.1f}</td>"
            f"<td class='number'>{100 * machine.share(kernel):.0f} %</td></tr>"
        )
    return (
        bar(shares)
        + "<table><tr><th>kernel</th><th>operations</th><th class='number'>us</th><th>share</th><th class='number'>MB</th>"
        "<th class='number'>GB/s</th><th class='number'>MFLOP</th><th class='number'>GFLOP/s</th>"
        f"<th class='number'>of the limit</th></tr>{''.join(rows)}</table><p>The limit is {machine}, as measured just now; the larger share counts.</p>"
    )


def by_line(runs):
    """A table of the Python lines that kernels come from, the longest first."""
    lines: dict[str, float] = {}
    for kernel in runs:
        line = line_and_operations(kernel.location)[0] or "unknown"
        lines[line] = lines.get(line, 0.0) + kernel.seconds
    rows = "".join(
        f"<tr><td><code>{text(line)}</code></td><td class='number'>{seconds * 1e6:.1f}</td></tr>"
        for line, seconds in sorted(lines.items(), key=lambda item: -item[1])
    )
    return (
        f"<h2>Time by Python line</h2><table><tr><th>line</th><th class='number'>us</th></tr>{rows}</table>"
        if rows
        else ""
    )


def details(title, items):
    lines = "\n".join(text(item) for item in items)
    return f"<details><summary><b>{title}</b> ({len(items)})</summary><pre>{lines}</pre></details>"
