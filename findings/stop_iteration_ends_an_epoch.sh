#!/usr/bin/env bash
# PyTorch 2.13.0: a StopIteration that a data set's __getitem__ lets out ends the epoch, with or without worker processes, without a
# word: the loop over the DataLoader takes it for its own end. Such as comes from next() on an iterator that has no more items, as a
# cache or a file that is shorter than __len__() says. Every other error is raised, with the worker's traceback.
#
# Seen: "without workers: 2 of 6 items, no error", "with 2 workers: 2 of 6 items, no error".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.13.0 numpy
cat >"$folder/program.py" <<'PYTHON'
from torch.utils.data import DataLoader, Dataset


class Labelled(Dataset):
    """Six items, and labels for all but the third."""

    labels = {0: [7], 1: [8], 2: [], 3: [9], 4: [7], 5: [8]}

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return i, next(iter(self.labels[i]))


def count(workers):
    seen = 0
    for items, _ in DataLoader(Labelled(), num_workers=workers):
        seen += len(items)
    return seen


if __name__ == "__main__":
    alone, by_workers = count(0), count(2)
    print(f"without workers: {alone} of 6 items, no error")
    print(f"with 2 workers: {by_workers} of 6 items, no error")
    assert alone < 6 and by_workers < 6, "PyTorch raises an error now"
PYTHON
"$folder/venv/bin/python" "$folder/program.py"
