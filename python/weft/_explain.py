"""weft.explain: how a compiled function's call went, as text and as a page."""

from collections import namedtuple

from . import _C, _page
from ._compile import compile
from ._compiled_module import compiled_of


class KernelRun(namedtuple("KernelRun", "name location seconds bytes flops runs")):
    """A kernel that ran: its name, "model.py:12 add, relu", how long it took, the bytes of the buffers it worked on, the floating-point
    operations it was for (two a multiply-add, one an element of others), and how often it ran (in a loop); seconds, bytes and flops are of all runs."""

    __slots__ = ()

    @property
    def rate(self):
        """Bytes a second."""
        return self.bytes / self.seconds if self.seconds else 0.0

    @property
    def flop_rate(self):
        """Floating-point operations a second."""
        return self.flops / self.seconds if self.seconds else 0.0

    def __str__(self):
        return (
            f"{self.seconds * 1e6:9.1f} us  {self.bytes / 1e6:9.3f} MB  {self.rate / 1e9:6.1f} GB/s  {self.flop_rate / 1e9:6.1f} GFLOP/s  "
            f"{self.name}  {self.location}" + (f"  ({self.runs} runs)" if self.runs > 1 else "")
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
        """Writes the page as one HTML file that needs nothing else. Kernels are compared with the rates at which this machine copies
        memory and multiplies, which are measured (0.1 s)."""
        text = self._repr_html_()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def _repr_html_(self):
        return _page.document(
            "weft.explain",
            f"<h1>How the call went: <span class='mode {self.mode}'>{self.mode}</span></h1>"
            + (f"<p>{_page.text(self.reason)}</p>" if self.reason else "")
            + self._time()
            + _page.by_line(self.kernels)
            + _page.details("Operations as recorded", self.graph)
            + _page.details("Guards: what later calls are checked for", self.guards)
            + _page.details("Traces after the first, and what they were needed for", self.retraces),
        )

    def _time(self):
        if not self.kernels:
            return "<h2>No kernel ran</h2>"
        total = sum(kernel.seconds for kernel in self.kernels)
        return (
            f"<h2>{len(self.graph)} operations ran as {len(self.kernels)} kernels in {total * 1e6:.1f} us</h2>"
            + _page.kernels(self.kernels)
        )


def kernels_of(steps):
    """What _C.end_profile gave, those of one kernel together, in the order in which they first ran."""
    runs: dict[int, KernelRun] = {}
    for identity, name, location, seconds, size, flops, *_ in steps:
        known = runs.get(identity, KernelRun(name, location, 0.0, 0, 0, 0))
        runs[identity] = known._replace(
            seconds=known.seconds + seconds, bytes=known.bytes + size, flops=known.flops + flops, runs=known.runs + 1
        )
    return list(runs.values())


def explain(function, *args, **kwargs):
    """Calls the function (compiling it first if it is not) and says how that went: replayed, run as Python with its tensor
    operations in compiled segments (lazy), or run as it is (eager); why; the guards, what made it trace again, the operations, and
    every kernel that ran, with the Python line it comes from, its time, bytes and floating-point operations. ``.save("page.html")`` draws it."""
    compiled = compiled_of(function) or compiled_of(compile(function))
    compilation = compiled.compilation
    begun = _C.begin_profile()
    try:
        compiled(*args, **kwargs)
    finally:
        steps = _C.end_profile(begun)
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
        kernels=kernels_of(steps),
    )
