"""Random programs of tools/weft_fuzz in every way that must agree, and programs that failed once."""

import os
import pathlib
import random
import sys
import time

import pytest
import weft
from conftest import assert_same_bits

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
SECONDS = 20


@pytest.mark.skipif(not TOOLS.exists(), reason="needs the checkout's tools")
def test_random_programs(tmp_path):
    """New programs each time; the seed is in the message."""
    sys.path.insert(0, str(TOOLS))
    try:
        from weft_fuzz.__main__ import Fuzzer
        from weft_fuzz.workers import Workers
    finally:
        sys.path.remove(str(TOOLS))
    seed, end = random.SystemRandom().randrange(10**9), time.monotonic() + SECONDS
    print(f"seed {seed}")
    with Workers(str(tmp_path / "cache"), ("2 threads", "3 threads", "unfused")) as workers:
        fuzzer = Fuzzer(workers, os.environ.get("WEFT_FUZZ_OUT", tmp_path), aot=0.1, statements=12)
        while time.monotonic() < end and not fuzzer.failures:
            fuzzer.one(seed + fuzzer.graphs)
    assert not fuzzer.failures, fuzzer.failures
    assert fuzzer.graphs > 0


def check(function, *shapes):
    """Two calls of the compiled function against eager, on arguments that it may write to."""
    weft.manual_seed(0)
    arguments = [weft.randn(*shape) for shape in shapes]
    compiled = weft.compile(function)
    for _ in range(2):
        mine, theirs = ([t.clone() for t in arguments] for _ in range(2))
        for a, b in zip((*compiled(*mine), *mine), (*function(*theirs), *theirs)):
            assert_same_bits(a, b)


def test_an_input_is_overwritten_while_another_result_reads_it_elsewhere():
    def reversed_and_doubled(x):
        y = x.flip((0, 1)).reshape(1, 1, 9001, 1)
        x.mul_(2.0)
        return (y,)

    check(reversed_and_doubled, (1, 9001))


def test_rows_of_bfloat16_end_where_they_end():
    """The last lane of a row of 65 is alone in its vector: nothing beside it may be written."""
    x, y = weft.randn(16, 65), weft.randn(8, 1).to(weft.bfloat16).expand(8, 65)

    def add_to_every_second_row(x, y):
        v = x.to(weft.bfloat16)
        v[::2].add_(y)
        return v

    os.environ["WEFT_FUSE"] = "0"
    try:
        assert_same_bits(weft.compile(add_to_every_second_row)(x, y), add_to_every_second_row(x, y))
    finally:
        del os.environ["WEFT_FUSE"]
