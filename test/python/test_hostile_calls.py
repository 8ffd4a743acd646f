"""Random calls of every public callable, new ones for each commit (hostile_calls.py), in a process of their own: a crash fails the test."""

import pathlib
import subprocess
import sys

CALLS = 2000


def test_random_calls(tmp_path, new_seed):
    log = tmp_path / "calls"
    script = pathlib.Path(__file__).parent / "hostile_calls.py"
    command = [sys.executable, str(script), "--calls", str(CALLS), "--log", str(log), "--seed", str(new_seed)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    last = log.read_text(errors="replace").splitlines()[-1] if log.exists() else "none"
    assert run.returncode == 0, f"{run.stdout}{run.stderr}\nexit status {run.returncode}; the last call: {last}"
    assert len(log.read_text().splitlines()) == CALLS
