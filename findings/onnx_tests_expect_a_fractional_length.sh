#!/usr/bin/env bash
# onnx 1.23.2, onnxruntime 1.32.0. ONNX's own backend test test_resize_downsample_scales_linear_align_corners asks for other numbers than the text
# of Resize says and ONNX Runtime gives: of 4 columns times 0.6 there are 2 results (2.4 rounded down), whose corners are those of the input
# with align_corners, so the row 1 2 3 4 becomes 1 4. The reference implementation, from which the test's values come, divides by the length that was not
# rounded: 1 and 3.142857 (1 + 3 / 1.4). A backend that passes the test places the last pixel inside of the picture. So with the test for cubic.
#
# Seen: "the test expects [[[[1.0, 3.142857074737549]]]] and ONNX Runtime gives [[[[1.0, 4.0]]]]".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy
import onnx
import onnxruntime
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")
name = "test_resize_downsample_scales_linear_align_corners"
case = next(c for c in collect_testcases(None) if c.name == name)
inputs, (expected,) = case.data_sets[0]
session = onnxruntime.InferenceSession(case.model.SerializeToString(), providers=["CPUExecutionProvider"])
found = session.run(None, dict(zip([i.name for i in session.get_inputs()], inputs)))[0]
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, {name}")
print("input", inputs[0].tolist(), "scales", inputs[1].tolist())
print("the test expects", expected.tolist(), "and ONNX Runtime gives", found.tolist())
assert numpy.allclose(found.reshape(-1), [1, 4])
assert numpy.allclose(expected.reshape(-1), [1, 1 + 3 / 1.4])
PYTHON
