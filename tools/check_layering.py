"""Includes go one way only, between folders and between the rooms of a folder: checks each `#include "folder/..."`."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder -> the folders whose headers it may include, besides its own
MAY_INCLUDE = {
    "runtime": set(),
    "ir": set(),
    "passes": {"ir"},
    "codegen": {"ir", "passes", "runtime/Abi.h", "runtime/cpu/Features.h", "runtime/extern/Extern.h"},
    "frontend": {"ir", "passes", "codegen", "runtime"},
    "python": {"ir", "codegen", "runtime", "frontend"},
}
# folder -> its rooms, and headers that stand for themselves, in order: each may include those before it. What lies in the folder
# itself comes last.
ROOMS = {
    "runtime": ["Abi.h", "extern/Extern.h", "."],
    "ir": ["kernel", "."],
    "codegen": [
        "Compiler.h",
        "elementary",
        "plan",
        "evaluate",
        "schedule",
        "attention",
        "lower",
        "cpu",
        "cuda",
        "stablehlo",
        "aot",
        ".",
    ],
    "frontend": ["executables", "tensor", "dispatch", "autograd", "calls", "trace", "."],
}
# Headers that the sources, not the headers, of all the folder's rooms may include: an operation is run or recorded, on a tape and
# in a trace, whose work is operations again.
DOORS = {"frontend": {"dispatch/Ops.h", "autograd/Autograd.h", "trace/Trace.h"}}
# What must stay free of LLVM and MLIR: a process that runs cached code only never loads them.
NO_COMPILER = {"runtime", "frontend", "python"}
COMPILER_HEADERS = ("mlir/", "llvm/", "lld/", "clang/")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def room(folder: str, name: str) -> str:
    """The entry of ROOMS that a file, named from its folder, belongs to."""
    first = name.split("/", 1)[0]
    return name if name in ROOMS[folder] else first if first in ROOMS[folder] else "."


def violations(folder: str, path: pathlib.Path):
    file, name = path.relative_to(ROOT), path.relative_to(ROOT / folder).as_posix()
    for header in INCLUDE.findall(path.read_text()):
        if folder in NO_COMPILER and header.startswith(COMPILER_HEADERS):
            yield f"{file}: includes {header}, but {folder}/ must not depend on LLVM or MLIR"
        top, _, rest = header.partition("/")
        if top == folder and folder in ROOMS:
            order, own = ROOMS[folder], room(folder, name)
            is_door = path.suffix != ".h" and rest in DOORS.get(folder, ())
            if order.index(room(folder, rest)) > order.index(own) and not is_door:
                yield f"{file}: includes {header}, but of {folder}/ it may include only {order[: order.index(own) + 1]}"
        elif top in MAY_INCLUDE and top != folder:
            allowed = MAY_INCLUDE[folder]
            if top not in allowed and header not in allowed:
                yield f"{file}: includes {header}, but {folder}/ may include only {sorted(allowed) or 'itself'}"


def main() -> int:
    problems, count = [], 0
    for folder in MAY_INCLUDE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".h", ".cpp", ".c", ".inc"}:
                count += 1
                problems += violations(folder, path)
    print("\n".join(problems) if problems else f"layering: {count} files, no include goes the wrong way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
