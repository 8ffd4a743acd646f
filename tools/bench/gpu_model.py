"""How long a kernel should take on a GPU by its machine code: the largest of five times, each of one resource.

- bytes: the step's buffers, each once, at the memory's rate;
- latency: the same bytes at the rate that the loads in flight allow (Little's law): those of an iteration of the hot loop,
  of all warps that are resident;
- issue: instructions for an element, times elements, at an instruction a cycle on each of four schedulers of the
  multiprocessors in use. They are those of the innermost loops that load or store most widely, as many as the source has passes over
  the elements: the longest, as what is left of an unrolled loop is shorter. A product has one, and what is around it;
- shared: loads of shared memory, at a warp's load of 8 bytes or less a cycle (of wider ones half is alike for several threads);
- multiply-adds: those of the products, at the rate of the arithmetic units.

The limit is the larger of bytes and multiply-adds at the whole machine's rate. The model knows nothing of caches, of bank conflicts, of
waiting at barriers, nor of the instructions outside of the hot loop: it says what is surely too slow, not how fast the rest is.

Rates are of an H100 SXM5 from NVIDIA's "H100 Tensor Core GPU Architecture" and data sheet (multiprocessors, clock, memory, registers and
shared memory, 128 lanes of float32); the latency of memory is what microbenchmarks of Hopper report, rounded up.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from machine_code import KernelCode, Loop

MULTIPROCESSORS, CLOCK, SCHEDULERS, LANES = 132, 1.755e9, 4, 128
MEMORY_RATE, MEMORY_CYCLES = 3.35e12, 600
REGISTERS, SHARED_BYTES, RESERVED_SHARED, WARPS, BLOCKS = 65536, 228 * 1024, 1024, 64, 32
TILE_SIDE, TILE_DEPTH = 16, 16  # of a product: threads along each side, and what is multiplied at once
LAUNCH_SECONDS = 2e-6  # what one more kernel in a stream costs at least
_TYPES = {"float": 4, "double": 8, "long long": 8, "int": 4, "short": 2, "unsigned short": 2}


@dataclass
class Launch:
    """A step of the plan that weft-translate --emit=cuda prints before the source."""

    kernel: str
    buffers: list[int]  # bytes of each
    blocks: int
    threads: int
    shared: int

    @property
    def bytes(self) -> int:
        return sum(self.buffers)


def launches(source: str) -> list[Launch]:
    sizes = {int(n): int(b) for n, b in re.findall(r"^// buffer (\d+): \w+, (\d+) bytes", source, re.M)}
    step = re.compile(r"^// batch \d+: (\w+)\(([\d, ]*)[^)]*\) x (\d+), grain \d+, threads (\d+), shared (\d+)", re.M)
    return [
        Launch(name, [sizes[int(b)] for b in buffers.split(",") if b.strip()], int(grid), int(threads), int(shared))
        for name, buffers, grid, threads, shared in step.findall(source)
    ]


def kernel_sources(source: str) -> dict[str, str]:
    """The text of each kernel, its signature included."""
    parts = re.split(r'\nextern "C" __global__ void __launch_bounds__\([^)]*\) ', source)[1:]
    return {part.split("(", 1)[0]: part for part in parts}


def resident_warps(code: KernelCode, launch: Launch) -> int:
    """Warps that a multiprocessor holds at once."""
    warps = math.ceil(launch.threads / 32)
    by_registers = REGISTERS // (math.ceil(code.registers / 8) * 8 * 32) // warps
    by_shared = SHARED_BYTES // (code.shared + launch.shared + RESERVED_SHARED)
    return min(by_registers, by_shared, WARPS // warps, BLOCKS) * warps


@dataclass
class Prediction:
    elements: float  # of the largest buffer, or multiply-adds
    each: float  # instructions an element
    share: float  # of a product's instructions, in the loop over tiles, that are multiply-adds
    warps: int  # resident on a multiprocessor
    bytes_s: float
    latency_s: float
    issue_s: float
    shared_s: float
    multiply_s: float

    @property
    def seconds(self) -> float:
        return max(self.bytes_s, self.latency_s, self.issue_s, self.shared_s, self.multiply_s)

    @property
    def limit(self) -> float:
        return max(self.bytes_s, self.multiply_s)


def _each(loop: Loop, full: list[int]) -> float:
    """Instructions of a loop for an element; `full`: the bytes of an element of each buffer that is gone through."""
    counts = loop.counts
    if not any(counts[name] for name in ("LDG", "STG", "LDS", "STS")):
        return 0.0
    stored, loaded = loop.moved("STG") / min(full), loop.moved("LDG") / sum(full)
    return len(loop.instructions) / max(1.0, stored or counts["STS"] or loaded or counts["LDS"])


def predict(code: KernelCode, launch: Launch, source: str) -> Prediction:
    hot = code.hot
    parameters = re.findall(
        r"(unsigned short|long long|float|double|int|short)[^,]*? \*[^,]*?b\d+", source.split("{", 1)[0]
    )
    sizes = [_TYPES.get(kind, 1) for kind in parameters] + [1] * len(launch.buffers)
    counts = [count // size for count, size in zip(launch.buffers, sizes)]
    largest = max(counts, default=1)
    full = [size for count, size in zip(counts, sizes) if count == largest]
    fmas = hot.counts["DFMA"] or hot.counts["FFMA"]
    product = re.search(r"weftContract<(\d+), (\d+), .*?>\(tiles, \(\w[\w ]*\)(\d+)", source)
    around = 0.0  # instructions of the loop over tiles for an iteration of the hot one
    if product and fmas:
        rows, columns, depth = map(int, product.groups())
        elements = float(launch.blocks * TILE_SIDE * rows * TILE_SIDE * columns * depth)
        iteration = fmas / (2 if "WeftInPairs" in source else 1)  # of which each is done twice
        around = hot.around * iteration / (TILE_DEPTH * rows * columns)
        each = (len(hot.instructions) + around) / iteration
    else:
        passes = max(1, len(re.findall(r"\+ threadIdx\.x; |weftReduce\w*<", source)))
        elements, iteration = float(largest), 1.0
        widest = max(loop.widest for loop in code.loops or [hot])
        loops = [loop for loop in code.loops or [hot] if loop.widest == widest]  # not the way of what is not aligned
        each = sum(sorted((_each(loop, full) for loop in loops), reverse=True)[:passes])
        each = each or _each(Loop(code.instructions), full)  # all loops are unrolled
    blocks = max(1, launch.blocks)
    busy = min(MULTIPROCESSORS, blocks)
    warps = resident_warps(code, launch)
    here = min(warps, math.ceil(blocks / busy) * math.ceil(launch.threads / 32))
    in_flight = max(4, hot.moved("LDG")) * 32 * here * busy
    rate = min(MEMORY_RATE, in_flight / (MEMORY_CYCLES / CLOCK))
    loads = sum(max(1, i.bytes // 8) for i in hot.instructions if i.name == "LDS") if product else 0
    issue = elements * each / 32 / (min(SCHEDULERS, here) * busy * CLOCK)
    return Prediction(
        elements,
        each,
        fmas / max(1.0, len(hot.instructions) + around),
        warps,
        launch.bytes / MEMORY_RATE,
        0.0 if product else launch.bytes / rate,
        issue,
        elements * loads / iteration / 32 / (busy * CLOCK),
        elements / (LANES * MULTIPROCESSORS * CLOCK) if product else 0.0,
    )
