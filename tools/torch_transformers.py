"""Writes results of PyTorch's attention and transformer layers, which those of weft are compared with
(test/python/test_transformer_layers.py).

    python tools/torch_transformers.py test/data/torch_transformers.json     # where PyTorch is installed

A JSON object, case → {"layer": expression over nn, "call": expression over the layer and INPUTS, "state": names and shapes of the state,
"results": nested lists of float64}. Parameters and inputs are numbers that both sides compute, see `numbers`.
"""

import argparse
import json
import pathlib

import numpy
import torch
from torch import nn

CASES = {
    "self": ("nn.MultiheadAttention(8, 2)", "layer(x, x, x)"),
    "batch first": ("nn.MultiheadAttention(8, 2, batch_first=True)", "layer(x, x, x, average_attn_weights=False)"),
    "other sizes": ("nn.MultiheadAttention(8, 2, kdim=4, vdim=6)", "layer(x, k, v)"),
    "no bias": ("nn.MultiheadAttention(8, 4, bias=False)", "layer(x.transpose(0, 1), y, y, need_weights=False)"),
    "extra keys": (
        "nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True)",
        "layer(x, y.transpose(0, 1), y.transpose(0, 1), key_padding_mask=padding, attn_mask=hidden)",
    ),
    "no batch": ("nn.MultiheadAttention(8, 2)", "layer(x[0], y[:, 0], y[:, 0])"),
    "masks": ("nn.MultiheadAttention(8, 2, batch_first=True)", "layer(x, y.transpose(0, 1), y.transpose(0, 1), padding, True, hidden)"),
    "masks without weights": (
        "nn.MultiheadAttention(8, 2, batch_first=True)",
        "layer(x, y.transpose(0, 1), y.transpose(0, 1), padding, False, hidden)",
    ),
    "added mask": ("nn.MultiheadAttention(8, 2, batch_first=True)", "layer(x, y.transpose(0, 1), y.transpose(0, 1), attn_mask=added)"),
    "encoder layer": ("nn.TransformerEncoderLayer(8, 2, 6, 0.0)", "layer(x)"),
    "encoder layer, norm first": (
        "nn.TransformerEncoderLayer(8, 2, 6, 0.0, 'gelu', norm_first=True, batch_first=True, bias=False)",
        "layer(x, causal, is_causal=True)",
    ),
    "encoder": (
        "nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 6, 0.0, batch_first=True), 2, nn.LayerNorm(8), enable_nested_tensor=False)",
        "layer(x, causal, padding[:, :4])",
    ),
    "decoder layer": ("nn.TransformerDecoderLayer(8, 2, 6, 0.0, norm_first=True)", "layer(x.transpose(0, 1), y)"),
    "decoder": (
        "nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 6, 0.0, batch_first=True), 2)",
        "layer(x, y.transpose(0, 1), causal, memory_key_padding_mask=padding)",
    ),
    "transformer": ("nn.Transformer(8, 2, 1, 2, 6, 0.0, batch_first=True)", "layer(y.transpose(0, 1), x, tgt_mask=causal)"),
}  # fmt: skip


def numbers(shape, seed):
    return 0.6 * numpy.sin(numpy.arange(numpy.prod(shape, dtype=int)) * 1.7 + seed).reshape(shape)


INPUTS = {
    "x": numbers((3, 4, 8), 0.1),
    "y": numbers((5, 3, 8), 0.2),
    "k": numbers((5, 4, 4), 0.3),
    "v": numbers((5, 4, 6), 0.4),
}
INPUTS |= {
    "padding": numpy.array([[False] * 5, [False] * 4 + [True], [False, True, False, False, True]]),
    "hidden": numpy.triu(numpy.ones((4, 5), bool), 2),
    "added": numbers((6, 4, 5), 0.5),
    "causal": numpy.triu(numpy.ones((4, 4), bool), 1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=pathlib.Path)
    output = parser.parse_args().output
    inputs = {name: torch.tensor(value) for name, value in INPUTS.items()}
    found = {}
    for name, (layer, call) in CASES.items():
        module = eval(layer, {"nn": nn}).double()
        state = {key: list(value.shape) for key, value in module.state_dict().items()}
        module.load_state_dict({k: torch.tensor(numbers(s, i)) for i, (k, s) in enumerate(state.items())})
        results = eval(call, inputs | {"layer": module})
        results = results if isinstance(results, tuple) else (results,)
        results = [r if r is None else r.detach().numpy().round(12).tolist() for r in results]
        found[name] = {"layer": layer, "call": call, "state": state, "results": results}
    rows = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in found.items())
    inputs_row = json.dumps({name: value.tolist() for name, value in INPUTS.items()})
    output.write_text(f'{{"inputs": {inputs_row},\n"cases": {{\n{rows}\n}}}}\n')


main()
