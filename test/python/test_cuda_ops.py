"""Every op of the table on a GPU: the CPU's bits, many ops a program."""

import pytest
import weft
from conftest import assert_same_bits
from test_ops import RECORDS, Examples, call, results_of, split, to_tensor

pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(not weft.cuda.is_available(), reason="no CUDA driver or GPU on this machine"),
]
NAMES = [name for name, r in RECORDS.items() if r["examples"] and r["numpy"] and r["family"] != "Creation"]
TOGETHER = 16


def on(device, operand):
    if isinstance(operand, list):
        return [on(device, o) for o in operand]
    return operand if operand is None else operand.to(device)


def calls_of(names, dtype):
    """(record, operands, attributes) of each op that takes the dtype, by its first example."""
    for name in names:
        record = RECORDS[name]
        category = "float" if "float" in record["dtypes"] or not record["dtypes"] else record["dtypes"][0]
        if category == "float" or dtype == "float32":
            operands, attrs = split(record, Examples(record, category)(record["examples"][0]))
            yield record, [on("cpu", to_tensor(a, dtype)) for a in operands], attrs


@pytest.mark.parametrize("first", range(0, len(NAMES), TOGETHER))
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_bits_are_the_cpus(first, dtype):
    calls = list(calls_of(NAMES[first : first + TOGETHER], dtype))
    expected = [results_of(call(*one)) for one in calls]
    there = [[on("cuda", o) for o in operands] for _, operands, _ in calls]
    run = weft.compile(lambda all: [results_of(call(r, o, a)) for (r, _, a), o in zip(calls, all)])
    wrong = []
    for (record, _, _), got, want in zip(calls, run(there), expected):
        try:
            assert_same_bits(got, want)
        except AssertionError as error:
            wrong.append(f"{record['name']}: {error}")
    assert not wrong, "\n".join(wrong)
