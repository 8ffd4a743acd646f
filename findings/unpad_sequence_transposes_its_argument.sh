#!/usr/bin/env bash
# PyTorch 2.13.0: nn.utils.rnn.unpad_sequence(), without batch_first, transposes the caller's tensor in place: its shape is another one
# afterwards, and a second call fails or gives other sequences. Of a leaf that requires gradients it is an error.
#
# Seen: "before: [3, 2], after: [2, 3]", "a leaf that requires gradients: RuntimeError".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.nn.utils.rnn import unpad_sequence

padded, lengths = torch.arange(6.0).view(3, 2), torch.tensor([3, 1])
before = list(padded.shape)
unpad_sequence(padded, lengths)
print(f"before: {before}, after: {list(padded.shape)}")
try:
    unpad_sequence(torch.arange(6.0).view(3, 2).requires_grad_(), lengths)
except RuntimeError as error:
    print(f"a leaf that requires gradients: {type(error).__name__}")
assert list(padded.shape) != before, "PyTorch leaves the argument alone now"
PYTHON
