"""weft.import_stablehlo: texts of test/data/stablehlo, in which characters, tokens and lines are changed, moved, repeated or left out."""

import pathlib
import re

import weft

from . import RUNNING

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "test" / "data" / "stablehlo"
LOADING = (ValueError, NotImplementedError)
texts, often = [], []
MOST_ELEMENTS = 1 << 22  # of a program that is run
NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "63",
    "4096",
    "2147483647",
    "-9223372036854775808",
    "9" * 19,
    "9" * 40,
    "0x7F",
    "1.5",
    "1.0e400",
)
TYPES = (
    "f32",
    "i1",
    "i8",
    "ui64",
    "bf16",
    "complex<f32>",
    "f8E4M3FN",
    "i4",
    "index",
    "?xf32",
    "99999999999x9999999xf32",
    "0xf32",
)
WORDS = re.compile(r"%[\w#]+|@\w+|stablehlo\.\w+|chlo\.\w+|tensor<[^>]*>|-?\d+|\w+|\S")


def damaged(text, texts, rng):
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        kind = rng.randrange(9)
        if kind < 2:
            at = rng.randrange(len(text))
            cut = at + rng.randrange(0, 6)
            text = (
                text[:at]
                + rng.choice(
                    ("", "(", ")", "{", "}", "[", "<", ">", ":", ",", '"', "%", "#", "\0", "é", text[at:cut] * 3)
                )
                + text[cut:]
            )
        elif kind < 7:
            words = list(WORDS.finditer(text))
            word, other = rng.choice(words), rng.choice(words)
            if kind == 2:
                new = rng.choice(NUMBERS)
            elif kind == 3:
                new = f"tensor<{rng.choice(('', '3x', '4x4x'))}{rng.choice(TYPES)}>"
            elif kind == 4:  # another of its kind
                alike = [w for w in words if w[0][0] == word[0][0] and w[0] != word[0]]
                new = (rng.choice(alike) if alike else other)[0]
            else:
                new = other[0]
            text = text[: word.start()] + new + text[word.end() :]
        else:
            lines = text.split("\n")
            at = rng.randrange(len(lines))
            if kind == 7:
                lines[at : at + rng.randrange(1, 4)] = rng.choice(([], [lines[rng.randrange(len(lines))]]))
            else:
                lines[at:at] = (
                    rng.choice(texts).split("\n")[:: rng.randrange(1, 40)]
                    if rng.random() < 0.1
                    else [lines[rng.randrange(len(lines))]] * 2
                )
            text = "\n".join(lines)
        if not text:
            return " "
    return text


def deep(rng):
    """What is nested."""
    n = rng.choice((10, 1000, 100000))
    return rng.choice(
        (
            "module {" * n,
            "func.func public @main() -> tensor<f32> { %0 = stablehlo.constant dense<" + "[" * n,
            "module { func.func public @main(%a: tensor<f32> {" + "a = {" * n,
            'func.func public @main() { "stablehlo.case"(%0) (' + "{" * n,
            "tensor<" * n,
            "loc(" * n,
            "\n".join(
                f"func.func private @f{i}() {{ call @f{i + 1}() : () -> () return }}" for i in range(min(n, 3000))
            ),
            "func.func public @main() -> tensor<f32> {\n"
            + "call @f0() : () -> ()\n return }\n"
            + "\n".join(
                f"func.func private @f{i}() {{ call @f{i + 1}() : () -> () call @f{i + 1}() : () -> () return }}"
                for i in range(100)
            ),
        )
    )


def small(model):
    """Whether a run ends soon: loops whose number of steps is not known may have no end."""
    if "weft.while_loop" in model.code:
        return False
    return all(x.numel() <= MOST_ELEMENTS for x in model.example_inputs) and all(
        int(n) <= MOST_ELEMENTS for n in re.findall(r"\d+", re.sub(r"constant\d+", "", model.code)) if len(n) > 6
    )


def prepare():
    found = [path.read_text() for path in sorted(FOLDER.glob("*.mlir"))]
    texts[:] = [text for text in found if len(text) < 16000]
    often[:] = [1 / len(text) for text in texts]  # short ones are quick, and no less to be mistaken in


def mutant(rng):
    return deep(rng) if rng.random() < 0.002 else damaged(rng.choices(texts, often)[0], texts, rng)


def tried(text, run):
    try:
        model = weft.import_stablehlo("module {}\n" + text if "\n" not in text else text)
    except LOADING:
        return "refused"
    if not run or not small(model):
        return "loaded"
    try:
        model(*(weft.zeros(x.shape, dtype=x.dtype) for x in model.example_inputs))
    except RUNNING:
        return "failed"
    return "ran"
