"""The programs in the documents run: the Python blocks of a page, one after the other."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/any_batch.md", "docs/checking.md", "docs/functions.md", "docs/complex.md", "docs/fft.md", "docs/numpy.md", "docs/scikit_learn.md", "docs/array_api.md", "docs/coming_from_pytorch.md", "docs/tutorials/training.md",
         "docs/tutorials/compiling.md", "docs/tutorials/profiling.md"]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_runs(page, one_thread, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text()
    if "import sklearn" in text or "from sklearn" in text:
        pytest.importorskip("sklearn", reason="the page uses its digits")
    lines = text.splitlines()
    # Blank lines in the place of prose, so that errors and kernels name lines of the page.
    inside, program = False, []
    for line in lines:
        if re.fullmatch(r"```(python)?", line):
            inside = line == "```python"
            line = ""
        program.append(line if inside else "")
    assert any(program)
    exec(compile("\n".join(program), str(ROOT / page), "exec"), {"__name__": "__main__"})


def test_all_tutorials_are_run():
    assert {str(p.relative_to(ROOT)) for p in (ROOT / "docs/tutorials").glob("*.md")} <= set(PAGES)
