"""The ways in which programs run that must all give the same bits."""

from __future__ import annotations

import pathlib
import random
import re

from .batch import Batch
from .failing import Failing

CPUS = ("", "x86-64-v3", "x86-64-v4")  # "": this machine's
OTHER_EAGER = 0.3  # of the processes draw the processor of their eager kernels
# Kinds of ways, and the share of the batches that run in each. What a graph costs is LLVM's time for its programs, and a new graph
# finds more than one more way of an old one.
SHARES = {"contiguous": 0.2, "repeated": 0.2, "compiled": 1.0, "unfused": 0.5, "sliced": 0.3, "aot": 0.5}
GPU = ("gpu", "gpu_compiled")
EAGER = ("contiguous", "repeated")  # kinds whose code is that of the process's eager kernels
AVX512 = {"avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd"}


def cpus():
    """Those of CPUS that this machine can run."""
    flags = set(re.search(r"^flags\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    return CPUS if AVX512 <= flags else CPUS[:2]


def eager(seed):
    """The processor of a process's eager kernels. Mostly this machine's: every other one needs all the kernels once more."""
    r = random.Random(seed)
    return r.choice(cpus()) if r.random() < OTHER_EAGER else ""


def drawn(seed):
    """The ways of a batch, as "KIND" or "KIND CPU". A result may not depend on the processor, so any will do for each."""
    r = random.Random(seed)
    kinds = [kind for kind, share in SHARES.items() if r.random() < share]
    return [f"{kind} {r.choice(cpus())}".strip() if kind not in EAGER else kind for kind in kinds]


def of_batch(seed, device):
    """The ways of a batch: on a GPU, all that there are."""
    return list(GPU) if device == "cuda" else drawn(seed)


def every():
    return [*EAGER, *(f"{kind} {cpu}".strip() for kind in ("compiled", "unfused", "sliced", "aot") for cpu in cpus())]


def disagreements(programs, ways):
    """[way, threads, program's number or None for all, text] of each difference from the first eager run."""
    passing = [i for i, p in enumerate(programs) if not p.fails]
    batches = [(passing, Batch([programs[i] for i in passing]))] if passing else []
    batches += [([i], Failing([p])) for i, p in enumerate(programs) if p.fails]
    return [
        [way, threads, None if owner is None else numbers[owner], text]
        for numbers, batch in batches
        for way, threads, owner, text in batch.disagreements(ways)
    ]
