"""The examples, in a short form: each learns, and to the same bits whether its steps are compiled or not."""

import importlib.util
import pathlib

import pytest
from conftest import assert_same_bits

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"

# For each: how long it learns, the least and the greatest figure that it may reach, and what of it is smaller than in the example.
SHORT = {
    "char_gpt": (40, 2.0, 3.7, dict(CONTEXT=32, BATCH=8, WIDTH=32, LAYERS=1)),  # nats a character; 4.4 untrained
    "digits_diffusion": (40, 0.1, 0.5, dict(WIDTH=16, BATCH=32, LEVELS=20)),  # of the noise; 1 untrained
    "digits_gan": (700, 0.4, 1.0, dict(HIDDEN=64)),  # of real digits read right; 0.1 by guessing
    "digits_resnet": (2, 0.8, 1.0, {}),  # accuracy
    "digits_vae": (6, 20, 31, {}),  # nats an image; 44 untrained
    "dqn_cartpole": (800, 20, 500, {}),  # pushes; 10 for a cart that is always pushed one way
    "lstm_pole": (20, 10, 80, dict(BATCH=16)),  # milliarcseconds; 154 for a pole that rests
}


def load(name):
    """An example as a module. What it imports is there, or the test is skipped."""
    for package in ("tqdm", "astropy_iers_data" if name == "lstm_pole" else "sklearn"):
        pytest.importorskip(package, reason=f"{name} needs it")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SHORT)
def test_learns_alike(name, one_thread, monkeypatch):
    module, (length, least, greatest, smaller) = load(name), SHORT[name]
    for constant, value in smaller.items():
        monkeypatch.setattr(module, constant, value)
    figure, model = module.train(length, compiled=False)[:2]
    compiled_figure, compiled_model = module.train(length, compiled=True)[:2]
    assert figure == compiled_figure and least <= figure <= greatest
    for one, other in zip(model.state_dict().values(), compiled_model.state_dict().values(), strict=True):
        assert_same_bits(one, other)


@pytest.mark.parametrize("name", [name for name in SHORT if name != "digits_resnet"])
def test_draws(name, one_thread, monkeypatch, tmp_path, capsys):
    """The whole program, for a moment."""
    pytest.importorskip("matplotlib", reason="pictures are drawn by it")
    module = load(name)
    for constant, value in SHORT[name][3].items():
        monkeypatch.setattr(module, constant, value)
    count = "--epochs" if name == "digits_vae" else "--steps"
    length = "100" if name == "dqn_cartpole" else "2"
    monkeypatch.setattr("sys.argv", [name, count, length, "--picture", str(tmp_path / "a.png")])
    module.main()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_functions_of_functions(one_thread, capsys):
    load("functions_of_functions").main()
    assert "Newton's method" in capsys.readouterr().out
