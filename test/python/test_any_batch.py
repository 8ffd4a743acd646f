"""Any batch: along the axes that an op's record states as independent, a slice of the operands gives the slice of the result, to the
bit, whatever else was beside it."""

import pathlib
import random
import re
import sys

import numpy
import pytest
import weft
from conftest import NUMPY_DTYPES, assert_same_bits, op_records
from test_ops import Examples, call, results_of, split, to_tensor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from weft_fuzz.independent import pairs  # noqa: E402

RECORDS = [r for r in op_records() if r["independent"] and r["examples"]]
MOST = 70  # of a size


def resized(example, draw):
    """The example with its sizes replaced by as many others, in the same order of size."""
    calls = re.compile(r"\b([FPIB])\(([\d, ]*?)(?:(?:, )?high=(\d+))?\)")
    sizes = sorted({int(n) for _, *texts in calls.findall(example) for text in texts for n in re.findall(r"\d+", text)})
    new = dict(zip(sizes, sorted(draw(n) for n in sizes)))

    def replace(match):
        kind, shape, high = match.groups()
        listed = [str(new[int(n)]) for n in re.findall(r"\d+", shape)]
        return f"{kind}({', '.join([*listed, f'high={new[int(high)]}'] if high else listed)})"

    return calls.sub(replace, example)


def drawn(record, example, seed, category):
    """Operands of random sizes; of large examples no larger ones, and none where attributes go with the sizes."""
    if {"kernel", "groups", "size"} & {a["name"] for a in record["attrs"]}:
        return split(record, Examples(record, category, seed)(example))
    numbers = random.Random(seed)
    sizes = lambda n: 1 if n == 1 else numbers.choice([*range(2, 9), *range(2, MOST + 1)]) if n < 100 else n
    return split(record, Examples(record, category, seed)(resized(example, sizes)))


def check(record, run, operands, attrs, seed):
    numbers = random.Random(seed)
    whole = results_of(run(record, operands, attrs))
    for pair in pairs(record, operands, attrs, whole[0]):
        size = whole[0].shape[pair.result]
        for first, count in ((0, 1), (size - 1, 1), (numbers.randrange(size), numbers.randint(1, size))):
            part = slice(first, min(size, first + count))
            got = results_of(run(record, pair.cut(operands, part), attrs))
            assert len(got) == len(whole)
            for one, all_of_it in zip(got, whole):
                assert_same_bits(one, pair.of_result(all_of_it, part).contiguous())


def compiled(record, operands, attrs):
    present = [x for x in operands if x is not None]

    def function(*given):
        rest = iter(given)
        return call(record, [None if x is None else next(rest) for x in operands], attrs)

    return weft.compile(function)(*present)


def tensors(record, example, seed, category, dtype):
    operands, attrs = drawn(record, example, seed, category)
    if category == "int":
        operands = [x.astype(dtype) if isinstance(x, numpy.ndarray) and x.dtype == numpy.int64 else x for x in operands]
    return [to_tensor(x, dtype if category == "float" else None) for x in operands], attrs


def dtypes(record):
    for category in record["dtypes"]:
        for dtype in {"int": ["int64"], "float": ["float32", "bfloat16", "float64"]}.get(
            category, NUMPY_DTYPES[category]
        ):
            indexed = category == "int" and "I(" in record["examples"][0]
            if not indexed:
                yield category, dtype


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["name"])
def test_slices(record, new_seed):
    """Eagerly, for sizes that are new with each commit."""
    for category, dtype in dtypes(record):
        for example in record["examples"]:
            for seed in range(new_seed, new_seed + (3 if dtype == "float32" else 1)):
                operands, attrs = tensors(record, example, seed, category, dtype)
                check(record, call, operands, attrs, seed)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r["name"])
def test_compiled_slices(record):
    category, dtype = next(iter(dtypes(record)))
    for example in record["examples"] if record["family"] in ("Contraction", "Composite") else record["examples"][:1]:
        operands, attrs = tensors(record, example, 7, category, dtype)
        check(record, compiled, operands, attrs, 7)


def test_every_op_says_so():
    """Of all that compute on elements, those alone say nothing that draw random numbers, or sum over what they get."""
    silent = {r["name"] for r in op_records() if not r["independent"] and r["family"] not in ("Shape", "Creation")}
    assert silent == {"dropout"}
