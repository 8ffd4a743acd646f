"""Where weft-aot and weft-opt write: links, devices, modes, their own sources, and what is left where they fail."""

import os
import pathlib
import stat
import subprocess
import sys

import pytest
import weft
from weft import nn

BIN = pathlib.Path(sys.executable).parent


@pytest.fixture
def model(tmp_path):
    (tmp_path / "in").mkdir()
    return pathlib.Path(weft.export(nn.Linear(2, 3), (weft.ones(1, 2),), tmp_path / "in" / "model.mlir"))


def aot(model, output, *more, **options):
    return subprocess.run(
        [BIN / "weft-aot", model, "-o", output, *more], capture_output=True, text=True, timeout=120, **options
    )


def header(model, output):
    return aot(model, model.with_suffix(".so"), "--header", output)


def opt(model, output):
    return subprocess.run(
        [BIN / "weft-opt", "--weft-simplify", model, "-o", output], capture_output=True, text=True, timeout=120
    )


WRITERS = pytest.mark.parametrize("write", [aot, header, opt])


@WRITERS
def test_links_are_followed_and_modes_kept(write, model, tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "link", tmp_path / "real" / "target"
    link.symlink_to("real/target")
    before = os.umask(0o027)
    try:
        for mode in (0o640, 0o604):  # of a new file, and of one that was there
            done = write(model, link)
            assert done.returncode == 0, done.stderr
            assert link.is_symlink() and target.stat().st_size > 0 and stat.S_IMODE(target.stat().st_mode) == mode
            assert os.listdir(tmp_path / "real") == ["target"]
            target.chmod(0o604)
            target.write_text("")
    finally:
        os.umask(before)


@WRITERS
def test_devices_and_pipes_are_written_to(write, model, tmp_path):
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.open("w").close()
    except PermissionError:
        pytest.skip("needs the right to make a device")
    assert write(model, null).returncode == 0
    assert stat.S_ISCHR(null.stat().st_mode) and sorted(os.listdir(tmp_path)) == ["in", "null"]
    if write is not aot:  # which writes no text
        assert len(write(model, "/dev/stdout").stdout) > 100


@WRITERS
def test_what_cannot_be_written_is_an_error_that_leaves_nothing(write, model, tmp_path):
    files = sorted(os.listdir(model.parent))
    (tmp_path / "file").write_text("as it was")
    for path, why in [
        (tmp_path / "missing" / "x", "missing; create it first"),
        (tmp_path / "file" / "x", "file; create it first"),
        (tmp_path, "it is a folder"),
        (model, "it is what is read"),
    ]:
        done = write(model, path)
        assert done.returncode == 1 and f"cannot write {path}: " in done.stderr and why in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["file", "in"]
    assert sorted(set(os.listdir(model.parent)) - {"model.so"}) == files


def test_the_weights_are_not_overwritten(model):
    weights = model.with_suffix(".safetensors")
    os.link(weights, model.parent / "other_name")
    for path in (weights, model.parent / "other_name"):
        assert "it is what is read" in aot(model, path).stderr
    assert "cannot both be" in aot(model, model.parent / "x", "--header", model.parent / "x").stderr


def test_no_disk_is_needed_on_the_way(model):
    done = aot(model, model.with_suffix(".so"), env={**os.environ, "TMPDIR": "/nonexistent"})
    assert done.returncode == 0, done.stderr
