"""Includes go one way only: checks each `#include "folder/..."` against the table of the folders."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder -> the folders whose headers it may include, besides its own
MAY_INCLUDE = {
    "runtime": set(),
    "ir": set(),
    "passes": {"ir"},
    "codegen": {"ir", "passes", "runtime/Abi.h", "runtime/cpu/Features.h"},
    "frontend": {"ir", "passes", "codegen", "runtime"},
    "python": {"ir", "codegen", "runtime", "frontend"},
}
# What must stay free of LLVM and MLIR: a process that runs cached code only never loads them.
NO_COMPILER = {"runtime", "frontend", "python"}
COMPILER_HEADERS = ("mlir/", "llvm/", "lld/", "clang/")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def violations(folder: str, path: pathlib.Path):
    for header in INCLUDE.findall(path.read_text()):
        if folder in NO_COMPILER and header.startswith(COMPILER_HEADERS):
            yield f"{path.relative_to(ROOT)}: includes {header}, but {folder}/ must not depend on LLVM or MLIR"
        top = header.split("/", 1)[0]
        if top not in MAY_INCLUDE or top == folder:
            continue
        allowed = MAY_INCLUDE[folder]
        if top not in allowed and header not in allowed:
            yield f"{path.relative_to(ROOT)}: includes {header}, but {folder}/ may include only {sorted(allowed) or 'itself'}"


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
