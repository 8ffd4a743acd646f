"""weft.hub: weights are fetched once, whole, and checked."""

import hashlib
import os

import pytest
import weft
from weft import hub
from weft.utils import model_zoo


@pytest.fixture
def weights(tmp_path):
    """The address of a file of weights whose name holds its hash."""
    weft.save({"w": weft.arange(3.0)}, tmp_path / "plain.pt")
    digest = hashlib.sha256((tmp_path / "plain.pt").read_bytes()).hexdigest()
    path = tmp_path / f"net-{digest[:8]}.pth"
    os.rename(tmp_path / "plain.pt", path)
    return path


def test_weights_are_fetched_once(weights, tmp_path):
    url, folder = weights.as_uri(), tmp_path / "fetched"
    for load in (hub.load_state_dict_from_url, model_zoo.load_url):
        state = load(url, model_dir=str(folder), map_location="cpu", progress=False, check_hash=True)
        assert state["w"].tolist() == [0, 1, 2]
        weights.unlink(missing_ok=True)  # the second time it is there
    assert [path.name for path in folder.iterdir()] == [weights.name]


def test_another_file_is_an_error_and_leaves_nothing(weights, tmp_path):
    weights.write_bytes(weights.read_bytes() + b" ")
    folder = tmp_path / "fetched"
    with pytest.raises(RuntimeError, match="must begin with"):
        hub.load_state_dict_from_url(weights.as_uri(), str(folder), progress=False, check_hash=True)
    assert list(folder.iterdir()) == []


def test_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "_chosen", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "hub")
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert hub.get_dir() == str(tmp_path / "cache" / "torch" / "hub")
    hub.set_dir(tmp_path)
    assert hub.get_dir() == str(tmp_path)


def test_a_file_of_the_default_folder(weights, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(hub, "_chosen", str(tmp_path / "hub"))
    hub.load_state_dict_from_url(weights.as_uri(), file_name="renamed.pth")
    assert (tmp_path / "hub" / "checkpoints" / "renamed.pth").exists()
    assert "100%" in capfd.readouterr().err
