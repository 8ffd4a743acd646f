"""weft.explain: how a compiled function's call went, as text and as a page."""

import html
import time
from collections import namedtuple

from . import _C
from ._compile import compile
from ._compiled_module import compiled_of

_STYLE = """
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
_COLOURS = ("#5b8def", "#e8875b", "#59b384", "#b07cd8", "#d9a93f", "#4fb0c6", "#d66a8f", "#8a97a8")


class KernelRun(namedtuple("KernelRun", "name location seconds bytes runs")):
    """A kernel that ran: its name, "model.py:12 add, relu", how long it took, the bytes of the buffers it worked on, and how often it
    ran (in a loop); seconds and bytes are of all runs."""

    __slots__ = ()

    @property
    def rate(self):
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds else 0.0

    def __str__(self):
        return (
            f"{self.seconds * 1e6:9.1f} us  {self.bytes / 1e6:9.3f} MB  {self.rate / 1e9:6.1f} GB/s  {self.name}  {self.location}"
            + (f"  ({self.runs} runs)" if self.runs > 1 else "")
        )


class Operation(namedtuple("Operation", "result name operands type line")):
    """An operation as it was recorded: %result = name(%operands) : type, and the Python line."""

    __slots__ = ()

    def __str__(self):
        operands = ", ".join(f"%{operand}" for operand in self.operands)
        return f"%{self.result} = {self.name}({operands}) : {self.type}" + (f"  {self.line}" if self.line else "")


class Explanation:
    """What ``explain`` found; prints as text, and shows as a page in notebooks (``save`` writes it).

    mode: "replay", "lazy" or "eager"; reason: why, or None; guards: what later calls are checked for; retraces: why calls were traced
    anew; graph: the operations that were recorded; kernels: what ran.
    """

    def __init__(self, mode, reason, guards, retraces, graph, kernels):
        self.mode = mode
        self.reason = reason
        self.guards = guards
        self.retraces = retraces
        self.graph = graph
        self.kernels = kernels

    @property
    def ops(self):
        return len(self.graph)

    def __repr__(self):
        lines = [f"mode: {self.mode}"]
        if self.reason:
            lines.append(f"why: {self.reason}")
        lines.append(f"ops: {self.ops}")
        lines.append(f"kernels: {len(self.kernels)}")
        lines += [f"  {kernel}" for kernel in self.kernels]
        lines.append(f"guards: {len(self.guards)}")
        lines += [f"  {path}" for path in self.guards]
        lines.append(f"retraces: {len(self.retraces)}")
        lines += [f"  {why}" for why in self.retraces]
        return "\n".join(lines)

    def save(self, path):
        """Writes the page as one HTML file that needs nothing else. Kernels are compared with the rate at which this machine copies
        memory, which is measured (0.1 s)."""
        text = self._repr_html_()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _repr_html_(self):
        return (
            f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>weft.explain</title><style>{_STYLE}</style></head><body>"
            f"<h1>How the call went: <span class='mode {self.mode}'>{self.mode}</span></h1>"
            + (f"<p>{_text(self.reason)}</p>" if self.reason else "")
            + self._time()
            + self._by_line()
            + self._details("Operations as recorded", self.graph)
            + self._details("Guards: what later calls are checked for", self.guards)
            + self._details("Traces after the first, and what they were needed for", self.retraces)
            + "</body></html>"
        )

    def _time(self):
        if not self.kernels:
            return "<h2>No kernel ran</h2>"
        total = sum(kernel.seconds for kernel in self.kernels) or 1e-9
        limit, bars, rows, at = _copy_rate(), [], [], 0.0
        for i, kernel in enumerate(self.kernels):
            width, colour = 1000 * kernel.seconds / total, _COLOURS[i % len(_COLOURS)]
            bars.append(
                f"<rect x='{at:.2f}' y='0' width='{width:.2f}' height='36' fill='{colour}'><title>{_text(kernel)}</title></rect>"
            )
            at += width
            rows.append(
                f"<tr><td><code>{_text(kernel.name)}</code>{f' &times; {kernel.runs}' if kernel.runs > 1 else ''}</td><td>{_text(kernel.location)}</td>"
                f"<td class='number'>{kernel.seconds * 1e6:.1f}</td>"
                f"<td><span class='share' style='width:{12 * kernel.seconds / total:.2f}rem;background:{colour}'></span></td>"
                f"<td class='number'>{kernel.bytes / 1e6:.3f}</td><td class='number'>{kernel.rate / 1e9:.1f}</td>"
                f"<td class='number'>{100 * kernel.rate / limit:.0f} %</td></tr>"
            )
        return (
            f"<h2>{len(self.graph)} operations ran as {len(self.kernels)} kernels in {total * 1e6:.1f} us</h2>"
            f"<svg viewBox='0 0 1000 36' width='100%' height='36' preserveAspectRatio='none'>{''.join(bars)}</svg>"
            "<table><tr><th>kernel</th><th>operations</th><th class='number'>us</th><th>share</th><th class='number'>MB</th>"
            f"<th class='number'>GB/s</th><th class='number'>of copying ({limit / 1e9:.0f} GB/s)</th></tr>{''.join(rows)}</table>"
        )

    def _by_line(self):
        lines: dict[str, float] = {}
        for kernel in self.kernels:
            line = kernel.location.split(" ")[0] or "unknown"
            lines[line] = lines.get(line, 0.0) + kernel.seconds
        rows = "".join(
            f"<tr><td><code>{_text(line)}</code></td><td class='number'>{seconds * 1e6:.1f}</td></tr>"
            for line, seconds in sorted(lines.items(), key=lambda item: -item[1])
        )
        return (
            f"<h2>Time by Python line</h2><table><tr><th>line</th><th class='number'>us</th></tr>{rows}</table>"
            if rows
            else ""
        )

    def _details(self, title, items):
        text = "\n".join(_text(item) for item in items)
        return f"<details><summary><b>{title}</b> ({len(items)})</summary><pre>{text}</pre></details>"


def _text(value):
    return html.escape(str(value))


def _copy_rate():
    """Bytes a second that are read and written when 64 MB are copied, the best of some rounds."""
    from ._factories import zeros

    with _C.GradMode(False):
        memory, other = zeros(16 << 20), zeros(16 << 20)
        taken = []
        for _ in range(4):
            start = time.perf_counter()
            other.copy_(memory)
            taken.append(time.perf_counter() - start)
    return 2 * (64 << 20) / min(taken)


def _kernels(steps):
    """The steps, those of one kernel together, in the order in which they first ran."""
    runs: dict[int, KernelRun] = {}
    for identity, name, location, seconds, size in steps:
        known = runs.get(identity, KernelRun(name, location, 0.0, 0, 0))
        runs[identity] = known._replace(seconds=known.seconds + seconds, bytes=known.bytes + size, runs=known.runs + 1)
    return list(runs.values())


def explain(function, *args, **kwargs):
    """Calls the function (compiling it first if it is not) and says how that went: replayed, run as Python with its tensor
    operations in compiled segments (lazy), or run as it is (eager); why; the guards, what made it trace again, the operations, and
    every kernel that ran, with the Python line it comes from, its time and its bytes. ``.save("page.html")`` draws it."""
    compiled = compiled_of(function) or compiled_of(compile(function))
    compilation = compiled.compilation
    _, steps = _C.profile_steps(lambda: compiled(*args, **kwargs))
    entries = _C.entries(compiled)
    current = next((e for e in entries if e.mismatch(args, kwargs) is None), None)
    way, why = _C.way_of_calls(compiled) if current is None else ("trace", "")
    if way == "trace":
        current = current or compilation.last
        why = current.reason if current is not None else compilation.last_reason
    elif compilation.last_reason:
        why += f"; {compilation.last_reason}"
    return Explanation(
        mode="eager" if way == "eager" else "lazy" if why else "replay",
        reason=why or None,
        guards=list(compilation.paths.get(current, ())),
        retraces=list(compilation.retraces),
        graph=[Operation(*operation) for operation in current.graph] if current is not None else [],
        kernels=_kernels(steps),
    )
