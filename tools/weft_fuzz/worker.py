"""A process that makes and runs programs: a JSON request a line on stdin, a JSON answer a line on stdout."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import pathlib
import re
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import weft  # noqa: E402

from weft_fuzz import generate, ways  # noqa: E402
from weft_fuzz.batch import Batch, exports  # noqa: E402
from weft_fuzz.program import Program, load  # noqa: E402

APART = 1000  # between the numbers of two programs' first values


def make(seeds, statements):
    """The programs of the seeds; what was refused, what NumPy says otherwise and what could not be made, each with the seed."""
    programs, answer = [], {"refused": [], "wrong": [], "broken": []}
    for i, seed in enumerate(seeds):
        try:
            program, refused, wrong = generate.generate(seed, statements, i * APART)
        except Exception:  # any: that is what is looked for
            answer["broken"].append([seed, traceback.format_exc()])
            continue
        programs.append(program)
        answer["refused"] += [[seed, text] for text in refused]
        answer["wrong"] += [[seed, text] for text in wrong]
    return programs, answer


def fuzz(request):
    """Makes the programs of `seeds` and runs them in `ways`. The programs are in the answer where something disagrees."""
    programs, answer = make(request["seeds"], request["statements"])
    answer["disagreements"] = ways.disagreements(programs, request["ways"])
    if answer["disagreements"] or request.get("programs"):
        answer["programs"] = [dataclasses.asdict(p) for p in programs]
    answer["ops"] = operations(programs)
    return answer


def operations(programs):
    """How often each op is in the programs' graph."""
    batch = Batch([p for p in programs if not p.fails and exports(p)])
    try:
        text = batch.text()
    except Exception:  # a disagreement says so
        return {}
    return collections.Counter(re.findall(r"= weft\.(\w+)", text))


def describe(programs):
    """dtype and shape of each value, by name."""
    functions = load(programs)
    inputs, known = functions["inputs"](), {}

    def look(frame, event, argument):
        if event == "return" and frame.f_code is functions["program"].__code__:
            known.update(
                {n: [t.dtype.name, list(t.shape)] for n, t in frame.f_locals.items() if isinstance(t, weft.Tensor)}
            )

    sys.setprofile(look)
    try:
        functions["program"](*inputs)
    except Exception:  # what ran up to it is known
        pass
    finally:
        sys.setprofile(None)
    return known


def export(programs):
    """The graph as MLIR; a program that cannot be traced has none."""
    try:
        return Batch(programs).text()
    except Exception as error:
        return f"// not a graph: {type(error).__name__}: {error}\n"


def answer(request):
    if "seeds" in request:
        return fuzz(request)
    programs = [Program.of(p) for p in request["programs"]]
    if request["do"] == "run":
        return ways.disagreements(programs, request["ways"])
    return {"describe": describe, "export": export}[request["do"]](programs)


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
