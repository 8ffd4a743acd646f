"""Where save and export write: links, devices, modes, and what is left where they fail."""

import os
import stat

import pytest
import weft
from conftest import run_alone
from weft import nn


def save(path):
    weft.save({"a": weft.ones(3)}, path)


def export(path):
    weft.export(nn.Linear(2, 3), (weft.ones(1, 2),), path)


WRITERS = pytest.mark.parametrize("write", [save, export])


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@WRITERS
def test_a_link_is_followed(write, tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "link.mlir", tmp_path / "real" / "target.mlir"
    link.symlink_to(target)
    for _ in range(2):  # dangling, then not
        write(link)
        assert link.is_symlink() and target.stat().st_size > 0
        assert os.listdir(tmp_path / "real") == ["target.mlir"]


@WRITERS
def test_a_device_is_written_to(write, tmp_path):
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.open("w").close()
    except PermissionError:
        pytest.skip("needs the right to make a device")
    write(null)
    assert stat.S_ISCHR(null.stat().st_mode) and os.listdir(tmp_path) == ["null"]


@WRITERS
def test_a_pipe_is_written_to(write):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as end:
        write(f"/dev/fd/{writer}")
        os.close(writer)
        assert len(end.read()) > 50


@WRITERS
def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_mode(write, tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "new.mlir")
        assert {mode_of(p) for p in tmp_path.iterdir()} == {0o640}
        (tmp_path / "new.mlir").chmod(0o604)
        write(tmp_path / "new.mlir")
        assert mode_of(tmp_path / "new.mlir") == 0o604
    finally:
        os.umask(before)


@WRITERS
def test_what_cannot_be_written_is_an_error_that_leaves_nothing(write, tmp_path):
    (tmp_path / "file").write_text("as it was")
    (tmp_path / "loop").symlink_to("loop")
    for path, why in [
        (tmp_path / "missing" / "x.mlir", "there is no folder .*missing; create it first"),
        (tmp_path / "file" / "x.mlir", "there is no folder .*file; create it first"),
        (tmp_path, "it is a folder"),
        (f"{tmp_path}/x/", "folder"),
        ("", "it is a folder"),
        (tmp_path / "loop", "symbolic links"),
    ]:
        with pytest.raises(RuntimeError, match=rf"\[{write.__name__}\] cannot write .*{why}"):
            write(path)
    with pytest.raises(RuntimeError, match="cannot write /proc/x.mlir: (?!there is no folder)"):
        write("/proc/x.mlir")
    assert sorted(os.listdir(tmp_path)) == ["file", "loop"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    save(tmp_path / "x")
    before = (tmp_path / "x").read_bytes()
    # A process of its own may write no more than a few bytes to a file.
    run_alone(f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    weft.save({{"a": weft.ones(3000)}}, {str(tmp_path / "x")!r})
except RuntimeError as error:
    assert "[save] cannot write" in str(error), error
else:
    raise SystemExit("it was written")
""")
    assert (tmp_path / "x").read_bytes() == before and os.listdir(tmp_path) == ["x"]


def test_save_and_load_take_open_files(tmp_path):
    import io

    tensors = {"x": weft.randn(3, 2), "n": weft.arange(4)}
    memory = io.BytesIO()
    weft.save(tensors, memory, metadata={"step": 3})
    weft.save(tensors, tmp_path / "x.safetensors", metadata={"step": 3})
    assert memory.getvalue() == (tmp_path / "x.safetensors").read_bytes()
    memory.seek(0)
    for loaded in (weft.load(memory), weft.load(open(tmp_path / "x.safetensors", "rb"))):
        assert loaded["x"].equal(tensors["x"]) and loaded["n"].equal(tensors["n"])
    with pytest.raises(RuntimeError, match=r"\[load\] what the BytesIO holds"):
        weft.load(io.BytesIO(b"nothing"))
