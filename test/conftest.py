"""Random tests draw what is new with each commit and the same wherever that commit is tested, so that a failure comes again."""

import pathlib
import random
import subprocess

import pytest

_TREE = ["git", "rev-parse", "--verify", "HEAD^{tree}"]


def _new_seed():
    """Of the commit, or where there is none of no one."""
    try:
        run = subprocess.run(_TREE, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True)
    except FileNotFoundError:  # no git
        return random.SystemRandom().randrange(16**7)
    return int(run.stdout[:7], 16) if run.returncode == 0 else random.SystemRandom().randrange(16**7)


def pytest_addoption(parser):
    parser.addoption("--new-seed", type=int, default=None, help="of random tests; default: the commit's")


@pytest.hookimpl(tryfirst=True)  # before hypothesis reads its option
def pytest_configure(config):
    if config.option.new_seed is None:
        config.option.new_seed = _new_seed()
    if getattr(config.option, "hypothesis_seed", 0) is None:
        config.option.hypothesis_seed = str(config.option.new_seed)


def pytest_report_header(config):
    return f"random tests: --new-seed={config.option.new_seed}"


@pytest.fixture(scope="session")
def new_seed(pytestconfig):
    """Below 2^28."""
    return pytestconfig.option.new_seed
