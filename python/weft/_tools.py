"""The commands `weft-opt`, `weft-reduce` and `weft-aot` of an installed package."""

import ctypes
import os
import pathlib
import signal
import sys
import tempfile

_PACKAGE = pathlib.Path(__file__).parent


def opt() -> None:
    """Becomes the program that lies in the package."""
    _become("weft-opt")


def reduce() -> None:
    """Becomes the program that lies in the package."""
    _become("weft-reduce")


def _become(program: str) -> None:
    os.execv(_PACKAGE / "bin" / program, [program, *sys.argv[1:]])


def aot() -> None:
    """A function of the compiler library, which the package has in any case. A model of another format becomes a model.mlir first."""
    for number in (signal.SIGINT, signal.SIGPIPE):  # as they are for any program
        signal.signal(number, signal.SIG_DFL)
    given, sizes = _without_sizes(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        arguments = [b"weft-aot", *(os.fsencode(_program_of(a, folder, sizes)) for a in given)]
        if sizes and not any(a.endswith(".onnx") for a in given):
            sys.exit("weft-aot: --size is for .onnx files, which may leave sizes open; other programs have theirs")
        library = ctypes.CDLL(str(_PACKAGE / "libweft_compiler.so"))
        status = library.weft_aot_command(
            len(arguments), (ctypes.c_char_p * (len(arguments) + 1))(*arguments), os.fsencode(_PACKAGE / "bin")
        )
    sys.exit(status)


def _without_sizes(arguments: list[str]) -> tuple[list[str], dict[str, int]]:
    """The arguments without each ``--size NAME=N``, and these."""
    others, sizes, rest = [], {}, iter(arguments)
    for argument in rest:
        option, equals, text = argument.partition("=")
        if option.lstrip("-") != "size" or not option.startswith("-"):
            others.append(argument)
            continue
        name, _, number = (text if equals else next(rest, "")).rpartition("=")
        if not name or not number.isdecimal() or not 0 < int(number) < 2**31:
            sys.exit("weft-aot: --size needs the name of a size and a positive number, as in --size batch=8")
        sizes[name] = int(number)
    return others, sizes


def _program_of(argument: str, folder: str, sizes: dict[str, int]) -> str:
    """A model of another format becomes a program for the sizes that it names; other arguments stay what they are."""
    if not (argument.endswith((".onnx", ".pt2", ".mlir", ".stablehlo")) and os.path.isfile(argument)):
        return argument
    if argument.endswith(".mlir") and not _is_stablehlo(argument):
        return argument
    import weft

    try:
        if argument.endswith(".onnx"):
            from .onnx.module import example

            model = weft.onnx.load(argument)
            inputs = example(model, sizes)
        elif argument.endswith((".mlir", ".stablehlo")):
            model = weft.import_stablehlo(pathlib.Path(argument))
            inputs = model.example_inputs
        else:
            model = weft.import_torch(argument)
            inputs = model.example_inputs
        return os.fspath(weft.export(model, inputs, os.path.join(folder, pathlib.Path(argument).stem + ".mlir")))
    except (ImportError, OSError, ValueError, NotImplementedError, TypeError, RuntimeError) as error:
        sys.exit(f"weft-aot: {argument}: {error}")


def _is_stablehlo(path: str) -> bool:
    """Whether the text has an operation of StableHLO; a graph of weft's has none."""
    with open(path, "rb") as file:
        return any(b" stablehlo." in line or b'"stablehlo.' in line for line in file)
