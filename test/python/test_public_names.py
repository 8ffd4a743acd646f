"""Of the names that public code uses most (test/data/public_names.txt), each is there with the keywords that this code passes, or
docs/absent_names.md says why not; or it is still to come (test/data/public_names_open.txt)."""

import fnmatch
import importlib
import inspect
import pathlib
import re

import pytest
import weft

ROOT = pathlib.Path(__file__).parent.parent.parent
NAMES = dict(
    (name, keywords)
    for name, *keywords in map(str.split, (ROOT / "test/data/public_names.txt").read_text().splitlines())
)
OPEN = set((ROOT / "test/data/public_names_open.txt").read_text().split())
RANKED, OTHERS = (ROOT / "docs/absent_names.md").read_text().split("## Other public names")


def patterns(text):
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [pattern for line in lines for pattern in re.findall(r"`([^`]+)`", line.split("|")[1])]


ABSENT = patterns(RANKED)
TORCH = (ROOT / "test/data/torch_names.txt").read_text().split()


def found(name):
    """What has the name; None where nothing has it."""
    value, path = weft, "weft"
    for part in name.split("."):
        path += "." + part
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module(path)
            except ImportError:
                return None
    return value


@pytest.mark.parametrize("name", NAMES)
def test_name_is_there_or_has_a_reason(name):
    absent = any(fnmatch.fnmatchcase(name, pattern) for pattern in ABSENT)
    if absent or name in OPEN:
        return
    value = found(name)
    assert value is not None or name.startswith("version."), f"{name} is neither there nor in docs/absent_names.md"
    if callable(value):
        try:
            parameters = inspect.signature(value).parameters
        except (TypeError, ValueError):
            return
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        # NumPy's names of parameters are taken, too, and results are written to out=.
        known = {
            *parameters,
            "out",
            "self",
            *(["axis"] if "dim" in parameters else []),
            *(["keepdims"] if "keepdim" in parameters else []),
        }
        missing = set(NAMES[name]) - known
        assert takes_any or not missing, (name, missing)


def test_reasons_are_of_names_that_are_not_there():
    for pattern in ABSENT:
        names = fnmatch.filter(NAMES, pattern)
        assert names, f"no name in the list is {pattern}"
        assert [name for name in names if found(name) is not None] == []


def test_all_public_names_of_pytorch_are_there_or_have_a_reason():
    absent = ABSENT + patterns(OTHERS)
    names = [name for name in TORCH if not any(fnmatch.fnmatchcase(name, pattern) for pattern in absent)]
    missing = [name for name in names if name != "newaxis" and found(name) is None]  # which is None
    assert missing == []


def test_other_reasons_are_of_names_that_are_not_there():
    for pattern in patterns(OTHERS):
        names = fnmatch.filter(TORCH, pattern)
        assert names, f"no name of PyTorch's is {pattern}"
        there = [name for name in names if found(name) is not None]
        assert there == [], pattern
