"""Times the same work in weft and its peers, each in a process of its own, in turns, and prints medians.

    tools/dev bench [--cases a,b] [--libraries weft,torch,jax] [--rounds 7] [--seconds 0.3] [--threads N] [--json FILE]
    tools/dev bench --growth docs/growth.svg    time against size, drawn
    tools/dev bench --varying                   numbers and sizes that are others at each call: compiled against eager
    tools/dev bench --optimizers                steps of all optimizers against PyTorch's forms of them
    tools/dev bench --loading                   worker processes decode PNG files; needs Pillow
    tools/dev sass [--arch sm_90] [--kernels] [--cases add,gpt_step]    GPU kernels by their machine code, without a GPU

Without --libraries: weft, weft_eager, and torch and jax where they can be imported. --python torch=PATH gives a library an
interpreter of its own. The JSON is a list with an object a case: the median seconds a call and the first call's seconds by library.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import growth  # noqa: E402
import loading  # noqa: E402
import optimizers  # noqa: E402
import sass  # noqa: E402
import varying  # noqa: E402
from cases import CASES  # noqa: E402
from workers import Race, serve  # noqa: E402


def show(row: dict[str, Any]) -> None:
    ours = row["median_s"].get("weft")
    print(f"{row['case']}: {((CASES | optimizers.CASES)[row['case']].__doc__ or '').splitlines()[0]}")
    for name, median in row["median_s"].items():
        ratio = f"{median / ours:6.2f} x weft" if ours else ""
        print(f"  {name:12s}{median * 1e6:12.1f} µs{ratio:>14s}   first call {row['first_s'][name]:7.3f} s")
    for name, error in row["errors"].items():
        print(f"  {name:12s}{error}")
    checks = list(row["check"].values())
    if checks and max(checks) - min(checks) > 1e-3 * max(map(abs, checks)):
        print(f"  the results DIFFER: {row['check']}")
    sys.stdout.flush()


def main() -> int:
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(prog="tools/dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", help=f"of {', '.join([*CASES, *optimizers.CASES])}; all of the first {len(CASES)}")
    parser.add_argument(
        "--libraries", help="of weft, weft_eager, torch, torch_foreach, torch_fused, inductor, ort, jax"
    )
    parser.add_argument(
        "--python", action="append", default=[], metavar="LIBRARY=PATH", help="an interpreter for a library"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a library runs in a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--growth", metavar="FILE", help="measure time against size instead, and draw it")
    parser.add_argument("--varying", action="store_true", help="measure calls that differ in numbers and sizes instead")
    parser.add_argument("--optimizers", action="store_true", help="measure steps of optimizers instead")
    parser.add_argument("--loading", action="store_true", help="measure DataLoaders with worker processes instead")
    parser.add_argument("--sass", action="store_true", help="read the machine code of GPU kernels instead")
    parser.add_argument("--arch", default="sm_90", help="the GPU architecture of --sass")
    parser.add_argument(
        "--kernels", action="store_true", help="with --sass, all kernels, not the slowest of each graph"
    )
    options = parser.parse_args()
    pythons = dict(pair.split("=", 1) for pair in options.python)
    if options.varying:
        varying.measure()
        return 0
    if options.sass:
        sass.measure(options.cases.split(",") if options.cases else [], options.arch, options.kernels)
        return 0
    if options.loading:
        loading.measure(pythons, options.rounds)
        return 0
    if options.libraries:
        libraries = options.libraries.split(",")
    else:
        peers = [name for name in ("torch", "jax") if name in pythons or importlib.util.find_spec(name)]
        libraries = ["weft", "weft_eager", *peers]
    if options.optimizers:
        libraries = options.libraries.split(",") if options.libraries else ["weft", "weft_eager", *optimizers.PEERS]
        pythons |= {name: pythons["torch"] for name in optimizers.PEERS if "torch" in pythons and name not in pythons}
    known = CASES | optimizers.CASES
    cases = options.cases.split(",") if options.cases else list(optimizers.CASES if options.optimizers else CASES)
    for unknown in set(cases) - set(known):
        parser.error(f"no case {unknown!r}; there are {', '.join(known)}")
    if options.growth and not importlib.util.find_spec("matplotlib"):
        parser.error("--growth draws with matplotlib: pip install matplotlib")
    race = Race(libraries, pythons, options.rounds, options.seconds, options.threads)
    rows = []
    if options.growth:
        rows = growth.measure(race)
    elif options.optimizers:
        rows = optimizers.measure(race, cases)
    else:
        for case in cases:
            rows.append(race.run(case))
            show(rows[-1])
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    if options.growth:
        growth.draw(rows, Path(options.growth))
    return 0


if __name__ == "__main__":
    sys.exit(main())
