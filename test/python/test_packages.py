"""Packages that are written for PyTorch run over weft as they are installed, and compute what they do there (test/packages)."""

import fcntl
import json
import os
import pathlib
import subprocess
import sys

import pytest
import weft

ROOT = pathlib.Path(__file__).resolve().parents[2]
TORCH = json.loads((ROOT / "test/data/torch_packages.json").read_text())
PACKAGES = ["einops==0.8.2", "torchmetrics==1.9.0", "lightning-utilities==0.15.3", "pytorch-ignite==0.5.5", "skorch==1.4.0",
            "tabulate==0.10.0", "torchdiffeq==0.2.5", "nflows==0.14", "ema-pytorch==0.8.3", "torchinfo==1.8.0"]  # fmt: skip


@pytest.fixture(scope="module")
def installed():
    """The folder that they are in; without what they depend on, which is PyTorch. Skips where there is no index to install from."""
    pytest.importorskip("sklearn", reason="skorch and torchmetrics need it")
    folder = ROOT / "build/test_packages"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / ".installed"
        if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "-q",
                "--no-deps",
                "--upgrade",
                "--target",
                folder,
                *PACKAGES,
            ]
            done = subprocess.run(pip, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"pip could not install them: {done.stderr[-300:]}")
            stamp.write_text("\n".join(PACKAGES))
    return folder


@pytest.mark.parametrize("name", TORCH)
def test_computes_what_it_does_over_pytorch(name, installed):
    package = pathlib.Path(weft.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{package}:{installed}", "WEFT_NUM_THREADS": "1"}
    run = [sys.executable, ROOT / "test/packages/run.py", name]
    done = subprocess.run(run, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert list(found) == list(TORCH[name])
    for key, values in TORCH[name].items():
        assert found[key] == pytest.approx(values, rel=1e-4, abs=1e-4), key
