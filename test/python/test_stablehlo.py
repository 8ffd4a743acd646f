"""weft.import_stablehlo and weft.export(format="stablehlo"): what jax printed, what weft prints, one as the input of the other."""

import ctypes
import pathlib
import subprocess
import sys

import numpy
import pytest
import weft
from weft.testing import assert_close

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data" / "stablehlo"
NAMES = sorted(path.stem for path in FOLDER.glob("*.mlir"))


def stored(name):
    """The program, its arguments, and what XLA made of them."""
    model = weft.import_stablehlo(FOLDER / f"{name}.mlir")
    arrays = numpy.load(FOLDER / f"{name}.npz")
    given = [weft.from_numpy(arrays[f"in{i}"]) for i in range(sum(k.startswith("in") for k in arrays))]
    args = [x.to(example.dtype) for x, example in zip(given, model.example_inputs)]
    return model, args, [arrays[f"out{i}"] for i in range(sum(k.startswith("out") for k in arrays))]


def compare(results, expected, tolerance=1e-5):
    results = results if isinstance(results, tuple) else (results,)
    assert len(results) == len(expected)
    for i, (y, wanted) in enumerate(zip(results, expected)):
        if y.dtype in (weft.bfloat16, weft.float16):
            tolerance = 1e-2
        y = (y.float() if y.dtype == weft.bfloat16 else y).numpy()
        assert y.dtype == wanted.dtype and y.shape == wanted.shape, i
        if wanted.dtype.kind in "fc":
            numpy.testing.assert_allclose(y, wanted, tolerance, tolerance, err_msg=str(i))
        else:
            numpy.testing.assert_array_equal(y, wanted, str(i))


@pytest.mark.parametrize("name", NAMES)
def test_programs_of_jax(name):
    model, args, expected = stored(name)
    results = model(*args)
    compare(results, expected)
    assert_close(weft.compile(model)(*args), results, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_programs_of_jax_written_again(name, tmp_path):
    model, args, expected = stored(name)
    try:
        weft.export(model, tuple(args), tmp_path / "again.mlir", format="stablehlo")
    except NotImplementedError as error:
        assert name == "transforms", error  # Fourier transforms are a library's
        return
    again = weft.import_stablehlo(tmp_path / "again.mlir")
    compare(again(*args), expected)
