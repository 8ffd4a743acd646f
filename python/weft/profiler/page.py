"""A profile as a page, in the style of weft.explain's."""

from .. import _page
from .._explain import kernels_of

_SHOWN = 3000  # events in the picture of what ran when: the longest


def page(events):
    kernels = kernels_of(
        (e.identity, e.kernel, e.location, e.cpu_time_total / 1e6, e.bytes, e.flops)
        for e in events
        if not e.is_user_annotation
    )
    kernels.sort(key=lambda kernel: -kernel.seconds)
    runs, total = sum(kernel.runs for kernel in kernels), sum(kernel.seconds for kernel in kernels)
    end = max((e.start + e.cpu_time_total for e in events), default=0.0)
    body = f"<h1>Profile: {runs} runs of {len(kernels)} kernels in {total * 1e3:.3f} of {end / 1e3:.3f} ms</h1>"
    if events:
        body += "<h2>What ran when</h2>" + _timeline(events, end) + _ranges(events)
    if kernels:
        body += "<h2>Kernels, the longest first</h2>" + _page.kernels(kernels) + _page.by_line(kernels)
    table = events.key_averages().table(sort_by="self_cpu_time_total", row_limit=-1)
    return _page.document(
        "weft.profiler", body + f"<details><summary><b>Table</b></summary><pre>{_page.text(table)}</pre></details>"
    )


def _timeline(events, end):
    """A row for each level of nesting of each thread, from left to right in time."""
    rows, colours, rects, height = {}, {}, [], 22
    shown = sorted(
        sorted(events, key=lambda e: -e.cpu_time_total)[:_SHOWN], key=lambda e: (e.thread, e.start, -e.cpu_time_total)
    )
    open_until: list[float] = []
    thread = None
    for event in shown:
        if event.thread != thread:
            thread, open_until = event.thread, []
        while open_until and open_until[-1] <= event.start:
            open_until.pop()
        row = rows.setdefault((event.thread, len(open_until)), len(rows))
        open_until.append(event.start + event.cpu_time_total)
        known = (event.is_user_annotation, event.key)
        colour = colours.setdefault(known, "#c9d3e0" if event.is_user_annotation else _page.COLOURS[len(colours) % 8])
        left, width = 1000 * event.start / end, max(0.3, 1000 * event.cpu_time_total / end)
        title = f"{event.name}: {event.cpu_time_total:.1f} us {event.location}"
        rects.append(
            f"<rect x='{left:.3f}' y='{row * height}' width='{width:.3f}' height='{height - 2}' fill='{colour}'>"
            f"<title>{_page.text(title)}</title></rect>"
        )
    tall = len(rows) * height
    return (
        f"<svg viewBox='0 0 1000 {tall}' width='100%' height='{tall}' preserveAspectRatio='none'>{''.join(rects)}</svg>"
    )


def _ranges(events):
    """A table of the ranges, in the order in which they began."""
    rows = "".join(
        f"<tr><td>{_page.text(range.key)}{f' &times; {range.count}' if range.count > 1 else ''}</td>"
        f"<td class='number'>{range.cpu_time_total / 1e3:.3f}</td><td class='number'>{range.self_cpu_time_total / 1e3:.3f}</td></tr>"
        for range in events.key_averages()
        if range.is_user_annotation
    )
    return (
        "<table><tr><th>range (grey above)</th><th class='number'>ms</th><th class='number'>ms outside of kernels</th></tr>"
        f"{rows}</table>"
        if rows
        else ""
    )
