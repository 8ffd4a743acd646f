"""The commands `weft-opt` and `weft-aot` of an installed package: they become the programs that lie in it."""

import os
import pathlib
import sys


def _become(name: str) -> None:
    program = pathlib.Path(__file__).parent / "bin" / name
    os.execv(program, [name, *sys.argv[1:]])


def opt() -> None:
    _become("weft-opt")


def aot() -> None:
    _become("weft-aot")
