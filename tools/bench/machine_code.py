"""What is read from a cubin: the instructions of each kernel, its loops, and what it takes of a multiprocessor.

The disassembler and cuobjdump come from PyPI: pip install nvidia-cuda-nvdisasm nvidia-cuda-cuobjdump.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TOOLS = ("nvdisasm", "cuobjdump")
_INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*?);")
_LABEL = re.compile(r"^(\.L_x_\d+|\S+):$")
_RESOURCES = re.compile(r"Function (\w+):\s+REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")


def missing_tools() -> list[str]:
    """What has to be installed before a cubin can be read."""
    return [f"nvidia-cuda-{name}" for name in TOOLS if _tool(name) is None]


def _tool(name: str) -> Path | None:
    found = sorted(Path(sys.prefix).glob(f"lib/python3*/site-packages/nvidia/cu*/bin/{name}"))
    return found[-1] if found else None


def _run(name: str, *arguments: str) -> str:
    tool = _tool(name)
    if tool is None:
        raise RuntimeError(f"{name} is not installed: pip install nvidia-cuda-{name}")
    return subprocess.run([str(tool), *arguments], check=True, capture_output=True, text=True).stdout


@dataclass
class Instruction:
    opcode: str  # "LDG.E.128"
    operands: str

    @property
    def name(self) -> str:
        return self.opcode.split(".")[0]

    @property
    def bytes(self) -> int:
        """What a thread moves by a load or store."""
        for suffix, count in (("128", 16), ("64", 8), ("U16", 2), ("S16", 2), ("U8", 1), ("S8", 1)):
            if f".{suffix}" in self.opcode:
                return count
        return 4


@dataclass
class Loop:
    """Instructions of an innermost loop; of a kernel without loops, all."""

    instructions: list[Instruction]
    around: int = 0  # instructions of the loop around it that are in no loop of their own

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(i.name for i in self.instructions)

    @property
    def widest(self) -> int:
        """Bytes of the widest load or store of global memory, at least 4."""
        return max([4, *(i.bytes for i in self.instructions if i.name in ("LDG", "STG"))])

    @property
    def multiplies(self) -> bool:
        """Whether the loop is a product's: multiply-adds of what it loads from shared memory."""
        return self.counts["FFMA"] >= 8 and self.counts["LDS"] > 0 and self.counts["LDG"] == 0

    def moved(self, *names: str) -> int:
        return sum(i.bytes for i in self.instructions if i.name in names)

    def width(self, *names: str) -> str:
        """The widths of loads or stores, in bytes: "16", "4 and 2"."""
        widths = sorted({i.bytes for i in self.instructions if i.name in names}, reverse=True)
        return " and ".join(map(str, widths)) or "-"


@dataclass
class KernelCode:
    name: str
    instructions: list[Instruction]
    loops: list[Loop]  # innermost ones
    registers: int
    stack: int  # bytes of local memory that the kernel's own arrays and spilled registers take
    shared: int  # bytes that the kernel declares

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(i.name for i in self.instructions)

    @property
    def barriers(self) -> int:
        return self.counts["BAR"]

    @property
    def tensor_core(self) -> int:
        return sum(self.counts[name] for name in ("HMMA", "IMMA", "DMMA", "QGMMA", "HGMMA", "IGMMA", "UTCHMMA"))

    @property
    def multiply_adds(self) -> set[str]:
        return {"DFMA"} if self.counts["DFMA"] > self.counts["FFMA"] else {"FFMA", "IMAD"}

    @cached_property
    def hot(self) -> Loop:
        """The loop that works on the elements: of a product the one with most multiply-adds, else the longest that loads or stores."""
        if not self.loops:
            return Loop(self.instructions)
        memory = ("LDG", "STG", "LDS", "STS")
        moving = [loop for loop in self.loops if any(loop.counts[name] for name in memory)] or self.loops
        return max(moving, key=lambda loop: (loop.multiplies and loop.counts["FFMA"], len(loop.instructions)))


def _innermost(lines: list[tuple[str | None, Instruction | None]]) -> list[Loop]:
    """Loops that hold no other, from branches that go back."""
    labels: dict[str, int] = {}
    code: list[Instruction] = []
    for label, instruction in lines:
        if label:
            labels[label] = len(code)
        elif instruction:
            code.append(instruction)
    spans = set()
    for place, instruction in enumerate(code):
        target = re.search(r"`\((\.L_x_\d+)\)", instruction.operands)
        if instruction.name == "BRA" and target and labels.get(target[1], place + 1) <= place:
            if labels[target[1]] != place:  # the last instruction branches to itself
                spans.add((labels[target[1]], place + 1))
    inner = [a for a in spans if not any(b != a and a[0] <= b[0] and b[1] <= a[1] for b in spans)]
    loops = []
    for first, last in sorted(inner):
        outer = min(
            (b for b in spans if b[0] <= first and last <= b[1] and b != (first, last)),
            key=lambda b: b[1] - b[0],
            default=None,
        )
        held = sum(b - a for a, b in inner if outer and outer[0] <= a and b <= outer[1])
        loops.append(Loop(code[first:last], outer[1] - outer[0] - held if outer else 0))
    return loops


def read(cubin: Path) -> dict[str, KernelCode]:
    """The kernels of a cubin by their names."""
    resources = {
        match[1]: tuple(map(int, match.groups()[1:]))
        for match in _RESOURCES.finditer(_run("cuobjdump", "--dump-resource-usage", str(cubin)))
    }
    kernels = {}
    for section in _run("nvdisasm", "-c", str(cubin)).split("\n\t.section\t.text.")[1:]:
        name = section.split(",", 1)[0]
        lines: list[tuple[str | None, Instruction | None]] = []
        for line in section.splitlines():
            if label := _LABEL.match(line.strip()):
                lines.append((label[1], None))
            elif found := _INSTRUCTION.search(line):
                lines.append((None, Instruction(found[2], found[3])))
        code = [instruction for _, instruction in lines if instruction and instruction.name != "NOP"]
        registers, stack, shared, _ = resources[name]
        kernels[name] = KernelCode(name, code, _innermost(lines), registers, stack, shared)
    return kernels
