"""Writes what the programs of test/packages compute over PyTorch, which weft is compared with (test/python/test_packages.py).

    PYTHONPATH=build/test_packages python tools/torch_packages.py test/data/torch_packages.json

where PyTorch is installed, and scikit-learn, packaging and tqdm. A JSON object, program → {name of a result → its numbers}.
"""

import argparse
import json
import pathlib
import subprocess
import sys

PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "test" / "packages"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=pathlib.Path)
    output, table = parser.parse_args().output, {}
    for path in sorted(PROGRAMS.glob("use_*.py")):
        run = [sys.executable, PROGRAMS / "run.py", path.stem, "torch"]
        table[path.stem] = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    output.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}\n")


main()
