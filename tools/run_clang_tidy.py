"""clang-tidy over the sources, in parallel; a file that was clean is looked at again only when it or a header changed.

run_clang_tidy.py --build DIRECTORY [--all | file ...]

By default it looks at the files that differ from the commit before the last, and begins none of them after --seconds: one that
includes MLIR takes a minute.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("runtime", "ir", "passes", "codegen", "frontend", "python/bindings")


def tracked(*patterns):
    done = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in done.stdout.splitlines()]


def changed():
    """The sources that differ from the commit before the last, as far back as a shallow clone reaches."""
    done = subprocess.run(["git", "diff", "--name-only", "HEAD~1"], cwd=ROOT, capture_output=True, text=True)
    return {ROOT / line for line in done.stdout.splitlines()}


def digest(paths):
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return total.hexdigest()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    arguments.add_argument("--all", action="store_true", help="every file")
    arguments.add_argument("--seconds", type=float, default=120, help="begin no file after this time; not with --all")
    arguments.add_argument("files", nargs="*", type=pathlib.Path)
    options = arguments.parse_args()
    compiled = (options.build / "compile_commands.json").read_text()
    sources = [p.resolve() for p in options.files] or tracked(*(f"{folder}/*.cpp" for folder in FOLDERS))
    sources = [p for p in sources if str(p) in compiled]
    end = None
    if not options.all and not options.files:
        recent = changed()
        # Those free of MLIR first: they take seconds.
        sources = sorted((p for p in sources if p in recent), key=lambda p: b'"mlir/' in p.read_bytes())
        end = time.monotonic() + options.seconds
    common = digest([*tracked("*.h", "*.td"), ROOT / ".clang-tidy"])
    clean = options.build / "clang-tidy"
    clean.mkdir(exist_ok=True)

    def check(path):
        stamp = clean / hashlib.sha256((common + digest([path])).encode()).hexdigest()
        if stamp.exists():
            return True
        if end and time.monotonic() > end:
            return None
        # Precompiled headers are the compiler's own; clang-tidy reads the includes themselves.
        command = [
            "clang-tidy-22",
            "-p",
            str(options.build),
            "--quiet",
            "--extra-arg=-Wno-unknown-warning-option",
            str(path),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            stamp.touch()
        else:
            print(done.stdout or done.stderr, flush=True)
        return done.returncode == 0

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(check, sources))
    bad, skipped = results.count(False), results.count(None)
    later = f"; {skipped} not looked at within {options.seconds:.0f} s: tools/dev lint --all" if skipped else ""
    print(f"clang-tidy: {len(sources) - skipped} files, {bad} with findings{later}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
