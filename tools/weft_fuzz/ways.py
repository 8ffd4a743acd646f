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
TILES = {"amx_tile", "amx_bf16"}


def flags():
    """Of this machine's processor."""
    return set(re.search(r"^flags\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)[1].split())


def cpus():
    """Those of CPUS that this machine can run."""
    return CPUS if AVX512 <= flags() else CPUS[:2]


def like(cpu):
    """Those of them whose results have the bits of ``cpu``'s: products of bfloat16 have an order of their own where tiles are multiplied."""
    return [other for other in cpus() if bool(other) == bool(cpu)] if TILES <= flags() else list(cpus())


def eager(seed):
    """The processor of a process's eager kernels. Mostly this machine's: every other one needs all the kernels once more."""
    r = random.Random(seed)
    return r.choice(cpus()) if r.random() < OTHER_EAGER else ""


def drawn(seed, cpu):
    """The ways of a batch, as "KIND" or "KIND CPU". A result may not depend on the processor, so any like ``cpu`` will do for each."""
    r = random.Random(seed)
    kinds = [kind for kind, share in SHARES.items() if r.random() < share]
    return [f"{kind} {r.choice(like(cpu))}".strip() if kind not in EAGER else kind for kind in kinds]


def of_batch(seed, device, cpu):
    """The ways of a batch beside eager kernels for ``cpu``: on a GPU, all that there are."""
    return list(GPU) if device == "cuda" else drawn(seed, cpu)


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
