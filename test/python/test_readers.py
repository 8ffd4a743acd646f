"""Damaged files: a sample of tools/reader_fuzz for each reader."""

import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
reader_fuzz = pytest.importorskip("reader_fuzz", reason="needs the checkout's tools")

MODULES = {  # how many mutants
    "onnx_models": 300,
    "torch_archives": 200,
    "pickles": 300,
    "tensors": 300,
    "stablehlo": 200,
    "programs": 20,
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_files(name):
    reader = __import__(f"reader_fuzz.{name}", fromlist=["mutant"])
    if name == "onnx_models":
        reader.take(("pytorch-operator", "simple"))
    reader.prepare()
    found = {reader.tried(reader.mutant(random.Random(f"5/{i}")), False) for i in range(MODULES[name])}
    assert found == {"refused", "loaded"}
