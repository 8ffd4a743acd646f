"""compile() changes nothing that a program does, and skips Python where it can: small programs, call by call beside eager."""

import importlib
import pathlib
import sys

import pytest

_FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(_FOLDER))
import corpus  # noqa: E402
import random_programs  # noqa: E402

_FILES = sorted(
    path.stem for path in _FOLDER.glob("*.py") if path.stem not in ("corpus", "random_programs", "test_capture")
)
PROGRAMS = [
    pytest.param(program, id=f"{file}-{program.name}")
    for file in _FILES
    for program in importlib.import_module(file).corpus
]


def test_names_are_given_once():
    names = [parameter.id for parameter in PROGRAMS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_compiled_program_does_what_eager_does(program):
    corpus.check(program)


@pytest.mark.parametrize("part", range(4))
def test_random_programs(part, new_seed):
    """New ones for each commit; the seed is in the message."""
    first = new_seed + 50 * part
    differences = [text for seed in range(first, first + 50) if (text := random_programs.compare(seed))]
    assert not differences, differences[0]
