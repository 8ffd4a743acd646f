#!/usr/bin/env bash
# PyTorch 2.13.0: pack_padded_sequence() takes a length that is beyond the input's. batch_sizes then speak of more rows than there are,
# and pad_packed_sequence() fails far from the mistake.
#
# Seen: "5 rows, batch_sizes of 7", "pad_packed_sequence: RuntimeError".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.utils import rnn

packed = rnn.pack_padded_sequence(torch.arange(6.0).view(2, 3), [5, 2], batch_first=True)
print(f"{len(packed.data)} rows, batch_sizes of {packed.batch_sizes.sum().item()}")
try:
    rnn.pad_packed_sequence(packed, batch_first=True)
except RuntimeError as error:
    print(f"pad_packed_sequence: {type(error).__name__}")
assert len(packed.data) != packed.batch_sizes.sum(), "PyTorch refuses the lengths now"
PYTHON
