"""The commands `weft-opt` and `weft-aot` of an installed package."""

import ctypes
import os
import pathlib
import signal
import sys

_PACKAGE = pathlib.Path(__file__).parent


def opt() -> None:
    """Becomes the program that lies in the package."""
    os.execv(_PACKAGE / "bin" / "weft-opt", ["weft-opt", *sys.argv[1:]])


def aot() -> None:
    """A function of the compiler library, which the package has in any case."""
    for number in (signal.SIGINT, signal.SIGPIPE):  # as they are for any program
        signal.signal(number, signal.SIG_DFL)
    arguments = [b"weft-aot", *map(os.fsencode, sys.argv[1:])]
    library = ctypes.CDLL(str(_PACKAGE / "libweft_compiler.so"))
    sys.exit(
        library.weft_aot_command(
            len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments), os.fsencode(_PACKAGE / "bin")
        )
    )
