"""Budgets of GPU kernels, read from their machine code: no GPU is needed, but NVRTC and a disassembler (tools/dev sass)."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "bench"))
import gpu_model  # noqa: E402
import machine_code  # noqa: E402
import sass  # noqa: E402

pytestmark = [
    pytest.mark.usefixtures("cpu_by_default"),
    pytest.mark.skipif(
        bool(machine_code.missing_tools()), reason=f"not installed: {' '.join(machine_code.missing_tools())}"
    ),
    pytest.mark.skipif(not sass.TRANSLATE.exists(), reason="build/bin/weft-translate is not built"),
]


def only(name: str, arch: str = "sm_90") -> sass.Row:
    report = sass.inspect(name, arch)
    assert report.launches == 1
    return report.rows[0]


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_elementwise_kernels_move_16_bytes_and_divide_nothing(arch):
    row = only("add", arch)
    assert row.code.hot.widest == 16
    assert row.predictions[0].each <= 30
    assert not row.code.counts["CALL"] and not row.code.counts["I2F"]  # as a division has
    assert row.code.stack == 0
    assert row.seconds <= 1.05 * row.limit


def test_a_long_body_is_bound_by_memory_too():
    row = only("gelu_bf16")
    assert row.code.hot.widest >= 8 and row.code.stack == 0
    assert row.seconds <= 1.2 * row.limit


@pytest.mark.parametrize("name", ["column_sum", "long_rows"])
def test_reductions_in_steps_keep_all_multiprocessors_busy(name):
    report = sass.inspect(name)
    largest = max(launch.bytes for row in report.rows for launch in row.launches)
    for row in report.rows:
        for launch in row.launches:
            if launch.bytes > largest / 16:
                assert launch.blocks >= gpu_model.MULTIPROCESSORS
    assert sum(row.seconds for row in report.rows) <= 1.3 * sum(row.limit for row in report.rows)


def test_a_column_is_read_by_few_instructions():
    row = next(row for row in sass.inspect("column_sum").rows if row.code.name.startswith("sum_blocks"))
    assert row.predictions[0].each <= 6


@pytest.mark.parametrize("name", ["softmax", "layer_norm"])
def test_rows_are_reduced_by_warps(name):
    row = only(name)
    assert row.code.counts["SHFL"] > 0 and row.code.stack == 0
    assert row.code.barriers <= 8
    assert row.seconds <= 1.6 * row.limit


def test_products_multiply_most_of_the_time():
    row = only("matmul_4096")
    hot = row.code.hot
    assert hot.multiplies
    assert row.predictions[0].share >= 0.7  # of all in the loop over tiles
    assert {i.bytes for i in hot.instructions if i.name == "LDS"} == {16}
    assert 16 * hot.counts["LDS"] <= hot.counts["FFMA"]
    assert not hot.counts["LDL"] and not hot.counts["STL"]  # nothing is spilled where it matters
