"""Models as public repositories write them: trained alike eagerly and compiled, to the bit, and as PyTorch trains them, to 1e-4."""

import json
import pathlib

import model_files
import pytest
import weft
from conftest import assert_same_bits

TORCH = json.loads((pathlib.Path(__file__).parents[1] / "data" / "torch_models.json").read_text())


@pytest.mark.parametrize("name", model_files.NAMES)
def test_trains_as_pytorch_does(name, one_thread):
    losses, model = model_files.train(weft, name)
    compiled_losses, compiled = model_files.train(weft, name, weft.compile)
    assert losses == compiled_losses
    state, compiled_state = model.state_dict(), compiled.state_dict()
    assert list(state) == list(compiled_state)
    for key, tensor in state.items():
        assert_same_bits(tensor, compiled_state[key])
    assert losses == pytest.approx(TORCH[name]["losses"], rel=1e-4, abs=1e-4)
    found = model_files.digest(model)
    assert list(found) == list(TORCH[name]["state"])
    for key, (length, along) in TORCH[name]["state"].items():
        assert found[key] == pytest.approx([length, along], abs=1e-4 * max(1, length)), key
