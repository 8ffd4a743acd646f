"""Writes results of PyTorch's nn.utils, which those of weft are compared with (test/python/test_nn_utils.py).

    python tools/torch_nn_utils.py test/data/torch_nn_utils.json     # where PyTorch is installed

A JSON object: "tensors": name → nested list of float64; "results": expression over these, `nn`, `utils` and the functions of
`PROGRAM` → value, nested list.
"""

import argparse
import json
import pathlib

import numpy
import torch
from torch.nn import utils
from torch.nn.utils import parametrizations, prune, rnn

rng = numpy.random.default_rng(0)
SHAPES = {
    "square": (4, 4),
    "tall": (5, 3),
    "wide": (3, 5),
    "batch": (2, 4, 3),
    "image": (4, 3, 2, 2),
    "long": (6, 3, 2),
}
TENSORS = {name: rng.standard_normal(shape).round(3).tolist() for name, shape in SHAPES.items()}

# Run with `torch` or `weft` as t.
PROGRAM = """
def holder(value):
    module = nn.Module()
    module.weight = nn.Parameter(value.clone())
    return module

def orthogonal(value, kind):
    module = parametrizations.orthogonal(holder(value), "weight", kind, use_trivialization=kind == "trivial")
    with t.no_grad():
        module.parametrizations.weight.original.copy_(value.tril(-1) + t.eye(*value.shape[-2:], dtype=value.dtype))
    return module.weight

def orthonormal(value):
    return parametrizations.orthogonal(holder(value)).weight

def pruned(value, *names):
    module = holder(value)
    for name, args in names:
        getattr(prune, name)(module, "weight", *args)
    return module.weight

def pruned_globally(*values):
    modules = [holder(value) for value in values]
    prune.global_unstructured([(m, "weight") for m in modules], prune.L1Unstructured, amount=0.4)
    return t.cat([m.weight.reshape(-1) for m in modules])

def padded_twice(packed, **options):
    padded, lengths = rnn.pad_packed_sequence(packed, **options)
    return t.cat([padded.reshape(-1), lengths.to(padded.dtype)])

def parts(packed):
    order = packed.sorted_indices
    return t.cat([packed.data.reshape(-1), packed.batch_sizes.to(packed.data.dtype),
                  packed.data.new_zeros(0) if order is None else order.to(packed.data.dtype)])

def cut(value):
    return [value[:4, 0], value[:2, 1], value[:5, 2]]
"""

RESULTS = [
    *(f"orthogonal({name}, {kind!r})" for name in ("square", "tall", "wide", "batch") for kind in ("matrix_exp", "cayley", "householder")),
    "orthonormal(square)",
    "pruned(tall, ('l1_unstructured', (4,)))",
    "pruned(tall, ('l1_unstructured', (0.3,)), ('l1_unstructured', (0.3,)))",
    "pruned(tall, ('ln_structured', (2, 1, 0)))",
    "pruned(image, ('ln_structured', (0.5, 2, 1)))",
    "pruned(image, ('ln_structured', (1, 2, 0)), ('ln_structured', (1, float('inf'), 0)), ('l1_unstructured', (5,)))",
    "pruned(tall, ('custom_from_mask', ((tall > 0) * 1.0,)), ('identity', ()))",
    "pruned_globally(tall, square)",
    *(f"utils.get_total_norm([tall, square], {order})" for order in (0.5, 1, 2, 3, "float('inf')")),
    "utils.parameters_to_vector([tall, square])",
    "rnn.pad_sequence(cut(long))",
    "rnn.pad_sequence(cut(long), batch_first=True, padding_value=0.5, padding_side='left')",
    "parts(rnn.pack_padded_sequence(long, [5, 3, 3]))",
    "parts(rnn.pack_padded_sequence(long, t.tensor([2, 6, 3]), enforce_sorted=False))",
    "parts(rnn.pack_padded_sequence(long, [3, 3, 3, 2, 2, 1], batch_first=True))",
    "parts(rnn.pack_sequence(cut(long), enforce_sorted=False))",
    "padded_twice(rnn.pack_padded_sequence(long, [2, 6, 3], enforce_sorted=False))",
    "padded_twice(rnn.pack_padded_sequence(long, [2, 5, 3], enforce_sorted=False), batch_first=True, padding_value=-1.0, total_length=7)",
    "t.cat(rnn.unpack_sequence(rnn.pack_sequence(cut(long), enforce_sorted=False)))",
    "t.cat(rnn.unpad_sequence(rnn.pad_sequence(cut(long), batch_first=True), t.tensor([4, 2, 5]), batch_first=True))",
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output
    names = {
        "t": torch,
        "nn": torch.nn,
        "utils": utils,
        "parametrizations": parametrizations,
        "prune": prune,
        "rnn": rnn,
    }
    names |= {name: torch.tensor(value, dtype=torch.float64) for name, value in TENSORS.items()}
    exec(PROGRAM, names)
    rows = ",\n".join(f"{json.dumps(text)}: {json.dumps(eval(text, names).tolist())}" for text in RESULTS)
    output.write_text(
        f'{{"tensors": {json.dumps(TENSORS)},\n"program": {json.dumps(PROGRAM)},\n"results": {{\n{rows}\n}}}}\n'
    )


main()
