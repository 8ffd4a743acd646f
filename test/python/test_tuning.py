"""WEFT_TUNE=1: the choices are kept, and change no bit."""

import os
import subprocess
import sys

SCRIPT = """
import weft
from weft import nn

weft.manual_seed(0)
model = nn.Sequential(nn.Linear(70, 33), nn.GELU(), nn.LayerNorm(33), nn.Linear(33, 5))
optimizer = weft.optim.AdamW(model.parameters(), lr=1e-2)
x, y = weft.randn(300, 70), weft.randint(0, 5, (300,))


@weft.compile
def step():
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


for _ in range(5):
    print(step().item().hex())
for p in model.parameters():
    print(p.detach().numpy().tobytes().hex())
"""


def run(cache, **environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "WEFT_CACHE_DIR": str(cache), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_tuning_changes_no_bit_and_is_kept(tmp_path):
    plain, quiet = run(tmp_path / "plain")
    tuned, said = run(tmp_path / "tuned", WEFT_TUNE="1")
    assert tuned == plain
    assert "[weft] tuning" in said and "[weft] tuning" not in quiet
    assert run(tmp_path / "tuned", WEFT_TUNE="1") == (plain, "")
    assert run(tmp_path / "tuned") == (plain, "")
